"""Module: a function with parameters, made of smaller ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from autograd_core import Tensor
from autograd_core.graph import mode
from nn.errors import LayerShapeError, StateError

T = TypeVar("T")


def Parameter(data: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> Tensor:
    """A Tensor that modules register and optimizers update: a leaf that requires a gradient.

    Copies the data. The dtype must be floating (DtypeError otherwise).

    >>> Parameter([1.0, 2.0], dtype=np.float32)
    Tensor([1., 2.], dtype=float32, requires_grad=True)
    """
    array = data.detach().data if isinstance(data, Tensor) else data
    return Tensor(np.array(array, dtype=dtype), requires_grad=True)


class Module:
    """Base of everything that has parameters: assign them, and other modules, as attributes.

    A leaf Tensor that requires a gradient is registered as a parameter, a Module as a child;
    ``register_buffer`` registers an array that is saved with the model but not trained. Names and
    order are those of assignment. Subclasses write ``forward``; calling the module calls it.

    >>> class Scale(Module):
    ...     def __init__(self) -> None:
    ...         self.factor = Parameter(2.0)
    ...
    ...     def forward(self, x: Tensor) -> Tensor:
    ...         return self.factor * x
    >>> Scale()(np.array(3.0)).item()
    6.0
    """

    training: bool
    forward: Callable[..., Any]
    _parameters: dict[str, Tensor]
    _buffers: dict[str, Tensor]
    _modules: dict[str, Any]
    _settings: object  # another one whenever an attribute changes: programs rely on what they read

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Set up here, so that the ``__init__`` of a subclass need not call this one's."""
        module = super().__new__(cls)
        module.__dict__.update(training=True, _parameters={}, _buffers={}, _modules={})
        module.__dict__.update(_settings=object())
        return module

    def __setattr__(self, name: str, value: Any) -> None:
        registry: dict[str, Any] | None = None
        if isinstance(value, Module):
            registry = self._modules
        elif isinstance(value, Tensor) and value.is_leaf:
            if value.requires_grad or name in self._parameters:
                registry = self._parameters
            elif name in self._buffers:
                registry = self._buffers
        for known in (self._parameters, self._buffers, self._modules):
            if known is not registry:
                known.pop(name, None)
        if registry is not None:
            registry[name] = value
        # An ordinary attribute too, so that reading it costs nothing.
        object.__setattr__(self, name, value)
        if name != "training":
            self.changed()

    def changed(self) -> None:
        """Note that the module computes something else from now on: programs are traced again."""
        object.__setattr__(self, "_settings", object())

    def __delattr__(self, name: str) -> None:
        for known in (self._parameters, self._buffers, self._modules):
            known.pop(name, None)
        object.__delattr__(self, name)
        self.changed()

    def register_buffer(self, name: str, value: npt.ArrayLike) -> None:
        """Keep an array with the model: saved and loaded with it, not trained."""
        self._buffers[name] = value if isinstance(value, Tensor) else Tensor(np.asarray(value))
        object.__setattr__(self, name, self._buffers[name])
        self.changed()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute ``forward``; a wrong shape is reported with the layer's path in the model."""
        if mode.tracer is not None:
            mode.tracer.rely_on(self, "training")
            mode.tracer.rely_on(self, "_settings")
        try:
            return self.forward(*args, **kwargs)
        except LayerShapeError as error:
            error.passed(self)
            raise

    # -- what the module is made of ----------------------------------------------------------------

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all below it with their dotted paths, each module once."""
        return _once(self._walk(prefix))

    def _walk(self, prefix: str) -> Iterator[tuple[str, Module]]:
        yield prefix, self
        for name, child in self._modules.items():
            yield from child._walk(f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one, by name."""
        return iter(self._modules.items())

    def children(self) -> Iterator[Module]:
        """The modules directly below this one."""
        return iter(self._modules.values())

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Parameters with their dotted names, in order of registration, shared ones once.

        >>> import nn
        >>> [name for name, _ in nn.MLP([2, 3, 1]).named_parameters()]
        ['0.weight', '0.bias', '2.weight', '2.bias']
        """
        return _once(self._members("_parameters", prefix))

    def parameters(self) -> Iterator[Tensor]:
        """Parameters in order of registration, shared ones once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Buffers with their dotted names."""
        return _once(self._members("_buffers", prefix))

    def buffers(self) -> Iterator[Tensor]:
        """Buffers: arrays saved with the model but not trained."""
        return (buffer for _, buffer in self.named_buffers())

    def _members(self, registry: str, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        for path, module in self._walk(prefix):
            for name, tensor in getattr(module, registry).items():
                yield f"{path}.{name}" if path else name, tensor

    # -- modes -------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Switch this module and all below it to training mode (dropout on), or out of it."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch to evaluation mode; the same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze the parameters (False) or let them train again."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    # -- state -------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, npt.NDArray[Any]]:
        """Copies of all parameters and buffers by their dotted names, as PyTorch names them."""
        return {name: tensor.data.copy() for name, tensor in self._state()}

    def load_state_dict(self, state: Mapping[str, npt.ArrayLike], strict: bool = True) -> None:
        """Copy values into parameters and buffers, all of them or, on any misfit, none.

        ``strict=False`` ignores names that are missing on either side; shapes must always fit.
        Values are cast to the model's dtypes. Raises StateError listing every missing, unexpected
        and mis-shaped name.
        """
        own = dict(self._state())
        given = {
            name: value.detach().data if isinstance(value, Tensor) else np.asarray(value)
            for name, value in state.items()
        }
        problems = []
        if strict:
            problems += _listed("missing", [name for name in own if name not in given])
            problems += _listed("unexpected", [name for name in given if name not in own])
        shared = [name for name in own if name in given]
        problems += _listed(
            "wrong shape",
            [
                f"{name} (got {given[name].shape}, expected {own[name].shape})"
                for name in shared
                if given[name].shape != own[name].shape
            ],
        )
        problems += _listed(
            "wrong dtype",
            [
                f"{name} (got {given[name].dtype}, expected {own[name].dtype})"
                for name in shared
                if not np.can_cast(given[name].dtype, own[name].dtype, "same_kind")
            ],
        )
        if problems:
            raise StateError(
                f"load_state_dict: the state does not fit this {type(self).__name__}; "
                f"{'; '.join(problems)}; load it into the architecture it was saved from"
            )
        for name in shared:
            own[name].assign(given[name])

    def _state(self) -> Iterator[tuple[str, Tensor]]:
        for path, module in self._walk(""):
            for name, tensor in (*module._parameters.items(), *module._buffers.items()):
                yield f"{path}.{name}" if path else name, tensor

    # -- reading -----------------------------------------------------------------------------------

    def summary(self, *inputs: Any) -> Any:
        """A table of layers, output shapes, parameters and multiply-adds; print it.

        ``inputs``: arrays, or shapes of zeros such as ``(1, 64)``; see ``nn.summary``.
        """
        from nn.summary import summary

        return summary(self, *inputs)

    def extra_repr(self) -> str:
        """What stands between the parentheses of ``repr``: sizes and settings."""
        return ""

    def __repr__(self) -> str:
        children = [f"({name}): {child!r}" for name, child in self._modules.items()]
        lines = "\n".join(filter(None, [self.extra_repr(), *children]))
        if children:
            lines = "\n" + "".join(f"  {line}\n" for line in lines.splitlines())
        return f"{type(self).__name__}({lines})"


def _once(named: Iterator[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """Leave out what came before under another name."""
    seen: set[int] = set()
    for name, item in named:
        if id(item) not in seen:
            seen.add(id(item))
            yield name, item


def _listed(what: str, names: list[str]) -> list[str]:
    return [f"{what}: {', '.join(names)}"] if names else []
