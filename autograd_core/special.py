"""Special functions for Tensors and arrays that SciPy has too, but does not let Tensors into.

SciPy's ufuncs (``scipy.special.erf``, ``gammaln`` …) take Tensors as they are. Its Python functions
turn their arguments into arrays; those that models need are here, under SciPy's names. All but
``polygamma`` work without SciPy.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from autograd_core.primitive import POSITIVE, call, operation
from autograd_core.rules.transcendental import share, term

__all__ = ["log_softmax", "logsumexp", "polygamma", "softmax"]

Axis = int | tuple[int, ...] | None


def along_axes(d: Any) -> Any:
    """An array and axes to normalize along."""
    x = d.array()
    return call(x, axis=d.axes(x.ndim))


def weighted(d: Any) -> Any:
    """An array, positive weights for its elements or none, and axes to sum over."""
    a = d.array()
    weights = d.array(a.shape, POSITIVE) if d.boolean() else None
    return call(a, weights, d.axes(a.ndim))


def floating(values: Any) -> Any:
    """The values as an array that can hold fractions."""
    array = np.asarray(values)
    return array.astype(float) if array.dtype.kind in "biu" else array


def largest(x: Any, axis: Axis) -> Any:
    """What to subtract before taking exponentials: the maximum, unless that is infinite."""
    maximum = np.max(np.real(x), axis=axis, keepdims=True, initial=-math.inf)
    return np.where(np.isfinite(maximum), maximum, 0)


def log_sum_slope(a: Any, b: Any, out: Any, axis: Axis) -> Any:
    """The share of each term in the sum, which is zero if all terms are."""
    if b is None:
        return weight_slope(a, b, out, axis)
    # A term without weight may be large, infinite or NaN.
    left_out = np.equal(b, 0) & ~(a <= out)
    return b * weight_slope(np.where(left_out, -math.inf, a), b, out, axis)


def weight_slope(a: Any, b: Any, out: Any, axis: Axis) -> Any:
    """The share of each term in the sum by its weight."""
    part = term(np.exp, a, out)
    return share(part, np.sum(part if b is None else b * part, axis=axis, keepdims=True))


@operation(
    weighted,
    name="logsumexp",
    a=lambda g, a, b, out, axis: g * log_sum_slope(a, b, out, axis),
    b=lambda g, a, b, out, axis: g * weight_slope(a, b, out, axis),
)
def log_sum(a: Any, b: Any, axis: Axis) -> Any:
    """Sum up, and keep the axes."""
    a = floating(a)
    if b is not None:
        a = np.where(np.equal(b, 0), -math.inf, a)
    shift = largest(a, axis)
    with np.errstate(divide="ignore", over="ignore"):  # log(0) and exp(∞) are what they should be
        terms = np.exp(a - shift)
        total = np.sum(terms if b is None else b * terms, axis=axis, keepdims=True)
        return np.log(total) + shift


def logsumexp(a: Any, axis: Axis = None, b: Any = None, keepdims: bool = False) -> Any:
    """Logarithm of Σ b exp(a) along axes (all by default), without overflow.

    ``b`` are weights that broadcast with ``a``; they may be tracked too. The result has the dtype
    of ``a``. Where all terms are zero it is -∞, and the gradient 0.

    >>> print(logsumexp(np.array([1000.0, 1000.0])))  # 1000 + log 2
    1000.6931471805...
    """
    result = log_sum(a, b, axis)
    return result if keepdims else np.squeeze(result, axis=axis)


@operation(
    along_axes,
    x=lambda g, out, axis: out * (g - np.sum(g * out, axis=axis, keepdims=True)),
)
def softmax(x: Any, axis: Axis = None) -> Any:
    """Shares exp(x) / Σ exp(x) along axes (all by default), without overflow; shaped like ``x``.

    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    x = floating(x)
    terms = np.exp(x - largest(x, axis))
    return terms / np.sum(terms, axis=axis, keepdims=True)


@operation(
    along_axes,
    x=lambda g, out, axis: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True),
)
def log_softmax(x: Any, axis: Axis = None) -> Any:
    """Logarithm of ``softmax``, x - log Σ exp(x), exact also where the share underflows.

    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    x = floating(x)
    shifted = x - largest(x, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def polygamma(n: int, x: Any) -> Any:
    """n-th derivative of the digamma function at ``x``, (-1)ⁿ⁺¹ n! ζ(n + 1, x); needs SciPy.

    Gradients flow to ``x``. Raises ValueError if ``n`` is negative.

    >>> print(polygamma(1, np.array(1.0)))  # π² / 6
    1.64493406684822...
    """
    from autograd_core.rules.special import special, zeta

    if operator.index(n) < 0:
        raise ValueError(f"polygamma: got the order {n}; expected an integer from 0")
    if n == 0:
        return special.psi(x)
    return (-1) ** (n + 1) * math.factorial(n) * zeta(n + 1, x)
