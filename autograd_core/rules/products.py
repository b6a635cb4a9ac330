"""Rules of products of vectors, matrices and arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core.primitive import call, define


def conj(x: Any) -> Any:
    """The complex conjugate; a real array as it is, uncopied."""
    return np.conj(x) if x.dtype.kind == "c" else x


def outer(x: Any, y: Any) -> Any:
    """Products of the elements of vectors: matrices."""
    return np.expand_dims(x, -1) * np.expand_dims(y, -2)


# -- matmul ----------------------------------------------------------------------------------------


def matmul_x(g: Any, y: Any) -> Any:
    """Gradient of the left factor; the dimensions of ``g`` and ``y`` tell what it was."""
    if y.ndim == 1:
        return np.expand_dims(g, -1) * y
    if g.ndim < y.ndim:
        return (y @ np.expand_dims(g, -1))[..., 0]
    return g @ y.mT


def matmul_y(g: Any, x: Any, y: Any) -> Any:
    """Gradient of the right factor.

    Where one vector or matrix met a stack, the sum over the stack is part of the product.
    """
    if x.ndim == 1:
        return g * x if y.ndim == 1 else outer(x, g)
    if x.ndim == y.ndim or y.ndim > 2:
        return x.mT @ g
    rows = math.prod(x.shape[:-1])
    return np.reshape(x, (rows, x.shape[-1])).T @ np.reshape(g, (rows, *y.shape[1:]))


def matmul_sample(d: Any) -> Any:
    """Vectors, matrices and stacks of them that broadcast."""
    n, k, m = d.integer(1, 3), d.integer(1, 3), d.integer(1, 3)
    left, right = d.broadcastable(2)
    x_shape = (k,) if d.boolean() and d.boolean() else (*left[-2:], n, k)
    y_shape = (k,) if d.boolean() and d.boolean() else (*right[-2:], k, m)
    return call(d.array(x_shape), d.array(y_shape))


define(np.matmul, matmul_sample, label="@", x=matmul_x, y=matmul_y)


# -- vectors and matrices --------------------------------------------------------------------------


def vectors_sample(d: Any) -> Any:
    """Two stacks of vectors of the same length."""
    n = d.integer(1, 3)
    left, right = d.broadcastable(2)
    return call(d.array((*left, n)), d.array((*right, n)))


def matvec_sample(d: Any) -> Any:
    """Matrices and vectors."""
    m, n = d.integer(1, 3), d.integer(1, 3)
    left, right = d.broadcastable(2)
    return call(d.array((*left[-2:], m, n)), d.array((*right[-2:], n)))


def vecmat_sample(d: Any) -> Any:
    """Vectors and matrices."""
    (matrix, vector), _ = matvec_sample(d)
    return call(vector, matrix.mT)


define(
    np.vecdot,
    vectors_sample,
    x=lambda g, y: conj(np.expand_dims(g, -1) * y),
    y=lambda g, x: np.expand_dims(g, -1) * conj(x),
)
if hasattr(np, "matvec"):  # NumPy 2.2
    define(
        np.matvec,
        matvec_sample,
        x=lambda g, y: outer(g, y),
        y=lambda g, x: np.matvec(x.mT, g),
    )
    define(
        np.vecmat,
        vecmat_sample,
        x=lambda g, y: conj(np.matvec(y, g)),
        y=lambda g, x: outer(conj(x), g),
    )


# -- tensordot -------------------------------------------------------------------------------------


def contracted(axes: Any, a_ndim: int, b_ndim: int) -> tuple[list[int], list[int]]:
    """The axes of both operands that tensordot sums over, counted from the front."""
    if np.ndim(axes) == 0 and not isinstance(axes, Sequence):
        return list(range(a_ndim - axes, a_ndim)), list(range(axes))
    ours, theirs = ([part] if np.ndim(part) == 0 else list(part) for part in axes)
    return [axis % a_ndim for axis in ours], [axis % b_ndim for axis in theirs]


def others(axes: Sequence[int], ndim: int) -> list[int]:
    """The axes that are not among these."""
    return [axis for axis in range(ndim) if axis not in axes]


def tensordot_a(g: Any, b: Any, axes: Any, a_shape: tuple[int, ...]) -> Any:
    """Contract ``g`` with what is left of ``b``, and put the axes where those of ``a`` were."""
    ours, theirs = contracted(axes, len(a_shape), np.ndim(b))
    free, rest = others(ours, len(a_shape)), others(theirs, np.ndim(b))
    partial = np.tensordot(g, b, (list(range(len(free), np.ndim(g))), rest))
    order = free + [ours[theirs.index(axis)] for axis in sorted(theirs)]
    return np.transpose(partial, sorted(range(len(order)), key=order.__getitem__))


def tensordot_b(g: Any, a: Any, axes: Any, b_shape: tuple[int, ...]) -> Any:
    """Contract what is left of ``a`` with ``g``, and put the axes where those of ``b`` were."""
    ours, theirs = contracted(axes, np.ndim(a), len(b_shape))
    free, rest = others(ours, np.ndim(a)), others(theirs, len(b_shape))
    partial = np.tensordot(a, g, (free, list(range(len(free)))))
    order = [theirs[ours.index(axis)] for axis in sorted(ours)] + rest
    return np.transpose(partial, sorted(range(len(order)), key=order.__getitem__))


def tensordot_sample(d: Any) -> Any:
    """A number of axes, or the axes themselves in any order."""
    shared, left, right = d.shape(0, 2), d.shape(0, 2), d.shape(0, 2)
    if d.boolean():
        return call(d.array(left + shared), d.array(shared + right), axes=len(shared))
    ours = d.permutation(len(left + shared))
    theirs = d.permutation(len(shared + right))
    a = np.transpose(d.array(left + shared), ours)
    b = np.transpose(d.array(shared + right), theirs)
    a_axes = [ours.index(len(left) + k) for k in range(len(shared))]
    b_axes = [theirs.index(k) - b.ndim * d.boolean() for k in range(len(shared))]
    return call(a, b, (a_axes, b_axes))


define(np.tensordot, tensordot_sample, a=tensordot_a, b=tensordot_b)
