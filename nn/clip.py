"""Gradient clipping: after the backward pass and before the step, in the flat buffer."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core import Tensor
from autograd_core.effects import effect
from autograd_core.graph import mode
from nn.errors import DivergedError, OptionError
from nn.optim.optimizer import neighbours, tensors_in
from nn.parameters import buffers_of

# Elements converted to float64 at once: they stay in the cache until they are summed.
BLOCK = 16_384


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> float:
    """Scale the gradients, all by one factor, so that their norm is at most ``max_norm``.

    Returns the norm from before, of all gradients as one vector; see ``grad_norm``. The factor is
    max_norm / (norm + 1e-6) if that is below 1, as in PyTorch. A norm that is not finite leaves
    gradients that are not, or, with ``error_if_nonfinite``, raises DivergedError and changes
    nothing. Pascanu et al., "On the difficulty of training recurrent neural networks" (2013).

    >>> x = Tensor(np.array([3.0, 4.0]), requires_grad=True)
    >>> (x * x).sum().backward()
    >>> clip_grad_norm_([x], max_norm=5.0)
    10.0
    >>> x.grad.round(3)
    array([3., 4.])
    """
    if not max_norm >= 0:
        raise OptionError(f"clip_grad_norm_: got max_norm={max_norm}; expected at least 0")
    return scale_down(in_buffers(parameters), max_norm, norm_type, error_if_nonfinite)


@effect(like=np.float64(0))
def scale_down(
    parameters: list[Tensor], max_norm: float, norm_type: float, error_if_nonfinite: bool
) -> float:
    """Scale gradients down to a norm, and return the one from before."""
    runs = gradient_runs(parameters)
    norm = norm_of(runs, norm_type)
    if error_if_nonfinite and not isfinite(norm):
        raise DivergedError(
            f"clip_grad_norm_: the norm of the gradients is {norm}; lower the learning rate, or "
            "look with autograd_core.detect_anomaly() for what was not finite first"
        )
    factor = max_norm / (norm + 1e-6)
    if not factor >= 1:
        with np.errstate(invalid="ignore"):  # infinity times 0
            for run in runs:
                np.multiply(run, factor, out=run)
    return norm


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Hold every element of the gradients between -clip_value and clip_value.

    >>> x = Tensor(np.array([3.0, -0.1]), requires_grad=True)
    >>> (x * x).sum().backward()
    >>> clip_grad_value_([x], 1.0)
    >>> x.grad
    array([ 1. , -0.2])
    """
    if not clip_value >= 0:
        raise OptionError(f"clip_grad_value_: got clip_value={clip_value}; expected at least 0")
    hold(in_buffers(parameters), clip_value)


@effect()
def hold(parameters: list[Tensor], clip_value: float) -> None:
    """Hold every element of the gradients between two values."""
    for run in gradient_runs(parameters):
        np.clip(run, -clip_value, clip_value, out=run)


def grad_norm(parameters: Tensor | Iterable[Tensor], norm_type: float = 2.0) -> float:
    """The norm of all gradients as one vector: (Σ |g|^p)^(1/p), the largest |g| for p = inf.

    Added up in float64, so that float32 neither overflows nor loses digits; 0 without gradients.

    >>> x = Tensor(np.array([3.0, 4.0]), requires_grad=True)
    >>> x.sum().backward()
    >>> grad_norm([x], norm_type=1)
    2.0
    """
    return measure(in_buffers(parameters), norm_type)


@effect(like=np.float64(0))
def measure(parameters: list[Tensor], norm_type: float) -> float:
    """The norm of all gradients."""
    return norm_of(gradient_runs(parameters), norm_type)


def in_buffers(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """The parameters; in compiled code they must be in a flat buffer already."""
    parameters = tensors_in(parameters)
    if mode.tracer is not None:
        buffers_of(parameters)
    return parameters


def gradient_runs(parameters: list[Tensor]) -> list[npt.NDArray[Any]]:
    """The gradients that are written, as views of the flat buffer, neighbours together."""
    wanted = {id(tensor): tensor for tensor in parameters}
    runs = []
    for buffer in buffers_of(wanted.values()):
        places = [
            k
            for k, (parameter, written) in enumerate(
                zip(buffer.parameters, buffer.written(), strict=True)
            )
            if written and id(parameter) in wanted
        ]
        for first, last in neighbours(places):
            start, stop = buffer.spans[first].start, buffer.spans[last].stop
            runs.append(buffer.gradients[start:stop])
    return runs


def norm_of(runs: list[npt.NDArray[Any]], norm_type: float) -> float:
    """The norm of arrays as one vector, added up in float64."""
    if not norm_type > 0:
        raise OptionError(f"grad_norm: got norm_type={norm_type}; expected a number above 0")
    if norm_type == inf:
        return max((float(np.abs(run).max(initial=0)) for run in runs), default=0.0)
    total = 0.0
    for run in runs:
        for first in range(0, run.size, BLOCK):
            block = run[first : first + BLOCK].astype(np.float64)
            if norm_type == 2:
                total += float(np.dot(block, block))
            else:
                total += float((np.abs(block) ** norm_type).sum())
    return float(total ** (1 / norm_type))
