"""Steps: what instructions mean to a loop over rows and columns, if loops can do them.

A loop sees arrays as they lie in memory, without gaps, as rows and columns: the innermost axis are
the columns, all others together the rows. So reshaping and transposing, as long as they show the
same elements in the same order in memory, make no difference to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.compiler.expressions import ELSEWHERE, Constant, home, loop_dtypes, supports
from autograd_core.compiler.ir import Instruction, Kind, Value, forward_of, named
from autograd_core.compiler.loops import Kind as Layout
from autograd_core.rules.piecewise import keep

# Rows and columns.
Nest = tuple[int, int]


@dataclass(frozen=True)
class Candidate:
    """An instruction as a step: its function, its operands, and along what it reduces.

    Operands are constants, or Values with the nest they are used as; ``full`` is the nest of the
    instruction alone.
    """

    function: Callable[..., Any]
    operands: tuple[Constant | tuple[Value, Nest], ...]
    full: Nest
    reduces: Any = None

    @property
    def arrays(self) -> list[tuple[Value, Nest]]:
        """The operands that are arrays, and the nests they are used as."""
        return [each for each in self.operands if not isinstance(each, Constant)]

    @property
    def values(self) -> list[Value]:
        """The operands that are arrays."""
        return [value for value, _ in self.arrays]


def nest_in(value: Value, order: tuple[int, ...]) -> Nest | None:
    """Rows and columns of an array that broadcasts to others whose axes lie in an order.

    None if its elements do not lie in that order, without gaps.
    """
    missing = len(order) - len(value.shape)
    if value.order is None or missing < 0:
        return None
    lengths = (1,) * missing + value.shape
    own = [axis + missing for axis in value.order if value.shape[axis] > 1]
    if own != [axis for axis in order if lengths[axis] > 1]:
        return None
    *rows, columns = (1, *(lengths[axis] for axis in order))
    return math.prod(rows), columns


def layout_in(nest: Nest, full: Nest) -> Layout | None:
    """What an array is to a loop over a nest; None if it is nothing a loop knows."""
    if nest == full:
        return Layout.FULL
    if nest == (1, 1):
        return Layout.SCALAR
    if nest == (1, full[1]):
        return Layout.COLUMN
    return Layout.ROW if nest == (full[0], 1) else None


def is_step(function: Any) -> bool:
    """Whether a loop can do what a forward function of ours does, all at once."""
    forward = forward_of(function)
    return f"{home(forward)}.{forward.__name__}" in ELSEWHERE


# What masks cotangents, as a function of arrays.
KEEP = forward_of(keep)

# The sum over the last axis, and that of a product, as einsum writes them.
SUM, SUM_OF_PRODUCT = "...i->...", "...i,...i->..."


def same_elements(instruction: Instruction) -> Value | None:
    """The operand, if the result shows the same elements in the same order, in another shape."""
    operands = instruction.operands
    if instruction.kind is not Kind.PURE or len(operands) != 1 or len(instruction.outputs) != 1:
        return None
    (operand,), (output,) = operands, instruction.outputs
    shown = output.owner is operand.owner and None not in (output.order, operand.order)
    same = (output.size, output.dtype) == (operand.size, operand.dtype)
    return operand if shown and same else None


def candidate(instruction: Instruction, roots: dict[Value, Value]) -> Candidate | None:
    """What an instruction is in a loop, if loops can do it.

    ``roots`` names for Values that only reshape others what they reshape.
    """
    if instruction.kind is not Kind.PURE or len(instruction.outputs) != 1:
        return None
    (output,) = instruction.outputs
    if output.size == 0 or output.order is None:
        return None
    found = reduction(instruction) or elementwise(instruction)
    if found is None:
        return None
    function, args, reduces = found
    largest = args[0] if reduces else output
    if largest.order is None:
        return None
    operands: list[Constant | tuple[Value, Nest]] = []
    for arg in args:
        if isinstance(arg, Value) and arg.size:
            nest = nest_in(arg, largest.order)
            if nest is None:
                return None
            operands.append((roots.get(arg, arg), nest))
        elif isinstance(arg, (int, float, bool, np.bool_, np.integer, np.floating)):
            operands.append(Constant(arg))
        else:
            return None
    full = nest_in(largest, largest.order)
    assert full is not None
    step = Candidate(function, tuple(operands), full, reduces)
    return step if step.values and is_known(step, output) else None


def elementwise(instruction: Instruction) -> tuple[Any, Any, None] | None:
    """The function and arguments of an elementwise instruction."""
    function, args = forward_of(instruction.function), instruction.args
    if function in (named("astype"), named("copy")):
        return np.astype, args[:1], None
    if function is KEEP:
        return np.where, (args[1], args[0], 0), None
    return None if instruction.kwargs else (function, args, None)


def reduction(instruction: Instruction) -> tuple[Any, Any, str] | None:
    """A sum, maximum or minimum along the rows, across them, or over everything."""
    found = reduced_axes(instruction)
    if found is None:
        return None
    function, array, axes = found
    order = array.order
    if not order:  # there are gaps, or it is a number
        return None
    reduces = along({axis % len(order) for axis in axes}, order)
    lies = reduces != "last" or keeps_order(instruction, order)
    return (function, (array,), reduces) if reduces and lies else None


def reduced_axes(instruction: Instruction) -> tuple[Any, Value, Iterable[int]] | None:
    """What reduces which array over which axes, if the instruction is a reduction."""
    function, args, kwargs = instruction.function, instruction.args, instruction.kwargs
    if function is np.einsum and args[0] == SUM and not kwargs:
        return np.sum, args[1], (-1,)
    reducing = REDUCING.get(getattr(function, "__self__", None))
    if reducing is None or function.__name__ != "reduce" or len(args) != 1:
        return None
    if not isinstance(args[0], Value) or not kwargs.keys() <= {"axis", "keepdims"}:
        return None
    axis = kwargs.get("axis", 0)
    axes = range(len(args[0].shape)) if axis is None else axis
    return reducing, args[0], axes if isinstance(axes, Iterable) else (axes,)


def along(reduced: set[int], order: tuple[int, ...]) -> str | None:
    """What a reduction over axes is to rows and columns."""
    if reduced == {*order}:
        return "all"
    if reduced == {order[-1]}:
        return "last"
    return "leading" if reduced == {*order[:-1]} else None


def keeps_order(instruction: Instruction, order: tuple[int, ...]) -> bool:
    """Whether the result of a reduction along the columns lies as the rows did."""
    (output,) = instruction.outputs
    if output.order is None:
        return False
    kept = order[:-1]
    if len(output.shape) < len(order):  # the others have moved up
        kept = tuple(axis - (axis > order[-1]) for axis in kept)
    lengths = output.shape
    return [axis for axis in output.order if lengths[axis] > 1] == [
        axis for axis in kept if lengths[axis] > 1
    ]


REDUCING: dict[Any, Any] = {np.add: np.sum, np.maximum: np.max, np.minimum: np.min}


def is_known(step: Candidate, output: Value) -> bool:
    """Whether loops have the function, for these dtypes and with NumPy's dtype for the result."""
    dtypes = [each if isinstance(each, Constant) else each[0].dtype for each in step.operands]
    if not supports(step.function, dtypes):
        return False
    if step.reduces:
        return bool(step.values[0].dtype == output.dtype)
    if None in [layout_in(nest, step.full) for _, nest in step.arrays]:
        return False
    return loop_dtypes(step.function, dtypes, output.dtype)[-1] == output.dtype
