"""Modules made of modules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core.random import generator
from nn import init as initial
from nn.errors import LayerShapeError, OptionError, check_positive
from nn.layers.activation import activation_named
from nn.layers.dropout import Dropout
from nn.layers.linear import Identity, Linear
from nn.layers.normalization import BatchNorm1d, LayerNorm, RMSNorm
from nn.module import Module


class ModuleList(Module):
    """Modules in a row, named "0", "1", … in the state dict; how to call them is up to you.

    >>> import nn
    >>> layers = ModuleList(Linear(2, 2) for _ in range(3))
    >>> len(layers), len(layers[1:])
    (3, 2)
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)

    def append(self, module: Module) -> None:
        """Add a module at the end."""
        setattr(self, str(len(self)), module)

    def extend(self, modules: Iterable[Module]) -> None:
        """Add modules at the end."""
        for module in modules:
            self.append(module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, index: int | slice) -> Any:
        modules = list(self.children())[index]
        return ModuleList(modules) if isinstance(modules, list) else modules

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, list(self._modules)[index], module)


class Sequential(ModuleList):
    """One module after the other, named "0", "1", … in the state dict.

    >>> import nn
    >>> len(Sequential(Linear(2, 3), nn.Tanh(), Linear(3, 1)))
    3
    """

    def __init__(self, *modules: Module) -> None:
        super().__init__(modules)

    def forward(self, x: Any) -> Any:
        """The last module of … of the first of x."""
        for module in self._modules.values():
            x = module(x)
        return x


class ModuleDict(Module):
    """Modules by names of your choice, under which they are in the state dict.

    A name with a dot raises OptionError.

    >>> heads = ModuleDict({"mean": Linear(2, 1), "scale": Linear(2, 1)})
    >>> list(heads), heads["scale"]
    (['mean', 'scale'], Linear(2, 1))
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        for name, module in (modules or {}).items():
            self[name] = module

    def __setitem__(self, name: str, module: Module) -> None:
        if "." in name or not name:
            raise OptionError(f"ModuleDict: got the name {name!r}; expected one without dots")
        # No attribute: that could hide a method.
        self._modules[name] = module

    def __getitem__(self, name: str) -> Module:
        return self._modules[name]

    def __delitem__(self, name: str) -> None:
        del self._modules[name]

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """Pairs of names and modules."""
        return self._modules.items()


class Residual(Module):
    """The input plus what ``branch`` makes of it; ``shortcut`` replaces the input where it changes.

    He et al., "Deep Residual Learning for Image Recognition" (2016). Terms of different shapes
    raise LayerShapeError.

    >>> Residual(Identity())(np.array([1.0, 2.0]))
    array([2., 4.])
    """

    def __init__(self, branch: Module, shortcut: Module | None = None) -> None:
        self.branch = branch
        self.shortcut = Identity() if shortcut is None else shortcut

    def forward(self, x: Any) -> Any:
        """shortcut(x) + branch(x)."""
        kept, added = self.shortcut(x), self.branch(x)
        if kept.shape != added.shape:
            raise LayerShapeError(
                "Residual", f"expected a branch of shape {kept.shape}, got {added.shape}"
            )
        return kept + added


NORMS: dict[str, Callable[..., Module]] = {
    "batch": BatchNorm1d,
    "layer": LayerNorm,
    "rms": RMSNorm,
}


class MLP(Sequential):
    """A multilayer perceptron: linear layers of the given sizes with an activation in between.

    ``sizes`` runs from the inputs over the hidden layers to the outputs; the last layer is linear.
    ``activation`` is a name such as "relu", "tanh", "gelu" or "silu". Each hidden layer is linear,
    then ``norm`` ("batch", "layer", "rms" or None), the activation, and dropout with probability
    ``dropout``. Weights start as ``nn.init.initialize_`` chooses for the activation, or by the
    method ``init``, a name in ``nn.init.METHODS``; biases uniform within ±1/√inputs, as in
    PyTorch. ``seed`` fixes initial weights, and then dropout, to the bit; a Generator can be passed
    too. ``dtype`` is that of the parameters: wider inputs are not rounded to it, they make wider
    outputs. Raises OptionError for a size below 1 or an unknown name.

    >>> MLP([2, 32, 1], activation="tanh", seed=0)(np.zeros((5, 2))).shape
    (5, 1)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "relu",
        *,
        norm: str | None = None,
        dropout: float = 0.0,
        init: str | None = None,
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
        if norm is not None and norm not in NORMS:
            raise OptionError(f"MLP: got norm={norm!r}; expected None or one of {', '.join(NORMS)}")
        activation_named(activation)  # says what is wrong with the name
        rng = generator(seed)
        super().__init__()
        *hidden, last = pairwise(sizes)
        for inputs, outputs in hidden:
            layer = Linear(inputs, outputs, bias, rng=rng, dtype=dtype)
            initial.initialize_(layer.weight, activation, init, rng)
            self.append(layer)
            if norm is not None:
                self.append(NORMS[norm](outputs, dtype=dtype))
            self.append(activation_named(activation, dtype))
            if dropout:
                self.append(Dropout(dropout, rng=rng))
        layer = Linear(*last, bias, rng=rng, dtype=dtype)
        initial.initialize_(layer.weight, "linear", init, rng)
        self.append(layer)
