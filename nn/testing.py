"""Gradients of whole models against differences of their values."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_core import Tensor, random
from autograd_core.testing import GradientError, GradReport, gradcheck
from nn.module import Module


def check_module(model: Module, inputs: Sequence[Any], **settings: Any) -> dict[str, GradReport]:
    """Check the gradients of all parameters and floating inputs, in train and in eval mode.

    A copy of the model in float64 is checked by ``autograd_core.testing.gradcheck``, which takes
    the ``settings``; the model itself is left alone. Every forward pass draws the same random
    numbers and starts from the same buffers, so that it is a function. Parameters that do not
    require a gradient stay as they are.

    Returns a report for each mode. Raises GradientError, which names mode and parameter.

    >>> import nn
    >>> reports = check_module(nn.Linear(2, 3), [np.ones((4, 2))])
    >>> sorted(reports)
    ['eval', 'train']
    """
    double = in_float64(model)
    named = dict(double.named_parameters())
    trained = {name: tensor for name, tensor in named.items() if tensor.requires_grad}
    values = {name: tensor.data.copy() for name, tensor in trained.items()}
    arguments = [as_float64(argument) for argument in inputs]
    reports = {}
    for mode in ("train", "eval"):
        double.train(mode == "train")
        with random.watching() as drawn, unchanged_buffers(double):
            double(*arguments)

        def run(parameters: dict[str, Any], *args: Any, drawn: Any = drawn) -> Any:
            swap = {id(trained[name]): value for name, value in parameters.items()}
            with swapped(double, swap), random.replaying(drawn), unchanged_buffers(double):
                return double(*args)

        try:
            reports[mode] = gradcheck(run, [values, *arguments], **settings)
        except GradientError as error:
            raise GradientError(f"check_module, in {mode} mode: {error}") from None
    return reports


def in_float64(model: Module) -> Module:
    """A copy of a model with parameters and floating buffers in float64."""
    double = copy.deepcopy(model)
    made: dict[int, Tensor] = {}
    for module in double.modules():
        for registry in (module._parameters, module._buffers):
            for name, tensor in list(registry.items()):
                if tensor.dtype.kind == "f":
                    new = Tensor(tensor.data.astype(float), tensor.requires_grad)
                    setattr(module, name, made.setdefault(id(tensor), new))
    return double


def as_float64(argument: Any) -> Any:
    """Arrays of floats in float64, and anything else as it is."""
    array = argument.detach().data if isinstance(argument, Tensor) else argument
    if isinstance(array, np.ndarray):
        return array.astype(float) if array.dtype.kind == "f" else array
    return argument


@contextmanager
def swapped(model: Module, values: dict[int, Any]) -> Iterator[None]:
    """Let other Tensors stand in for parameters, given by their ids, for a while."""
    places = [
        (module, name, tensor)
        for module in model.modules()
        for name, tensor in module._parameters.items()
        if id(tensor) in values
    ]
    for module, name, tensor in places:
        object.__setattr__(module, name, values[id(tensor)])
    try:
        yield
    finally:
        for module, name, tensor in places:
            object.__setattr__(module, name, tensor)


@contextmanager
def unchanged_buffers(model: Module) -> Iterator[None]:
    """Put buffers that were written to back to what they were."""
    before = [(buffer, buffer.data.copy()) for buffer in model.buffers()]
    try:
        yield
    finally:
        for buffer, array in before:
            if not np.array_equal(buffer.data, array, equal_nan=True):
                buffer.assign(array)
