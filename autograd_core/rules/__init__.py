"""Gradient rules, each beside the NumPy function it belongs to; importing this registers all."""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from autograd_core.primitive import REGISTRY, Primitive
from autograd_core.rules import (
    arithmetic,
    comparison,
    complex,
    counting,
    cumulative,
    decompositions,
    einsum,
    fft,
    indexing,
    inspection,
    nan_reductions,
    piecewise,
    products,
    quantiles,
    ranges,
    reductions,
    sequences,
    shaping,
    solving,
    sorting,
    starting,
    transcendental,
)

__all__ = [
    "arithmetic",
    "comparison",
    "complex",
    "counting",
    "cumulative",
    "decompositions",
    "einsum",
    "fft",
    "indexing",
    "inspection",
    "nan_reductions",
    "piecewise",
    "products",
    "quantiles",
    "ranges",
    "reductions",
    "sequences",
    "shaping",
    "solving",
    "sorting",
    "starting",
    "transcendental",
]

# Libraries that are not imported here, and our rules for them.
LATE = {"scipy.special": "autograd_core.rules.special"}


def late(function: Any) -> Primitive | None:
    """The operation of a function that may be of another library, with its rules loaded now."""
    for library, rules in LATE.items():
        if library in sys.modules:
            import_module(rules)
    return REGISTRY.get(function)


def load_installed() -> None:
    """Load the rules for every optional library that is installed, to see all there are."""
    for library, rules in LATE.items():
        if find_spec(library.partition(".")[0]):
            import_module(rules)
