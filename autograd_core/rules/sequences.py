"""The rule of the convolution of sequences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.primitive import call, define


def convolve_operand(g: Any, other: Any, shape: tuple[int, ...], mode: str) -> Any:
    """Pad the cotangent to the full convolution, and correlate it with the other sequence."""
    size, length = math.prod(shape), np.size(other)
    cut = {"f": 0, "s": (min(size, length) - 1) // 2, "v": min(size, length) - 1}[mode[0]]
    padded = np.pad(g, (cut, size + length - 1 - cut - g.shape[0]))
    return np.convolve(padded, np.ravel(other)[::-1], "valid")


def convolve_sample(d: Any) -> Any:
    """Two sequences of any length, in all modes."""
    a, v = d.array(d.shape(1, 1, 1, 5)), d.array(d.shape(1, 1, 1, 5))
    return call(a, v, d.choice(["full", "same", "valid"]))


define(
    np.convolve,
    convolve_sample,
    a=lambda g, v, a_shape, mode: convolve_operand(g, v, a_shape, mode),
    v=lambda g, a, v_shape, mode: convolve_operand(g, a, v_shape, mode),
)
