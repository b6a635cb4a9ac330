"""Norms of vectors and matrices, made of lengths, extrema and singular values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_core.errors import ShapeError
from autograd_core.rules.reductions import length
from autograd_core.tensor import Tensor, as_tensor, composite

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np


@composite(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of all of an array, of its vectors along one axis, or of its matrices along two."""
    x = floating(x)
    if axis is None:
        axes = tuple(range(x.ndim))
        if ord is not None and x.ndim not in (1, 2):
            raise ShapeError(
                f"norm: got ord={ord} and shape {x.shape}; expected a vector, a matrix, or axis="
            )
    else:
        axes = normalize_axis_tuple(axis, x.ndim, allow_duplicate=True)
        if len(axes) not in (1, 2):
            raise ShapeError(f"norm: got axis={axis}; expected one axis or two")
    if ord is None:
        return length(x, 2, axes, keepdims)
    return (vector if len(axes) == 1 else matrix)(x, ord, axes, keepdims)


@composite(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The norm of the vector of all elements along the axes."""
    x = floating(x)
    axes = tuple(range(x.ndim)) if axis is None else axis
    return vector(x, ord, axes, keepdims)


@composite(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """The norm of the matrices in the last two axes."""
    return _np.linalg.norm(x, ord=ord, axis=(-2, -1), keepdims=keepdims)


def floating(x: Any) -> Any:
    """A Tensor of floating or complex numbers."""
    x = as_tensor(x)
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def vector(x: Tensor, ord: Any, axis: Any, keepdims: bool) -> Any:
    """The norm of a vector; all but those of order 0 and ±∞ are sums of powers."""
    if isinstance(ord, str):
        raise ValueError(f"norm: got ord={ord!r} for vectors; expected a number")
    if ord == math.inf:
        return np.max(np.abs(x), axis=axis, keepdims=keepdims, initial=0)
    if ord == -math.inf:
        return np.min(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.sign(np.abs(x)), axis=axis, keepdims=keepdims)
    return length(x, ord, axis, keepdims)


def matrix(x: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The norm of a matrix: by its columns, its rows or its singular values."""
    rows, columns = axes
    if rows == columns:
        raise ShapeError(f"norm: got the axis {rows} twice; expected two different ones")
    if ord in ("fro", "f"):
        return length(x, 2, axes, keepdims)
    if ord in (1, -1, math.inf, -math.inf):
        summed, other = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = np.sum(np.abs(x), axis=summed, keepdims=True)
        least: Any = {"initial": 0} if ord > 0 else {}
        result = (np.max if ord > 0 else np.min)(sums, axis=other, keepdims=True, **least)
    elif ord in (2, -2, "nuc"):
        values = _np.linalg.svdvals(_np.moveaxis(x, axes, (-2, -1)))
        if ord == 2:
            norms = np.max(values, axis=-1, initial=0)
        else:
            norms = (np.min if ord == -2 else np.sum)(values, axis=-1)
        result = np.expand_dims(norms, axes)
    else:
        raise ValueError(
            f"norm: got ord={ord!r} for matrices; expected 1, 2, inf, their negatives, "
            "'fro' or 'nuc'"
        )
    return result if keepdims else np.squeeze(result, axes)
