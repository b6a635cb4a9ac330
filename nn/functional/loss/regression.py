"""Losses of predicted quantities: squared, absolute, and in between."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core import operation
from autograd_core.primitive import UNIT, call
from nn.errors import OptionError
from nn.functional.loss.reduction import (
    Reduction,
    check_reduction,
    over_weights,
    reduced,
    shared,
    weighted,
    weights_for,
)
from nn.functional.loss.targets import matching_target


def two_alike(d: Any) -> Any:
    """A draw of an input and a target of one shape."""
    shape = d.shape()
    return call(d.array(shape), d.array(shape, UNIT), d.choice(["mean", "sum", "none"]))


@operation(
    two_alike,
    name="mse_loss",
    label="mse",
    input=lambda g, input, target, reduction: (
        shared(g + g, input.size, reduction) * (input - target)
    ),
    target=lambda g, input, target, reduction: (
        shared(g + g, input.size, reduction) * (target - input)
    ),
)
def squared_errors(input: Any, target: Any, reduction: Reduction) -> Any:
    """(input - target)², reduced."""
    return reduced(np.square(input - target), reduction)


def averaged(loss: str, losses: Any, weight: Any, reduction: Reduction) -> Any:
    """Losses of all elements, reduced; the mean of weighted ones is over the sum of the weights."""
    check_reduction(loss, reduction)
    if weight is None or reduction == "none":
        return reduced(weighted(loss, losses, weight), reduction)
    weights = np.broadcast_to(weights_for(loss, weight, losses.shape, losses.dtype), losses.shape)
    return over_weights((losses * weights).sum(), weights, reduction)


def mse_loss(
    input: Any, target: Any, reduction: Reduction = "mean", weight: Any | None = None
) -> Any:
    """Mean squared error: Σ (ŷ - y)² / n over all n elements.

    With ``weight``, which broadcasts to the input, Σ w (ŷ - y)² / Σ w.

    >>> mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])).item()
    2.0
    """
    check_reduction("mse_loss", reduction)
    target = matching_target("mse_loss", input, target)
    if weight is None:
        return squared_errors(input, target, reduction)
    return averaged("mse_loss", squared_errors(input, target, "none"), weight, reduction)


def half_mse_loss(input: Any, target: Any) -> Any:
    """Half the squared error per sample: Σ (ŷ - y)² / 2N for N samples along the first axis.

    The form whose derivative with respect to ŷ is (ŷ - y) / N, without a factor 2.

    >>> half_mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])).item()
    1.0
    """
    samples = input.shape[0] if input.ndim else 1
    target = matching_target("half_mse_loss", input, target)
    return squared_errors(input, target, "sum") * (0.5 / max(samples, 1))


def l1_loss(
    input: Any, target: Any, reduction: Reduction = "mean", weight: Any | None = None
) -> Any:
    """Mean absolute error: Σ |ŷ - y| / n; at an error of 0 the gradient is 0.

    With ``weight``, which broadcasts to the input, Σ w |ŷ - y| / Σ w.

    >>> l1_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])).item()
    1.0
    """
    target = matching_target("l1_loss", input, target)
    return averaged("l1_loss", np.abs(input - target), weight, reduction)


def two_apart(d: Any) -> Any:
    """A draw of an input, a target and where the square ends."""
    shape = d.shape()
    return call(d.array(shape), d.array(shape), d.choice([0.4, 1.1, 3.0]))


@operation(
    two_apart,
    name="huber_loss",
    label="huber",
    input=lambda g, input, target, delta: g * np.clip(input - target, -delta, delta),
    target=lambda g, input, target, delta: g * np.clip(target - input, -delta, delta),
)
def huber(input: Any, target: Any, delta: float) -> Any:
    """The integral over the error of the error clipped to ±delta."""
    error = input - target
    near = np.clip(error, -delta, delta)
    return near * (error - 0.5 * near)


def huber_loss(
    input: Any,
    target: Any,
    reduction: Reduction = "mean",
    delta: float = 1.0,
    weight: Any | None = None,
) -> Any:
    """Mean of ½ e² where |e| ≤ δ and δ (|e| - ½ δ) elsewhere, e = ŷ - y: deaf to outliers.

    ``weight`` broadcasts to the input and multiplies the losses; the mean is over all elements.
    Huber, "Robust estimation of a location parameter" (1964).

    >>> huber_loss(np.array([0.5, 3.0]), np.array([0.0, 0.0]), "none")
    array([0.125, 2.5  ])
    """
    check_reduction("huber_loss", reduction)
    if not delta > 0:
        raise OptionError(f"huber_loss: got delta={delta}; expected a number above 0")
    target = matching_target("huber_loss", input, target)
    return reduced(weighted("huber_loss", huber(input, target, delta), weight), reduction)


def smooth_l1_loss(
    input: Any, target: Any, reduction: Reduction = "mean", beta: float = 1.0
) -> Any:
    """Mean of ½ e² / β where |e| < β and |e| - ½ β elsewhere: Huber's loss over β.

    Its slope at large errors is 1 for every β; ``beta=0`` is the mean absolute error. Girshick,
    "Fast R-CNN" (2015).

    >>> smooth_l1_loss(np.array([0.5, 3.0]), np.array([0.0, 0.0]), "none", beta=0.5)
    array([0.25, 2.75])
    """
    check_reduction("smooth_l1_loss", reduction)
    if not beta >= 0:
        raise OptionError(f"smooth_l1_loss: got beta={beta}; expected at least 0")
    target = matching_target("smooth_l1_loss", input, target)
    losses = huber(input, target, beta) / beta if beta else np.abs(input - target)
    return reduced(losses, reduction)
