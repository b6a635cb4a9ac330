"""Rules of medians, quantiles and percentiles.

A quantile is a point on the line through the sorted elements, so applying the function to the
*ranks* of the elements tells its place among them, whatever the method of interpolation; and it
depends on the two elements next to that place, by how close they are to it.

As the fraction q moves, so does the place, and the quantile along the line: counted from 0, it is
q (n + 1 - α - β) + α - 1 (R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages",
1996).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.primitive import call, define
from autograd_core.rules.reductions import lined_up, put_back, split_axes
from autograd_core.rules.sorting import ranks

# α and β of the methods that interpolate.
PLACES = {
    "linear": (1.0, 1.0),
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}

METHODS = (
    *PLACES,
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "lower",
    "higher",
    "midpoint",
    "nearest",
)


def reduction(d: Any) -> Any:
    """Any array and axes, keeping them or not."""
    a = d.array(d.shape(min_dims=1))
    return call(a, axis=d.choice([None, d.axis(a.ndim), (-1, 0)[: a.ndim]]), keepdims=d.boolean())


def fractions(scale: float) -> Callable[[Any], Any]:
    """How to draw quantiles (scale 1) or percentiles (scale 100) of an array, by any method."""

    def sample(d: Any) -> Any:
        (a,), settings = reduction(d)
        n = lined_up(a, settings["axis"]).shape[-1]
        shape = d.shape(max_dims=1)
        safe = between_places(d.rng.uniform(0, 1, 1000), n)
        q = scale * d.rng.choice(safe, shape)
        return call(a, np.asarray(q), method=d.choice(METHODS), **settings)

    return sample


def between_places(q: Any, n: int) -> Any:
    """The fractions that are not near a step or a bend of a quantile of n elements."""
    lines = [(n + 1 - alpha - beta, alpha) for alpha, beta in PLACES.values()]
    lines += [(2 * n, 0), (2 * (n - 1), 0)]
    edges = [speed * q + start for speed, start in lines if speed]
    return q[np.all([np.abs(edge - np.rint(edge)) > 0.03 for edge in edges], axis=0)]


def share(g: Any, places: Any, a: Any, axis: Any) -> Any:
    """Give each element the part of ``g`` by which it is nearer than 1 to a place in the order.

    ``places`` has the axes of several quantiles first; ``g`` may have the reduced ones at length 1.
    """
    order = numbered(a, axis)
    several = math.prod(places.shape[: places.ndim - order.ndim + 1])
    each = (several, *order.shape[:-1], 1)
    total = np.zeros_like(order, dtype=g.dtype)
    for part, place in zip(g.reshape(each), places.reshape(each), strict=True):
        total = total + part * np.maximum(1 - abs(order - place), 0).astype(g.dtype)
    return put_back(total, a.shape, axis)


def numbered(a: Any, axis: Any) -> Any:
    """The ranks of the elements along the reduced axes made one, the last; NaN comes after all."""
    return ranks(lined_up(a, axis)).astype(np.float64)


def without_nan(a: Any, axis: Any) -> Any:
    """The same, with NaN left where it was."""
    return np.where(np.isnan(lined_up(a, axis)), np.nan, numbered(a, axis))


def weights_like(weights: Any, a: Any, axis: Any) -> Any:
    """Weights of a quantile, lined up as the elements are."""
    if weights is None:
        return None
    weights = np.asarray(weights)
    if weights.shape != a.shape:
        _, axes = split_axes(a.ndim, axis)
        shape = [n if k in axes else 1 for k, n in enumerate(a.shape)]
        weights = np.broadcast_to(weights.reshape(shape), a.shape)
    return lined_up(weights, axis)


def median_rule(function: Any, ranked: Any) -> Any:
    """The rule of a kind of median."""
    return lambda g, a, axis: share(g, function(ranked(a, axis), axis=-1), a, axis)


def quantile_rule(function: Any, ranked: Any) -> Any:
    """The rule of a kind of quantile."""

    def rule(g: Any, a: Any, q: Any, axis: Any, method: Any, weights: Any) -> Any:
        check_layout(q, axis, ranked)
        lined = weights_like(weights, a, axis)
        places = function(ranked(a, axis), q, axis=-1, method=method, weights=lined)
        return share(g, places, a, axis)

    return rule


def check_layout(q: Any, axis: Any, ranked: Any) -> None:
    """Raise where NumPy (up to 2.4) mixes up the axes of its result."""
    if ranked is without_nan and np.ndim(q) > 1 and isinstance(axis, tuple) and len(axis) > 1:
        raise ShapeError(
            f"nanquantile: got fractions of shape {np.shape(q)} and axis={axis}; "
            "expected fractions in one axis, since NumPy puts the axes of its result in another "
            "order; reshape the result instead"
        )


def fraction_rule(ranked: Any, scale: float) -> Any:
    """The rule of a kind of quantile by its fractions."""

    def rule(g: Any, a: Any, q: Any, axis: Any, method: str) -> Any:
        check_layout(q, axis, ranked)
        if method not in PLACES:
            return np.zeros_like(g, shape=np.shape(q))
        alpha, beta = PLACES[method]
        order = ranked(a, axis)
        n = np.sum(~np.isnan(order), axis=-1, keepdims=True)
        speed = (n + 1 - alpha - beta) / scale
        fractions = np.reshape(q, (-1, *[1] * order.ndim))
        place = fractions * speed + (alpha - 1)
        line = np.sort(lined_up(a, axis), axis=-1)[None]
        before, after = step(line, np.ceil(place) - 1, n), step(line, np.floor(place), n)
        # At a bend the line is as steep as on its flatter side; at its ends there is one side.
        slope = np.where(fractions == 0, after, np.minimum(before, after))
        slope = np.where(fractions == scale, before, slope)
        moving = (slope * speed).astype(g.dtype)
        moved = np.reshape(g, place.shape[:1] + order.shape[:-1] + (1,)) * moving
        return np.reshape(np.sum(moved, axis=tuple(range(1, moved.ndim))), np.shape(q))

    return rule


def step(line: Any, start: Any, n: Any) -> Any:
    """How much higher the next element is than the one at ``start``; 0 where n have no next."""
    start = start.astype(int)
    inside = (start >= 0) & (start < n - 1)
    line = np.broadcast_to(line, start.shape[:1] + line.shape[1:])
    low = np.where(inside, start, 0)
    high = np.where(inside, start + 1, 0)
    return np.take_along_axis(line, high, axis=-1) - np.take_along_axis(line, low, axis=-1)


for median, ranked in ((np.median, numbered), (np.nanmedian, without_nan)):
    define(median, reduction, a=median_rule(median, ranked))

for quantile, scale, ranked in (
    (np.quantile, 1, numbered),
    (np.percentile, 100, numbered),
    (np.nanquantile, 1, without_nan),
    (np.nanpercentile, 100, without_nan),
):
    define(
        quantile,
        fractions(scale),
        a=quantile_rule(quantile, ranked),
        q=fraction_rule(ranked, scale),
    )
