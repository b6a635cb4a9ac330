"""Gradient rules, each beside the NumPy function it belongs to; importing this registers all."""

from autograd_core.rules import (
    arithmetic,
    comparison,
    complex,
    cumulative,
    indexing,
    linear_algebra,
    piecewise,
    quantiles,
    reductions,
    shaping,
    sorting,
    transcendental,
)

__all__ = [
    "arithmetic",
    "comparison",
    "complex",
    "cumulative",
    "indexing",
    "linear_algebra",
    "piecewise",
    "quantiles",
    "reductions",
    "shaping",
    "sorting",
    "transcendental",
]
