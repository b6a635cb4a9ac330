"""Recompute: large elementwise results that only the backward pass needs again are made twice.

Where the memory of a program is at its peak, much of it holds results that wait for the backward
pass. Some are functions, element by element, of others that wait anyway: to compute them again in
the loop that needs them costs little, and a kernel never even stores them. (T. Chen et al.,
"Training Deep Nets with Sublinear Memory Cost", 2016, drop whole layers so.)
"""

from __future__ import annotations

import copy
from typing import Any

from autograd_core.compiler.expressions import Constant, expression
from autograd_core.compiler.ir import Instruction, Value
from autograd_core.compiler.passes import CHANGING, Draft, last_uses
from autograd_core.compiler.steps import candidate, same_elements
from autograd_core.containers import map_leaves

# Smaller results are kept.
LARGE = 2**17
# Nanoseconds an element, up to which an operation costs less than to read its result from memory.
ARITHMETIC = 0.06


def recompute(draft: Draft) -> str:
    """Make elementwise results again behind the peak of memory, instead of keeping them."""
    peak = peak_of(draft)
    waiting = crossing(draft, peak)
    again: dict[Value, Instruction] = {}
    outside: set[Value] = set()  # those of them made of arrays from outside, which may change
    for instruction in draft.instructions[:peak]:
        if instruction.kind in CHANGING:
            again = {value: made for value, made in again.items() if value not in outside}
        shown = same_elements(instruction)
        if shown in again:
            again[instruction.outputs[0]] = instruction
            if shown in outside:
                outside.add(instruction.outputs[0])
        elif shown is None and is_elementwise(instruction):
            (output,) = instruction.outputs
            operands = [operand for operand in instruction.operands if operand.array is None]
            known = all(operand in again or operand.owner in waiting for operand in operands)
            # What does not wait itself is made again on the way to another if that costs nothing.
            free = is_arithmetic(instruction) or waiting.issuperset(
                operand.owner for operand in (output, *operands)
            )
            if known and free:
                again[output] = instruction
                if any(v.array is not None or v in outside for v in instruction.operands):
                    outside.add(output)
    instructions = draft.instructions[:peak]
    new: dict[Value, Value] = {}

    def renamed(leaf: Any) -> Any:
        return new.get(leaf, leaf) if type(leaf) is Value else leaf

    def remake(value: Value) -> None:
        """Place a copy of the instruction that made a value, and before it of its operands'."""
        original = again[value]
        for operand in original.operands:
            if operand in again and operand not in new:
                remake(operand)
        made = copy.copy(original)
        made.args = map_leaves(renamed, original.args)
        twin = value.twin(-value.number)
        if value.owner is not value:
            twin.owner = new[value.owner]
        new[value] = twin
        made.outputs = (new[value],)
        instructions.append(made)

    for instruction in draft.instructions[peak:]:
        if instruction.kind in CHANGING:
            again = {value: made for value, made in again.items() if value not in outside}
        for operand in instruction.operands:
            if operand in again and operand not in new:
                remake(operand)
        instruction.args = map_leaves(renamed, instruction.args)
        instruction.kwargs = map_leaves(renamed, instruction.kwargs)
        instructions.append(instruction)
    draft.instructions = instructions
    saved = sum(value.nbytes for value in new)
    return f"recompute: {len(new)} results of {saved:,} bytes are made again, not kept"


def is_arithmetic(instruction: Instruction) -> bool:
    """Whether an elementwise instruction takes a loop few cycles."""
    step = candidate(instruction, {})
    assert step is not None
    dtypes = [each if isinstance(each, Constant) else each[0].dtype for each in step.operands]
    known = expression(step.function, dtypes)
    return known is not None and known.nanoseconds <= ARITHMETIC


def is_elementwise(instruction: Instruction) -> bool:
    """Whether an instruction is elementwise, and its result large and its own."""
    if len(instruction.outputs) != 1:
        return False
    (output,) = instruction.outputs
    if output.nbytes < LARGE or output.owner is not output:
        return False
    found = candidate(instruction, {})
    return found is not None and found.reduces is None


def peak_of(draft: Draft) -> int:
    """The instruction at which most bytes are alive."""
    uses = last_uses(draft)
    freed: dict[int, int] = {}
    alive = most = peak = 0
    for k, instruction in enumerate(draft.instructions):
        for output in instruction.outputs:
            if output.owner is output and output.array is None:
                alive += output.nbytes
                last = uses[output]
                freed[last] = freed.get(last, 0) + output.nbytes
        if alive > most:
            most, peak = alive, k + 1
        alive -= freed.pop(k, 0)
    return peak


def crossing(draft: Draft, peak: int) -> set[Value]:
    """The owners of memory that are made before the peak, or given, and needed behind it."""
    made = {output.owner for each in draft.instructions[:peak] for output in each.outputs}
    made.update(draft.inputs)
    needed = {operand.owner for each in draft.instructions[peak:] for operand in each.operands}
    needed.update(result.owner for result in draft.results)
    return made & needed - {result.owner for result in draft.results}
