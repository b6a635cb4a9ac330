"""Reverse-mode automatic differentiation for NumPy, with the computational graph in the open."""

from autograd_core.primitive import define, operation
from autograd_core.tensor import Tensor, composite, enable_grad, no_grad, tensor
from autograd_core.transforms import (
    grad,
    gradients,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)

__version__ = "0.1.0"

__all__ = [
    "Tensor",
    "composite",
    "define",
    "enable_grad",
    "grad",
    "gradients",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "no_grad",
    "operation",
    "tensor",
    "value_and_grad",
    "vjp",
]
