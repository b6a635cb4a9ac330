"""Rules of rearrangement: the gradient takes the elements back to where they came from."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from autograd_core.primitive import call, define


def undo_transpose(g: Any, axes: Any) -> Any:
    """Put the axes back in their old order."""
    if axes is None:
        return np.transpose(g)
    order = [axis % len(axes) for axis in axes]
    return np.transpose(g, tuple(order.index(axis) for axis in range(len(order))))


def part_of_concatenation(g: Any, i: int, arrays_shape: Any, axis: Any) -> Any:
    """The gradient of one of the arrays that were joined."""
    if axis is None:
        sizes = [int(np.prod(shape)) for shape in arrays_shape]
        start = sum(sizes[:i])
        return np.reshape(g[start : start + sizes[i]], arrays_shape[i])
    ends = list(itertools.accumulate(shape[axis] for shape in arrays_shape))
    inside = slice(ends[i] - arrays_shape[i][axis], ends[i])
    return g[(slice(None),) * (axis % g.ndim) + (inside,)]


def part_of_stack(g: Any, i: int, axis: Any) -> Any:
    """The gradient of one of the arrays that were stacked."""
    return g[(slice(None),) * (axis % g.ndim) + (i,)]


def reshaped(d: Any) -> Any:
    """An array and a permutation of its shape."""
    a = d.array()
    return call(a, tuple(a.shape[axis] for axis in d.permutation(a.ndim)))


def broadcast(d: Any) -> Any:
    """An array and a shape it broadcasts to."""
    a = d.array()
    return call(a, (2, *a.shape))


def transposed(d: Any) -> Any:
    """An array and an order of its axes, or none."""
    a = d.array()
    return call(a, d.choice([None, tuple(d.permutation(a.ndim))]))


def matrices(d: Any) -> Any:
    """A stack of matrices."""
    return call(d.array(d.shape(min_dims=2)))


def two_axes(d: Any) -> Any:
    """An array and two of its axes."""
    a = d.array(d.shape(min_dims=1))
    return call(a, d.axis(a.ndim), d.axis(a.ndim))


def new_axis(d: Any) -> Any:
    """An array and where to put a new axis."""
    a = d.array()
    return call(a, d.axis(a.ndim + 1))


def joined(d: Any) -> Any:
    """Arrays of equal shapes except along the axis that joins them, or flattened."""
    shape = list(d.shape(min_dims=1))
    axis = d.axis(len(shape))
    arrays = []
    for _ in range(d.integer(1, 3)):
        shape[axis] = d.integer(0, 3)
        arrays.append(d.array(tuple(shape)))
    return call(arrays, axis=d.choice([axis, None]))


def stacked(d: Any) -> Any:
    """Arrays of equal shapes and the axis to stack them along."""
    shape = d.shape()
    return call([d.array(shape) for _ in range(d.integer(1, 3))], axis=d.axis(len(shape) + 1))


def anything(d: Any) -> Any:
    """Any array."""
    return call(d.array())


def to_dtype(d: Any) -> Any:
    """An array and a floating dtype."""
    return call(d.array(), np.float64)


def back(g: Any, a_shape: Any) -> Any:
    """The gradient in the old shape."""
    return np.reshape(g, a_shape)


define(np.reshape, reshaped, view=True, a=back)
define(np.squeeze, anything, view=True, a=back)
define(np.expand_dims, new_axis, view=True, a=back)
define(np.broadcast_to, broadcast, view=True, array=lambda g: g)
define(np.transpose, transposed, view=True, a=undo_transpose)
define(np.matrix_transpose, matrices, view=True, x=lambda g: np.matrix_transpose(g))
define(
    np.swapaxes,
    two_axes,
    view=True,
    a=lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2),
)
define(np.concatenate, joined, sequence=True, arrays=part_of_concatenation)
define(np.stack, stacked, sequence=True, arrays=part_of_stack)
define(np.astype, to_dtype, x=lambda g: g)
define(np.copy, anything, a=lambda g: g)
for untracked in (np.zeros_like, np.ones_like, np.empty_like, np.full_like):
    define(untracked)
