"""What can go wrong with models, data and training, each also the built-in a user would catch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograd_core.errors import AutogradError, ShapeError

if TYPE_CHECKING:
    from nn.module import Module


class OptionError(AutogradError, ValueError):
    """An option has a value that means nothing: a hidden size of 0, an unknown optimizer."""


def check_positive(owner: str, **sizes: int) -> None:
    """Raise OptionError unless every size is a positive integer.

    >>> check_positive("Linear", in_features=3)
    """
    for name, size in sizes.items():
        if size < 1 or int(size) != size:
            raise OptionError(f"{owner}: got {name}={size!r}; expected a positive integer")


class TargetError(AutogradError, ValueError):
    """A target is not one the loss can take, such as a class index out of range."""


class RangeError(AutogradError, IndexError):
    """An index is not one of the rows of an embedding."""


class StateError(AutogradError, ValueError):
    """A state dict does not fit the model or optimizer it is loaded into."""


class DataError(AutogradError, ValueError):
    """Data cannot be trained on: empty, not numeric, not finite, or without the target."""


class DivergedError(AutogradError, RuntimeError):
    """The loss stopped being finite; the message names the step and what went first."""


class LayerShapeError(ShapeError):
    """A layer got an input of the wrong shape; the message starts with its path in the model.

    The layer does not know its own path: every module the error leaves on its way up calls
    ``passed``, and the outermost one knows the whole way down.
    """

    def __init__(self, layer: str, problem: str) -> None:
        super().__init__(f"{layer}: {problem}")
        self.problem = problem
        self.path: list[str] = []
        self.inner: Module | None = None

    def passed(self, module: Module) -> None:
        """Extend the path by the way from ``module`` to the module that was left before."""
        if self.inner is not None:
            steps = (name for name, below in module.named_modules() if below is self.inner)
            self.path.insert(0, next(steps, type(self.inner).__name__))
            self.args = (f"{'.'.join(self.path)}: {self.problem}",)
        self.inner = module
