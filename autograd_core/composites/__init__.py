"""NumPy functions made of other operations, whose gradients follow; importing registers all."""

from autograd_core.composites import (
    differences,
    fft,
    joining,
    matrices,
    norms,
    padding,
    picking,
    products,
    selection,
    statistics,
    ufunc_methods,
    updates,
)

__all__ = [
    "differences",
    "fft",
    "joining",
    "matrices",
    "norms",
    "padding",
    "picking",
    "products",
    "selection",
    "statistics",
    "ufunc_methods",
    "updates",
]
