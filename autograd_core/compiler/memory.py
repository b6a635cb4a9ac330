"""Where results are put: the flat buffer, the memory of an operand, or a buffer used again.

NumPy makes a new array for every result. Large ones need not be new: a gradient may land where
the optimizer looks for it, an operand that nobody needs any more gives its memory, and what remains
shares a few buffers that the program keeps. Small ones are made faster than they are placed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.compiler import loops
from autograd_core.compiler.fuse import Kernel
from autograd_core.compiler.ir import Instruction, Kind, Value, in_order_of
from autograd_core.compiler.passes import CHANGING, Draft, last_uses
from autograd_core.compiler.state import write_gradient
from autograd_core.memory import aligned

# From how many bytes on a result is put somewhere; passing ``out`` costs as much as to make less.
PLACED = 2**14


def takes_out(instruction: Instruction, output: Value) -> bool:
    """Whether a function can be told where to put a result."""
    function = instruction.function
    if instruction.kind is not Kind.PURE or output in instruction.out:
        return False
    if isinstance(function, Kernel):
        return True
    if len(instruction.outputs) != 1 or "out" in instruction.kwargs or not output.shape:
        return False
    if isinstance(function, np.ufunc):
        return function.nout == 1 and len(instruction.args) == function.nin
    return is_reduction(function)


def is_reduction(function: Any) -> bool:
    """Whether a function is the ``reduce`` of a ufunc."""
    owner = getattr(function, "__self__", None)
    return isinstance(owner, np.ufunc) and function.__name__ == "reduce"


def place_gradients(draft: Draft) -> str:
    """Compute gradients where they belong, in the flat buffer, instead of copying them there."""
    uses = last_uses(draft)
    results = {result.owner for result in draft.results}
    made_at = {
        output: k
        for k, instruction in enumerate(draft.instructions)
        for output in instruction.outputs
    }
    placed = 0
    for k, instruction in enumerate(draft.instructions):
        if instruction.function is not write_gradient:
            continue
        leaf, gradient = instruction.args
        target, owner = leaf.target, gradient.owner  # it may be the owner in another shape
        made = made_at.get(owner)
        if target is None or made is None or owner in results:
            continue
        maker = draft.instructions[made]
        whole = gradient.contiguous and owner.contiguous and gradient.size == owner.size
        fits = whole and gradient.dtype == owner.dtype == target.dtype
        between = draft.instructions[made + 1 : k]
        after = draft.instructions[k : uses[owner] + 1]
        if (
            fits
            and takes_out(maker, owner)
            and not any(each.kind in CHANGING or shows(each, target) for each in between)
            and not any(each.kind in CHANGING for each in after)
            and (is_elementwise(maker) or not shows(maker, target))
        ):
            maker.out[owner] = target.reshape(owner.shape)
            instruction.kind = Kind.PLACED
            placed += 1
    return f"place: {placed} gradients are computed in the flat buffer"


def shows(instruction: Instruction, array: Any) -> bool:
    """Whether an operand may show the memory of an array from outside."""
    return any(
        operand.owner.array is not None and np.may_share_memory(operand.owner.array, array)
        for operand in instruction.operands
    )


def is_elementwise(instruction: Instruction) -> bool:
    """Whether an instruction may write over an operand of the same shape while reading it."""
    function = instruction.function
    return isinstance(function, np.ufunc) and function.signature is None


def reuse(draft: Draft) -> str:
    """Put large results into the memory of operands that are done with, or into shared buffers."""
    uses = last_uses(draft)
    ours = movable(draft)
    buffers: dict[Value, Any] = {}  # the planned memory of an owner, if it has any
    free: dict[int, list[Any]] = {}
    before = 0
    for k, instruction in enumerate(draft.instructions):
        done = {value.owner for value in instruction.operands if uses[value.owner] == k}
        for output in instruction.outputs:
            if not takes_out(instruction, output) or output not in ours:
                continue
            if output.nbytes < PLACED:
                continue
            before += output.nbytes
            operand = overwritable(instruction, output, done & ours)
            if operand is not None:
                instruction.out[output] = operand
                done.discard(operand)
                if operand in buffers:
                    buffers[output] = buffers.pop(operand)
                continue
            waiting = free.get(output.nbytes)
            buffers[output] = waiting.pop() if waiting else aligned(output.nbytes, np.uint8)
            instruction.out[output] = in_order_of(output, buffers[output])
        for owner in done:
            if owner in buffers:
                free.setdefault(owner.nbytes, []).append(buffers.pop(owner))
        for output in instruction.outputs:
            if uses[output.owner] == k and output in buffers:
                free.setdefault(output.nbytes, []).append(buffers.pop(output))
    kept = {id(memory): memory.nbytes for row in free.values() for memory in row}
    kept.update({id(memory): memory.nbytes for memory in buffers.values()})
    after = sum(kept.values())
    return f"reuse: {before:,} bytes of results lie in {after:,} bytes of buffers"


def movable(draft: Draft) -> set[Value]:
    """Owners of memory that is made in the program and that nobody outside can hold on to."""
    ours = {
        output
        for instruction in draft.instructions
        if instruction.kind is Kind.PURE
        for output in instruction.outputs
        if output.owner is output and output.order is not None and output not in instruction.out
    }
    ours.difference_update(result.owner for result in draft.results)
    for instruction in draft.instructions:
        if instruction.kind is Kind.EFFECT:
            ours.difference_update(operand.owner for operand in instruction.operands)
    return ours


def overwritable(instruction: Instruction, output: Value, done: set[Value]) -> Value | None:
    """An operand whose memory the result may take over."""
    kernel = instruction.function
    for position, operand in enumerate(instruction.args):
        if type(operand) is not Value or operand not in done:
            continue
        if (operand.shape, operand.dtype) != (output.shape, output.dtype):
            continue
        if operand.order != output.order or not operand.shape:
            continue  # others rely on where elements lie, and NumPy's numbers are not written to
        if isinstance(kernel, Kernel):
            # It may be both a row and a column, also through a view.
            once = [value.owner for value in instruction.operands].count(operand) == 1
            if once and loops.may_share(kernel.group, position, instruction.outputs.index(output)):
                return operand
        elif is_elementwise(instruction):
            return operand
    return None
