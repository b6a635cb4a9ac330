"""Modules made of modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core.random import generator
from nn.errors import OptionError, check_positive
from nn.layers.activation import activation_named
from nn.layers.linear import Linear
from nn.module import Module


class Sequential(Module):
    """One module after the other, named "0", "1", … in the state dict.

    >>> import nn
    >>> len(Sequential(Linear(2, 3), nn.Tanh(), Linear(3, 1)))
    3
    """

    def __init__(self, *modules: Module) -> None:
        for index, module in enumerate(modules):
            setattr(self, str(index), module)

    def forward(self, x: Any) -> Any:
        """The last module of … of the first of x."""
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, index: int) -> Module:
        return list(self.children())[index]


class MLP(Sequential):
    """A multilayer perceptron: linear layers of the given sizes with an activation in between.

    ``sizes`` runs from the inputs over the hidden layers to the outputs; the last layer is linear.
    ``activation``: "identity", "leaky_relu", "relu", "sigmoid", "softmax" or "tanh". ``seed`` fixes
    the initial weights to the bit; a Generator can be passed too. ``dtype`` is that of the
    parameters: wider inputs are not rounded to it, they make wider outputs. Raises OptionError for
    a size below 1 or an unknown activation.

    >>> MLP([2, 32, 1], activation="tanh", seed=0)(np.zeros((5, 2))).shape
    (5, 1)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "relu",
        *,
        bias: bool = True,
        seed: int | np.random.Generator | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        if len(sizes) < 2:
            raise OptionError(
                f"MLP: got sizes {list(sizes)}; expected at least the inputs and the outputs"
            )
        for size in sizes:
            check_positive("MLP", size=size)
        rng = generator(seed)
        layers: list[Module] = []
        for inputs, outputs in pairwise(sizes):
            layers.append(Linear(inputs, outputs, bias, rng=rng, dtype=dtype))
            layers.append(activation_named(activation))
        super().__init__(*layers[:-1])
