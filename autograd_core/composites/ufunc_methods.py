"""What ``reduce``, ``accumulate``, ``outer``, ``reduceat`` and ``at`` of ufuncs do with Tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_core.assignment import check_writable, plain
from autograd_core.errors import MissingRuleError, MutationError
from autograd_core.rules.cumulative import running_max, running_min
from autograd_core.rules.indexing import put
from autograd_core.rules.reductions import MISSING
from autograd_core.rules.shaping import along
from autograd_core.tensor import UFUNC_METHODS, Tensor, as_tensor, without_rule

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np

# Reductions that have a name, and rules, of their own.
REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.fmax: np.nanmax,
    np.fmin: np.nanmin,
    np.logical_and: np.all,
    np.logical_or: np.any,
}

ACCUMULATIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.cumsum,
    np.multiply: np.cumprod,
    np.maximum: running_max,
    np.minimum: running_min,
}


def refuse_out(ufunc: np.ufunc, method: str, out: Any) -> None:
    """Tensors are values: nothing is computed into them."""
    if out is not None and out != (None,):
        raise MutationError(
            f"{ufunc.__name__}.{method}: out= cannot be recorded, Tensors are values; "
            "leave it away and use the result"
        )


def reduce(
    ufunc: np.ufunc,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = MISSING,
    where: Any = True,
) -> Any:
    """The function that reduces so, if it has a name; otherwise one element after the other."""
    refuse_out(ufunc, "reduce", out)
    array = as_tensor(array) if dtype is None else as_tensor(array).astype(dtype)
    named = REDUCTIONS.get(ufunc)
    if named is not None:
        given = {"initial": initial, "where": MISSING if where is True else where}
        chosen = {name: value for name, value in given.items() if value is not MISSING}
        return named(array, axis=axis, keepdims=keepdims, **chosen)
    if not array.requires_grad:
        settings = {"axis": axis, "keepdims": keepdims, "initial": initial, "where": where}
        return without_rule(ufunc.reduce, (array,), settings)
    if where is not True:
        raise MissingRuleError(
            f"{ufunc.__name__}.reduce: where= has no gradient rule; reduce the selected elements"
        )
    axes = range(array.ndim) if axis is None else axis
    *inner, last = sorted(normalize_axis_tuple(axes, array.ndim), reverse=True)
    for one in inner:
        array = fold(ufunc, array, one)
    array = fold(ufunc, array, last, *([] if initial is MISSING else [initial]))
    return np.expand_dims(array, (*inner, last)) if keepdims else array


def fold(ufunc: np.ufunc, array: Any, axis: int, *first: Any) -> Any:
    """One element of an axis after the other; without any, what NumPy makes of nothing."""
    elements = [*first, *_np.unstack(array, axis=axis)]
    if not elements:
        return without_rule(ufunc.reduce, (array.detach(), axis), {})
    return functools.reduce(ufunc, elements)


def accumulate(
    ufunc: np.ufunc, array: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    """The function that accumulates so, if it has a name; otherwise one element after the other."""
    refuse_out(ufunc, "accumulate", out)
    array = as_tensor(array) if dtype is None else as_tensor(array).astype(dtype)
    named = ACCUMULATIONS.get(ufunc)
    if named is not None:
        return named(array, axis=axis)
    if not array.requires_grad:
        return without_rule(ufunc.accumulate, (array, axis), {})
    results: list[Any] = []
    for element in _np.unstack(array, axis=axis):
        results.append(ufunc(results[-1], element) if results else element)
    return np.stack(results, axis=axis)


def outer(ufunc: np.ufunc, x: Any, y: Any, **keywords: Any) -> Any:
    """Every element of x with every element of y."""
    x, y = as_tensor(x), as_tensor(y)
    return ufunc(x.reshape(x.shape + (1,) * y.ndim), y, **keywords)


def reduceat(
    ufunc: np.ufunc, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    """Reductions of the stretches between indices; of one element where the next is not more."""
    refuse_out(ufunc, "reduceat", out)
    array = as_tensor(array)
    starts = np.asarray(indices).tolist()
    stops = [*starts[1:], array.shape[axis]]
    stretches = [
        array[along(axis, array.ndim, slice(start, max(start + 1, stop)))]
        for start, stop in zip(starts, stops, strict=True)
    ]
    return np.stack([reduce(ufunc, part, axis, dtype) for part in stretches], axis=axis)


def at(ufunc: np.ufunc, target: Any, indices: Any, *values: Any) -> None:
    """Apply a ufunc to elements of a Tensor as often as they are named, as ``x += v`` does."""
    tracked = any(isinstance(each, Tensor) and each.requires_grad for each in (target, *values))
    if ufunc in (np.add, np.subtract) and tracked and isinstance(target, Tensor):
        selected = target.data[plain(indices)].shape
        target += put(ufunc(0, np.broadcast_to(values[0], selected)), target.shape, indices)
        return
    if tracked:
        raise MissingRuleError(
            f"{ufunc.__name__}.at: only np.add.at and np.subtract.at on a Tensor can be recorded"
        )
    array = plain(target)
    if isinstance(target, Tensor):
        check_writable(target, f"{ufunc.__name__}.at")
        target.version[0] += 1
    ufunc.at(array, plain(indices), *map(plain, values))


UFUNC_METHODS.update(reduce=reduce, accumulate=accumulate, outer=outer, reduceat=reduceat, at=at)
