"""A group of elementwise operations and reductions as one loop nest (the extra ``fast``).

NumPy passes over its arrays once an operation; a loop keeps an element in registers through all
of them. A ``Group`` is data: what the inputs are, the steps, which values are wanted. ``source``
writes it down as Python, and ``build`` has numba compile that. Softmax along the last axis is::

    for r in range(rows):
        maximum of the row; sum of exp(x - maximum), kept in a scratch row; division

Arithmetic is done in the order, and in the dtypes, of the steps, so that groups of arithmetic alone
compute the same bits as NumPy. Elementary functions are those of ``vector_math``. Sums are taken in
float64 with several partial sums, whose number depends on the machine but never on timing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from autograd_core.compiler import vector_math
from autograd_core.compiler.expressions import (
    REDUCTIONS,
    Constant,
    Dtype,
    Function,
    Reduction,
    expression,
    loop_dtypes,
)
from autograd_core.compiler.ir import exactly
from autograd_core.compiler.machine import (
    BLOCK,
    COMPILING,
    entry_point,
    instructions,
    local_array,
)
from autograd_core.errors import require
from autograd_core.workers import share_out, thread_count

Array = npt.NDArray[Any]

# Steps beyond which compiling takes more than a few seconds: who makes groups stops there.
MOST_STEPS = 500

# Nanoseconds an element after which a loop ends and another takes over; the elements that go
# through all loops before the next do, and whose values shall stay in the L1 cache; the elements of
# the largest vectors.
LOOP = 0.42
VECTOR = 16

# What a thread must have to do, in nanoseconds, before it is worth to wake another one. Waking
# takes 50 µs, but after a product of matrices OpenBLAS's threads spin on all cores for a while.
WORTH_A_THREAD = 250_000


class Kind(Enum):
    """The shape of a value in a nest of R rows and C columns."""

    FULL = "(R, C)"
    ROW = "(R,)"  # one number a row
    COLUMN = "(C,)"  # the same for each row
    SCALAR = "(1,)"


@dataclass(frozen=True)
class Step:
    """One operation; ``operands`` are numbers of values (inputs first, then steps) or constants.

    ``dtype`` is what NumPy would return. Reductions go ``"last"`` (FULL to ROW), ``"leading"``
    (FULL to COLUMN, ROW to SCALAR) or over ``"all"`` (to SCALAR).
    """

    function: Function
    operands: tuple[int | Constant, ...]
    dtype: Dtype
    kind: Kind
    reduces: Literal["last", "leading", "all"] | None = None

    def key(self) -> Any:
        """What tells the step from all others, also from those with equal numbers."""
        operands = [
            each if isinstance(each, int) else exactly(each.value) for each in self.operands
        ]
        return self.function, tuple(operands), self.dtype, self.kind, self.reduces


@dataclass(frozen=True)
class Group:
    """Steps to run as one loop nest, and the values it writes.

    Values of kind FULL or ROW may not depend on a reduction over ``"leading"`` or ``"all"``, which
    is complete only after the last row. Without ROW and COLUMN values a group is *flat*: its FULL
    arrays then have the shape (N,), whatever the shape of the operation was. Outputs are steps.
    """

    inputs: tuple[tuple[Kind, Dtype], ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    @cached_property
    def flat(self) -> bool:
        """Whether rows make no difference."""
        kinds = {kind for kind, _ in self.inputs} | {step.kind for step in self.steps}
        return kinds <= {Kind.FULL, Kind.SCALAR}


# -- the program -----------------------------------------------------------------------------------


class Work(NamedTuple):
    """An array that the kernel needs besides inputs and outputs: a slot for each thread."""

    name: str
    dtype: Dtype
    columns: bool  # whether a slot has C elements, or one


class Writer:
    """Writes a group down, line by line.

    Values are called ``v0``, ``v1`` …, inputs first; inputs lie in arrays ``x``, outputs in ``y``,
    values that outlive the loop they are computed in in work arrays ``w``, and accumulators of
    reductions over all rows in ``p``.
    """

    def __init__(self, group: Group) -> None:
        self.group = group
        self.first = len(group.inputs)  # the number of the first step
        self.kinds = [kind for kind, _ in group.inputs] + [step.kind for step in group.steps]
        self.dtypes = [dtype for _, dtype in group.inputs] + [step.dtype for step in group.steps]
        self.lines: list[str] = []
        self.depth = 1
        self.work: dict[str, Work] = {}
        self.locals: set[int] = set()  # values that are in local arrays sometimes
        self.local: set[int] = set()  # and those that are now
        self.inside: set[int] = set()  # what the present loop has computed
        self.column = "c"
        self.element = "c" if group.flat else "r, c"
        self.place()
        self.divide()
        self.write()

    # -- where to compute what ---------------------------------------------------------------------

    def values(self, step: Step) -> list[int]:
        """The numbers of the values that a step takes."""
        return [operand for operand in step.operands if isinstance(operand, int)]

    def steps(self) -> Iterator[tuple[int, Step]]:
        """The steps that outputs need, with the numbers of their values."""
        numbered = enumerate(self.group.steps, self.first)
        return ((number, step) for number, step in numbered if number in self.wanted)

    def place(self) -> None:
        """Divide the steps among what comes before, in and after the rows, and among levels.

        A level ends where a reduction along the row is needed. What only a later level needs is
        computed there.
        """
        self.wanted = set(self.group.outputs)
        for number in reversed(range(self.first, len(self.kinds))):
            if number in self.wanted:
                self.wanted.update(self.values(self.step(number)))
        after: set[int] = set()  # values that all rows have contributed to
        levels = dict.fromkeys(range(self.first), 0)  # the reductions along the row that are needed
        self.along_rows = {n for n, step in self.steps() if step.reduces == "last"}
        for number, step in self.steps():
            values = self.values(step)
            in_rows = step.kind in (Kind.FULL, Kind.ROW)
            over_rows = step.reduces and any(
                self.kinds[value] in (Kind.FULL, Kind.ROW) for value in values
            )
            if after.intersection(values) or (over_rows and not in_rows):
                after.add(number)
            if in_rows and number in after:
                raise ValueError(
                    f"group: step {number - self.first} ({step.function.__name__}) of kind "
                    f"{step.kind.name} depends on a reduction over rows; expected one loop nest: "
                    f"start another group there"
                )
            level = max((levels[value] for value in values), default=0)
            levels[number] = level + (step.reduces == "last")
        self.after = after
        self.levels = levels
        self.takers: dict[int, list[int]] = {}  # the steps that take a value
        for number, step in reversed([*self.steps()]):
            if step.kind is Kind.FULL and number not in self.group.outputs:
                levels[number] = min(self.level(taker) for taker in self.takers[number])
            for value in self.values(step):
                self.takers.setdefault(value, []).append(number)

    def level(self, number: int) -> int:
        """How many reductions along the row are complete where a step is computed."""
        return self.levels[number] - (number in self.along_rows)

    def divide(self) -> None:
        """Divide each level into loops short enough that the processor overlaps their iterations.

        An iteration waits for one long chain of results; within a few hundred instructions the
        next iterations begin meanwhile.
        """
        self.loops: list[list[list[int]]] = []  # for each level, for each loop, numbers of steps
        for level in range(max(self.levels.values(), default=0) + 1):
            numbers = [
                number
                for number, step in self.steps()
                if self.level(number) == level and self.in_columns(step)
            ]
            self.loops.append([*self.pieces(numbers)])

    def pieces(self, numbers: list[int]) -> Iterator[list[int]]:
        """Consecutive steps, as many as cost ``LOOP``."""
        piece: list[int] = []
        nanoseconds = 0.0
        for number in numbers:
            nanoseconds += self.cost(self.step(number))
            if piece and nanoseconds > LOOP:
                yield piece
                piece, nanoseconds = [], 0.0
            piece.append(number)
        if piece:
            yield piece

    def step(self, number: int) -> Step:
        """The step that computes a value."""
        return self.group.steps[number - self.first]

    def cost(self, step: Step) -> float:
        """Nanoseconds an element."""
        operands = tuple(
            self.dtypes[each] if isinstance(each, int) else each for each in step.operands
        )
        known = None if step.reduces else expression(step.function, operands)
        return known.nanoseconds if known else 0.02

    # -- text --------------------------------------------------------------------------------------

    def add(self, line: str) -> None:
        """One more line."""
        self.lines.append("    " * self.depth + line)

    def array(self, kind: str, number: int | str, dtype: Dtype, columns: bool = True) -> str:
        """The name of a work array."""
        name = f"{kind}{number}"
        self.work.setdefault(name, Work(name, dtype, columns))
        return name

    def operand(self, operand: int | Constant, dtype: Dtype) -> str:
        """A value or number in a dtype."""
        if isinstance(operand, Constant):
            number = np.asarray(operand.value).item()
            return f"{dtype}({number!r})"
        name = self.location(operand)
        return name if self.dtypes[operand] == dtype else f"{dtype}({name})"

    def formula(self, step: Step) -> str:
        """The right-hand side of an elementwise step."""
        operands = tuple(
            self.dtypes[each] if isinstance(each, int) else each for each in step.operands
        )
        known = expression(step.function, operands)
        *loop, result = loop_dtypes(step.function, operands, step.dtype)
        if known is None or result != step.dtype:
            raise ValueError(
                f"group: got {step.function.__name__} of {operands} to {step.dtype}; "
                f"expected a function that supports() knows, and NumPy's dtype for its result"
            )
        names = [self.operand(*each) for each in zip(step.operands, loop, strict=True)]
        text = known.text.format(*names, t=loop[-1])
        return f"{result}({text})" if result.kind in "iu" else text

    def accumulator(self, step: Step) -> tuple[Reduction, Dtype]:
        """How to reduce, and in which dtype."""
        reduction = REDUCTIONS[step.function]
        wide = step.function is np.sum and step.dtype.kind == "f"
        return reduction, np.dtype(np.float64) if wide else step.dtype

    def begin(self, target: str, step: Step) -> None:
        """Set an accumulator to its value before the first element."""
        reduction, dtype = self.accumulator(step)
        self.add(f"{target} = {dtype}({reduction.start(dtype)})")

    def accumulate(self, target: str, step: Step, element: str | None = None) -> None:
        """Take an element into an accumulator: the operand, or a partial result."""
        reduction, dtype = self.accumulator(step)
        element = element or self.operand(step.operands[0], dtype)
        self.add(f"{target} = {reduction.accumulate(dtype, target, element)}")

    # -- sections ----------------------------------------------------------------------------------

    def write(self) -> None:
        """The whole kernel."""
        for number, (kind, _) in enumerate(self.group.inputs):
            if kind is Kind.SCALAR:
                self.add(f"v{number} = x{number}[0]")
        outside = (Kind.SCALAR, Kind.COLUMN)
        steps = [*self.steps()]
        self.outside([(n, step) for n, step in steps if self.before(n, step)])
        self.over_rows = [
            (number, step)
            for number, step in steps
            if number in self.after
            and step.reduces
            and self.kinds[self.values(step)[0]] in (Kind.FULL, Kind.ROW)
        ]
        divided = bool(self.over_rows)
        if divided or any(step.kind not in outside for _, step in steps):
            with self.loop("if slot >= 0:", if_needed=divided):
                self.rows()
        if divided:
            with self.loop("if last:"):
                for number, step in self.over_rows:
                    if step.kind is Kind.COLUMN:
                        with self.loop("for c in range(columns):"):
                            self.combine(number, step, f"p{number}[j, c]")
                    else:
                        self.combine(number, step, f"p{number}[j]")
                done = {number for number, _ in self.over_rows}
                self.outside([(n, s) for n, s in steps if n in self.after and n not in done])

    def before(self, number: int, step: Step) -> bool:
        """Whether a step needs no rows."""
        return step.kind in (Kind.SCALAR, Kind.COLUMN) and number not in self.after

    def location(self, number: int) -> str:
        """Where a value is to be read."""
        kind = self.kinds[number]
        if number in self.inside or kind in (Kind.ROW, Kind.SCALAR):
            return f"v{number}"
        if number in self.local:
            return f"b{number}[c]"
        if number >= self.first:
            return f"w{number}[k, {self.column}]"
        return f"x{number}[{self.column if kind is Kind.COLUMN else self.element}]"

    def keep(self, number: int) -> None:
        """Store a value where it is wanted later: in outputs, and in a work array."""
        index = {
            Kind.SCALAR: "0",
            Kind.COLUMN: self.column,
            Kind.ROW: "r",
            Kind.FULL: self.element,
        }
        kind = self.kinds[number]
        for output, value in enumerate(self.group.outputs):
            if value == number:
                self.add(f"y{output}[{index[kind]}] = {self.location(number)}")
        if number in self.takers and (kind is Kind.COLUMN or self.crosses(number)):
            array = self.array("w", number, self.dtypes[number])
            self.add(f"{array}[k, {self.column}] = {self.location(number)}")

    def define(self, number: int, text: str) -> None:
        """Compute a value that is not one of a row, and store it where it is wanted."""
        self.add(f"v{number} = {text}")
        self.inside = {number}
        self.keep(number)
        self.inside = set()

    def outside(self, steps: list[tuple[int, Step]]) -> None:
        """Steps before or after the loop over the rows."""
        for number, step in steps:
            if step.reduces:
                self.begin(f"a{number}", step)
                with self.loop("for c in range(columns):"):
                    self.accumulate(f"a{number}", step)
                self.define(number, f"{step.dtype}(a{number})")
            elif step.kind is Kind.COLUMN:
                with self.loop("for c in range(columns):"):
                    self.define(number, self.formula(step))
            else:
                self.define(number, self.formula(step))

    def combine(self, number: int, step: Step, partial: str) -> None:
        """Reduce the partial results of all threads."""
        self.begin(f"a{number}", step)
        with self.loop(f"for j in range(p{number}.shape[0]):"):
            self.accumulate(f"a{number}", step, partial)
        self.define(number, f"{step.dtype}(a{number})")

    @contextmanager
    def loop(self, head: str, *, if_needed: bool = True) -> Iterator[None]:
        """Indent what follows under a line, or leave both away."""
        if if_needed:
            self.add(head)
        self.depth += if_needed
        yield
        self.depth -= if_needed

    def rows(self) -> None:
        """The loop over the rows, with accumulators before and after."""
        totals = []
        for number, step in self.over_rows:
            _, dtype = self.accumulator(step)
            array = self.array("p", number, dtype, step.kind is Kind.COLUMN)
            if step.kind is Kind.COLUMN:
                with self.loop("for c in range(columns):"):
                    self.begin(f"{array}[slot, c]", step)
            else:
                totals.append(number)
                self.begin(f"a{number}", step)
        with self.loop("for r in range(rows):", if_needed=not self.group.flat):
            for number, (kind, _) in enumerate(self.group.inputs):
                if kind is Kind.ROW and number in self.takers:
                    self.add(f"v{number} = x{number}[r]")
            for level, loops in enumerate(self.loops):
                self.between(level)
                for number in sorted(self.along_rows):
                    if self.level(number) == level:
                        self.begin(f"a{number}", self.step(number))
                if len(loops) == 1:
                    self.columns(loops[0])
                elif loops:
                    self.blocks(loops)
        for number in totals:
            self.add(f"p{number}[slot] = a{number}")

    def between(self, level: int) -> None:
        """Steps of one number a row, before the loops of a level."""
        for number, step in self.steps():
            if self.levels[number] != level:
                continue
            if step.kind is Kind.ROW:
                if step.reduces:
                    self.add(f"v{number} = {step.dtype}(a{number})")
                else:
                    self.add(f"v{number} = {self.formula(step)}")
                self.keep(number)
            elif step.reduces and self.kinds[self.values(step)[0]] is Kind.ROW:
                self.accumulate(f"a{number}", step)

    def columns(self, numbers: list[int]) -> None:
        """One loop over the columns of a row."""
        self.inside = set(numbers)
        with self.loop("for c in range(columns):"):
            self.compute(numbers)
            for number in numbers:
                if not self.step(number).reduces:
                    self.keep(number)
        self.inside = set()

    def blocks(self, loops: list[list[int]]) -> None:
        """Several loops, which a block of columns goes through before the next one does.

        What they exchange lies in local arrays, which are filled up to whole vectors. So only the
        first loop, which reads, and the last one, which writes and reduces, count single elements.
        """
        numbers = [number for loop in loops for number in loop]
        reductions = [number for number in numbers if self.step(number).reduces]
        elementwise = [[n for n in loop if n not in reductions] for loop in loops]
        read = self.needed(numbers)
        kept = [n for n in numbers if n not in reductions and self.is_kept(n)]
        local = {*read, *kept, *self.needed(reductions)}
        local.update(value for loop in elementwise for value in self.needed(loop))
        with self.loop(f"for start in range(0, columns, {BLOCK}):"):
            self.add(f"size = min({BLOCK}, columns - start)")
            self.add(f"filled = max({VECTOR}, (size + {VECTOR - 1}) & -{VECTOR})")
            with self.single_elements():
                for number in read:
                    self.add(f"b{number}[c] = {self.location(number)}")
            self.local = local
            self.locals |= local
            for loop in filter(None, elementwise):
                self.inside = set(loop)
                with self.loop("for c in range(filled):"):
                    self.compute(loop)
                    for number in loop:
                        if number in local:
                            self.add(f"b{number}[c] = v{number}")
                self.inside = set()
            with self.single_elements():
                self.compute(reductions)
                for number in kept:
                    self.keep(number)
            self.local = set()

    @contextmanager
    def single_elements(self) -> Iterator[None]:
        """A loop over the elements of a block that are there."""
        with self.loop("for c in range(size):"):
            self.add("i = uint64(start + c)")  # unsigned: numba need not look for negative ones
            element, self.element, self.column = self.element, self.element.replace("c", "i"), "i"
            yield
            self.element, self.column = element, "c"

    def needed(self, numbers: list[int]) -> list[int]:
        """The values that steps of a loop take from elsewhere, one for each column."""
        taken = {v for number in numbers for v in self.values(self.step(number))}
        kinds = (Kind.FULL, Kind.COLUMN)
        return sorted(v for v in taken.difference(numbers) if self.kinds[v] in kinds)

    def is_kept(self, number: int) -> bool:
        """Whether a value is an output, or wanted on a later level."""
        return number in self.group.outputs or self.crosses(number)

    def crosses(self, number: int) -> bool:
        """Whether a later level wants a value."""
        takers = self.takers.get(number, ())
        return self.kinds[number] is Kind.FULL and any(
            self.level(taker) > self.level(number) for taker in takers
        )

    def compute(self, numbers: list[int]) -> None:
        """Steps for one element."""
        for number in numbers:
            step = self.step(number)
            if not step.reduces:
                self.add(f"v{number} = {self.formula(step)}")
            elif step.kind is Kind.COLUMN:
                self.accumulate(f"p{number}[slot, {self.column}]", step)
            else:
                self.accumulate(f"a{number}", step)

    def in_columns(self, step: Step) -> bool:
        """Whether a step is computed for every element of a row."""
        if step.reduces:
            return self.kinds[self.values(step)[0]] is Kind.FULL
        return step.kind is Kind.FULL

    # -- the result --------------------------------------------------------------------------------

    def shape(self) -> list[str]:
        """Where the numbers of rows and columns come from."""
        names = [f"x{i}" for i in range(self.first)] + [
            f"y{i}" for i in range(len(self.group.outputs))
        ]
        kinds = [kind for kind, _ in self.group.inputs] + [
            self.kinds[value] for value in self.group.outputs
        ]
        lines = []
        axes = {
            Kind.FULL: {"rows": 0, "columns": 1},
            Kind.ROW: {"rows": 0},
            Kind.COLUMN: {"columns": 0},
        }
        if self.group.flat:
            axes = {Kind.FULL: {"columns": 0}}
        for size in ("rows", "columns"):
            for name, kind in zip(names, kinds, strict=True):
                if size in axes.get(kind, {}):
                    lines.append(f"    {size} = {name}.shape[{axes[kind][size]}]")
                    break
        return lines

    def text(self) -> str:
        """Python for the kernel."""
        arrays = [f"x{i}" for i in range(self.first)]
        arrays += [f"y{i}" for i in range(len(self.group.outputs))]
        lines = self.shape()
        if self.work:
            arrays = ["slot", "last", *arrays, *self.work]
            lines.append("    k = max(slot, 0)")
        lines += [f"    b{n} = local_{self.dtypes[n]}()" for n in sorted(self.locals)]
        return "\n".join([f"def kernel({', '.join(arrays)}):", *lines, *self.lines, ""])


def source(group: Group) -> str:
    """The group as Python, as numba compiles it.

    >>> single = np.dtype(np.float32)
    >>> steps = (
    ...     Step(np.multiply, (0, Constant(0.5)), single, Kind.FULL),
    ...     Step(np.tanh, (1,), single, Kind.FULL),
    ... )
    >>> print(source(Group(((Kind.FULL, single),), steps, (2,))))
    def kernel(x0, y0):
        columns = x0.shape[0]
        for c in range(columns):
            v1 = x0[c] * float32(0.5)
            v2 = tanh_float32(v1)
            y0[c] = v2
    """
    return Writer(group).text()


# -- compiling -------------------------------------------------------------------------------------


def names(text: str) -> dict[str, Any]:
    """What the names in a kernel stand for."""
    known: dict[str, Any] = {"inf": math.inf, "nan": math.nan, "sqrt": np.sqrt, "bool": bool}
    known |= vars(instructions())
    for dtype in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        known[dtype] = getattr(np, dtype)
    for dtype, precision in vector_math.PRECISIONS.items():
        known[str(dtype)] = dtype.type
        for name in vector_math.MAKERS:
            if f"{name}_{dtype}(" in text:
                known[f"{name}_{dtype}"] = vector_math.compiled(name, precision)
    for match in set(re.findall(r"local_(\w+)\(\)", text)):
        known[f"local_{match}"] = local_array(match)
    return known


@cache
def machine_code(text: str, arrays: tuple[tuple[Dtype, int], ...], slots: bool) -> Any:
    """The kernel, compiled for arrays of these dtypes and dimensions, without numba's dispatch."""
    numba: Any = require("numba", "fast")
    namespace = names(text)
    exec(compile(text, "<loops>", "exec"), namespace)
    types = [
        numba.types.Array(numba.from_dtype(dtype), dimensions, "C") for dtype, dimensions in arrays
    ]
    if slots:
        types = [numba.int64, numba.boolean, *types]
    return entry_point(namespace["kernel"], tuple(types))


def build(group: Group) -> Callable[..., None]:
    """``kernel(*inputs, *outputs)``, which writes the outputs; equal groups are compiled once.

    Arrays are C-contiguous and of the shapes that their ``Kind`` says, and have the dtypes of the
    group; nothing is checked. Large groups are shared out among threads. Without numba it raises
    MissingExtraError.
    """
    require("numba", "fast")
    writer = Writer(group)
    text = writer.text()
    dimensions = {Kind.FULL: 1 if group.flat else 2, Kind.ROW: 1, Kind.COLUMN: 1, Kind.SCALAR: 1}
    kinds = [kind for kind, _ in group.inputs] + [writer.kinds[v] for v in group.outputs]
    dtypes = [dtype for _, dtype in group.inputs] + [writer.dtypes[v] for v in group.outputs]
    arrays = [(dtype, dimensions[kind]) for kind, dtype in zip(kinds, dtypes, strict=True)]
    work = [*writer.work.values()]
    arrays += [(each.dtype, 1 + each.columns) for each in work]
    with COMPILING:
        code = machine_code(text, tuple(arrays), bool(work))
    cost = sum(map(writer.cost, group.steps)) + 0.05 * len(kinds)
    return Kernel(kinds, work, cost, code).call()


def may_share(group: Group, given: int, output: int) -> bool:
    """Whether an output may lie in the memory of an input, both given by their positions.

    They must have the same kind and size of elements, and nobody may need the input after an
    element of the output is written.

    >>> single = np.dtype(np.float32)
    >>> doubled = Step(np.add, (0, 0), single, Kind.FULL)
    >>> may_share(Group(((Kind.FULL, single),), (doubled,), (1,)), 0, 0)
    True
    """
    writer = Writer(group)
    value = group.outputs[output]
    kind, dtype = group.inputs[given]
    same = writer.kinds[value] is kind and writer.dtypes[value].itemsize == dtype.itemsize
    if not same or kind not in (Kind.FULL, Kind.ROW):
        return False
    readers = writer.takers.get(given, ())
    return kind is Kind.ROW or all(writer.level(r) <= writer.level(value) for r in readers)


class Kernel:
    """Machine code, and what it takes to call it from several threads."""

    def __init__(self, kinds: list[Kind], work: list[Work], cost: float, code: Any) -> None:
        self.kinds = kinds
        self.work = work
        self.cost = cost  # nanoseconds an element
        self.code = code
        self.spare: list[tuple[int, list[Array]]] = []  # work arrays that nobody uses now
        wide = [i for i, kind in enumerate(kinds) if kind in (Kind.FULL, Kind.COLUMN)]
        self.wide = wide[0] if wide else None
        self.full = kinds.index(Kind.FULL) if Kind.FULL in kinds else None

    def call(self) -> Callable[..., None]:
        """The function to call."""
        alone = self.alone if self.work else self.code
        full = self.full
        if full is None or thread_count() == 1:
            return alone
        limit = 2 * WORTH_A_THREAD / self.cost

        def kernel(*arrays: Array) -> None:
            if arrays[full].size < limit:
                alone(*arrays)
            else:
                self.together(arrays, arrays[full])

        return kernel

    def scratch(self, columns: int, slots: int) -> list[Array]:
        """Work arrays for so many threads."""
        return [
            np.empty((slots, columns) if each.columns else slots, each.dtype) for each in self.work
        ]

    def columns(self, arrays: Sequence[Array]) -> int:
        """The number of columns."""
        return 0 if self.wide is None else arrays[self.wide].shape[-1]

    def alone(self, *arrays: Array) -> None:
        """Everything in this thread; work arrays are kept for the next call."""
        columns = self.columns(arrays)
        try:
            kept, scratch = self.spare.pop()
        except IndexError:
            kept, scratch = columns, self.scratch(columns, 1)
        if kept != columns:
            scratch = self.scratch(columns, 1)
        self.code(0, True, *arrays, *scratch)
        self.spare.append((columns, scratch))

    def together(self, arrays: Sequence[Array], full: Array) -> None:
        """The rows, or a flat range, in as many parts as there are threads."""
        length = full.shape[0]
        slots = max(1, min(thread_count(), int(full.size * self.cost / WORTH_A_THREAD), length))
        scratch = self.scratch(self.columns(arrays), slots)

        def rows(start: int, stop: int) -> list[Array]:
            return [
                array[start:stop] if kind in (Kind.FULL, Kind.ROW) else array
                for array, kind in zip(arrays, self.kinds, strict=True)
            ]

        def task(slot: int) -> Callable[[], None]:
            part = rows(length * slot // slots, length * (slot + 1) // slots)
            leading = (slot, False) if self.work else ()
            return lambda: self.code(*leading, *part, *scratch)

        share_out([task(slot) for slot in range(slots)])
        if self.work:  # there may be partial results to combine
            self.code(-1, True, *rows(0, 0), *scratch)
