"""Rules of arithmetic: sums, products, quotients, remainders, powers and roots."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.primitive import POSITIVE, REAL, Elementwise, call, define

ANY = Elementwise((REAL,))
ANY_TWO = Elementwise((REAL, REAL))
ABOVE_ZERO = Elementwise((POSITIVE,))


def is_constant(value: Any) -> bool:
    """Whether an operand is a Python number, as written into a program; only the type tells."""
    return type(value) in (int, float, bool, complex)


define(np.add, ANY_TWO, label="+", x=lambda g: g, y=lambda g: g)
define(np.subtract, ANY_TWO, label="−", x=lambda g: g, y=lambda g: -g)
define(np.multiply, ANY_TWO, label="×", x=lambda g, y: g * y, y=lambda g, x: g * x)
define(
    np.divide,
    Elementwise((REAL, POSITIVE)),
    label="÷",
    x=lambda g, y: g / y,
    y=lambda g, y, out: -g * out / y,
)
define(np.negative, ANY, label="−", x=lambda g: -g)
define(np.positive, ANY, x=lambda g: g)
define(np.reciprocal, ABOVE_ZERO, x=lambda g, out: -g * out * out)

# Remainders: x - n y, with the quotient n rounded to an integer (down, or towards zero).
DIVISION = Elementwise((REAL, POSITIVE), kinks=lambda x, y: x / y - np.rint(x / y))
define(
    np.remainder,
    DIVISION,
    label="mod",
    x=lambda g: g,
    y=lambda g, x, y: -g * np.floor_divide(x, y),
)
define(np.fmod, DIVISION, x=lambda g: g, y=lambda g, x, y, out: -g * np.rint((x - out) / y))
define(
    np.floor_divide,
    DIVISION,
    label="//",
    x=lambda g: np.zeros_like(g),
    y=lambda g: np.zeros_like(g),
)
define(
    np.divmod,
    DIVISION,
    multiple=True,
    x=lambda g: g[1],
    y=lambda g, out: -g[1] * out[0],
)


# Powers


def power_x(g: Any, x: Any, y: Any) -> Any:
    """The slope y xʸ⁻¹ is zero where y is, also at x = 0 where it would be 0 · ∞."""
    if is_constant(y):
        if y == 2:
            return (g + g) * x
        return g * (y * np.power(x, y - 1)) if y else np.zeros_like(g)
    both_zero = np.equal(x, 0) & np.equal(y, 0)
    return g * y * np.power(x, np.where(both_zero, 0, np.subtract(y, 1)))


def power_y(g: Any, x: Any, y: Any, out: Any) -> Any:
    """The slope xʸ log x has limits at x = 0: zero for y > 0 (and for y = 0, we say), else -∞."""
    vanishing = np.equal(x, 0) & np.greater_equal(y, 0)
    return g * out * np.log(np.where(vanishing, np.ones_like(out), x))


define(np.power, Elementwise((POSITIVE, REAL)), label="pow", x=power_x, y=power_y)
define(np.float_power, Elementwise((POSITIVE, REAL)), x=power_x, y=power_y)
define(np.square, ANY, x=lambda g, x: (g + g) * x)
define(np.sqrt, ABOVE_ZERO, x=lambda g, out: g / (out + out))
define(
    np.cbrt,
    Elementwise((REAL,), kinks=lambda x: x / 10),
    x=lambda g, out: g / (3 * out * out),
)

# Parts of floating-point numbers: x = m 2ᵉ, and x = fraction + integer.


def scaled(d: Any) -> Any:
    """An array and integer powers of two to scale it by."""
    shape, exponents_shape = d.broadcastable(2)
    return call(d.array(shape), d.rng.integers(-3, 4, exponents_shape))


define(np.ldexp, scaled, x=lambda g, y: np.ldexp(g, y))
define(
    np.frexp,
    Elementwise((REAL,), kinks=lambda x: np.log2(np.abs(x)) - np.rint(np.log2(np.abs(x)))),
    multiple=True,
    x=lambda g, out: np.ldexp(g[0], -out[1]),
)
define(
    np.modf,
    Elementwise((REAL,), kinks=lambda x: x - np.rint(x)),
    multiple=True,
    x=lambda g: g[0],
)
