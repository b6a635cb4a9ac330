"""Activation functions: each one operation, stable for every finite input."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core import operation
from autograd_core.primitive import REAL, Elementwise, call
from autograd_core.rules.piecewise import keep

ANY = Elementwise((REAL,))
KINK_AT_ZERO = Elementwise((REAL,), kinks=lambda x: x)


def along_an_axis(d: Any) -> Any:
    """A draw for functions that normalize along an axis."""
    x = d.array(d.shape(min_dims=1))
    return call(x, axis=d.axis(x.ndim))


@operation(KINK_AT_ZERO, x=lambda g, out: keep(g, out > 0))
def relu(x: Any) -> Any:
    """max(x, 0), elementwise; the gradient at 0 is 0.

    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return np.maximum(x, 0)


@operation(
    KINK_AT_ZERO,
    x=lambda g, x, negative_slope: keep(g, x > 0) + negative_slope * keep(g, x <= 0),
)
def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """Return x where it is positive and ``negative_slope`` * x elsewhere, at 0 too.

    >>> leaky_relu(np.array([-1.0, 2.0]), 0.1)
    array([-0.1,  2. ])
    """
    return np.maximum(x, 0) + negative_slope * np.minimum(x, 0)


@operation(ANY, x=lambda g, out: g * (out * (1 - out)))
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), elementwise, without warnings or cancellation at either end.

    >>> sigmoid(np.array([-1000.0, 0.0]))
    array([0. , 0.5])
    """
    with np.errstate(over="ignore"):  # exp(1000) = inf gives the 0 that is wanted
        return 1 / (1 + np.exp(-x))


def tanh(x: Any) -> Any:
    """Hyperbolic tangent, elementwise: ``np.tanh``.

    >>> tanh(np.array(0.0))
    np.float64(0.0)
    """
    return np.tanh(x)


@operation(
    along_an_axis, x=lambda g, out, axis: out * (g - (g * out).sum(axis=axis, keepdims=True))
)
def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / Σ exp(x) along an axis, shifted by the maximum so that nothing overflows.

    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
    exponentials /= exponentials.sum(axis=axis, keepdims=True)
    return exponentials


@operation(along_an_axis, x=lambda g, out, axis: g - np.exp(out) * g.sum(axis=axis, keepdims=True))
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Logarithm of ``softmax`` without its rounding: x - log Σ exp(x) along an axis.

    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
