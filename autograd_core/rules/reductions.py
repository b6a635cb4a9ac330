"""Rules of reductions along axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.primitive import call, define


def reduced(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """A shape with the axes that were reduced kept at length 1.

    >>> reduced((2, 3, 4), axis=(0, -1))
    (1, 3, 1)
    """
    if axis is None:
        return (1,) * len(shape)
    kept = list(shape)
    for one in axis if isinstance(axis, tuple) else (axis,):
        kept[one] = 1
    return tuple(kept)


def spread(g: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """Broadcast what was reduced over axes back to the shape before."""
    return np.broadcast_to(np.reshape(g, reduced(shape, axis)), shape)


def count(shape: tuple[int, ...], axis: Any) -> int:
    """How many elements are reduced into one."""
    return math.prod(shape) // max(1, math.prod(reduced(shape, axis)))


def chosen(gradient: Any, where: Any) -> Any:
    """The gradient of the elements that took part; zero for those masked out by ``where``."""
    return gradient if where in (True, np._NoValue) else np.where(where, gradient, 0)


def reduction(d: Any) -> Any:
    """Any array, any axes, keeping them or not."""
    a = d.array()
    return call(a, axis=d.axes(a.ndim), keepdims=d.boolean())


def extremum(g: Any, out: Any, a: Any, axis: Any) -> Any:
    """Gradient of the largest or smallest elements: ties share it evenly."""
    kept = reduced(a.shape, axis)
    hit = a == np.reshape(out, kept)
    ties = np.sum(hit, axis=axis, keepdims=True).astype(g.dtype)
    return np.where(hit, np.reshape(g, kept) / ties, 0)


define(np.sum, reduction, a=lambda g, a_shape, axis: spread(g, a_shape, axis))
define(
    np.mean,
    reduction,
    a=lambda g, a_shape, axis: spread(g / count(a_shape, axis), a_shape, axis),
)
define(np.max, reduction, a=extremum)
define(np.min, reduction, a=extremum)
for untracked in (np.argmax, np.argmin, np.any, np.all, np.count_nonzero):
    define(untracked)
