"""Rules of medians, quantiles and percentiles.

A quantile is a point on the line through the sorted elements, so applying the function to the
*ranks* of the elements tells its place among them, whatever the method of interpolation; and it
depends on the two elements next to that place, by how close they are to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.primitive import call, define
from autograd_core.rules.reductions import lined_up, put_back, split_axes
from autograd_core.rules.sorting import ranks

METHODS = (
    "linear",
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "median_unbiased",
    "normal_unbiased",
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
        q = scale * d.rng.uniform(0, 1, d.shape(max_dims=1))
        return call(a, q, method=d.choice(METHODS), **settings)

    return sample


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
        lined = weights_like(weights, a, axis)
        places = function(ranked(a, axis), q, axis=-1, method=method, weights=lined)
        return share(g, places, a, axis)

    return rule


for median, ranked in ((np.median, numbered), (np.nanmedian, without_nan)):
    define(median, reduction, a=median_rule(median, ranked))

for quantile, scale, ranked in (
    (np.quantile, 1, numbered),
    (np.percentile, 100, numbered),
    (np.nanquantile, 1, without_nan),
    (np.nanpercentile, 100, without_nan),
):
    define(quantile, fractions(scale), a=quantile_rule(quantile, ranked))
