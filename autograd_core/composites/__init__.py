"""NumPy functions made of other operations, whose gradients follow; importing registers all."""

from autograd_core.composites import selection

__all__ = ["selection"]
