"""Passes: each makes a program do less, and says in one line what it did.

Elementwise bits never change: only what IEEE arithmetic allows is simplified, and no sum is taken
in another order. Nothing moves across an instruction that changes what lives outside.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_core.compiler.trace import VIEWS, Instruction, Kind, Value, named, replace
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

    def substitute(self, table: dict[Value, Value]) -> None:
        """Let other Values stand wherever the keys of a table do."""
        if not table:
            return

        def final(leaf: Any) -> Any:
            while type(leaf) is Value and leaf in table:
                leaf = table[leaf]
            return leaf

        for instruction in self.instructions:
            instruction.args = replace(instruction.args, final)
            instruction.kwargs = replace(instruction.kwargs, final)
        self.results = replace(self.results, final)


Pass = Callable[[Draft], str]


# -- do not compute --------------------------------------------------------------------------------


def simplify(draft: Draft) -> str:
    """Leave out operations that give back what they got."""
    table: dict[Value, Value] = {}
    made_by: dict[Value, Instruction] = {}
    kept = []
    for instruction in draft.instructions:
        instruction.args = replace(
            instruction.args, lambda leaf: table.get(leaf, leaf) if type(leaf) is Value else leaf
        )
        same = None
        if instruction.kind is Kind.PURE and len(instruction.outputs) == 1:
            rule = IDENTITIES.get(instruction.function)
            same = rule(instruction, made_by) if rule is not None else None
        (first, *_) = (*instruction.outputs, None)
        if (
            same is not None
            and first is not None
            and (same.shape, same.dtype) == (first.shape, first.dtype)
        ):
            table[first] = same
            continue
        made_by.update(dict.fromkeys(instruction.outputs, instruction))
        kept.append(instruction)
    removed = len(draft.instructions) - len(kept)
    draft.instructions = kept
    draft.substitute(table)
    return f"simplify: {removed} operations give back what they get"


def is_one(operand: Any) -> bool:
    """Whether an operand is the number one, as every element."""
    return type(operand) in (int, float) and operand == 1


def without_one(instruction: Instruction, made_by: Any) -> Value | None:
    """The other factor of a product with one; the dividend of a quotient by one."""
    if instruction.kwargs or len(instruction.args) != 2:
        return None
    x, y = instruction.args
    if is_one(y) and type(x) is Value:
        return x
    product = instruction.function is np.multiply
    return y if product and is_one(x) and type(y) is Value else None


def operand_itself(instruction: Instruction, made_by: Any) -> Value | None:
    """The operand; the result is the same if shape and dtype are."""
    operand = instruction.args[0]
    return operand if type(operand) is Value and not instruction.kwargs.get("subok") else None


def undone(instruction: Instruction, made_by: dict[Value, Instruction]) -> Value | None:
    """What the operand was made from, if that was by the same operation, which undoes itself."""
    operand = instruction.args[0]
    maker = made_by.get(operand) if type(operand) is Value else None
    if maker is None or maker.function is not instruction.function or maker.kwargs:
        return None
    return maker.args[0] if len(maker.args) == len(instruction.args) == 1 else None


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
            lowered += divided(instruction)
        elif function in REDUCTIONS:
            instruction.function = REDUCTIONS[function]
    count = sum(each.function in LOWERED for each in lowered)
    draft.instructions = lowered
    return f"lower: {count} reductions call their ufunc"


def reduction_settings(instruction: Instruction) -> dict[str, Any] | None:
    """The axis and keepdims of a reduction; None for another call, or one with more settings."""
    function, args = instruction.function, instruction.args
    if function not in REDUCTIONS and function not in MEANS and function not in LOWERED:
        return None
    (operand,) = args[:1]
    if function in MEANS and operand.dtype not in (np.float32, np.float64):
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


def divided(instruction: Instruction) -> list[Instruction]:
    """The second half of a mean, after the first has been made a sum: as NumPy divides it."""
    (operand,), (mean,) = instruction.args, instruction.outputs
    total = mean.twin(-mean.number)
    count = operand.size // max(mean.size, 1)
    instruction.function, instruction.outputs = np.add.reduce, (total,)
    half = copy.copy(instruction)
    half.function, half.args, half.kwargs, half.outputs = (
        np.true_divide,
        (total, count),
        {},
        (mean,),
    )
    return [half]


def reductions(ufunc: np.ufunc, name: str) -> dict[Any, Any]:
    """What calls a ufunc to reduce: NumPy's function and the method of arrays."""
    return dict.fromkeys((getattr(np, name), named(name)), ufunc.reduce)


EXTREMA = reductions(np.maximum, "max") | reductions(np.minimum, "min")
REDUCTIONS = reductions(np.add, "sum") | EXTREMA
MEANS = frozenset({np.mean, named("mean")})
LOWERED = frozenset(REDUCTIONS.values())


def share(draft: Draft) -> str:
    """Compute what is computed twice once (common subexpressions)."""
    table: dict[Value, Value] = {}
    known: dict[Any, tuple[Value, ...]] = {}
    kept = []
    for instruction in draft.instructions:
        if instruction.kind in CHANGING:
            known.clear()
        if instruction.kind is Kind.PURE:
            change = lambda leaf: table.get(leaf, leaf) if type(leaf) is Value else leaf  # noqa: E731
            instruction.args = replace(instruction.args, change)
            instruction.kwargs = replace(instruction.kwargs, change)
            key = key_of(instruction)
            before = known.get(key) if key is not None else None
            if before is not None:
                table.update(zip(instruction.outputs, before, strict=True))
                continue
            if key is not None:
                known[key] = instruction.outputs
        kept.append(instruction)
    removed = len(draft.instructions) - len(kept)
    draft.instructions = kept
    draft.substitute(table)
    return f"share: {removed} operations were computed already"


def key_of(instruction: Instruction) -> Any:
    """What is equal for calls that compute the same; None if that cannot be told."""
    key = (instruction.function, frozen(instruction.args), frozen(instruction.kwargs))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def frozen(container: Any) -> Any:
    """Nested containers as tuples, with the types of numbers, which decide about dtypes."""
    if isinstance(container, (list, tuple)):
        return (type(container), *map(frozen, container))
    if isinstance(container, dict):
        return tuple((key, frozen(value)) for key, value in container.items())
    if isinstance(container, slice):
        return (slice, container.start, container.stop, container.step)
    return container if isinstance(container, Value) else (type(container), container)


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
            written.add(instruction.args[0])
        elif instruction.kind is Kind.CLEAR:
            leaves = instruction.args[0]
            left = [leaf for leaf in leaves if leaf not in written]
            spared += len(leaves) - len(left)
            instruction.args = (left,)
    draft.instructions = [
        instruction
        for instruction in draft.instructions
        if instruction.kind is not Kind.CLEAR or instruction.args[0]
    ]
    return f"forget: {spared} gradients need not be cleared, they are overwritten"


def hoist(draft: Draft) -> str:
    """Take views of arrays outside, such as the transpose of a weight, once and for all."""
    table: dict[Value, Value] = {}
    kept = []
    for instruction in draft.instructions:
        change = lambda leaf: table.get(leaf, leaf) if type(leaf) is Value else leaf  # noqa: E731
        instruction.args, instruction.kwargs = replace(
            (instruction.args, instruction.kwargs), change
        )
        operands = instruction.operands
        outside = all(operand.array is not None for operand in operands)
        shown = all(output.owner is not output for output in instruction.outputs)
        if instruction.kind is Kind.PURE and outside and shown and len(instruction.outputs) == 1:
            array_of = lambda leaf: leaf.array if type(leaf) is Value else leaf  # noqa: E731
            args, kwargs = replace((instruction.args, instruction.kwargs), array_of)
            (output,) = instruction.outputs
            array = instruction.function(*args, **kwargs)
            table[output] = Value(output.number, array, output.owner, array)
        else:
            kept.append(instruction)
    removed = len(draft.instructions) - len(kept)
    draft.instructions = kept
    draft.substitute(table)
    return f"hoist: {removed} views of arrays outside are made once"


def last_uses(draft: Draft) -> dict[Value, int]:
    """For every owner of memory the last instruction that needs it; results are needed for ever."""
    uses: dict[Value, int] = {}
    for k, instruction in enumerate(draft.instructions):
        for value in (*instruction.operands, *instruction.outputs):
            uses[value.owner] = k
    for result in draft.results:
        uses[result.owner] = len(draft.instructions)
    return uses


def run_passes(draft: Draft, passes: Iterable[Pass]) -> None:
    """Apply passes in order, and note what each did."""
    for each in passes:
        draft.report.append(each(draft))
