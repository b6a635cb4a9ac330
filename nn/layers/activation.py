"""Activation functions as modules, and by name."""

from __future__ import annotations

from typing import Any

from nn import functional
from nn.errors import OptionError
from nn.layers.linear import Identity
from nn.module import Module


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


ACTIVATIONS: dict[str, type[Module]] = {
    "identity": Identity,
    "leaky_relu": LeakyReLU,
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "softmax": Softmax,
    "tanh": Tanh,
}


def activation_named(name: str) -> Module:
    """The activation module of that name; OptionError lists the names there are.

    >>> activation_named("tanh")
    Tanh()
    """
    if name not in ACTIVATIONS:
        raise OptionError(
            f"activation: got {name!r}; expected one of {', '.join(sorted(ACTIVATIONS))}"
        )
    return ACTIVATIONS[name]()
