"""Pooling: that of ``autograd_core.pooling``, and to a size instead of with one (adaptive)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from autograd_core.convolution import batched
from autograd_core.errors import ShapeError
from autograd_core.pooling import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
]

# A length for all spatial axes, or one for each; None keeps what there is.
OutputSize: TypeAlias = int | Sequence[int | None] | None


def segments(length: int, count: int) -> list[tuple[int, int]]:
    """Where ``count`` segments that cover a length begin and end; neighbours may overlap by one."""
    return [(k * length // count, -(-(k + 1) * length // count)) for k in range(count)]


def average_along(x: Any, axis: int, count: int) -> Any:
    """Means of segments of an axis, as a product with a matrix."""
    length = x.shape[axis]
    weights = np.zeros((length, count), x.dtype)
    for k, (start, end) in enumerate(segments(length, count)):
        weights[start:end, k] = 1 / (end - start)
    return np.swapaxes(np.swapaxes(x, axis, -1) @ weights, axis, -1)


def maximum_along(x: Any, axis: int, count: int) -> Any:
    """Maxima of segments of an axis."""
    before = (slice(None),) * (axis % x.ndim)
    parts = [x[(*before, slice(*pair))] for pair in segments(x.shape[axis], count)]
    return np.stack([part.max(axis=axis) for part in parts], axis=axis)


def adaptive(
    name: str, along: Callable[[Any, int, int], Any], dims: int, x: Any, output_size: OutputSize
) -> Any:
    """Pool the spatial axes, one after the other, to the lengths asked for."""
    batched(name, dims, x)  # says what is wrong with the shape
    sizes = [output_size] * dims if not isinstance(output_size, Sequence) else [*output_size]
    if len(sizes) != dims or any(size is not None and size < 1 for size in sizes):
        raise ShapeError(
            f"{name}: got output_size={output_size!r}; expected a positive number, or {dims} of "
            "them; None keeps a length"
        )
    if 0 in x.shape[-dims:]:
        raise ShapeError(f"{name}: got x of shape {x.shape}; expected spatial axes with elements")
    for axis, size in zip(range(-dims, 0), sizes, strict=True):
        if size is not None and size != x.shape[axis]:
            x = along(x, axis, size)
    return x


def adaptive_avg_pool1d(x: Any, output_size: OutputSize) -> Any:
    """Means of ``output_size`` segments of x (N, C, L); see ``adaptive_avg_pool2d``."""
    return adaptive("adaptive_avg_pool1d", average_along, 1, x, output_size)


def adaptive_avg_pool2d(x: Any, output_size: OutputSize) -> Any:
    """Means over x (N, C, H, W) such that the result has the size asked for.

    ``output_size`` is one number or two, None for a length that stays. Segment k of n along an axis
    of length l goes from ⌊k l / n⌋ to ⌈(k + 1) l / n⌉, as in PyTorch. Raises ShapeError.

    >>> adaptive_avg_pool2d(np.arange(9.0).reshape(1, 1, 3, 3), 1)
    array([[[[4.]]]])
    """
    return adaptive("adaptive_avg_pool2d", average_along, 2, x, output_size)


def adaptive_avg_pool3d(x: Any, output_size: OutputSize) -> Any:
    """Means over x (N, C, D, H, W) to a size; see ``adaptive_avg_pool2d``."""
    return adaptive("adaptive_avg_pool3d", average_along, 3, x, output_size)


def adaptive_max_pool1d(x: Any, output_size: OutputSize) -> Any:
    """Maxima of ``output_size`` segments of x (N, C, L); see ``adaptive_avg_pool2d``."""
    return adaptive("adaptive_max_pool1d", maximum_along, 1, x, output_size)


def adaptive_max_pool2d(x: Any, output_size: OutputSize) -> Any:
    """Maxima over x (N, C, H, W) to a size; see ``adaptive_avg_pool2d``.

    >>> adaptive_max_pool2d(np.arange(9.0).reshape(1, 1, 3, 3), 2)
    array([[[[4., 5.],
             [7., 8.]]]])
    """
    return adaptive("adaptive_max_pool2d", maximum_along, 2, x, output_size)


def adaptive_max_pool3d(x: Any, output_size: OutputSize) -> Any:
    """Maxima over x (N, C, D, H, W) to a size; see ``adaptive_avg_pool2d``."""
    return adaptive("adaptive_max_pool3d", maximum_along, 3, x, output_size)
