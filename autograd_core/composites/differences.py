"""Differences, slopes and areas of sampled functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from autograd_core.errors import ShapeError
from autograd_core.rules.reductions import MISSING
from autograd_core.rules.shaping import along
from autograd_core.tensor import as_tensor, composite

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np


def between(a: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """The elements from start to stop along an axis."""
    return a[along(axis, a.ndim, slice(start, stop))]


@composite(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = MISSING, append: Any = MISSING) -> Any:
    """Differences of neighbours, n times over."""
    if n < 0:
        raise ValueError(f"diff: got n={n}; expected how many times to take differences")
    if n == 0:
        return a
    a = as_tensor(a)
    axis = normalize_axis_index(axis, a.ndim)
    one = [1 if k == axis else side for k, side in enumerate(a.shape)]
    ends = [
        each if each is MISSING or np.ndim(each) else np.broadcast_to(as_tensor(each), one)
        for each in (prepend, append)
    ]
    parts = [each for each in (ends[0], a, ends[1]) if each is not MISSING]
    a = _np.concatenate(parts, axis=axis) if len(parts) > 1 else a
    subtract = np.not_equal if a.dtype == bool else np.subtract
    for _ in range(n):
        a = subtract(between(a, axis, 1, None), between(a, axis, None, -1))
    return a


@composite(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of neighbours in the flat array, between what comes before and after them."""
    flat = as_tensor(ary).reshape(-1)
    inside = flat[1:] - flat[:-1]
    parts = [to_begin, inside, to_end]
    return _np.concatenate(
        [as_tensor(part).reshape(-1).astype(flat.dtype) for part in parts if part is not None]
    )


@composite(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The area under straight lines from point to point."""
    y = as_tensor(y)
    if x is not None:
        x = as_tensor(x)
        if x.ndim == 1:
            x = x.reshape([-1 if k == axis % y.ndim else 1 for k in range(y.ndim)])
        dx = np.diff(x, axis=axis)
    return np.sum(dx * (between(y, axis, 1, None) + between(y, axis, None, -1)) / 2.0, axis=axis)


@composite(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Central differences inside, one-sided ones at the ends, for even or uneven spacing."""
    f = as_tensor(f)
    f = f if f.dtype.kind in "fc" else f.astype(np.float64)
    axes = range(f.ndim) if axis is None else normalize_axis_tuple(axis, f.ndim)
    spacings = list(varargs) or [1.0]
    if len(spacings) == 1 and np.ndim(spacings[0]) == 0:
        spacings = spacings * len(axes)
    if len(spacings) != len(axes):
        raise TypeError(
            f"gradient: got {len(spacings)} spacings for {len(axes)} axes; "
            "expected none, one number, or one for each axis"
        )
    results = tuple(
        slope(f, spacing, one, edge_order) for spacing, one in zip(spacings, axes, strict=True)
    )
    return results[0] if len(axes) == 1 else results


def slope(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    """The derivative along an axis, exact for parabolas (at the ends: if ``edge_order`` is 2).

    A. Quarteroni, R. Sacco, F. Saleri, "Numerical Mathematics" (2007).
    """
    n = f.shape[axis]
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: got edge_order={edge_order}; expected 1 or 2")
    if n < edge_order + 1:
        raise ShapeError(
            f"gradient: got {n} points along axis {axis}; expected at least {edge_order + 1}"
        )
    if np.ndim(spacing) == 0:
        steps = np.broadcast_to(as_tensor(spacing), (n - 1,))
    else:
        steps = np.diff(as_tensor(spacing))
        if steps.shape != (n - 1,):
            raise ShapeError(
                f"gradient: got coordinates of shape {np.shape(spacing)} for {n} points"
            )
    h = steps.astype(f.dtype).reshape([-1 if k == axis % f.ndim else 1 for k in range(f.ndim)])
    slopes = np.diff(f, axis=axis) / h
    left, right = between(h, axis, None, -1), between(h, axis, 1, None)
    inner = (right * between(slopes, axis, None, -1) + left * between(slopes, axis, 1, None)) / (
        left + right
    )
    first, last = between(slopes, axis, None, 1), between(slopes, axis, -1, None)
    if edge_order == 2:
        # Twice what the parabola through the last three points has in its middle, less its slope
        # there: the derivative of a parabola is linear.
        first = 2 * first - between(inner, axis, None, 1)
        last = 2 * last - between(inner, axis, -1, None)
    return _np.concatenate([first, inner, last], axis=axis)
