"""A second trace of the same call shows what a program must not contain: values that vary."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.compiler.ir import Instruction, Value, name_of
from autograd_core.compiler.trace import Trace
from autograd_core.errors import TraceError


def check_repeatable(first: Trace, second: Trace) -> None:
    """Raise TraceError unless two traces of a function describe the same program."""
    pairs = zip(first.instructions, second.instructions, strict=False)
    for a, b in pairs:
        if not alike(a, b):
            raise TraceError(
                f"compile: {name_of(a.function)} ({a.line}) got other operands when the function "
                "was traced again: something it computes outside of Tensors varies from call to "
                "call; pass that as an argument, or draw it with autograd_core's generators"
            )
    if len(first.instructions) != len(second.instructions):
        raise TraceError(
            f"compile: the function made {len(first.instructions)} operations when it was first "
            f"traced, {len(second.instructions)} when it was traced again; take what varies out "
            "of the compiled function"
        )


def alike(a: Instruction, b: Instruction) -> bool:
    """Whether two instructions do the same to the same."""
    return (
        a.kind is b.kind
        and same(a.function, b.function)
        and same((a.args, a.kwargs), (b.args, b.kwargs))
    )


def same(a: Any, b: Any) -> bool:
    """Whether two operands are equal: Values by what they stand for, arrays by their elements."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Value):
        if a.array is None or b.array is None:
            return a.array is b.array and a.number == b.number
        return a.array is b.array or same(a.array, b.array)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray):
        return (
            a.shape == b.shape
            and a.dtype == b.dtype
            and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
        )
    if callable(a) and hasattr(a, "__code__"):
        return a.__code__ is b.__code__
    return a is b or bool(a == b)
