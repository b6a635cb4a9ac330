"""Watching a forward pass: what goes into every module, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nn.module import Module

# What observing changes of a module.
KEPT = ("forward", "_settings")

See = Callable[[str, Module, tuple[Any, ...], Any], None]


@contextmanager
def observing(model: Module, see: See) -> Iterator[None]:
    """For a while, call ``see(path, module, inputs, output)`` whenever a module has computed.

    >>> import numpy as np
    >>> import nn
    >>> model = nn.MLP([2, 3, 1])
    >>> with observing(model, lambda path, module, inputs, output: print(path, output.shape)):
    ...     y = model(np.ones((5, 2)))
    0 (5, 3)
    1 (5, 3)
    2 (5, 1)
     (5, 1)
    """
    modules = list(model.named_modules())
    before = [vars(module).copy() for _, module in modules]
    for path, module in modules:
        module.forward = reporting(path, module, see)
    try:
        yield
    finally:
        for (_, module), own in zip(modules, before, strict=True):
            del module.forward
            # With the settings of before: what was compiled then is right again.
            vars(module).update({key: own[key] for key in KEPT if key in own})


def reporting(path: str, module: Module, see: See) -> Callable[..., Any]:
    """The forward of a module that tells what it did."""
    forward = module.forward

    def wrapped(*inputs: Any, **options: Any) -> Any:
        output = forward(*inputs, **options)
        see(path, module, inputs, output)
        return output

    return wrapped


def first_of(output: Any) -> Any:
    """The array of an output, or the first of several: what a recurrent layer gives on."""
    return first_of(output[0]) if isinstance(output, tuple) else output
