"""Activation functions as modules, and by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from nn import functional
from nn.errors import LayerShapeError, OptionError, check_positive
from nn.layers.linear import Identity
from nn.module import Module, Parameter


class ReLU(Module):
    """max(x, 0), elementwise."""

    def forward(self, x: Any) -> Any:
        """See ``functional.relu``."""
        return functional.relu(x)


class LeakyReLU(Module):
    """x where positive, ``negative_slope`` * x elsewhere."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        """See ``functional.leaky_relu``."""
        return functional.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """The slope."""
        return f"negative_slope={self.negative_slope}"


class PReLU(Module):
    """Leaky ReLU that learns its slope, or one for each of ``num_parameters`` channels (axis 1).

    A number of channels that differs from ``num_parameters`` > 1 raises LayerShapeError.
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, *, dtype: npt.DTypeLike = np.float32
    ) -> None:
        check_positive("PReLU", num_parameters=num_parameters)
        self.num_parameters = num_parameters
        self.weight = Parameter(np.full(num_parameters, init, dtype))

    def forward(self, x: Any) -> Any:
        """See ``functional.prelu``."""
        channels = x.shape[1] if x.ndim > 1 else x.size
        if self.num_parameters not in (1, channels):
            raise LayerShapeError(
                "PReLU", f"expected {self.num_parameters} channels, got shape {x.shape}"
            )
        return functional.prelu(x, self.weight)

    def extra_repr(self) -> str:
        """The number of slopes."""
        return f"num_parameters={self.num_parameters}"


class ELU(Module):
    """x where positive, ``alpha`` (exp(x) - 1) elsewhere."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        """See ``functional.elu``."""
        return functional.elu(x, self.alpha)

    def extra_repr(self) -> str:
        """What it tends to, negated."""
        return f"alpha={self.alpha}"


class SELU(Module):
    """The scaled ELU that keeps mean 0 and variance 1."""

    def forward(self, x: Any) -> Any:
        """See ``functional.selu``."""
        return functional.selu(x)


class GELU(Module):
    """x Φ(x), exactly or (``approximate="tanh"``) with a hyperbolic tangent."""

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        self.approximate: Literal["none", "tanh"] = approximate

    def forward(self, x: Any) -> Any:
        """See ``functional.gelu``."""
        return functional.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        """How it is computed."""
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x · sigmoid(x), elementwise."""

    def forward(self, x: Any) -> Any:
        """See ``functional.silu``."""
        return functional.silu(x)


class Softplus(Module):
    """log(1 + exp(``beta`` x)) / ``beta``, elementwise."""

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = beta

    def forward(self, x: Any) -> Any:
        """See ``functional.softplus``."""
        return functional.softplus(x, self.beta)

    def extra_repr(self) -> str:
        """How sharp it bends."""
        return f"beta={self.beta}"


class Sigmoid(Module):
    """1 / (1 + exp(-x)), elementwise."""

    def forward(self, x: Any) -> Any:
        """See ``functional.sigmoid``."""
        return functional.sigmoid(x)


class Tanh(Module):
    """Hyperbolic tangent, elementwise."""

    def forward(self, x: Any) -> Any:
        """See ``functional.tanh``."""
        return functional.tanh(x)


class Softmax(Module):
    """exp(x) / Σ exp(x) along an axis."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        """See ``functional.softmax``."""
        return functional.softmax(x, self.axis)

    def extra_repr(self) -> str:
        """The axis."""
        return f"axis={self.axis}"


class LogSoftmax(Softmax):
    """x - log Σ exp(x) along an axis."""

    def forward(self, x: Any) -> Any:
        """See ``functional.log_softmax``."""
        return functional.log_softmax(x, self.axis)


ACTIVATIONS: dict[str, Callable[..., Module]] = {
    "elu": ELU,
    "gelu": GELU,
    "gelu_tanh": partial(GELU, "tanh"),
    "identity": Identity,
    "leaky_relu": LeakyReLU,
    "log_softmax": LogSoftmax,
    "prelu": PReLU,
    "relu": ReLU,
    "selu": SELU,
    "sigmoid": Sigmoid,
    "silu": SiLU,
    "softmax": Softmax,
    "softplus": Softplus,
    "tanh": Tanh,
}


def activation_named(name: str, dtype: npt.DTypeLike = np.float32) -> Module:
    """The activation module of that name; OptionError lists the names there are.

    ``dtype`` is that of its parameters, if it has any.

    >>> activation_named("tanh")
    Tanh()
    """
    if name not in ACTIVATIONS:
        raise OptionError(
            f"activation: got {name!r}; expected one of {', '.join(sorted(ACTIVATIONS))}"
        )
    make = ACTIVATIONS[name]
    return make(dtype=dtype) if make is PReLU else make()
