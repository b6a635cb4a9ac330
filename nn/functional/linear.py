"""The affine map that every network is made of, as one operation."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from autograd_core import operation
from autograd_core.primitive import call


def rows(x: Any) -> Any:
    """All leading axes flattened into one: a matrix of the vectors along the last axis."""
    return x if x.ndim == 2 else np.reshape(x, (prod(x.shape[:-1]), x.shape[-1]))


# Multiplications from which on it matters how a product of matrices is written.
LARGE = 2**17


def is_wide(vectors: Any, weight: Any, width: int) -> bool:
    """Whether to compute a product of vectors and a weight, ``width`` numbers each, transposed.

    OpenBLAS shares out the rows among threads, and is up to a fifth faster with many of them.
    """
    if vectors.ndim != 2 or len(vectors) >= width:
        return False
    return bool(len(vectors) * weight.size >= LARGE)


def linear_x(g: Any, weight: Any) -> Any:
    """Through the weights; to one output it is an outer product, which multiplying does faster."""
    if weight.shape[0] == 1:
        return g * weight
    return (weight.T @ g.T).T if is_wide(g, weight, weight.shape[1]) else g @ weight


def linear_weight(g: Any, x: Any, into: Any = None) -> Any:
    """The outer products of all vectors, added up."""
    return np.matmul(rows(g).T, rows(x), out=into)


def linear_operands(d: Any) -> Any:
    """A draw for ``linear``: any number of leading axes, with and without bias."""
    *leading, inputs = d.shape(min_dims=1)
    outputs = d.integer(1, 4)
    bias = d.array((outputs,)) if d.boolean() else None
    return call(d.array((*leading, inputs)), d.array((outputs, inputs)), bias)


@operation(
    linear_operands,
    x=linear_x,
    weight=linear_weight,
    bias=lambda g: np.add.reduce(rows(g), axis=0),
)
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """Affine map of the vectors along the last axis: x Wᵀ + b.

    Shapes: x (..., in), weight (out, in), bias (out,) or None; result (..., out).

    >>> linear(np.ones((2, 3)), np.ones((1, 3)), np.ones(1))
    array([[4.],
           [4.]])
    """
    if is_wide(x, weight, len(weight)):
        result = weight @ x.T
        if bias is not None:
            result += bias[:, None]
        return result.T
    result = rows(x) @ weight.T
    if bias is not None:
        result += bias
    return result if x.ndim == 2 else result.reshape(*x.shape[:-1], len(weight))
