"""Functions that change state, or look at values: compiled programs call them at their place."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from autograd_core.errors import TraceError
from autograd_core.graph import mode

F = TypeVar("F", bound=Callable[..., Any])


def effect(*, changes: bool = True, like: Any = None) -> Callable[[F], F]:
    """Make a function of one that changes what lives outside of the graph.

    While ``compile`` traces, it is not called; the program calls it, every time, after all that
    came before it and before all that comes after. ``changes=False`` is for checks, which may only
    raise. ``like`` is an example of what it returns, an array or number (None: nothing).

    >>> @effect()
    ... def log(loss):
    ...     print(f"loss {loss:.1f}")
    >>> log(2.5)
    loss 2.5
    """

    def decorate(function: F) -> F:
        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            tracer = mode.tracer
            if tracer is None:
                return function(*args, **kwargs)
            return tracer.effect(function, args, kwargs, changes=changes, like=like)

        return run  # type: ignore[return-value]

    return decorate


def untraced(instead: str) -> Callable[[F], F]:
    """Make a function raise TraceError while ``compile`` traces, saying what to do instead.

    For functions whose result a program would keep for ever, or that decide by values what to do.

    >>> @untraced("pass the rate as an argument")
    ... def rate():
    ...     return 0.1
    >>> rate()
    0.1
    """

    def decorate(function: F) -> F:
        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            refuse(function.__qualname__, instead)
            return function(*args, **kwargs)

        return run  # type: ignore[return-value]

    return decorate


def refuse(name: str, instead: str) -> None:
    """Raise TraceError if ``compile`` traces now."""
    if mode.tracer is not None:
        raise TraceError(f"compile: {name} in a compiled function; {instead}")
