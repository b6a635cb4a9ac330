"""Activation functions: each one operation, stable for every finite input."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from autograd_core import operation
from autograd_core.kernels import kernel
from autograd_core.primitive import REAL, Elementwise, call
from autograd_core.rules.piecewise import keep
from nn.errors import OptionError
from nn.functional.normal import normal_cdf, normal_density
from nn.functional.sums import products_over, sum_over

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
    zeros = np.zeros_like(x)  # NumPy is twice as fast with two arrays as with a number
    return np.maximum(x, zeros, out=zeros)


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


@operation(
    Elementwise((REAL, REAL), kinks=lambda x, weight: x),
    x=lambda g, x, weight: keep(g, x > 0) + weight * keep(g, x <= 0),
    weight=lambda g, x: g * np.minimum(x, 0),
)
def scaled_below_zero(x: Any, weight: Any) -> Any:
    """Leaky ReLU with slopes that are tracked and broadcast."""
    return np.maximum(x, 0) + weight * np.minimum(x, 0)


def prelu(x: Any, weight: Any) -> Any:
    """Leaky ReLU with learned slopes: one, or one for each channel (axis 1, or 0 of a vector).

    He et al., "Delving Deep into Rectifiers" (2015).

    >>> prelu(np.array([[-1.0, -1.0]]), np.array([0.1, 0.2]))
    array([[-0.1, -0.2]])
    """
    trailing = (1,) * max(x.ndim - 2, 0)
    return scaled_below_zero(x, weight.reshape(-1, *trailing) if trailing else weight)


@operation(
    KINK_AT_ZERO,
    x=lambda g, x, alpha, out: keep(g, x > 0) + keep(g * (out + alpha), x <= 0),
)
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Return x where it is positive and ``alpha`` (exp(x) - 1) elsewhere.

    Clevert et al., "Fast and Accurate Deep Network Learning by Exponential Linear Units" (2016).

    >>> elu(np.array([-1000.0, 2.0]))
    array([-1.,  2.])
    """
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))


# The fixed point of mean 0 and variance 1, Klambauer et al., "Self-Normalizing Neural Networks".
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def selu(x: Any) -> Any:
    """1.0507 · elu(x, 1.6733): keeps mean 0 and variance 1 (Klambauer et al., 2017).

    >>> print(selu(np.array(1.0)))
    1.0507009873554805
    """
    return SELU_SCALE * elu(x, SELU_ALPHA)


# √(2/π) and a constant fitted to the normal distribution, Hendrycks and Gimpel (2016).
GELU_SLOPE = math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715


@kernel
def gelu_tanh_rule(g: Any, x: Any) -> Any:
    """The product rule, and the chain rule in its second factor."""
    u = np.tanh(GELU_SLOPE * (x + GELU_CUBIC * (x * x * x)))
    inner = GELU_SLOPE * (1 + 3 * GELU_CUBIC * (x * x))
    return g * (0.5 * (1 + u + x * (1 - u * u) * inner))


@operation(ANY, x=gelu_tanh_rule)
@kernel
def gelu_tanh(x: Any) -> Any:
    """Approximate ``gelu`` within 5e-4: x / 2 · (1 + tanh(√(2/π) (x + 0.044715 x³))).

    >>> bool(abs(gelu_tanh(np.array(1.0)) - gelu(np.array(1.0))) < 5e-4)
    True
    """
    return 0.5 * x * (1 + np.tanh(GELU_SLOPE * (x + GELU_CUBIC * (x * x * x))))


# Φ(x) is computed again in the backward pass: keeping it would take as much memory as x itself.
@kernel
def gelu_rule(g: Any, x: Any) -> Any:
    """The product rule."""
    return g * (normal_cdf(x) + x * normal_density(x))


@operation(ANY, label="gelu", x=gelu_rule)
@kernel
def gelu_exact(x: Any) -> Any:
    """Multiply x by Φ(x); see ``gelu``."""
    return x * normal_cdf(x)


def gelu(x: Any, approximate: Literal["none", "tanh"] = "none") -> Any:
    """Multiply x by the normal distribution function of x; ``approximate="tanh"``: ``gelu_tanh``.

    x Φ(x) = x / 2 · (1 + erf(x / √2)); Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016).
    Raises OptionError for another ``approximate``.

    >>> print(gelu(np.array(1.0)))
    0.8413447460685429
    """
    if approximate not in ("none", "tanh"):
        raise OptionError(f"gelu: got approximate={approximate!r}; expected 'none' or 'tanh'")
    return gelu_exact(x) if approximate == "none" else gelu_tanh(x)


@operation(ANY, x=lambda g, out: g * (out * (1 - out)))
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), elementwise, without warnings or cancellation at either end.

    >>> sigmoid(np.array([-1000.0, 0.0]))
    array([0. , 0.5])
    """
    with np.errstate(over="ignore"):  # exp(1000) = inf gives the 0 that is wanted
        return 1 / (1 + np.exp(-x))


def silu(x: Any) -> Any:
    """Multiply x by its sigmoid; also called swish.

    Ramachandran et al., "Searching for Activation Functions" (2017).

    >>> silu(np.array([-1000.0, 0.0]))
    array([-0.,  0.])
    """
    return x * sigmoid(x)


@operation(ANY, x=lambda g, x, beta: g * sigmoid(beta * x))
def softplus(x: Any, beta: float = 1.0) -> Any:
    """log(1 + exp(``beta`` x)) / ``beta``: a smooth ReLU, without overflow.

    >>> softplus(np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """
    return np.logaddexp(beta * x, 0) / beta


def tanh(x: Any) -> Any:
    """Hyperbolic tangent, elementwise: ``np.tanh``.

    >>> tanh(np.array(0.0))
    np.float64(0.0)
    """
    return np.tanh(x)


@kernel
def softmax_rule(g: Any, out: Any, axis: int) -> Any:
    """Remove from the cotangent what would change the sum."""
    return out * (g - products_over(g, out, axis))


@operation(along_an_axis, x=softmax_rule)
@kernel
def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / Σ exp(x) along an axis, shifted by the maximum so that nothing overflows.

    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
    exponentials /= sum_over(exponentials, axis)
    return exponentials


@kernel
def log_softmax_rule(g: Any, out: Any, axis: int) -> Any:
    """Remove from the cotangent what would change the sum of exp(out)."""
    return g - np.exp(out) * sum_over(g, axis)


@operation(along_an_axis, x=log_softmax_rule)
@kernel
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Logarithm of ``softmax`` without its rounding: x - log Σ exp(x) along an axis.

    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(sum_over(np.exp(shifted), axis))
