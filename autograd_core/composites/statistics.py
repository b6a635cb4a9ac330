"""Statistics made of sums and extrema: averages, ranges, covariances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.errors import MutationError, ShapeError
from autograd_core.rules.reductions import MISSING
from autograd_core.tensor import as_tensor, composite

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np


def settings(name: str, out: Any = None, **given: Any) -> dict[str, Any]:
    """The settings that were given to a reduction; ``out`` is refused."""
    if out is not None:
        raise MutationError(
            f"{name}: out= cannot be recorded, Tensors are values; leave it away and use the result"
        )
    return {key: value for key, value in given.items() if value is not MISSING}


@composite(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = MISSING) -> Any:
    """From the smallest to the largest."""
    chosen = settings("ptp", out, axis=axis, keepdims=keepdims)
    return np.max(a, **chosen) - np.min(a, **chosen)


@composite(np.average)
def average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = MISSING,
) -> Any:
    """The mean, or the sum of the elements times their weights over the sum of the weights."""
    a = as_tensor(a)
    chosen = settings("average", axis=axis, keepdims=keepdims)
    if weights is None:
        result = np.mean(a, **chosen)
        total = np.full_like(result, a.size / result.size)
    else:
        weights = like(as_tensor(weights), a.shape, axis)
        dtype = np.result_type(a.dtype, weights.dtype, *(["f8"] if a.dtype.kind in "iub" else []))
        total = np.sum(weights, dtype=dtype, **chosen)
        result = np.sum(a * weights, dtype=dtype, **chosen) / total
    return (result, np.broadcast_to(total, result.shape)) if returned else result


def like(weights: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """Weights for every element, from weights along the axes."""
    if weights.shape == shape:
        return weights
    if axis is None:
        raise TypeError(
            f"average: got weights of shape {weights.shape} for values of shape {shape}; "
            "expected equal shapes, or axis="
        )
    axes = [one % len(shape) for one in (axis if isinstance(axis, tuple) else (axis,))]
    if weights.shape != tuple(shape[one] for one in axes):
        raise ShapeError(
            f"average: got weights of shape {weights.shape}; expected the lengths of the axes "
            f"{axis} of values of shape {shape}"
        )
    ordered = np.transpose(weights, np.argsort(axes))
    kept = [n if k in axes else 1 for k, n in enumerate(shape)]
    return np.broadcast_to(ordered.reshape(kept), shape)


@composite(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """Products of differences from the mean, over the number of observations less ``ddof``."""
    inputs = [as_tensor(each) for each in (m, y) if each is not None]
    dtype = np.result_type(np.float64, *(each.dtype for each in inputs)) if dtype is None else dtype
    rows = [np.atleast_2d(each.astype(dtype)) for each in inputs]
    if not rowvar:
        rows = [row.T if each.ndim > 1 else row for row, each in zip(rows, inputs, strict=True)]
    x = _np.concatenate(rows)
    ddof = int(not bias) if ddof is None else ddof
    weights = [as_tensor(each) for each in (fweights, aweights) if each is not None]
    weight = math.prod(weights, start=as_tensor(np.ones(x.shape[1])))
    total = np.sum(weight)
    lost = ddof if aweights is None else ddof * np.sum(weight * as_tensor(aweights)) / total
    difference = x - np.sum(x * weight, axis=1, keepdims=True) / total
    degrees = np.maximum(total - lost, 0)
    return np.squeeze((difference * weight) @ np.conj(difference).T / degrees)


@composite(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """Covariances over the standard deviations of both."""
    c = _np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.real(np.diagonal(c)))
    return c / deviation[:, None] / deviation
