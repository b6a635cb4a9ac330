"""Gradient rules, each beside the NumPy function it belongs to; importing this registers all."""

from autograd_core.rules import (
    arithmetic,
    comparison,
    complex,
    cumulative,
    indexing,
    linear_algebra,
    piecewise,
    reductions,
    shaping,
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
    "reductions",
    "shaping",
    "transcendental",
]
