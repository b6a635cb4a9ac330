"""Rules of scipy.special's ufuncs; imported when the first of them meets a Tensor.

Derivatives are those of the NIST Digital Library of Mathematical Functions (dlmf.nist.gov), written
with functions that stay accurate where the textbook form would cancel or overflow.
"""

from __future__ import annotations

import inspect
import math
from types import SimpleNamespace
from typing import Any

import numpy as np

from autograd_core.errors import DtypeError, require
from autograd_core.primitive import (
    POSITIVE,
    REAL,
    UNIT,
    Domain,
    Elementwise,
    call,
    define,
    operation,
)
from autograd_core.rules.transcendental import DEGREES, LN2, LN10


def unwrapped(function: Any) -> Any:
    """The ufunc itself: SciPy wraps it when told to (SCIPY_ARRAY_API=1) dispatch in its own way."""
    plain = inspect.unwrap(function) if callable(function) else function
    return plain if isinstance(plain, np.ufunc) else function


scipy_special = require("scipy.special", extra="train")
special: Any = SimpleNamespace(
    **{name: unwrapped(function) for name, function in vars(scipy_special).items()}
)

ANY = Elementwise((REAL,))
ABOVE_ZERO = Elementwise((POSITIVE,))
BOTH_ABOVE_ZERO = Elementwise((POSITIVE, POSITIVE))
PROBABILITY = Elementwise((Domain(0.1, 0.9),))

# The slope of erf at zero, and of the normal distribution function.
ERF_SLOPE = 2 / math.sqrt(math.pi)
NORMAL_PEAK = 1 / math.sqrt(2 * math.pi)
HALF_ROOT = math.sqrt(0.5)


def ratio(x: Any, y: Any) -> Any:
    """The quotient x / y, with 0 / 0 = 0."""
    return x / np.where((x == 0) & (y == 0), 1, y)


# scipy.special has its own versions of some of NumPy's ufuncs.
define(special.cbrt, ABOVE_ZERO, x=lambda g, out: g / (3 * out * out))
define(special.exp2, ANY, x=lambda g, out: g * (out * LN2))
define(special.exp10, ANY, x=lambda g, out: g * (out * LN10))
define(special.expm1, ANY, x=lambda g, out: g * (out + 1))
define(special.log1p, ABOVE_ZERO, x=lambda g, x: g / (1 + x))
define(special.cosm1, ANY, x=lambda g, x: -g * np.sin(x))
define(special.sindg, ANY, x=lambda g, x: g * special.cosdg(x) / DEGREES)
define(special.cosdg, ANY, x=lambda g, x: -g * special.sindg(x) / DEGREES)
define(special.tandg, ANY, x=lambda g, out: g * (1 + out * out) / DEGREES)

# Error function and normal distribution
define(special.erf, ANY, x=lambda g, x: g * (ERF_SLOPE * np.exp(-x * x)))
define(special.erfc, ANY, x=lambda g, x: -g * (ERF_SLOPE * np.exp(-x * x)))
define(special.erfi, ANY, x=lambda g, x: g * (ERF_SLOPE * np.exp(x * x)))
define(special.erfcx, ANY, x=lambda g, x, out: g * (2 * x * out - ERF_SLOPE))
define(special.dawsn, ANY, x=lambda g, x, out: g * (1 - 2 * x * out))
define(special.erfinv, Elementwise((UNIT,)), x=lambda g, out: g * (np.exp(out * out) / ERF_SLOPE))
define(
    special.erfcinv,
    Elementwise((Domain(0.1, 1.9),)),
    x=lambda g, out: -g * (np.exp(out * out) / ERF_SLOPE),
)
define(special.ndtr, ANY, x=lambda g, x: g * (NORMAL_PEAK * np.exp(-x * x / 2)))
define(
    special.log_ndtr,
    ANY,
    x=lambda g, x: g * (2 * NORMAL_PEAK) / special.erfcx(-HALF_ROOT * x),
)
define(special.ndtri, PROBABILITY, x=lambda g, out: g * (np.exp(out * out / 2) / NORMAL_PEAK))
define(
    special.ndtri_exp,
    Elementwise((Domain(-3.0, -0.1),)),
    x=lambda g, out: g * special.erfcx(-HALF_ROOT * out) / (2 * NORMAL_PEAK),
)

# Logistic functions
define(special.expit, ANY, x=lambda g, out: g * (out * (1 - out)))
define(special.log_expit, ANY, x=lambda g, x: g * special.expit(-x))
define(special.logit, PROBABILITY, x=lambda g, x: g / (x * (1 - x)))

# Confluent hypergeometric functions; exprel(x) = (eˣ - 1) / x is ₁F₁(1; 2; x).


def confluent(d: Any) -> Any:
    """Parameters and arguments of ₁F₁."""
    return call(d.choice([0.5, 2]), d.choice([1.5, 3]), d.array())


define(
    special.hyp1f1,
    confluent,
    z=lambda g, x, y, z: g * (x / y) * special.hyp1f1(x + 1, y + 1, z),
)
define(special.exprel, ANY, x=lambda g, x: g * special.hyp1f1(2, 3, x) / 2)

# Gamma function and its kin

# B₂ₖ / (2k)! for k = 1, 2, …
BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000)


def hurwitz(d: Any) -> Any:
    """An exponent and arguments of the Hurwitz zeta function."""
    return call(d.choice([2, 3, 2.5]), d.array(domain=POSITIVE))


def zeta_q(g: Any, s: Any, q: Any) -> Any:
    """Slopes in q, which are zetas again."""
    return -g * s * zeta(s + 1, q)


@operation(hurwitz, q=zeta_q)
def zeta(s: Any, q: Any) -> Any:
    """The Hurwitz zeta function Σ (q + k)⁻ˢ over all k ≥ 0."""
    return zeta_of_complex(s, q) if np.iscomplexobj(q) else special.zeta(s, q)


def zeta_of_complex(s: Any, q: Any) -> Any:
    """Euler-Maclaurin summation, which SciPy only has for real q (DLMF 25.11.5)."""
    steps = 12 + int(np.max(-np.real(q), initial=0))
    a = q + steps
    total = np.sum((q[..., None] + np.arange(steps)) ** -s, axis=-1)
    total += a ** (1 - s) / (s - 1) + a**-s / 2
    rising = s * a ** (-s - 1)
    for k, bernoulli in enumerate(BERNOULLI):
        total += bernoulli * rising
        rising *= (s + 2 * k + 1) * (s + 2 * k + 2) / (a * a)
    return total


define(special.psi, ABOVE_ZERO, label="digamma", x=lambda g, x: g * zeta(2, x))
define(special.gamma, ABOVE_ZERO, x=lambda g, x, out: g * out * special.psi(x))
define(special.rgamma, ABOVE_ZERO, x=lambda g, x, out: -g * out * special.psi(x))
define(special.gammaln, ABOVE_ZERO, x=lambda g, x: g * special.psi(x))
define(special.loggamma, ABOVE_ZERO, x=lambda g, x: g * special.psi(x))
define(
    special.beta,
    BOTH_ABOVE_ZERO,
    x=lambda g, x, y, out: g * out * (special.psi(x) - special.psi(x + y)),
    y=lambda g, x, y, out: g * out * (special.psi(y) - special.psi(x + y)),
)
define(
    special.betaln,
    BOTH_ABOVE_ZERO,
    x=lambda g, x, y: g * (special.psi(x) - special.psi(x + y)),
    y=lambda g, x, y: g * (special.psi(y) - special.psi(x + y)),
)
define(
    special.binom,
    Elementwise((Domain(4.0, 5.0), Domain(0.3, 1.5))),
    x=lambda g, x, y, out: g * out * (special.psi(x + 1) - special.psi(x - y + 1)),
    y=lambda g, x, y, out: g * out * (special.psi(x - y + 1) - special.psi(y + 1)),
)
define(
    special.poch,
    BOTH_ABOVE_ZERO,
    x=lambda g, x, y, out: g * out * (special.psi(x + y) - special.psi(x)),
    y=lambda g, x, y, out: g * out * special.psi(x + y),
)


# Incomplete gamma and beta functions are distribution functions; their slopes are the densities.
# Those in the shape parameters have no closed form.


def gamma_density(a: Any, x: Any) -> Any:
    """The density xᵃ⁻¹ e⁻ˣ / Γ(a), in the dtype of x."""
    a = a + np.zeros_like(x)
    return np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """The density xᵃ⁻¹ (1 - x)ᵇ⁻¹ / B(a, b), in the dtype of x."""
    a, b = a + np.zeros_like(x), b + np.zeros_like(x)
    return np.exp(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b))


def gamma_distributed(d: Any) -> Any:
    """A shape parameter and values of a gamma distribution."""
    return call(d.choice([0.5, 1.0, 2.5]), d.array(domain=POSITIVE))


def beta_distributed(d: Any) -> Any:
    """Shape parameters and values of a beta distribution."""
    return call(d.choice([0.5, 1.0, 2.5]), d.choice([1.0, 1.5]), d.array(domain=Domain(0.1, 0.9)))


def gamma_probability(d: Any) -> Any:
    """A shape parameter and probabilities."""
    return call(d.choice([0.5, 1.0, 2.5]), d.array(domain=Domain(0.1, 0.9)))


define(special.gammainc, gamma_distributed, y=lambda g, x, y: g * gamma_density(x, y))
define(special.gammaincc, gamma_distributed, y=lambda g, x, y: -g * gamma_density(x, y))
define(special.gammaincinv, gamma_probability, y=lambda g, x, out: g / gamma_density(x, out))
define(special.gammainccinv, gamma_probability, y=lambda g, x, out: -g / gamma_density(x, out))
define(special.betainc, beta_distributed, z=lambda g, x, y, z: g * beta_density(x, y, z))
define(special.betaincc, beta_distributed, z=lambda g, x, y, z: -g * beta_density(x, y, z))
define(special.betaincinv, beta_distributed, z=lambda g, x, y, out: g / beta_density(x, y, out))
define(special.betainccinv, beta_distributed, z=lambda g, x, y, out: -g / beta_density(x, y, out))

# Chi-squared is twice a gamma distribution, Student's t² / (n + t²) has a beta distribution, and so
# has a part of Fisher's ratio: with these, tests of hypotheses have differentiable p-values.


def student_density(n: Any, t: Any) -> Any:
    """The density (1 + t²/n)^(-(n+1)/2) / (√n B(n/2, 1/2)), in the dtype of t."""
    n, half = n + np.zeros_like(t), 0.5 + np.zeros_like(t)
    log_scale = np.log(n) / 2 + special.betaln(n / 2, half)
    return np.exp(-(n + 1) / 2 * np.log1p(t * t / n) - log_scale)


def fisher_density(m: Any, n: Any, x: Any) -> Any:
    """The density of the ratio F, of which m F / (m F + n) has a beta distribution."""
    m, n = m + np.zeros_like(x), n + np.zeros_like(x)
    below = m * x + n
    return beta_density(m / 2, n / 2, m * x / below) * (m / below) * (n / below)


def fisher_distributed(d: Any) -> Any:
    """Degrees of freedom and values of Fisher's distribution."""
    return call(d.choice([1.0, 2.0, 3.5]), d.choice([1.0, 4.0]), d.array(domain=POSITIVE))


def student_distributed(d: Any) -> Any:
    """Degrees of freedom and values of Student's distribution."""
    return call(d.choice([1.0, 2.0, 7.5]), d.array())


define(special.chdtr, gamma_distributed, y=lambda g, x, y: g * gamma_density(x / 2, y / 2) / 2)
define(special.chdtrc, gamma_distributed, y=lambda g, x, y: -g * gamma_density(x / 2, y / 2) / 2)
define(special.fdtr, fisher_distributed, z=lambda g, x, y, z: g * fisher_density(x, y, z))
define(special.fdtrc, fisher_distributed, z=lambda g, x, y, z: -g * fisher_density(x, y, z))
define(special.stdtr, student_distributed, y=lambda g, x, y: g * student_density(x, y))


# Bessel functions; no closed form gives slopes in the order, which therefore is a constant.


def any_order(d: Any) -> Any:
    """An order and positive arguments."""
    return call(d.choice([0, 1, 2, 0.5]), d.array(domain=POSITIVE))


def ive_y(g: Any, x: Any, y: Any, out: Any) -> Any:
    """The slope of Iᵥ(y) exp(-|Re y|), whose second factor is not holomorphic."""
    slope = (special.ive(x - 1, y) + special.ive(x + 1, y)) / 2
    return g * slope - np.real(g * out) * np.sign(np.real(y))


def integer_order(d: Any) -> Any:
    """An integer order and positive arguments."""
    return call(d.integer(0, 3), d.array(domain=POSITIVE))


define(
    special.jv,
    any_order,
    y=lambda g, x, y: g * (special.jv(x - 1, y) - special.jv(x + 1, y)) / 2,
)
define(
    special.yv,
    any_order,
    y=lambda g, x, y: g * (special.yv(x - 1, y) - special.yv(x + 1, y)) / 2,
)
define(
    special.yn,
    integer_order,
    y=lambda g, x, y: g * (special.yv(x - 1, y) - special.yv(x + 1, y)) / 2,
)
define(
    special.iv,
    any_order,
    y=lambda g, x, y: g * (special.iv(x - 1, y) + special.iv(x + 1, y)) / 2,
)
define(
    special.kv,
    any_order,
    y=lambda g, x, y: -g * (special.kv(x - 1, y) + special.kv(x + 1, y)) / 2,
)
define(
    special.kn,
    integer_order,
    y=lambda g, x, y: -g * (special.kv(x - 1, y) + special.kv(x + 1, y)) / 2,
)
define(
    special.ive,
    any_order,
    y=ive_y,
)
define(
    special.kve,
    any_order,
    y=lambda g, x, y, out: g * (out - (special.kve(x - 1, y) + special.kve(x + 1, y)) / 2),
)
define(special.j0, ANY, x=lambda g, x: -g * special.j1(x))
define(special.j1, ANY, x=lambda g, x: g * (special.j0(x) - special.jv(2, x)) / 2)
define(special.y0, ABOVE_ZERO, x=lambda g, x: -g * special.y1(x))
define(special.y1, ABOVE_ZERO, x=lambda g, x: g * (special.y0(x) - special.yv(2, x)) / 2)
define(special.i0, ANY, x=lambda g, x: g * special.i1(x))
define(special.i1, ANY, x=lambda g, x: g * (special.i0(x) + special.iv(2, x)) / 2)
define(special.i0e, ANY, x=lambda g, x, out: g * (special.i1e(x) - np.sign(x) * out))
define(
    special.i1e,
    ANY,
    x=lambda g, x, out: g * ((special.i0e(x) + special.ive(2, x)) / 2 - np.sign(x) * out),
)
define(special.k0, ABOVE_ZERO, x=lambda g, x: -g * special.k1(x))
define(special.k1, ABOVE_ZERO, x=lambda g, x: -g * (special.k0(x) + special.kv(2, x)) / 2)
define(special.k0e, ABOVE_ZERO, x=lambda g, x, out: g * (out - special.k1e(x)))
define(
    special.k1e,
    ABOVE_ZERO,
    x=lambda g, x, out: g * (out - (special.k0e(x) + special.kve(2, x)) / 2),
)
define(
    special.airy,
    ANY,
    multiple=True,
    x=lambda g, x, out: g[0] * out[1] + g[1] * x * out[0] + g[2] * out[3] + g[3] * x * out[2],
)

# Elliptic integrals; K and E are hypergeometric functions of the parameter m (DLMF 19.5.1 and 2),
# and the slopes of the incomplete ones are integrals of Carlson's (DLMF 19.25.5, 9 and 10), which
# do not cancel as those of DLMF 19.4 do for small m.

HYPERGEOMETRIC = Domain(-0.9, 0.8)


def hypergeometric(d: Any) -> Any:
    """Parameters and arguments of ₂F₁."""
    first, second, third = d.choice([0.5, 1.5]), d.choice([-0.5, 2]), d.choice([1, 2.5])
    return call(first, second, third, d.array(domain=HYPERGEOMETRIC))


# DLMF 15.5.1
define(
    special.hyp2f1,
    hypergeometric,
    w=lambda g, x, y, z, w: g * (x * y / z) * special.hyp2f1(x + 1, y + 1, z + 1, w),
)


def slope_k(m: Any, complement: Any) -> Any:
    """dK/dm, with 1 - m given too; in the dtype of m."""
    return math.pi / 8 * special.hyp2f1(0.5, 0.5, 2, m).astype(m.dtype) / complement


PARAMETER = Elementwise((Domain(-2.0, 0.9),))
define(special.ellipk, PARAMETER, x=lambda g, x: g * slope_k(x, 1 - x))
define(special.ellipkm1, PROBABILITY, x=lambda g, x: -g * slope_k(1 - x, x))
define(
    special.ellipe,
    PARAMETER,
    x=lambda g, x: g * (-math.pi / 8) * special.hyp2f1(0.5, 1.5, 2, x).astype(x.dtype),
)


def delta(phi: Any, m: Any) -> Any:
    """√(1 - m sin²φ)."""
    return np.sqrt(1 - m * np.sin(phi) ** 2)


def carlson(phi: Any, m: Any, cubed: bool) -> Any:
    """½ ∫ sin²θ / Δ dθ from 0 to φ, or with Δ³: the slopes in m of -E and of F."""
    if np.iscomplexobj(phi) or np.iscomplexobj(m):
        raise DtypeError("ellipkinc, ellipeinc: got complex numbers; expected real ones")
    periods = np.rint(phi / math.pi)
    rest = phi - periods * math.pi
    sin, cos, complement = np.sin(rest), np.cos(rest), 1 - m
    radicand = 1 - m * sin**2
    if cubed:
        part = special.elliprd(cos**2, 1, radicand)
        whole = special.elliprd(0, 1, complement)
    else:
        part = special.elliprd(cos**2, radicand, 1)
        whole = special.elliprd(0, complement, 1)
    # Without a whole period a divergent one must not count.
    return (sin**3 * part + np.where(periods == 0, 0, 2 * periods * whole)) / 6


def slope_of_slope_f(phi: Any, m: Any) -> Any:
    """The second derivative of F in m, from the equation that F solves (DLMF 19.4.8)."""
    bend = np.sin(phi) * np.cos(phi) / delta(phi, m) ** 3
    terms = special.ellipkinc(phi, m) - 4 * (1 - 2 * m) * slope_f(phi, m) - bend
    return terms / (4 * m * (1 - m))


ANGLE_AND_PARAMETER = Elementwise((REAL, Domain(0.1, 0.8)))


@operation(
    ANGLE_AND_PARAMETER,
    phi=lambda g, phi, m: g * np.sin(phi) ** 2 / (2 * delta(phi, m) ** 3),
    m=lambda g, phi, m: g * slope_of_slope_f(phi, m),
)
def slope_f(phi: Any, m: Any) -> Any:
    """∂F(φ, m)/∂m."""
    return carlson(phi, m, cubed=True)


@operation(
    ANGLE_AND_PARAMETER,
    phi=lambda g, phi, m: -g * np.sin(phi) ** 2 / (2 * delta(phi, m)),
    m=lambda g, phi, m, out: -g * (slope_f(phi, m) + out) / (2 * m),
)
def slope_e(phi: Any, m: Any) -> Any:
    """∂E(φ, m)/∂m."""
    return -carlson(phi, m, cubed=False)


define(
    special.ellipkinc,
    ANGLE_AND_PARAMETER,
    x=lambda g, x, y: g / delta(x, y),
    y=lambda g, x, y: g * slope_f(x, y),
)
define(
    special.ellipeinc,
    ANGLE_AND_PARAMETER,
    x=lambda g, x, y: g * delta(x, y),
    y=lambda g, x, y: g * slope_e(x, y),
)

# Integrals
define(special.exp1, ABOVE_ZERO, x=lambda g, x: -g * np.exp(-x) / x)
define(special.expi, ABOVE_ZERO, x=lambda g, x: g * np.exp(x) / x)
define(
    special.sici,
    ABOVE_ZERO,
    multiple=True,
    x=lambda g, x: g[0] * np.sinc(x / math.pi) + ratio(g[1] * np.cos(x), x),
)
define(
    special.fresnel,
    ANY,
    multiple=True,
    x=lambda g, x: g[0] * np.sin(math.pi / 2 * x * x) + g[1] * np.cos(math.pi / 2 * x * x),
)


# Entropies: x log y with 0 log 0 = 0. Where a term vanishes like that, its gradients do too.


def log_factor(x: Any, y: Any, out: Any) -> Any:
    """The logarithm that x is multiplied by in x log y, and zero where x and y are both."""
    return np.log(np.where((x == 0) & (y == 0), np.ones_like(out), y))


define(
    special.xlogy,
    Elementwise((REAL, POSITIVE)),
    x=lambda g, x, y, out: g * log_factor(x, y, out),
    y=lambda g, x, y: g * ratio(x, y),
)
define(
    special.xlog1py,
    Elementwise((REAL, POSITIVE)),
    x=lambda g, x, y, out: g * np.log1p(np.where((x == 0) & (y == -1), np.zeros_like(out), y)),
    y=lambda g, x, y: g * ratio(x, 1 + y),
)
define(special.entr, ABOVE_ZERO, x=lambda g, x: -g * (np.log(x) + 1))
define(
    special.rel_entr,
    BOTH_ABOVE_ZERO,
    x=lambda g, x, y: g * (np.log(x / y) + 1),
    y=lambda g, x, y: -g * ratio(x, y),
)
define(
    special.kl_div,
    BOTH_ABOVE_ZERO,
    x=lambda g, x, y: g * np.log(x / y),
    y=lambda g, x, y: g * (1 - ratio(x, y)),
)

# Losses of a residual r, by SciPy named (delta, r), and power transforms
define(
    special.huber,
    Elementwise((POSITIVE, REAL), kinks=lambda x, y: x - np.abs(y)),
    x=lambda g, x, y: g * np.maximum(np.abs(y) - x, 0),
    y=lambda g, x, y: g * np.clip(y, -x, x),
)
define(
    special.pseudo_huber,
    Elementwise((POSITIVE, REAL)),
    x=lambda g, x, y, out: g * (out / x) * (out / x) / np.hypot(x, y),
    y=lambda g, x, y: g * y * (x / np.hypot(x, y)),
)


def box_cox_lambda(log: Any, y: Any) -> Any:
    """The slope in λ of (xˡ - 1) / λ = L exprel(λ L), where L = log x; smooth at λ = 0."""
    return log * log * special.hyp1f1(2, 3, y * log) / 2


define(
    special.boxcox,
    Elementwise((POSITIVE, REAL)),
    x=lambda g, x, y: g * np.power(x, y - 1),
    y=lambda g, x, y: g * box_cox_lambda(np.log(x), y),
)
define(
    special.boxcox1p,
    Elementwise((POSITIVE, REAL)),
    x=lambda g, x, y: g * np.power(1 + x, y - 1),
    y=lambda g, x, y: g * box_cox_lambda(np.log1p(x), y),
)
