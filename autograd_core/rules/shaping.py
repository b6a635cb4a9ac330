"""Rules of rearrangement: the gradient takes the elements back to where they came from."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from autograd_core.errors import MissingRuleError
from autograd_core.primitive import call, define

Shape = tuple[int, ...]


def anything(d: Any) -> Any:
    """Any array."""
    return call(d.array())


def matrices(d: Any) -> Any:
    """A stack of matrices."""
    return call(d.array(d.shape(min_dims=2)))


# -- one array, other axes -------------------------------------------------------------------------


def reshaped(d: Any) -> Any:
    """An array, a permutation of its shape, and an order to read and write in."""
    a = d.array()
    shape = tuple(a.shape[axis] for axis in d.permutation(a.ndim))
    return call(a, d.choice([shape, -1]), order=d.choice(["C", "F"]))


def transposed(d: Any) -> Any:
    """An array and an order of its axes, counted from either end, or none."""
    a = d.array()
    axes = tuple(axis - a.ndim * d.boolean() for axis in d.permutation(a.ndim))
    return call(a, d.choice([None, axes]))


def two_axes(d: Any) -> Any:
    """An array and two of its axes."""
    a = d.array(d.shape(min_dims=1))
    return call(a, d.axis(a.ndim), d.axis(a.ndim))


def several_axes(d: Any) -> Any:
    """An array, some of its axes, and as many places for them."""
    a = d.array(d.shape(min_dims=1))
    many = d.integer(1, a.ndim)
    return call(a, d.permutation(a.ndim)[:many], d.permutation(a.ndim)[:many])


def new_axes(d: Any) -> Any:
    """An array and where to put one or two new axes."""
    a = d.array()
    return call(a, d.choice([d.axis(a.ndim + 1), (0, -1)]))


def broadcast(d: Any) -> Any:
    """An array with sides of length 1, and a shape it broadcasts to."""
    full = d.shape()
    a = d.array(tuple(d.choice([1, side]) for side in full))
    return call(a, (*d.shape(max_dims=2), *full))


def back(g: Any, a_shape: Shape) -> Any:
    """The gradient in the old shape."""
    return g.reshape(a_shape)


def reshape_rule(g: Any, a_shape: Shape, order: Any) -> Any:
    """The gradient in the old shape, read and written in the same order."""
    if order == "C":
        return g.reshape(a_shape)
    if order == "A":
        raise MissingRuleError(
            "reshape: order='A' depends on the layout in memory, which is not recorded; "
            "expected order='C' or order='F'"
        )
    return np.reshape(g, a_shape, order=order)


def transpose_rule(g: Any, axes: Any) -> Any:
    """Every axis back to its old place."""
    if axes is None:
        return g.transpose()
    order = [axis % len(axes) for axis in axes]
    return g.transpose([order.index(axis) for axis in range(len(order))])


def reshape_kernel(a: Any, shape: Any, order: Any, copy: Any) -> Any:
    """The method, unless a copy is asked for."""
    return (
        a.reshape(shape, order=order)
        if copy is None
        else np.reshape(a, shape, order=order, copy=copy)
    )


define(np.reshape, reshaped, view=True, a=reshape_rule, kernel=reshape_kernel)
define(np.squeeze, anything, view=True, a=back, kernel=lambda a, axis: a.squeeze(axis))
define(np.expand_dims, new_axes, view=True, a=back)
define(np.broadcast_to, broadcast, view=True, array=lambda g: g)
define(
    np.transpose,
    transposed,
    view=True,
    a=transpose_rule,
    kernel=lambda a, axes: a.transpose(axes),
)
define(np.matrix_transpose, matrices, view=True, x=lambda g: np.matrix_transpose(g))
define(np.linalg.matrix_transpose, matrices, view=True, x=lambda g: np.matrix_transpose(g))
define(
    np.swapaxes,
    two_axes,
    view=True,
    a=lambda g, axis1, axis2: g.swapaxes(axis1, axis2),
    kernel=lambda a, axis1, axis2: a.swapaxes(axis1, axis2),
)
define(
    np.moveaxis,
    several_axes,
    view=True,
    a=lambda g, source, destination: np.moveaxis(g, destination, source),
)

# -- the same elements in another order ------------------------------------------------------------


def flipped(d: Any) -> Any:
    """An array and axes to flip."""
    a = d.array()
    return call(a, d.axes(a.ndim))


def rolled(d: Any) -> Any:
    """An array rolled along one axis, several, or as if it were flat."""
    a = d.array(d.shape(min_dims=1))
    shift = d.integer(-5, 5)
    axis = d.choice([None, d.axis(a.ndim), tuple(range(a.ndim))])
    return call(a, tuple(range(a.ndim)) if isinstance(axis, tuple) else shift, axis)


def turned(d: Any) -> Any:
    """An array, how often to turn it by 90 degrees, and in which plane."""
    a = d.array(d.shape(min_dims=2))
    return call(a, d.integer(-4, 4), d.permutation(a.ndim)[:2])


def triangle(d: Any) -> Any:
    """Matrices and a diagonal."""
    return call(d.array(d.shape(min_dims=2)), d.integer(-3, 3))


define(np.flip, flipped, view=True, m=lambda g, axis: np.flip(g, axis))
define(np.fliplr, matrices, view=True, m=lambda g: np.fliplr(g))
define(np.flipud, matrices, view=True, m=lambda g: np.flipud(g))
define(np.roll, rolled, a=lambda g, shift, axis: np.roll(g, np.negative(shift), axis))
define(np.rot90, turned, view=True, m=lambda g, k, axes: np.rot90(g, -k, axes))
define(np.tril, triangle, m=lambda g, k: np.tril(g, k))
define(np.triu, triangle, m=lambda g, k: np.triu(g, k))

# -- several arrays made one -----------------------------------------------------------------------


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


def along(axis: int, ndim: int, part: Any) -> tuple[Any, ...]:
    """The index that selects a part along one axis, and everything along those before it."""
    return (*[slice(None)] * (axis % ndim), part)


def concatenate_rule(g: Any, i: int, arrays_shape: Any, axis: Any) -> Any:
    """The stretch of the gradient that one of the joined arrays filled."""
    if axis is None:
        start = sum(math.prod(shape) for shape in arrays_shape[:i])
        return g[start : start + math.prod(arrays_shape[i])].reshape(arrays_shape[i])
    start = sum(shape[axis] for shape in arrays_shape[:i])
    return g[along(axis, g.ndim, slice(start, start + arrays_shape[i][axis]))]


define(np.concatenate, joined, sequence=True, arrays=concatenate_rule)
define(
    np.stack,
    stacked,
    sequence=True,
    arrays=lambda g, i, axis: g[along(axis, g.ndim, i)],
)

# -- one array made several ------------------------------------------------------------------------


def halves(min_dims: int, axis: int) -> Any:
    """How to draw an array with an axis of even length, and 2 for how often to split it."""

    def sample(d: Any) -> Any:
        shape = list(d.shape(min_dims=min_dims, max_dims=3))
        shape[axis if len(shape) > axis else 0] = 2 * d.integer(1, 2)
        return call(d.array(tuple(shape)), 2)

    return sample


def pieces(d: Any) -> Any:
    """An array, an axis, and how many pieces to make of it or where to cut."""
    a = d.array(d.shape(min_dims=1, max_side=5))
    return call(a, d.choice([2, 3, [1, 3], [-1]]), d.axis(a.ndim))


def layers(d: Any) -> Any:
    """An array and the axis to unstack."""
    a = d.array(d.shape(min_dims=1))
    return call(a, axis=d.axis(a.ndim))


for split, sample in ((np.array_split, pieces), (np.split, halves(1, 0))):
    define(
        split,
        sample,
        multiple=True,
        view=True,
        ary=lambda g, axis: np.concatenate(g, axis=axis),
    )
define(np.hsplit, halves(1, 1), multiple=True, view=True, ary=lambda g: np.hstack(g))
define(np.vsplit, halves(2, 0), multiple=True, view=True, ary=lambda g: np.concatenate(g, axis=0))
define(np.dsplit, halves(3, 2), multiple=True, view=True, ary=lambda g: np.concatenate(g, axis=2))
define(
    np.unstack,
    layers,
    multiple=True,
    view=True,
    x=lambda g, axis: np.stack(g, axis=axis),
)

# -- elements repeated -----------------------------------------------------------------------------


def tiled(d: Any) -> Any:
    """An array and how often to lay it side by side, along fewer or more axes than it has."""
    repetitions = tuple(d.integer(0, 3) for _ in range(d.integer(0, 4)))
    return call(d.array(), d.choice([repetitions, 2]))


def tile_rule(g: Any, A_shape: Shape, reps: Any) -> Any:
    """The sum of all copies."""
    reps = tuple(reps) if np.ndim(reps) else (int(reps),)
    many = max(len(reps), len(A_shape))
    reps = (1,) * (many - len(reps)) + reps
    shape = (1,) * (many - len(A_shape)) + A_shape
    tiles = g.reshape(tuple(itertools.chain(*zip(reps, shape, strict=True))))
    return np.sum(tiles, axis=tuple(range(0, 2 * many, 2))).reshape(A_shape)


define(np.tile, tiled, A=tile_rule)

# -- the same values -------------------------------------------------------------------------------


def to_double(d: Any) -> Any:
    """An array and a floating dtype."""
    return call(d.array(), np.float64)


def filled(d: Any) -> Any:
    """An array to be like, and a value to fill with."""
    return call(d.array(), d.array(()))


define(np.astype, to_double, view=True, x=lambda g: g)
define(np.copy, anything, a=lambda g: g)
define(
    np.full_like,
    filled,
    a=lambda g, a_shape: np.zeros_like(g, shape=a_shape),
    fill_value=lambda g: g,
)

# Functions of what an array is like, not of its values.
for untracked in (
    np.shape,
    np.ndim,
    np.size,
    np.zeros_like,
    np.ones_like,
    np.empty_like,
    np.result_type,
    np.common_type,
    np.min_scalar_type,
    np.can_cast,
    np.may_share_memory,
    np.shares_memory,
):
    define(untracked)
