"""Gradient rules, each beside the NumPy function it belongs to; importing this registers all."""

from autograd_core.rules import (
    arithmetic,
    comparison,
    complex,
    cumulative,
    decompositions,
    einsum,
    fft,
    indexing,
    piecewise,
    products,
    quantiles,
    reductions,
    shaping,
    solving,
    sorting,
    transcendental,
)

__all__ = [
    "arithmetic",
    "comparison",
    "complex",
    "cumulative",
    "decompositions",
    "einsum",
    "fft",
    "indexing",
    "piecewise",
    "products",
    "quantiles",
    "reductions",
    "shaping",
    "solving",
    "sorting",
    "transcendental",
]
