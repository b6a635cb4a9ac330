"""Derivatives from values alone, and what is the matter where a gradient disagrees with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
# A function along a line through a point: the point is at 0.
Line = Callable[[float], Vector]
Verdict = Literal["wrong", "kink", "jump"]

# The relative step at which extrapolated differences in float64 err least (about 1e-12).
STEP = 1e-4
# How much finer than the step one looks for kinks: by powers of four.
SCALES = 4.0 ** -np.arange(5)


def richardson(line: Line, step: float) -> Vector:
    """Derivative at 0 by central differences of two steps, extrapolated: the error is O(step⁴).

    L. F. Richardson, "The approximate arithmetical solution by finite differences" (1911).

    >>> bool(abs(richardson(np.exp, 1e-4) - 1) < 1e-11)
    True
    """
    wide = line(step) - line(-step)
    narrow = line(step / 2) - line(-step / 2)
    return (8 * narrow - wide) / (6 * step)


def rounding(magnitude: Any, step: Any) -> Any:
    """How far rounding alone may move a difference of values of this magnitude, generously."""
    return 100 * np.finfo(np.float64).eps * (1 + magnitude) / step


def judge(
    line: Line, cotangent: Vector, analytic: float, step: float, allowed: float, magnitude: float
) -> Verdict:
    """Why an analytic derivative disagrees with differences: it is wrong, or the function is rough.

    At a *kink* the slopes to the left and to the right differ and the analytic value lies between
    them, at every scale. At a *jump* they also grow as fast as the scale shrinks. Anything else is
    *wrong*: where a function is smooth, the slopes close in on the true value and exclude others.
    """
    steps = step * SCALES
    center = line(0.0)
    right = np.array([(line(h) - center) @ cotangent / h for h in steps])
    left = np.array([(center - line(-h)) @ cotangent / h for h in steps])
    noise = allowed + rounding(magnitude, steps)
    # Curvature moves the slopes of both sides in proportion to the step, a kink or jump only one.
    bend = np.minimum(abs(np.diff(right)), abs(np.diff(left))) / steps[:-1]
    margin = noise + 2 * bend.max() * steps
    low, high = np.minimum(left, right) - margin, np.maximum(left, right) + margin
    if not ((low <= analytic) & (analytic <= high)).all():
        return "wrong"
    steepest = np.maximum(abs(left), abs(right))
    grows = (steepest[1:] > 3 * steepest[:-1]) & (steepest[1:] > 10 * noise[1:])
    return "jump" if grows.any() else "kink"
