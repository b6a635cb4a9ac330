"""Rules of exponentials, logarithms, trigonometric and hyperbolic functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.primitive import POSITIVE, REAL, UNIT, Domain, Elementwise, call, define
from autograd_core.rules.reductions import over

ANY = Elementwise((REAL,))
ANY_TWO = Elementwise((REAL, REAL))
ABOVE_ZERO = Elementwise((POSITIVE,))
ABOVE_MINUS_ONE = Elementwise((Domain(-0.7, 3.0),))
INSIDE_UNIT = Elementwise((UNIT,))

LN2 = math.log(2)
LN10 = math.log(10)
DEGREES = 180 / math.pi

# Exponentials and logarithms
define(np.exp, ANY, x=lambda g, out: g * out)
define(np.exp2, ANY, x=lambda g, out: g * (out * LN2))
define(np.expm1, ANY, x=lambda g, out: g * (out + 1))
define(np.log, ABOVE_ZERO, x=lambda g, x: g / x)
define(np.log2, ABOVE_ZERO, x=lambda g, x: g / (x * LN2))
define(np.log10, ABOVE_ZERO, x=lambda g, x: g / (x * LN10))
define(np.log1p, ABOVE_MINUS_ONE, x=lambda g, x: g / (1 + x))


def term(exp: Any, x: Any, out: Any) -> Any:
    """eˣ⁻ᵒᵘᵗ; where the logarithm of a sum is ∞, 1 for its infinite terms and 0 for the others."""
    top = np.equal(out, math.inf)
    distance = np.where(top, 0, x) - np.where(np.isinf(out), 0, out)
    return np.where(top, np.equal(x, math.inf).astype(distance.dtype), exp(distance))


def share(part: Any, total: Any) -> Any:
    """The share of a term in a sum, 0 if that is 0; rounding of its logarithm cancels here."""
    return part / np.where(total == 0, 1, total)


def share_of_two(exp: Any, x: Any, y: Any, out: Any) -> Any:
    """The share of eˣ in eˣ + eʸ."""
    part = term(exp, x, out)
    return share(part, part + term(exp, y, out))


define(
    np.logaddexp,
    ANY_TWO,
    x=lambda g, x, y, out: g * share_of_two(np.exp, x, y, out),
    y=lambda g, x, y, out: g * share_of_two(np.exp, y, x, out),
)
define(
    np.logaddexp2,
    ANY_TWO,
    x=lambda g, x, y, out: g * share_of_two(np.exp2, x, y, out),
    y=lambda g, x, y, out: g * share_of_two(np.exp2, y, x, out),
)

# Angles


def series_of_angles(d: Any) -> Any:
    """Angles along an axis; those next to each other are not half a turn apart."""
    p = d.array(d.shape(min_dims=1), Domain(-1.5, 1.5))
    return call(p, axis=d.axis(p.ndim))


define(np.sin, ANY, x=lambda g, x: g * np.cos(x))
define(np.cos, ANY, x=lambda g, x: -g * np.sin(x))
define(np.tan, Elementwise((Domain(-1.2, 1.2),)), x=lambda g, out: g * (1 + out * out))
define(np.arcsin, INSIDE_UNIT, x=lambda g, x: g / np.sqrt((1 - x) * (1 + x)))
define(np.arccos, INSIDE_UNIT, x=lambda g, x: -g / np.sqrt((1 - x) * (1 + x)))
define(np.arctan, ANY, x=lambda g, x: g / (1 + x * x))
define(np.deg2rad, ANY, x=lambda g: g / DEGREES)
define(np.radians, ANY, x=lambda g: g / DEGREES)
define(np.rad2deg, ANY, x=lambda g: g * DEGREES)
define(np.degrees, ANY, x=lambda g: g * DEGREES)
define(np.unwrap, series_of_angles, p=lambda g: g)

# The plane: hypot is a norm, so its gradient at the origin is 0; the angle there is undefined, NaN.


def arctan2_leg(g: Any, leg: Any, x: Any, y: Any) -> Any:
    """The cotangent times leg / (x² + y²), without squares that overflow."""
    radius = np.hypot(x, y)
    return g * (leg / radius) / radius


define(
    np.hypot,
    ANY_TWO,
    x=lambda g, x, out: g * over(x, out),
    y=lambda g, y, out: g * over(y, out),
)
define(
    np.arctan2,
    Elementwise((POSITIVE, REAL)),
    x=lambda g, x, y: arctan2_leg(g, y, x, y),
    y=lambda g, x, y: -arctan2_leg(g, x, x, y),
)

# Hyperbolic functions
define(np.sinh, ANY, x=lambda g, x: g * np.cosh(x))
define(np.cosh, ANY, x=lambda g, x: g * np.sinh(x))
define(np.tanh, ANY, x=lambda g, out: g * (1 - out * out))
define(np.arcsinh, ANY, x=lambda g, x: g / np.sqrt(1 + x * x))
define(
    np.arccosh,
    Elementwise((Domain(1.2, 4.0),)),
    x=lambda g, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)),
)
define(np.arctanh, INSIDE_UNIT, x=lambda g, x: g / ((1 - x) * (1 + x)))

# sinc and I₀ are smooth, but the formulas of their derivatives divide by x.

# Taylor coefficients of sinc′(x) / x in powers of x².
SINC_SLOPE = tuple(
    (-1) ** k * 2 * k * math.pi ** (2 * k) / math.factorial(2 * k + 1) for k in range(1, 16)
)


def sinc_slope(x: Any, out: Any) -> Any:
    """(cos πx - sinc x) / x, as a Taylor series near zero, where that cancels."""
    near = np.abs(x) < 0.5
    small = np.where(near, x, 0)
    series = SINC_SLOPE[-1]
    for coefficient in SINC_SLOPE[-2::-1]:
        series = series * (small * small) + coefficient
    return np.where(near, small * series, (np.cos(math.pi * x) - out) / np.where(near, 1, x))


def bessel_i1(x: Any) -> Any:
    """The modified Bessel function I₁, the derivative of I₀.

    I₁(x) = 1/π ∫₀^π sinh(x cos θ) cos θ dθ (Abramowitz and Stegun 9.6.19). The integrand is
    periodic, so the midpoint rule is exact to rounding wherever I₁(x) does not overflow.
    """
    nodes = np.cos((np.arange(64) + 0.5) * (math.pi / 128)).astype(x.dtype)
    return np.mean(np.sinh(x[..., None] * nodes) * nodes, axis=-1)


define(np.sinc, ANY, x=lambda g, x, out: g * sinc_slope(x, out))
define(np.i0, ANY, x=lambda g, x: g * bessel_i1(x))
