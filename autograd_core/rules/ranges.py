"""Rules of numbers evenly spaced between two ends, in steps or in ratios."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.primitive import POSITIVE, REAL, Domain, call, define, operation


def fractions(g: Any, num: int, endpoint: bool, axis: int) -> Any:
    """How far each point is on the way from 0 to 1, along the axis of the points."""
    steps = (np.arange(num) / max(1, num - bool(endpoint))).astype(g.dtype)
    return steps.reshape([-1 if k == axis % g.ndim else 1 for k in range(g.ndim)])


def to_start(g: Any, num: int, endpoint: bool, axis: int) -> Any:
    """Points share in the start by their distance from the end."""
    return np.sum(g * (1 - fractions(g, num, endpoint, axis)), axis=axis)


def to_stop(g: Any, num: int, endpoint: bool, axis: int) -> Any:
    """Points share in the stop by their distance from the start."""
    return np.sum(g * fractions(g, num, endpoint, axis), axis=axis)


def ends(domain: Domain) -> Any:
    """How to draw two ends, the number of points between them, and where these go."""

    def sample(d: Any) -> Any:
        start, stop = (d.array(shape, domain) for shape in d.broadcastable(2))
        axis = d.axis(max(start.ndim, stop.ndim) + 1)
        return call(start, stop, d.integer(1, 4), d.boolean(), axis=axis)

    return sample


@operation(ends(REAL), name="linspace", start=to_start, stop=to_stop)
def linspace(
    start: Any, stop: Any, num: int, endpoint: bool, dtype: Any = None, axis: int = 0
) -> Any:
    """``np.linspace`` without the step."""
    return np.linspace(start, stop, num, endpoint, False, dtype, axis)


# A point is start¹⁻ᶠ stopᶠ, with a fraction f.
define(
    np.geomspace,
    ends(POSITIVE),
    start=lambda g, start, num, endpoint, axis, out: to_start(g * out, num, endpoint, axis) / start,
    stop=lambda g, stop, num, endpoint, axis, out: to_stop(g * out, num, endpoint, axis) / stop,
)
