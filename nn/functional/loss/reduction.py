"""From the losses of a batch to one number: mean, sum, or all of them; weights."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from autograd_core import Tensor
from autograd_core.errors import ShapeError
from autograd_core.tensor import as_array
from nn.errors import OptionError

Reduction = Literal["mean", "sum", "none"]


def check_reduction(loss: str, reduction: str, *more: str) -> None:
    """Raise OptionError for a reduction that does not exist."""
    if reduction not in ("mean", "sum", "none", *more):
        names = [*map(repr, ("mean", "sum", *more)), "'none'"]
        raise OptionError(
            f"{loss}: got reduction={reduction!r}; expected {', '.join(names[:-1])} or {names[-1]}"
        )


def reduced(losses: Any, reduction: Reduction) -> Any:
    """The losses of a batch as one number, or as they are.

    The mean of no losses is 0, so that an empty part of a batch contributes nothing.
    """
    if reduction == "none":
        return losses
    total = losses.sum()
    return total / max(losses.size, 1) if reduction == "mean" else total


def shared(g: Any, count: int, reduction: Reduction) -> Any:
    """The cotangent of each of ``count`` losses, given that of what ``reduced`` made of them."""
    return g / max(count, 1) if reduction == "mean" else g


def weights_for(loss: str, weight: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Weights as an untracked array of the dtype; ShapeError unless they broadcast to the shape."""
    array = as_array(weight)
    if isinstance(array, Tensor):
        array = array.numpy() if array.requires_grad else array.data  # numpy() says what to do
    array = array.astype(dtype, copy=False)
    try:
        fits = np.broadcast_shapes(array.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{loss}: got weights of shape {array.shape}; expected what broadcasts to {shape}"
        )
    return array


def weighted(loss: str, losses: Any, weight: Any) -> Any:
    """Losses times their weights, if there are any."""
    if weight is None:
        return losses
    return losses * weights_for(loss, weight, losses.shape, losses.dtype)


def over_weights(total: Any, weights: Any, reduction: Reduction) -> Any:
    """The mean of weighted losses from their sum: over the sum of the weights; 0 if that is 0."""
    if reduction != "mean":
        return total
    count = weights.sum()
    return total / (count + (count == 0))
