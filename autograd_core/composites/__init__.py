"""NumPy functions made of other operations, whose gradients follow; importing registers all."""

from autograd_core.composites import fft, matrices, products, selection

__all__ = ["fft", "matrices", "products", "selection"]
