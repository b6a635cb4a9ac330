"""Rules of functions made of pieces: absolute value, rounding, maxima, selection.

At a kink the gradient is the shortest one that is a sub- or supergradient (PyTorch's rule): zero
for the absolute value, half for each of two equal arrays in a maximum. A Python number is a
constant bound: at a tie with it, the shortest gradient is zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.primitive import REAL, Elementwise, call, define, operation
from autograd_core.rules.arithmetic import is_constant

AROUND_ZERO = Elementwise((REAL,), kinks=lambda x: x)
BETWEEN_INTEGERS = Elementwise((REAL,), kinks=lambda x: x - np.rint(x))
INTEGERS = {np.dtype(f"f{size}"): np.dtype(f"i{size}") for size in (2, 4, 8)}


def zero(g: Any) -> Any:
    """The gradient of what is constant in pieces."""
    return np.zeros_like(g)


def masked(d: Any) -> Any:
    """An array and a mask that broadcasts with it."""
    shape, mask_shape = d.broadcastable(2)
    return call(d.array(shape), d.rng.random(mask_shape) < 0.5)


def keep_again(g: Any, mask: Any) -> Any:
    """Masking is its own transpose."""
    return keep(g, mask)


@operation(masked, g=keep_again)
def keep(g: Any, mask: Any) -> Any:
    """A cotangent where the mask holds, and zero elsewhere, also where it is infinite or NaN there.

    Floats are multiplied by the mask as the integers they are made of: that takes a tenth of the
    time of ``np.where``, whose branches mispredict.
    """
    integer = INTEGERS.get(g.dtype)
    if integer is None:
        return np.where(mask, g, 0)
    return (g.view(integer) * np.asarray(mask, dtype=bool)).view(g.dtype)


# Signs


def sign_x(g: Any, x: Any, out: Any) -> Any:
    """Zero; but of complex numbers the sign is a direction x / |x|, which turns with x."""
    if x.dtype.kind != "c":
        return np.zeros_like(g)
    size = np.abs(x)
    turning = np.where(size == 0, 0, g - np.real(g * out) * np.conj(out))
    return turning / np.where(size == 0, 1, size)


define(
    np.absolute,
    AROUND_ZERO,
    label="abs",
    x=lambda g, x: g * (np.sign(x) if x.dtype.kind != "c" else np.conj(np.sign(x))),
)
define(np.fabs, AROUND_ZERO, x=lambda g, x: g * np.sign(x))
define(np.sign, AROUND_ZERO, x=sign_x)
define(
    np.copysign,
    Elementwise((REAL, REAL), kinks=lambda x, y: np.minimum(np.abs(x), np.abs(y))),
    x=lambda g, x, y: g * np.sign(x) * np.copysign(np.sign(x), y),
    y=zero,
)
define(
    np.heaviside,
    Elementwise((REAL, REAL), kinks=lambda x, y: x),
    x=zero,
    y=lambda g, x: keep(g, x == 0),
)

# Rounding


def rounded(d: Any) -> Any:
    """Numbers in the middle between two roundings, and to how many decimals to round."""
    decimals = d.choice([0, 1, -1])
    return call(np.rint(d.array() * 10) / 10**decimals + 0.2 / 10**decimals, decimals)


for function in (np.floor, np.ceil, np.trunc, np.fix):
    define(function, BETWEEN_INTEGERS, x=zero)
define(np.rint, Elementwise((REAL,), kinks=lambda x: x - np.floor(x) - 0.5), x=zero)
define(np.round, rounded, a=zero)
define(np.around, rounded, a=zero)

# Maxima and minima


def chosen(g: Any, better: Any, x: Any, y: Any) -> Any:
    """The cotangent of an operand where it is better than the other; arrays share it at a tie."""
    if is_constant(x) or is_constant(y):
        return keep(g, better)
    tie = x == y
    return keep(g / (tie + np.uint8(1)), better | tie)


APART = Elementwise((REAL, REAL), kinks=lambda x, y: x - y)
define(
    np.maximum,
    APART,
    label="max",
    x=lambda g, x, y: chosen(g, x > y, x, y),
    y=lambda g, x, y: chosen(g, y > x, x, y),
)
define(
    np.minimum,
    APART,
    label="min",
    x=lambda g, x, y: chosen(g, x < y, x, y),
    y=lambda g, x, y: chosen(g, y < x, x, y),
)
# These pass over NaN: a number wins against it.
define(
    np.fmax,
    APART,
    x=lambda g, x, y: chosen(g, (x > y) | np.isnan(y), x, y),
    y=lambda g, x, y: chosen(g, (y > x) | np.isnan(x), x, y),
)
define(
    np.fmin,
    APART,
    x=lambda g, x, y: chosen(g, (x < y) | np.isnan(y), x, y),
    y=lambda g, x, y: chosen(g, (y < x) | np.isnan(x), x, y),
)

# Selection


def two_branches(d: Any) -> Any:
    """A mask and two arrays that broadcast."""
    mask, x, y = d.broadcastable(3)
    return call(d.rng.random(mask) < 0.5, d.array(x), d.array(y))


@operation(
    two_branches,
    name="where",
    x=lambda g, condition: keep(g, condition),
    y=lambda g, condition: keep(g, np.logical_not(condition)),
)
def choose(condition: Any, x: Any, y: Any) -> Any:
    """``np.where`` with a mask and two choices."""
    return np.where(condition, x, y)


@operation(
    lambda d: call(d.array(), 0.5),
    name="nan_to_num",
    x=lambda g, x: keep(g, np.isfinite(x)),
)
def replace_nonfinite(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """``np.nan_to_num`` that leaves its operand as it is."""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)
