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


def linear_operands(d: Any) -> Any:
    """A draw for ``linear``: any number of leading axes, with and without bias."""
    *leading, inputs = d.shape(min_dims=1)
    outputs = d.integer(1, 4)
    bias = d.array((outputs,)) if d.boolean() else None
    return call(d.array((*leading, inputs)), d.array((outputs, inputs)), bias)


@operation(
    linear_operands,
    # To one output it is an outer product, at which multiplication is four times as fast.
    x=lambda g, weight: g * weight if weight.shape[0] == 1 else g @ weight,
    weight=lambda g, x: rows(g).T @ rows(x),
    bias=lambda g: np.add.reduce(rows(g), axis=0),
)
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """Affine map of the vectors along the last axis: x Wᵀ + b.

    Shapes: x (..., in), weight (out, in), bias (out,) or None; result (..., out).

    >>> linear(np.ones((2, 3)), np.ones((1, 3)), np.ones(1))
    array([[4.],
           [4.]])
    """
    product = rows(x) @ weight.T
    if bias is not None:
        product += bias
    return product if x.ndim == 2 else product.reshape(*x.shape[:-1], len(weight))
