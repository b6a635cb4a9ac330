"""Rules of elementwise operations: one cotangent in, one out, NumPy in between."""

from __future__ import annotations

import numpy as np

from autograd_core.primitive import POSITIVE, REAL, UNIT, Domain, Elementwise, define

ANY = Elementwise((REAL,))
ANY_TWO = Elementwise((REAL, REAL))
ABOVE_ZERO = Elementwise((POSITIVE,))

# Arithmetic
define(np.add, ANY_TWO, label="+", x=lambda g: g, y=lambda g: g)
define(np.subtract, ANY_TWO, label="-", x=lambda g: g, y=lambda g: -g)
define(np.multiply, ANY_TWO, label="×", x=lambda g, y: g * y, y=lambda g, x: g * x)
define(
    np.divide,
    Elementwise((REAL, POSITIVE)),
    label="÷",
    x=lambda g, y: g / y,
    y=lambda g, y, out: -g * out / y,
)
define(np.negative, ANY, label="-", x=lambda g: -g)
define(np.positive, ANY, x=lambda g: g)
define(np.reciprocal, ABOVE_ZERO, x=lambda g, out: -g * out * out)
define(np.square, ANY, x=lambda g, x: g * (x + x))
define(
    np.power,
    Elementwise((POSITIVE, REAL)),
    label="pow",
    x=lambda g, x, y: g * y * x ** (y - 1),
    y=lambda g, x, out: g * out * np.log(x),
)
define(np.absolute, Elementwise((REAL,), kinks=lambda x: x), label="abs", x=lambda g, x: g * np.sign(x))

# Exponentials and logarithms
define(np.exp, ANY, x=lambda g, out: g * out)
define(np.log, ABOVE_ZERO, x=lambda g, x: g / x)
define(np.sqrt, ABOVE_ZERO, x=lambda g, out: g / (out + out))

# Trigonometric and hyperbolic
define(np.sin, ANY, x=lambda g, x: g * np.cos(x))
define(np.cos, ANY, x=lambda g, x: -g * np.sin(x))
define(np.tanh, ANY, x=lambda g, out: g * (1 - out * out))
