"""Reverse-mode automatic differentiation for NumPy, with the computational graph in the open."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autograd_core import composites as composites
from autograd_core import special as special
from autograd_core.anomaly import detect_anomaly
from autograd_core.checkpoint import checkpoint
from autograd_core.foreign import foreign
from autograd_core.kernels import use_kernels
from autograd_core.memory import keep_memory, keep_memory_by_default
from autograd_core.primitive import define, operation
from autograd_core.random import manual_seed
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

if TYPE_CHECKING:
    from autograd_core import array_api as array_api
    from autograd_core import render as render
    from autograd_core import testing as testing
    from autograd_core.compiler import compile
    from autograd_core.profiling import profile
    from autograd_core.render import draw

__version__ = "0.1.0"

keep_memory_by_default()

__all__ = [
    "Tensor",
    "checkpoint",
    "compile",
    "composite",
    "define",
    "detect_anomaly",
    "draw",
    "enable_grad",
    "foreign",
    "grad",
    "gradients",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "keep_memory",
    "manual_seed",
    "no_grad",
    "operation",
    "profile",
    "tensor",
    "use_kernels",
    "value_and_grad",
    "vjp",
]


# Modules that only some programs need.
LATE = ("array_api", "convolution", "linalg", "pooling", "render", "testing")
LATE_NAMES = {"compile": "compiler", "draw": "render", "profile": "profiling"}


def __getattr__(name: str) -> Any:
    """Load the parts that only some programs need when asked for: the engine is imported fast."""
    if name in LATE:
        return import_module(f"autograd_core.{name}")
    if name in LATE_NAMES:
        return getattr(import_module(f"autograd_core.{LATE_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
