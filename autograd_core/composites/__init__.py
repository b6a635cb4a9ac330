"""NumPy functions made of other operations, whose gradients follow; importing registers all."""

from autograd_core.composites import (
    cumulative,
    differences,
    fft,
    histograms,
    joining,
    matrices,
    norms,
    padding,
    picking,
    products,
    ranges,
    selection,
    statistics,
    ufunc_methods,
    updates,
)

__all__ = [
    "cumulative",
    "differences",
    "fft",
    "histograms",
    "joining",
    "matrices",
    "norms",
    "padding",
    "picking",
    "products",
    "ranges",
    "selection",
    "statistics",
    "ufunc_methods",
    "updates",
]
