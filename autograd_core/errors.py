"""What can go wrong, each as a class of its own that also is the built-in a user would catch."""

from __future__ import annotations

import importlib
from types import ModuleType


class AutogradError(Exception):
    """Base of every error that autograd_core, nn and distributed raise themselves."""


class ShapeError(AutogradError, ValueError):
    """Shapes do not fit the operation."""


class DtypeError(AutogradError, TypeError):
    """A dtype cannot do what was asked of it, such as an integer requiring a gradient."""


class MissingRuleError(AutogradError, TypeError):
    """A tracked Tensor reached a function that has no gradient rule."""


class UndefinedDerivativeError(AutogradError, ValueError):
    """A result depends on something arbitrary, and has no derivative."""


class TrackedValueError(AutogradError, TypeError):
    """A tracked Tensor was about to lose its graph without anyone noticing."""


class GraphError(AutogradError, RuntimeError):
    """The graph cannot answer: nothing was recorded, or it was already freed."""


class MutationError(AutogradError, RuntimeError):
    """An array that a gradient needs was written to, or may not be written to."""


class AnomalyError(AutogradError, RuntimeError):
    """A value or a gradient stopped being finite, found by ``detect_anomaly``."""


class TraceError(AutogradError, RuntimeError):
    """A function cannot be compiled: what it does depends on values, or cannot be repeated."""


class ProfileError(AutogradError, ValueError):
    """A profile cannot be opened or shown as it was asked for."""


class MissingExtraError(AutogradError, ImportError):
    """An optional library is not installed; the message names the extra that brings it."""


class RendererMissing(MissingExtraError):
    """No program is there that can lay a graph out as a picture."""


class RenderError(AutogradError, ValueError):
    """A graph cannot be drawn as it was asked for."""


class GraphTooLarge(RenderError):
    """A graph has more nodes than a picture can show."""


class LayoutError(AutogradError, RuntimeError):
    """The program that lays graphs out failed, or took too long."""


def require(module: str, extra: str) -> ModuleType:
    """Import an optional library, or say in one sentence which extra brings it.

    >>> require("json", extra="train").dumps([1])
    '[1]'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise MissingExtraError(
            f"{library} cannot be imported ({error}); "
            f'install it with: pip install "autograd-core[{extra}]"'
        ) from error
