"""Reverse-mode automatic differentiation for NumPy, with the computational graph in the open."""

from autograd_core.primitive import define
from autograd_core.tensor import Tensor, enable_grad, no_grad, tensor

__version__ = "0.1.0"

__all__ = ["Tensor", "define", "enable_grad", "no_grad", "tensor"]
