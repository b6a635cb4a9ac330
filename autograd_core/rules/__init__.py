"""Gradient rules, each beside the NumPy function it belongs to; importing this registers all."""

from autograd_core.rules import elementwise, indexing, linear_algebra, reductions, shaping

__all__ = ["elementwise", "indexing", "linear_algebra", "reductions", "shaping"]
