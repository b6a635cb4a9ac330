"""Gradient rules, each beside the NumPy function it belongs to; importing this registers all."""

from autograd_core.rules import comparison, elementwise, indexing, linear_algebra, reductions, shaping

__all__ = ["comparison", "elementwise", "indexing", "linear_algebra", "reductions", "shaping"]
