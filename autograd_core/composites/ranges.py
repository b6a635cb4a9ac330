"""Numbers evenly spaced between two ends, powers of numbers, and polynomials at points."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.tensor import as_tensor, composite


def placed(number: Any, axis: int) -> Any:
    """A number or array with a new axis for the points."""
    return np.expand_dims(as_tensor(number), axis)


def fractions(num: int, endpoint: bool, ndim: int, axis: int) -> Any:
    """How far each point is on the way from 0 to 1, along an axis of a result of ``ndim`` axes."""
    steps = np.arange(num) / max(1, num - endpoint)
    return steps.reshape([-1 if k == axis % ndim else 1 for k in range(ndim)])


@composite(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    **more: Any,
) -> Any:
    """Points in equal steps from start to stop."""
    ends = np.broadcast_arrays(as_tensor(start), as_tensor(stop))
    dtype = np.result_type(start, stop, float(num)) if dtype is None else np.dtype(dtype)
    low, high = (placed(end, axis) for end in ends)
    points = low + (high - low) * fractions(num, endpoint, low.ndim, axis)
    points = (np.floor(points) if dtype.kind in "iu" else points).astype(dtype)
    return (points, (ends[1] - ends[0]) / (num - endpoint)) if retstep else points


@composite(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Powers of a base, with exponents in equal steps."""
    start, stop, base = np.broadcast_arrays(as_tensor(start), as_tensor(stop), as_tensor(base))
    powers = np.power(placed(base, axis), np.linspace(start, stop, num, endpoint, axis=axis))
    return powers if dtype is None else powers.astype(dtype)


@composite(np.geomspace)
def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Points in equal ratios from start to stop, which have the same sign."""
    ends = np.broadcast_arrays(as_tensor(start), as_tensor(stop))
    low, high = (placed(end, axis) for end in ends)
    points = low * (high / low) ** fractions(num, endpoint, low.ndim, axis)
    return points if dtype is None else points.astype(dtype)


@composite(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of each number, from N - 1 down to 0 or the other way round."""
    x = as_tensor(x)
    powers = np.arange(x.size if N is None else N)
    return x[:, None] ** (powers if increasing else powers[::-1])


@composite(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """A polynomial at points, by Horner's rule; coefficients of high powers come first."""
    x = as_tensor(x)
    value = np.zeros_like(x)
    for coefficient in as_tensor(p):
        value = value * x + coefficient
    return value
