"""Numbers evenly spaced between two ends, powers of numbers, and polynomials at points."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.rules import ranges
from autograd_core.tensor import as_tensor, composite


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
    points = ranges.linspace(start, stop, num, endpoint, dtype, axis)
    if not retstep:
        return points
    steps = num - bool(endpoint)
    return points, np.subtract(stop, start) / (steps if steps > 0 else math.nan)


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
    if np.ndim(base):  # several bases broadcast with the ends
        ends = np.broadcast_arrays(as_tensor(start), as_tensor(stop), as_tensor(base))
        start, stop, base = (*ends[:2], np.expand_dims(ends[2], axis))
    powers = np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))
    return powers if dtype is None else powers.astype(dtype)


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
