"""The gate for one operation or all of them, without a test runner."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

import autograd_core
from autograd_core.errors import MissingExtraError, MissingRuleError
from autograd_core.primitive import REGISTRY
from autograd_core.rules import load_installed
from autograd_core.testing.drawer import RandomDrawer
from autograd_core.testing.gate import CHECKS, draw_call, qualified_name


def check_operation(function: Callable[..., Any], *, examples: int = 20, seed: int = 0) -> None:
    """Put one registered operation through every check of the gate, at drawn inputs.

    Raises GradientError (an AssertionError) with code that reproduces what is wrong.

    >>> import numpy as np
    >>> check_operation(np.tanh, examples=3)
    """
    if function not in REGISTRY or REGISTRY[function].sample is None:
        name = getattr(function, "__name__", repr(function))
        raise MissingRuleError(
            f"check_operation: {name} is no operation with a sample; register it with "
            "autograd_core.operation or autograd_core.define"
        )
    for check in CHECKS.values():
        for number in range(examples):
            check(draw_call(function, RandomDrawer(seed + number)))


def registered() -> dict[str, Callable[..., Any]]:
    """Every operation with a sample by its name, also those that register when first used."""
    load_installed()
    for module in pkgutil.walk_packages(autograd_core.__path__, "autograd_core."):
        with contextlib.suppress(MissingExtraError):
            importlib.import_module(module.name)
    named = {qualified_name(function): function for function in REGISTRY}
    return {name: named[name] for name in sorted(named) if REGISTRY[named[name]].sample is not None}


def check_all(*, examples: int = 5, seed: int = 0) -> Iterator[tuple[str, Exception | None]]:
    """Put every operation through the gate; yields each name with what is wrong, or None."""
    for name, function in registered().items():
        try:
            check_operation(function, examples=examples, seed=seed)
        except Exception as error:  # whatever a rule raises is what is wrong with it
            yield name, error
        else:
            yield name, None


def find(target: str) -> Callable[..., Any]:
    """The function that ``module:name`` means; modules are looked for here as well.

    >>> find("numpy:tanh")
    <ufunc 'tanh'>
    """
    module, _, name = target.partition(":")
    if not name:
        raise ValueError(f"check: got {target!r}; expected module:function")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"check: {target} cannot be found: {error}") from error
    if not callable(found):
        raise ValueError(f"check: {target} is {type(found).__name__}; expected a function")
    return found


def check_target(target: str, *, examples: int = 20, seed: int = 0) -> None:
    """Check what ``module:function`` means: an operation, or a property that takes no arguments."""
    function = find(target)
    if function in REGISTRY:
        check_operation(function, examples=examples, seed=seed)
    elif takes_nothing(function):
        function()
    else:
        raise ValueError(
            f"check: {target} is neither a registered operation nor a test without arguments; "
            "register it with autograd_core.operation, or decorate a test of it with "
            "property_gradcheck"
        )


def takes_nothing(function: Callable[..., Any]) -> bool:
    """Whether a function can be called without arguments, as a property of Hypothesis can."""
    if hasattr(function, "hypothesis"):
        return True
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):
        return False
    return True
