"""NumPy functions made of other operations: their gradients follow; importing this registers all."""

from autograd_core.composites import selection

__all__ = ["selection"]
