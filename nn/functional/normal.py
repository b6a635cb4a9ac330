"""The normal distribution function without SciPy, to the last bits of float64 or of float32."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from autograd_core import operation
from autograd_core.primitive import REAL, Elementwise

# Chebyshev coefficients, in y = 2t - 1, of log(erfc(z) exp(z²) / t) with t = 1 / (1 + z / 2), for
# all z from 0 to ∞. The form is that of W. H. Press et al., "Numerical Recipes", section 6.2.2; the
# numbers were computed with 60 digits.
TAIL = (
    -0.6513268598908547,
    0.6419697923564902,
    0.019476473204185836,
    -0.009561514786808632,
    -0.0009465953444820369,
    0.00036683949785276145,
    4.252332480690777e-05,
    -2.0278578112534242e-05,
    -1.6242900046470256e-06,
    1.3036558355805232e-06,
    1.5626441722066142e-08,
    -8.523809591492654e-08,
    6.5290544390988515e-09,
    5.059343495551469e-09,
    -9.91364156493033e-10,
    -2.2736512229318357e-10,
    9.646791102015526e-11,
    2.394038083039121e-12,
    -6.886027526497558e-12,
    8.944879273090748e-13,
    3.130921399342958e-13,
    -1.1270822361367468e-13,
    3.8109052552323413e-16,
    7.106097613602803e-15,
    -1.5230282014485886e-15,
)
PEAK = 1 / math.sqrt(2 * math.pi)

# Coefficients of powers of x², the highest first, of artanh(erf(x / √2)) / x: the tanh of x times
# this is 2 Φ(x) - 1. Fitted to where float32 cannot tell Φ from 0 or 1, by least squares weighted
# such that the largest error of x² Φ is least (C. L. Lawson's iteration): 7e-8.
SLOPES = (
    1.809363e-09,
    -1.3364685e-07,
    3.973113e-06,
    -5.5277942e-05,
    -3.2954762e-05,
    0.03633391,
    0.79788446,
)
EDGE = 5.9


@cache
def tail_polynomial(dtype: np.dtype[Any]) -> Any:
    """The coefficients of powers of y, the highest first, in a dtype."""
    from numpy.polynomial.chebyshev import cheb2poly

    return cheb2poly(TAIL)[::-1].astype(dtype)


def polynomial(x: Any, coefficients: Any) -> Any:
    """Horner's scheme in one array, from the highest power down."""
    highest, *rest = coefficients
    result = np.full_like(x, highest)
    for coefficient in rest:
        result *= x
        result += coefficient
    return result


def single_cdf(x: Any) -> Any:
    """Φ(x) in float32: (1 + tanh(x p(x²))) / 2, in half the time of the exact form."""
    z = np.clip(x, -EDGE, EDGE)
    result = polynomial(np.square(z), SLOPES)
    result *= z
    np.tanh(result, out=result)
    result *= 0.5
    result += 0.5
    return result


@operation(Elementwise((REAL,)), x=lambda g, x: g * (PEAK * np.exp(-0.5 * (x * x))))
def normal_cdf(x: Any) -> Any:
    """Φ(x) = erfc(-x / √2) / 2: how likely a standard normal number is below x.

    In float64 errors are below 4e-16 and, down to Φ(-38) ≈ 3e-316, below 1e-12 of the value; in
    float32 below 2e-7.

    >>> print(normal_cdf(np.array(0.0)))
    0.5
    """
    if x.dtype == np.float32:
        return single_cdf(x)
    z = np.fabs(x) * math.sqrt(0.5)
    t = 2 / (2 + z)
    y = 2 * t - 1
    exponent = polynomial(y, tail_polynomial(y.dtype))
    with np.errstate(over="ignore"):  # exp(-∞) is the 0 that is wanted
        exponent -= z * z
    tail = 0.5 * t * np.exp(exponent)
    return np.where(x < 0, tail, 1 - tail)
