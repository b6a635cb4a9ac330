"""Rules of sorting: the gradient goes back along the permutation that was applied."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.primitive import call, define


def ranks(a: Any) -> Any:
    """Where each element stands when the last axis is sorted; equal elements keep their order."""
    return np.argsort(np.argsort(a, axis=-1, stable=True), axis=-1)


def permuted(d: Any) -> Any:
    """An array and an axis, or None for all of it."""
    a = d.array(d.shape(min_dims=1))
    return call(a, axis=d.choice([-1, None, d.axis(a.ndim)]))


def partitioned(d: Any) -> Any:
    """An array, the places that must hold what sorting would put there, and an axis."""
    a = d.array(d.shape(min_dims=1))
    axis = d.choice([None, d.axis(a.ndim)])
    n = a.size if axis is None else a.shape[axis]
    return call(a, d.choice([d.integer(-n, n - 1), (0, n - 1)]), axis=axis)


def sort_rule(g: Any, a: Any, axis: Any) -> Any:
    """Each element gets what came to the place it was sorted to."""
    if axis is None:
        return np.take_along_axis(g, ranks(a.reshape(-1)), axis=0).reshape(a.shape)
    back = np.moveaxis(ranks(np.moveaxis(a, axis, -1)), -1, axis)
    return np.take_along_axis(g, back, axis=axis)


def partition_rule(g: Any, out: Any, a: Any, axis: Any) -> Any:
    """That of sorting, after the result is sorted: in what order it left the rest is not known."""
    order = np.argsort(out, axis=-1 if axis is None else axis, stable=True)
    sorted_g = np.take_along_axis(g, order, axis=-1 if axis is None else axis)
    return sort_rule(sorted_g, a, axis)


define(np.sort, permuted, a=sort_rule)
define(np.partition, partitioned, a=partition_rule)

for untracked in (
    np.argsort,
    np.argpartition,
    np.lexsort,
    np.searchsorted,
    np.digitize,
    np.nonzero,
    np.flatnonzero,
    np.argwhere,
    np.isin,
):
    define(untracked)
