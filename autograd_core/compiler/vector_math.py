"""Elementary functions that a loop can compute for several elements at once (the extra ``fast``).

numba calls libm for ``exp`` or ``tanh``, one element a call. Here every function is straight-line
code of additions, multiplications, bit casts and selections, which LLVM turns into vector
instructions. There is no branch, no table and no call, and every corner is right: NaN, infinities,
signed zeros, overflow, and results that are subnormal.

Largest errors in units in the last place (ulp), measured against wider arithmetic on a machine with
fused multiply-adds:

=========== ======= ======= =======================================
function    float32 float64 method
=========== ======= ======= =======================================
exp         0.93    0.98    2ⁿ exp(r)
expm1       1.2     1.5     2ⁿ ((exp(r) - 1) + (1 - 2⁻ⁿ))
tanh        2.1     2.4     t / (t + 2), t = expm1(2 |x|)
sinh        1.9     2.3     by expm1, or exp(|x|) / 2
cosh        1.2     1.1     e + 1 / (4 e), e = exp(|x|) / 2
sigmoid     2.4     2.3     by exp(-|x|)
log, log1p  0.8     0.8     k ln 2 + log(1 + f)
erf         1.1     1.3     x + x P(x²), or 1 - erfc(x)
erfc        2.1     1.9     t P(2t - 1) exp(-z²), t = 2 / (2 + z)
normal_cdf  3.0     2.2     erfc(-x / √2) / 2
=========== ======= ======= =======================================

Sources. Argument reduction with ln 2 in two parts: W. J. Cody and W. Waite, "Software Manual for
the Elementary Functions" (1980). Reduction of log: P. T. P. Tang, "Table-driven implementation of
the logarithm function" (1990), and FreeBSD's msun. Correction of log1p: N. J. Higham, "Accuracy and
Stability of Numerical Algorithms" (2002), section 1.14.1. Rounding by adding 1.5 · 2^p: J.-M.
Muller, "Elementary Functions" (2016). erfc as t P(2t - 1) exp(-z²): W. H. Press et al., "Numerical
Recipes", section 6.2.2; the square with its rounding error: W. J. Cody, "Rational Chebyshev
approximations for the error function" (1969). All polynomials were fitted anew by the exchange
algorithm of E. Remez (1934) with 60 digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from autograd_core.compiler.machine import instructions
from autograd_core.errors import require

Coefficients = tuple[float, ...]
Function = Callable[..., Any]


@dataclass(frozen=True)
class Precision:
    """A floating-point format, and the constants that fit it; polynomials, highest power first."""

    real: Any
    integer: Any
    digits: int  # bits of the stored significand
    ln2_high: float  # so few bits that its products with exponents are exact
    underflow: float  # exp is zero below
    overflow: float  # and infinite above
    one: float  # where tanh is one
    exp: Coefficients  # (exp(r) - 1 - r) / r² for |r| ≤ ln 2 / 2
    log: Coefficients  # see ``logarithm_single`` and ``logarithm_double``
    erf: Coefficients  # (erf(x) / x - 1) in x² for |x| ≤ 0.9
    erfc: Coefficients  # erfc(z) exp(z²) / t in 2t - 1, where t = 2 / (2 + z)


SINGLE = Precision(
    real=np.float32,
    integer=np.int32,
    digits=23,
    ln2_high=0.693359375,
    underflow=-104.0,
    overflow=89.0,
    one=10.0,
    exp=(
        0.0001991559576378089022,
        0.001394200675234951654,
        0.008333270681959255987,
        0.04166634278855077363,
        0.1666666682594709806,
        0.5000000048991353952,
    ),
    log=(
        0.06921338397835490178,
        -0.117849934131737028,
        0.1186719465015567364,
        -0.1238500221694198768,
        0.1421969807819735876,
        -0.1666923576958825522,
        0.2000216113198230557,
        -0.2499998625156439431,
        0.3333331174014055847,
    ),
    erf=(
        0.00008513104567473482134,
        -0.0008175639418328271002,
        0.005203859172318763644,
        -0.02686050846900057392,
        0.1128371503297169492,
        -0.3761263497985734226,
        0.1283791667643616253,
    ),
    erfc=(
        0.00003627678557117440747,
        -0.00002628675864930802408,
        -0.0002965112299314849867,
        0.0004186582632465555878,
        0.00153071675765979285,
        -0.00323876272187386348,
        -0.01075264194264159044,
        0.01822098968896550044,
        0.1397358651772505594,
        0.3435803452590474723,
        0.5107913545959069283,
    ),
)

DOUBLE = Precision(
    real=np.float64,
    integer=np.int64,
    digits=52,
    ln2_high=0.69314575195312500,
    underflow=-746.0,
    overflow=710.0,
    one=20.0,
    exp=(
        2.092537571051944314e-9,
        2.511015676895031299e-8,
        2.75572397493909884e-7,
        2.755724123354327095e-6,
        0.00002480158736405780518,
        0.0001984126988881633424,
        0.001388888888886508679,
        0.008333333333320688945,
        0.0416666666666667048,
        0.1666666666666667758,
        0.4999999999999999998,
    ),
    log=(
        0.1480753715416567291,
        0.1531300260975652186,
        0.181836004774474898,
        0.2222219798352685113,
        0.28571428746905767,
        0.3999999999940135467,
        0.6666666666666734924,
    ),
    erf=(
        -8.481848971005908069e-10,
        1.404604661824744414e-8,
        -1.627547593485859186e-7,
        1.645521390677058804e-6,
        -0.00001492529973736416458,
        0.0001205532104207951312,
        -0.0008548326754915645318,
        0.00522397762160313285,
        -0.02686617064480662426,
        0.1128379167095370399,
        -0.3761263890318372801,
        0.1283791670955125732,
    ),
    erfc=(
        -3.008966467775657381e-9,
        7.51357170342509746e-9,
        1.239493805145568634e-8,
        -5.621267727126676212e-8,
        2.228434608872971552e-8,
        1.604139520523711251e-7,
        -3.07885905125297935e-7,
        2.04073418130851512e-9,
        1.015010504781573755e-6,
        -1.824125098336658326e-6,
        -5.689451603467562136e-7,
        8.061402180165736284e-6,
        -0.00001084622426055410659,
        -0.00001707469592455952196,
        0.00007223498132333050496,
        -0.00001718567775742845125,
        -0.0003315366996112243852,
        0.0004186480273416968187,
        0.00154530602532513981,
        -0.003239592533667144707,
        -0.0107553309445649825,
        0.018221115753434944,
        0.1397360462780244729,
        0.343580342206905322,
        0.5107913526210114955,
    ),
)

PRECISIONS = {np.dtype(each.real): each for each in (SINGLE, DOUBLE)}

# ln 2 in three parts of 106 bits, to make the low part of either precision.
LN2 = (0.693147180559945286, 2.3190468138462996e-17)


# -- parts -----------------------------------------------------------------------------------------


def power_of_two(p: Precision) -> Function:
    """2ⁿ for an integer n for which it is a normal number."""
    real, integer = p.real, p.integer
    digits, bias = integer(p.digits), integer(np.finfo(p.real).maxexp - 1)

    def power_of_two(n: Any) -> Any:
        return integer(integer(n + bias) << digits).view(real)

    return power_of_two


def scaled(p: Precision) -> Function:
    """2ⁿ x, rounded once: the first of the two factors keeps the product normal."""
    integer, power = p.integer, compiled("power_of_two", p)
    one = integer(1)

    def scaled(x: Any, n: Any) -> Any:
        half = integer(n >> one)
        return (x * power(half)) * power(integer(n - half))

    return scaled


def with_sign(p: Precision) -> Function:
    """The magnitude of x with the sign of y."""
    real, integer = p.real, p.integer
    sign = integer(np.iinfo(p.integer).min)
    magnitude = integer(~sign)

    def with_sign(x: Any, y: Any) -> Any:
        x, y = real(x), real(y)
        bits = integer(x.view(integer) & magnitude) | integer(y.view(integer) & sign)
        return integer(bits).view(real)

    return with_sign


def limited(p: Precision) -> Function:
    """A number between two bounds; NaN stays."""

    def limited(x: Any, low: Any, high: Any) -> Any:
        x = low if x < low else x
        return high if x > high else x

    return limited


def reduced_exponential(p: Precision) -> Function:
    """Give n and exp(r) - 1, with x = n ln 2 + r, |r| ≤ ln 2 / 2."""
    real, integer = p.real, p.integer
    muladd, polynomial = instructions().muladd, instructions().polynomial
    # Added to a small number, it leaves the nearest integer in the last bits.
    rounder = real(1.5 * 2.0**p.digits)
    offset = rounder.view(integer)
    per_ln2 = real(1 / math.log(2))
    high, low = real(-p.ln2_high), real(-((LN2[0] - p.ln2_high) + LN2[1]))
    coefficients = tuple(map(real, p.exp))

    def reduced_exponential(x: Any) -> Any:
        shifted = real(x * per_ln2 + rounder)
        n = shifted - rounder
        r = muladd(n, low, muladd(n, high, x))
        return integer(shifted.view(integer) - offset), muladd(
            r * r, polynomial(r, coefficients), r
        )

    return reduced_exponential


def reduced_logarithm(p: Precision) -> Function:
    """Give k and f with x = 2ᵏ (1 + f), √½ ≤ 1 + f < √2, for a normal number x > 0."""
    real, integer = p.real, p.integer
    digits, mask = integer(p.digits), integer(2**p.digits - 1)
    start = real(math.sqrt(0.5)).view(integer)
    one = real(1)

    def reduced_logarithm(x: Any) -> Any:
        bits = integer(real(x).view(integer) - start)
        fraction = integer(integer(bits & mask) + start).view(real)
        return real(integer(bits >> digits)), fraction - one

    return reduced_logarithm


def logarithm(p: Precision) -> Function:
    """Sum of k ln 2, log(1 + f) and a small number c."""
    return logarithm_single(p) if p is SINGLE else logarithm_double(p)


def logarithm_single(p: Precision) -> Function:
    """Write log(1 + f) as f - f² / 2 + f³ P(f)."""
    real = p.real
    muladd, polynomial = instructions().muladd, instructions().polynomial
    high, low = real(p.ln2_high), real((LN2[0] - p.ln2_high) + LN2[1])
    coefficients = tuple(map(real, p.log))
    minus_half = real(-0.5)

    def logarithm(k: Any, f: Any, c: Any) -> Any:
        square = f * f
        rest = muladd(square, f * polynomial(f, coefficients), muladd(k, low, c))
        return muladd(k, high, f + muladd(square, minus_half, rest))

    return logarithm


def logarithm_double(p: Precision) -> Function:
    """Write log(1 + f) as f - s (f - R), where R = s² P(s²) and s = f / (2 + f)."""
    real = p.real
    muladd, polynomial = instructions().muladd, instructions().polynomial
    high, low = real(p.ln2_high), real((LN2[0] - p.ln2_high) + LN2[1])
    coefficients = tuple(map(real, p.log))
    half, two = real(0.5), real(2)

    def logarithm(k: Any, f: Any, c: Any) -> Any:
        s = f / (two + f)
        z = s * s
        square = half * f * f
        rest = muladd(s, square + z * polynomial(z, coefficients), muladd(k, low, c))
        return muladd(k, high, f - (square - rest))

    return logarithm


def normal_tail(p: Precision) -> Function:
    """Tail t P(2t - 1) exp(-z²) = erfc(z) for 0 ≤ z, given z² as a sum of two numbers."""
    real = p.real
    muladd, polynomial = instructions().muladd, instructions().polynomial
    reduced, scaled = compiled("reduced_exponential", p), compiled("scaled", p)
    coefficients = tuple(map(real, p.erfc))
    half, one, two, low = real(0.5), real(1), real(2), real(p.underflow)

    def normal_tail(z: Any, square: Any, rest: Any) -> Any:
        divisor = two + z
        t = two / divisor
        # What rounding has taken from the divisor and from the quotient, relative to t.
        lost = half * (muladd(-t, divisor, two) - t * (z - (divisor - two)))
        y = muladd(two * t, lost, two * t - one)
        factor = t * polynomial(y, coefficients)
        exponent = -square
        n, q = reduced(low if exponent < low else exponent)
        q = muladd(one + q, lost - rest, q)
        return scaled(muladd(factor, q, factor), n)

    return normal_tail


# -- functions -------------------------------------------------------------------------------------


def exp(p: Precision) -> Function:
    """The exponential of the rest r, times 2ⁿ."""
    real = p.real
    limited, reduced, scaled = (
        compiled(name, p) for name in ("limited", "reduced_exponential", "scaled")
    )
    low, high, one = real(p.underflow), real(p.overflow), real(1)

    def exp(x: Any) -> Any:
        n, q = reduced(limited(x, low, high))
        return scaled(one + q, n)

    return exp


def expm1(p: Precision) -> Function:
    """2ⁿ ((exp(r) - 1) + (1 - 2⁻ⁿ))."""
    real, integer = p.real, p.integer
    limited, reduced, scaled, power = (
        compiled(name, p) for name in ("limited", "reduced_exponential", "scaled", "power_of_two")
    )
    low, high = real(-2 * p.one), real(p.overflow)
    zero, one, most = real(0), real(1), integer(100)

    def expm1(x: Any) -> Any:
        n, q = reduced(limited(x, low, high))
        inverse = power(integer(-(most if n > most else n)))
        return x if x == zero else scaled(q + (one - inverse), n)

    return expm1


def tanh(p: Precision) -> Function:
    """Quotient t / (t + 2), where t = exp(2 |x|) - 1, which is well conditioned."""
    real = p.real
    muladd = instructions().muladd
    reduced, power, with_sign = (
        compiled(name, p) for name in ("reduced_exponential", "power_of_two", "with_sign")
    )
    one, two, most = real(1), real(2), real(p.one)

    def tanh(x: Any) -> Any:
        size = abs(x)
        size = most if size > most else size
        n, q = reduced(size + size)
        scale = power(n)
        t = muladd(scale, q, scale - one)
        return with_sign(t / (t + two), x)

    return tanh


def sinh(p: Precision) -> Function:
    """(t + t / (t + 1)) / 2 for small numbers, where t = exp(|x|) - 1; else by exp(|x|) / 2."""
    real, integer = p.real, p.integer
    muladd = instructions().muladd
    reduced, power, scaled, with_sign = (
        compiled(name, p) for name in ("reduced_exponential", "power_of_two", "scaled", "with_sign")
    )
    half, quarter, one, most = real(0.5), real(0.25), real(1), real(p.overflow + 1)
    shift = integer(1)

    def sinh(x: Any) -> Any:
        size = abs(x)
        size = most if size > most else size
        n, q = reduced(size)
        scale = power(n)
        t = muladd(scale, q, scale - one)
        e = scaled(one + q, integer(n - shift))
        return with_sign(half * (t + t / (t + one)) if size < one else e - quarter / e, x)

    return sinh


def cosh(p: Precision) -> Function:
    """Sum e + 1 / (4 e), where e = exp(|x|) / 2."""
    real, integer = p.real, p.integer
    reduced, scaled = compiled("reduced_exponential", p), compiled("scaled", p)
    quarter, one, most = real(0.25), real(1), real(p.overflow + 1)
    shift = integer(1)

    def cosh(x: Any) -> Any:
        size = abs(x)
        n, q = reduced(most if size > most else size)
        e = scaled(one + q, integer(n - shift))
        return e + quarter / e

    return cosh


def sigmoid(p: Precision) -> Function:
    """1 / (1 + exp(-x)), by exp(-|x|), which does not overflow."""
    exp, one, zero = compiled("exp", p), p.real(1), p.real(0)

    def sigmoid(x: Any) -> Any:
        e = exp(-abs(x))
        return (e if x < zero else one) / (one + e)

    return sigmoid


def log(p: Precision) -> Function:
    """Sum of k ln 2 and log1p(f), with subnormal numbers made normal."""
    real = p.real
    reduced, logarithm = compiled("reduced_logarithm", p), compiled("logarithm", p)
    smallest, larger = np.finfo(real).smallest_normal, real(2.0 ** (p.digits + 1))
    zero, infinity, nan, shift = real(0), real(math.inf), real(math.nan), real(p.digits + 1)

    def log(x: Any) -> Any:
        subnormal = x < smallest
        k, f = reduced(x * larger if subnormal else x)
        value = logarithm(k - shift if subnormal else k, f, zero)
        value = value if x < infinity else x
        value = -infinity if x == zero else value
        return nan if x < zero else value

    return log


def log1p(p: Precision) -> Function:
    """log(u) + c / u, where u is the rounded 1 + x, and c what the rounding lost."""
    real = p.real
    reduced, logarithm = compiled("reduced_logarithm", p), compiled("logarithm", p)
    zero, one, infinity, nan = real(0), real(1), real(math.inf), real(math.nan)

    def log1p(x: Any) -> Any:
        u = one + x
        k, f = reduced(u)
        lost = x - (u - one) if x < one else one - (u - x)
        value = logarithm(k, f, lost / u)
        value = value if x < infinity else x
        value = x if x == zero else value
        value = -infinity if x == -one else value
        return nan if x < -one else value

    return log1p


def logaddexp(p: Precision) -> Function:
    """The larger plus log1p(exp(-|x - y|))."""
    exp, log1p, ln2 = compiled("exp", p), compiled("log1p", p), p.real(math.log(2))

    def logaddexp(x: Any, y: Any) -> Any:
        value = (x if x > y else y) + log1p(exp(-abs(x - y)))
        return x + ln2 if x == y else value

    return logaddexp


def erfc(p: Precision) -> Function:
    """The tail, or two minus the tail of -x."""
    real = p.real
    muladd, limited, tail = (
        instructions().muladd,
        compiled("limited", p),
        compiled("normal_tail", p),
    )
    zero, two, most = real(0), real(2), real(30)

    def erfc(x: Any) -> Any:
        z = limited(abs(x), zero, most)
        square = z * z
        value = tail(z, square, muladd(z, z, -square))
        return two - value if x < zero else value

    return erfc


def erf(p: Precision) -> Function:
    """Polynomial x + x P(x²) around zero, else one minus the tail."""
    real = p.real
    muladd, polynomial = instructions().muladd, instructions().polynomial
    erfc, with_sign = compiled("erfc", p), compiled("with_sign", p)
    coefficients = tuple(map(real, p.erf))
    one, near = real(1), real(0.9)

    def erf(x: Any) -> Any:
        size = abs(x)
        close = muladd(size, polynomial(x * x, coefficients), size)
        return with_sign(close if size < near else one - erfc(size), x)

    return erf


def normal_cdf(p: Precision) -> Function:
    """erfc(-x / √2) / 2."""
    real = p.real
    muladd, limited, tail = (
        instructions().muladd,
        compiled("limited", p),
        compiled("normal_tail", p),
    )
    zero, half, one, most, root = real(0), real(0.5), real(1), real(40), real(math.sqrt(0.5))

    def normal_cdf(x: Any) -> Any:
        size = limited(abs(x), zero, most)
        square = size * size
        rest = muladd(size, size, -square)
        value = half * tail(size * root, half * square, half * rest)
        return value if x < zero else one - value

    return normal_cdf


PARTS = (
    power_of_two,
    scaled,
    with_sign,
    limited,
    reduced_exponential,
    reduced_logarithm,
    logarithm,
    normal_tail,
)
FUNCTIONS = (
    exp,
    expm1,
    tanh,
    sinh,
    cosh,
    sigmoid,
    log,
    log1p,
    logaddexp,
    erf,
    erfc,
    normal_cdf,
)
MAKERS = {each.__name__: each for each in (*PARTS, *FUNCTIONS)}


@cache
def compiled(name: str, precision: Precision) -> Any:
    """A part or function, to be called from loops that numba compiles; always inlined there."""
    numba: Any = require("numba", "fast")
    return numba.njit(forceinline=True, error_model="numpy")(MAKERS[name](precision))
