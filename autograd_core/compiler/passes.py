"""Passes: each makes a program do less, and says in one line what it did.

Bits never change: only what IEEE arithmetic allows is simplified, and no sum is taken in another
order. Nothing moves across an instruction that changes what lives outside.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_core.compiler.ir import VIEWS, Instruction, Kind, Value, exactly, named
from autograd_core.compiler.state import write_gradient
from autograd_core.containers import map_leaves
from autograd_core.rules.reductions import MISSING

# What may change an array that others look at.
CHANGING = frozenset({Kind.WRITE, Kind.EFFECT})


@dataclass
class Draft:
    """A program in the making: instructions in order, and the Values it returns.

    ``residuals`` are those of the results that only the backward part needs.
    """

    instructions: list[Instruction]
    inputs: list[Value]
    results: list[Value]
    residuals: list[Value] = field(default_factory=list)
    report: list[str] = field(default_factory=list)

    def rewrite(self, visit: Callable[[Instruction], dict[Value, Value] | None]) -> int:
        """Leave out the instructions for which a function names Values that their outputs equal.

        It sees operands that are renamed already. Returns how many were left out.
        """
        table: dict[Value, Value] = {}

        def renamed(leaf: Any) -> Any:
            return table.get(leaf, leaf) if type(leaf) is Value else leaf

        kept = []
        for instruction in self.instructions:
            instruction.args = map_leaves(renamed, instruction.args)
            instruction.kwargs = map_leaves(renamed, instruction.kwargs)
            equal = visit(instruction)
            if equal is None:
                kept.append(instruction)
                for output in instruction.outputs:  # it may be a view of what is left out
                    output.owner = renamed(output.owner).owner
            else:
                table.update(equal)
        removed = len(self.instructions) - len(kept)
        self.instructions = kept
        self.results = map_leaves(renamed, self.results)
        return removed


Pass = Callable[[Draft], str]


def run_passes(draft: Draft, passes: Iterable[Pass]) -> None:
    """Apply passes in order, and note what each did."""
    for each in passes:
        draft.report.append(each(draft))


def last_uses(draft: Draft) -> dict[Value, int]:
    """For every owner of memory the last instruction that needs it; results are needed for ever."""
    uses: dict[Value, int] = {}
    for k, instruction in enumerate(draft.instructions):
        for value in (*instruction.operands, *instruction.outputs):
            uses[value.owner] = k
    for result in draft.results:
        uses[result.owner] = len(draft.instructions)
    return uses


# -- call what is called in the end ----------------------------------------------------------------


def lower(draft: Draft) -> str:
    """Call the ufuncs that reductions of arrays call in the end."""
    lowered = []
    for instruction in draft.instructions:
        settings = reduction_settings(instruction)
        if settings is None:
            lowered.append(instruction)
            continue
        function = instruction.function
        instruction.args, instruction.kwargs = instruction.args[:1], settings
        lowered.append(instruction)
        if function in MEANS:
            lowered.append(divided(instruction))
        elif function in REDUCTIONS:
            instruction.function = REDUCTIONS[function]
    draft.instructions = lowered
    return f"lower: {sum(each.function in LOWERED for each in lowered)} reductions call their ufunc"


def reduction_settings(instruction: Instruction) -> dict[str, Any] | None:
    """The axis and keepdims of a reduction; None for another call, or one with more settings."""
    function, args = instruction.function, instruction.args
    if function not in REDUCTIONS and function not in MEANS and function not in LOWERED:
        return None
    if function in MEANS and args[0].dtype not in (np.float32, np.float64):
        return None
    names = ["axis", "dtype", "out", "keepdims", "initial", "where"]
    if function in EXTREMA:
        names.remove("dtype")
    given = dict(zip(names, args[1:], strict=False)) | instruction.kwargs
    default = {"axis": 0 if function in LOWERED else None, "keepdims": False}
    settings = default | {key: value for key, value in given.items() if value is not MISSING}
    axis, keepdims = settings.pop("axis"), settings.pop("keepdims")
    if any(value is not None for value in settings.values()):
        return None
    return {"axis": axis, "keepdims": keepdims}


def divided(instruction: Instruction) -> Instruction:
    """The second half of a mean, after the first has been made a sum: as NumPy divides it."""
    (operand,), (mean,) = instruction.args, instruction.outputs
    total = mean.twin(-mean.number)
    instruction.function, instruction.outputs = np.add.reduce, (total,)
    half = copy.copy(instruction)
    half.function, half.args, half.kwargs = np.true_divide, (total, operand.size // mean.size), {}
    half.outputs = (mean,)
    return half


def reductions(ufunc: np.ufunc, name: str) -> dict[Any, Any]:
    """What calls a ufunc to reduce: NumPy's function and the method of arrays."""
    return dict.fromkeys((getattr(np, name), named(name)), ufunc.reduce)


EXTREMA = reductions(np.maximum, "max") | reductions(np.minimum, "min")
REDUCTIONS = reductions(np.add, "sum") | EXTREMA
MEANS = frozenset({np.mean, named("mean")})
LOWERED = frozenset(REDUCTIONS.values())


# -- do not compute --------------------------------------------------------------------------------


def simplify(draft: Draft) -> str:
    """Leave out operations that give back what they got."""
    made_by: dict[Value, Instruction] = {}
    returned = set(draft.results)  # these keep memory of their own

    def visit(instruction: Instruction) -> dict[Value, Value] | None:
        rule = IDENTITIES.get(instruction.function)
        if rule is not None and returned.isdisjoint(instruction.outputs):
            (output,) = instruction.outputs
            same = rule(instruction, made_by)
            if same is not None and are_alike(same, output):
                return {output: same}
        made_by.update(dict.fromkeys(instruction.outputs, instruction))
        return None

    return f"simplify: {draft.rewrite(visit)} operations give back what they get"


def are_alike(value: Value, other: Value) -> bool:
    """Whether one can stand for the other, also for those who rely on where its elements lie."""
    alike = (value.shape, value.dtype, value.order) == (other.shape, other.dtype, other.order)
    return alike and value.order is not None


def without_one(instruction: Instruction, made_by: Any) -> Value | None:
    """The other factor of a product with one; the dividend of a quotient by one."""
    if instruction.kwargs or len(instruction.args) != 2:
        return None
    x, y = instruction.args
    if is_one(y):
        return value_or_none(x)
    return value_or_none(y) if is_one(x) and instruction.function is np.multiply else None


def is_one(operand: Any) -> bool:
    """Whether an operand is the number one."""
    return type(operand) in (int, float) and operand == 1


def value_or_none(operand: Any) -> Value | None:
    """An operand if it is a Value."""
    return operand if type(operand) is Value else None


def operand_itself(instruction: Instruction, made_by: Any) -> Value | None:
    """The operand; the result is the same if shape and dtype are."""
    return value_or_none(instruction.args[0])


def undone(instruction: Instruction, made_by: dict[Value, Instruction]) -> Value | None:
    """What the operand was made from, if that was by the same operation, which undoes itself."""
    maker = made_by.get(instruction.args[0])
    if maker is None or maker.function is not instruction.function or maker.kwargs:
        return None
    return value_or_none(maker.args[0])


IDENTITIES: dict[Any, Callable[[Instruction, Any], Value | None]] = {
    np.multiply: without_one,
    np.divide: without_one,
    np.positive: operand_itself,
    named("astype"): operand_itself,
    named("reshape"): operand_itself,
    np.reshape: operand_itself,
    np.broadcast_to: operand_itself,
    np.negative: undone,
    VIEWS["T"]: undone,
    VIEWS["mT"]: undone,
}


def share(draft: Draft) -> str:
    """Compute what is computed twice once (common subexpressions)."""
    known: dict[Any, tuple[Value, ...]] = {}
    returned = set(draft.results)

    def visit(instruction: Instruction) -> dict[Value, Value] | None:
        if instruction.kind in CHANGING:
            known.clear()
        key = key_of(instruction)
        if key is None or not returned.isdisjoint(instruction.outputs):
            return None
        before = known.setdefault(key, instruction.outputs)
        if before is instruction.outputs:
            return None
        return dict(zip(instruction.outputs, before, strict=True))

    return f"share: {draft.rewrite(visit)} operations were computed already"


def key_of(instruction: Instruction) -> Any:
    """What is equal for calls that compute the same; None if that cannot be told."""
    if instruction.kind is not Kind.PURE:
        return None
    key = (instruction.function, hashable(instruction.args), hashable(instruction.kwargs))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def hashable(container: Any) -> Any:
    """Nested containers as tuples, with the types of numbers, which decide about dtypes."""
    if isinstance(container, (list, tuple)):
        return (type(container), *map(hashable, container))
    if isinstance(container, dict):
        return tuple((key, hashable(value)) for key, value in container.items())
    if isinstance(container, slice):
        return (slice, container.start, container.stop, container.step)
    return container if isinstance(container, Value) else exactly(container)


def prune(draft: Draft) -> str:
    """Leave out what nothing needs (dead code)."""
    needed = set(draft.results)
    kept = []
    for instruction in reversed(draft.instructions):
        if instruction.kind is Kind.PURE and needed.isdisjoint(instruction.outputs):
            continue
        needed.update(instruction.operands)
        kept.append(instruction)
    removed = len(draft.instructions) - len(kept)
    draft.instructions = kept[::-1]
    return f"prune: {removed} operations have no effect on anything"


def forget_less(draft: Draft) -> str:
    """Do not forget gradients that are written anyway before anybody could look."""
    written: set[Any] = set()
    spared = 0
    for instruction in reversed(draft.instructions):
        if instruction.kind in CHANGING:
            written.clear()
        elif instruction.kind is Kind.STORE:
            (leaf, *_) = instruction.args
            if instruction.function is write_gradient:
                written.add(leaf)
            else:
                written.discard(leaf)
        elif instruction.kind is Kind.CLEAR:
            (leaves,) = instruction.args
            left = [leaf for leaf in leaves if leaf not in written]
            spared += len(leaves) - len(left)
            instruction.args = (left,)
    draft.instructions = [
        each for each in draft.instructions if each.kind is not Kind.CLEAR or each.args[0]
    ]
    return f"forget: {spared} gradients need not be cleared, they are overwritten"


def hoist(draft: Draft) -> str:
    """Take views of arrays outside, such as the transpose of a weight, once and for all."""

    def visit(instruction: Instruction) -> dict[Value, Value] | None:
        if instruction.kind is not Kind.PURE or len(instruction.outputs) != 1:
            return None
        (output,) = instruction.outputs
        inside = any(operand.array is None for operand in instruction.operands)
        if inside or output.owner is output:
            return None
        args, kwargs = map_leaves(array_of, (instruction.args, instruction.kwargs))
        array = instruction.function(*args, **kwargs)
        return {output: Value(output.number, array, output.owner, array)}

    return f"hoist: {draft.rewrite(visit)} views of arrays outside are made once"


def array_of(leaf: Any) -> Any:
    """The array of a Value from outside; anything else as it is."""
    return leaf.array if type(leaf) is Value else leaf
