"""Rules of indexing: what a selection reads, its gradient adds back in place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.primitive import call, define, operation
from autograd_core.rules.shaping import Shape, along

# -- reading ---------------------------------------------------------------------------------------


def indexed(d: Any) -> Any:
    """An array and any index into it."""
    a = d.array()
    return call(a, d.index(a.shape))


def sliced(d: Any) -> Any:
    """An array and a slice, an integer or a new axis for some of its axes."""
    a = d.array()
    parts = [d.choice([slice(None, None, -1), slice(1, None), None, -1]) for _ in a.shape]
    return call(a, (*parts, ...))


def scattered(d: Any) -> Any:
    """What an index selects from a shape, the shape, and the index."""
    shape = d.shape()
    index = d.index(shape)
    return call(d.array(np.empty(shape)[index].shape), shape, index)


def getitem(x: Any, index: Any) -> Any:
    """``x[index]`` for slices, integers and new axes: a view."""
    return x[index]


def gather(x: Any, index: Any) -> Any:
    """``x[index]`` with arrays, lists or masks in the index: a copy."""
    selected = x[index]
    return selected.copy() if np.may_share_memory(selected, x) else selected


@operation(scattered, values=lambda g, index: g[index])
def put(values: Any, shape: Shape, index: Any, distinct: bool = False) -> Any:
    """Zeros of a shape with the values added at an index, however often it repeats.

    ``distinct`` promises that it does not repeat: then writing, which is faster, will do.
    """
    result = np.zeros_like(values, shape=shape, order="C")
    if distinct or is_distinct(index):
        result[index] = values
    elif isinstance(index, np.ndarray) and len(shape) > 1:
        add_rows(result, index.astype(np.intp) % shape[0], values)
    else:
        np.add.at(result, index, values)
    return result


def is_distinct(index: Any) -> bool:
    """Whether an index is sure to select no element twice: integers, slices and masks only."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None
        or part is Ellipsis
        or isinstance(part, (int, np.integer, slice))
        or getattr(part, "dtype", None) == np.bool_
        for part in parts
    )


def add_rows(result: Any, rows: Any, values: Any) -> None:
    """Add values to rows of an array: ``np.add.at``, which is slow for rows, element by element."""
    if np.bincount(rows.ravel(), minlength=1).max() == 1:
        result[rows] = values
        return
    length = math.prod(result.shape[1:])
    elements = rows[..., None] * length + np.arange(length)
    np.add.at(result.reshape(-1), elements.ravel(), values.ravel())


def getitem_rule(g: Any, x_shape: Shape, index: Any) -> Any:
    """Every element adds up what was read from it."""
    return put(g, x_shape, index)


define(getitem, sliced, label="[ ]", view=True, x=getitem_rule)
define(gather, indexed, label="[ ]", x=getitem_rule)


def taken(d: Any) -> Any:
    """An array, positions in it that may lie outside, what to do about those, and an axis."""
    a = d.array(d.shape(min_dims=1))
    axis = d.choice([None, d.axis(a.ndim)])
    mode = d.choice(["raise", "wrap", "clip"])
    n = a.size if axis is None else a.shape[axis]
    reach = n if mode == "raise" else 2 * n
    return call(a, d.rng.integers(-reach, reach, d.shape(max_dims=2)), axis=axis, mode=mode)


def positions(indices: Any) -> Any:
    """Indices as an array."""
    return indices if hasattr(indices, "shape") else np.asarray(indices)


def take_rule(g: Any, a_shape: Shape, indices: Any, axis: Any, mode: str) -> Any:
    """Every element adds up what was read from it."""
    shape = (math.prod(a_shape),) if axis is None else a_shape
    axis = axis or 0
    if mode != "raise":
        n = shape[axis]
        indices = np.clip(indices, 0, n - 1) if mode == "clip" else np.mod(indices, n)
    return put(g, shape, along(axis, len(shape), positions(indices))).reshape(a_shape)


def taken_along(d: Any) -> Any:
    """An array, an axis, and positions on that axis for every place on the others."""
    a = d.array(d.shape(min_dims=1))
    axis = d.axis(a.ndim)
    shape = [d.choice([1, side]) for side in a.shape]
    shape[axis] = d.integer(0, 4)
    return call(a, d.rng.integers(-a.shape[axis], a.shape[axis], shape), axis=axis)


def index_along(shape: Shape, indices: Any, axis: int) -> tuple[Any, ...]:
    """The index that ``np.take_along_axis`` stands for: its own position on all other axes."""
    grids = np.ogrid[tuple(slice(side) for side in shape)]
    return (*grids[: axis % len(shape)], indices, *grids[axis % len(shape) + 1 :])


def take_along_axis_rule(g: Any, arr_shape: Shape, indices: Any, axis: Any) -> Any:
    """Every element adds up what was read from it."""
    if axis is None:
        return put(g, (math.prod(arr_shape),), indices).reshape(arr_shape)
    return put(g, arr_shape, index_along(arr_shape, indices, axis))


define(np.take, taken, a=take_rule)
define(np.take_along_axis, taken_along, arr=take_along_axis_rule)


def repeated(d: Any) -> Any:
    """An array, how often to repeat each of its elements, and an axis."""
    a = d.array(d.shape(min_dims=1))
    axis = d.choice([None, d.axis(a.ndim)])
    n = a.size if axis is None else a.shape[axis]
    return call(a, d.choice([d.integer(0, 3), d.rng.integers(0, 3, n)]), axis=axis)


def repeat_rule(g: Any, a_shape: Shape, repeats: Any, axis: Any) -> Any:
    """The sum of all copies."""
    shape = (math.prod(a_shape),) if axis is None else a_shape
    axis = 0 if axis is None else axis % len(shape)
    if np.ndim(repeats) == 0:
        copies = g.reshape(*shape[: axis + 1], repeats, *shape[axis + 1 :])
        return np.sum(copies, axis=axis + 1).reshape(a_shape)
    source = np.repeat(np.arange(shape[axis]), repeats)
    return put(g, shape, along(axis, len(shape), source)).reshape(a_shape)


define(np.repeat, repeated, a=repeat_rule)

# -- counting --------------------------------------------------------------------------------------


def counted(d: Any) -> Any:
    """Small numbers, a weight for each, and how many counts to return at least."""
    many = d.integer(0, 6)
    return call(d.rng.integers(0, 4, many), d.array((many,)), minlength=d.integer(0, 6))


define(np.bincount, counted, weights=lambda g, x: g[x])

# Functions that make indices.
for untracked in (
    np.ix_,
    np.unravel_index,
    np.ravel_multi_index,
    np.diag_indices_from,
    np.tril_indices_from,
    np.triu_indices_from,
):
    define(untracked)

# -- diagonals and windows -------------------------------------------------------------------------


def planes(d: Any) -> Any:
    """An array, a diagonal, and the two axes of its plane."""
    a = d.array(d.shape(min_dims=2))
    axis1, axis2 = d.permutation(a.ndim)[:2]
    return call(a, d.integer(-a.shape[axis1], a.shape[axis2]), axis1, axis2)


def diagonal_index(many: int, offset: int) -> tuple[Any, ...]:
    """The index of a diagonal in the last two axes."""
    steps = np.arange(many)
    return (..., steps + max(0, -offset), steps + max(0, offset))


def diagonal_rule(g: Any, a_shape: Shape, offset: int, axis1: int, axis2: int) -> Any:
    """Zeros everywhere but on the diagonal."""
    plane = [axis1 % len(a_shape), axis2 % len(a_shape)]
    shape = [*(n for k, n in enumerate(a_shape) if k not in plane), *(a_shape[k] for k in plane)]
    full = put(g, tuple(shape), diagonal_index(g.shape[-1], offset), distinct=True)
    return np.moveaxis(full, (-2, -1), (axis1, axis2))


define(np.diagonal, planes, view=True, a=diagonal_rule)


def windows(d: Any) -> Any:
    """An array, the size of a window, and the axis it slides along."""
    a = d.array(d.shape(min_dims=1))
    axis = d.axis(a.ndim)
    return call(a, d.integer(1, a.shape[axis]), axis=axis)


def windows_rule(g: Any, x_shape: Shape, window_shape: Any, axis: Any) -> Any:
    """Every element adds up the windows that show it; windows of positions tell which those are."""
    size = math.prod(x_shape)
    places = np.lib.stride_tricks.sliding_window_view(
        np.arange(size).reshape(x_shape), window_shape, axis
    )
    return put(g.reshape(-1), (size,), places.reshape(-1)).reshape(x_shape)


define(np.lib.stride_tricks.sliding_window_view, windows, view=True, x=windows_rule)

# -- writing ---------------------------------------------------------------------------------------


def written(d: Any) -> Any:
    """An array, an index into it, and values of the shape it selects or one that broadcasts."""
    x = d.array()
    index = d.index(x.shape)
    shape = x[index].shape
    return call(x, index, d.array(tuple(d.choice([1, side]) for side in shape)))


def survivors(shape: Shape, index: Any) -> Any:
    """A mask of what an index selects: False where a later part of the selection is the same place.

    Found by writing: each place keeps the number of the last who wrote there.
    """
    last = np.zeros(shape, dtype=np.intp)
    numbers = np.arange(last[index].size).reshape(last[index].shape)
    last[index] = numbers
    return last[index] == numbers


def setitem_x_rule(g: Any, index: Any) -> Any:
    """What was there before is gone where values were written."""
    return setitem(g, index, 0)


def setitem_values_rule(g: Any, x_shape: Shape, index: Any, values_shape: Shape) -> Any:
    """What the written values still are in the result; values that were overwritten get zero."""
    read = g[index]
    if not is_distinct(index):
        read = np.where(survivors(x_shape, index), read, 0)
    return read.reshape((1,) * (len(values_shape) - read.ndim) + read.shape)


@operation(
    written,
    label="[ ]=",
    x=setitem_x_rule,
    values=setitem_values_rule,
)
def setitem(x: Any, index: Any, values: Any) -> Any:
    """A copy of ``x`` with values written at an index; where it repeats, the last one stays."""
    result = np.copy(x)
    result[index] = values
    return result
