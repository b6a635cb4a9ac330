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
from numbers import Number
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from autograd_core.compiler import vector_math
from autograd_core.compiler.workers import share_out, thread_count
from autograd_core.errors import require

Dtype = np.dtype[Any]
Array = npt.NDArray[Any]
Function = Callable[..., Any]
Operand = int | Number

# Steps of a group beyond which compiling takes more than a few seconds.
MOST_STEPS = 1000

# Nanoseconds an element after which a loop ends and another takes over; the elements that go
# through all loops before the next do, and whose values shall stay in the L1 cache; the elements of
# the largest vectors.
LOOP = 0.42
BLOCK = 128
VECTOR = 16

# What a thread must have to do, in nanoseconds, before it is worth to wake another one.
WORTH_A_THREAD = 50_000


class Kind(Enum):
    """The shape of a value in a nest of R rows and C columns."""

    FULL = "(R, C)"
    ROW = "(R,)"  # one number a row
    COLUMN = "(C,)"  # the same for each row
    SCALAR = "(1,)"


class Constant(NamedTuple):
    """A number among operands, which are numbers of values otherwise."""

    value: Any


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


@dataclass(frozen=True)
class Group:
    """Steps to run as one loop nest, and the values it writes.

    Values of kind FULL or ROW may not depend on a reduction over ``"leading"`` or ``"all"``, which
    is complete only after the last row. Without ROW and COLUMN values a group is *flat*: its FULL
    arrays then have the shape (N,), whatever the shape of the operation was.
    """

    inputs: tuple[tuple[Kind, Dtype], ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    @cached_property
    def flat(self) -> bool:
        """Whether rows make no difference."""
        kinds = {kind for kind, _ in self.inputs} | {step.kind for step in self.steps}
        return kinds <= {Kind.FULL, Kind.SCALAR}


# -- what loops can compute ------------------------------------------------------------------------


class Expression(NamedTuple):
    """Python for a function: ``{0}``, ``{1}`` are operands, ``{t}`` is the dtype they have."""

    text: str
    kinds: str = "iuf"  # of the dtype that the operands are cast to
    nanoseconds: float = 0.02  # a float32 element, about


def call(name: str, operands: str = "{0}") -> Expression:
    """A call of a function of ``vector_math``."""
    return Expression(f"{name}_{{t}}({operands})", "f", 0.35)


EXPRESSIONS: dict[Function, Expression] = {
    np.add: Expression("{0} + {1}"),
    np.subtract: Expression("{0} - {1}"),
    np.multiply: Expression("{0} * {1}"),
    np.divide: Expression("{0} / {1}", "f", 0.06),
    np.negative: Expression("-{0}"),
    np.positive: Expression("+{0}"),
    np.square: Expression("{0} * {0}"),
    np.reciprocal: Expression("{t}(1) / {0}", "f", 0.06),
    np.sqrt: Expression("sqrt({0})", "f", 0.06),
    np.absolute: Expression("abs({0})", "if"),
    np.fabs: Expression("abs({0})", "f"),
    np.sign: Expression("{t}(1) if {0} > {t}(0) else ({t}(-1) if {0} < {t}(0) else {0})", "if"),
    np.copysign: Expression("with_sign_{t}({0}, {1})", "f"),
    np.maximum: Expression("{0} if ({0} >= {1}) | ({0} != {0}) else {1}", "biuf"),
    np.minimum: Expression("{0} if ({0} <= {1}) | ({0} != {0}) else {1}", "biuf"),
    np.where: Expression("{1} if {0} else {2}", "biuf"),
    np.astype: Expression("{0}", "biuf"),
    np.equal: Expression("{0} == {1}", "biuf"),
    np.not_equal: Expression("{0} != {1}", "biuf"),
    np.less: Expression("{0} < {1}", "biuf"),
    np.less_equal: Expression("{0} <= {1}", "biuf"),
    np.greater: Expression("{0} > {1}", "biuf"),
    np.greater_equal: Expression("{0} >= {1}", "biuf"),
    np.isnan: Expression("{0} != {0}", "f"),
    np.isinf: Expression("abs({0}) == {t}(inf)", "f"),
    np.isfinite: Expression("abs({0}) < {t}(inf)", "f"),
    np.logical_not: Expression("{0} == {t}(0)", "biuf"),
    np.logical_and: Expression("({0} != {t}(0)) & ({1} != {t}(0))", "biuf"),
    np.logical_or: Expression("({0} != {t}(0)) | ({1} != {t}(0))", "biuf"),
    np.logical_xor: Expression("({0} != {t}(0)) ^ ({1} != {t}(0))", "biuf"),
    np.bitwise_and: Expression("{0} & {1}", "biu"),
    np.bitwise_or: Expression("{0} | {1}", "biu"),
    np.bitwise_xor: Expression("{0} ^ {1}", "biu"),
    np.exp: call("exp"),
    np.expm1: call("expm1"),
    np.log: call("log"),
    np.log1p: call("log1p"),
    np.logaddexp: call("logaddexp", "{0}, {1}"),
    np.tanh: call("tanh"),
    np.sinh: call("sinh"),
    np.cosh: call("cosh"),
}

# Functions of other packages, which need not be there: by where they are defined and their name.
ELSEWHERE: dict[str, Expression] = {
    "scipy.special._ufuncs.erf": call("erf"),
    "scipy.special._ufuncs.erfc": call("erfc"),
    "scipy.special._ufuncs.expit": call("sigmoid"),
    "scipy.special._ufuncs.ndtr": call("normal_cdf"),
    "nn.functional.activation.sigmoid": call("sigmoid"),
    "nn.functional.normal.normal_cdf": call("normal_cdf"),
}

# Powers with a constant exponent.
POWERS: dict[float, Expression] = {
    -2: Expression("{t}(1) / ({0} * {0})", "f", 0.06),
    -1: Expression("{t}(1) / {0}", "f", 0.06),
    0.5: Expression("sqrt({0})", "f", 0.06),
    1: Expression("{0}", "f"),
    2: Expression("{0} * {0}", "iuf"),
    3: Expression("{0} * {0} * {0}", "f"),
    4: Expression("({0} * {0}) * ({0} * {0})", "f"),
}


class Reduction(NamedTuple):
    """How an accumulator {0} takes in an element {1}, and its value before the first."""

    floating: str
    integer: str
    start: Callable[[Dtype], str]

    def accumulate(self, dtype: Dtype, accumulator: str, element: str) -> str:
        """The next value of an accumulator."""
        if dtype.kind == "f":
            return self.floating.format(accumulator, element)
        return f"{dtype}({self.integer.format(accumulator, element)})"


def lowest(dtype: Dtype) -> str:
    """The number below or equal to all others."""
    return "-inf" if dtype.kind == "f" else str(np.iinfo(dtype).min)


def highest(dtype: Dtype) -> str:
    """The number above or equal to all others."""
    return "inf" if dtype.kind == "f" else str(np.iinfo(dtype).max)


REDUCTIONS: dict[Function, Reduction] = {
    np.sum: Reduction("plus({0}, {1})", "{0} + {1}", lambda dtype: "0"),
    np.max: Reduction("larger({0}, {1})", "max({0}, {1})", lowest),
    np.min: Reduction("smaller({0}, {1})", "min({0}, {1})", highest),
}


def expression(function: Function, operands: Sequence[Dtype | Constant]) -> Expression | None:
    """What to write for a function of these operands, if loops can compute it."""
    if function is np.power:
        exponent = operands[1]
        return POWERS.get(exponent.value) if isinstance(exponent, Constant) else None
    try:
        known = EXPRESSIONS.get(function)
    except TypeError:  # not hashable, so not one of NumPy's functions
        return None
    if known is None:
        return ELSEWHERE.get(f"{where(function)}.{getattr(function, '__name__', '')}")
    return known


def where(function: Function) -> str:
    """The module of a function; SciPy's ufuncs do not say theirs."""
    if isinstance(function, np.ufunc):
        return "scipy.special._ufuncs"
    return getattr(function, "__module__", "")


@cache
def weak(operand: Dtype | Constant) -> Any:
    """An operand as ``resolve_dtypes`` wants it: Python's numbers adapt to the arrays."""
    if not isinstance(operand, Constant):
        return operand
    kind = type(operand.value)
    return kind if kind in (int, float) else np.asarray(operand.value).dtype


def loop_dtypes(
    function: Function, operands: tuple[Dtype | Constant, ...], dtype: Dtype | None
) -> tuple[Dtype, ...]:
    """The dtypes that NumPy casts operands to, and that of the result."""
    if function is np.astype:
        source, target = operands[0], dtype
        assert isinstance(source, np.dtype) and target is not None
        return (source, target)
    if function is np.where:
        target = np.result_type(*[_example(operand) for operand in operands[1:]])
        return (np.dtype(bool), target, target, target)
    if isinstance(function, np.ufunc):
        return function.resolve_dtypes((*map(weak, operands), None))
    target = np.result_type(*[_example(operand) for operand in operands])
    return (target,) * (len(operands) + 1)


def _example(operand: Dtype | Constant) -> Any:
    return operand.value if isinstance(operand, Constant) else operand


def supports(function: Function, operands: Sequence[Dtype | Constant]) -> bool:
    """Whether a step of this function may be in a group, given dtypes and constants.

    >>> single = np.dtype(np.float32)
    >>> supports(np.tanh, [single]), supports(np.power, [single, Constant(2)])
    (True, True)
    >>> supports(np.arcsin, [single]), supports(np.tanh, [np.dtype(np.complex64)])
    (False, False)
    """
    dtypes = [each for each in operands if isinstance(each, np.dtype)]
    if not all(each.kind in "biuf" and each.itemsize in (1, 2, 4, 8) for each in dtypes):
        return False
    if any(each.kind == "f" and each.itemsize < 4 for each in dtypes):
        return False
    if function in REDUCTIONS:
        return dtypes[0].kind in ("iuf" if function is not np.sum else "biuf")
    known = expression(function, operands)
    if known is None:
        return False
    try:
        loop = loop_dtypes(
            function, tuple(operands), None if function is not np.astype else dtypes[0]
        )
    except TypeError:
        return False
    return all(
        each.kind in known.kinds + "b" * (function is np.where)
        and not (each.kind == "f" and each.itemsize not in (4, 8))
        for each in loop[:-1]
    )


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
        self.flat_section(
            [(n, step) for n, step in steps if step.kind in outside and n not in self.after]
        )
        self.over_rows = [
            (number, step)
            for number, step in steps
            if number in self.after
            and step.reduces
            and self.kinds[self.values(step)[0]] in (Kind.FULL, Kind.ROW)
        ]
        if any(step.kind not in outside for _, step in steps) or self.over_rows:
            if self.over_rows:
                self.add("if slot >= 0:")
                self.depth += 1
            self.rows()
            if self.over_rows:
                self.depth -= 1
                self.add("if last:")
                self.depth += 1
                self.combine()
                done = {number for number, _ in self.over_rows}
                self.flat_section([(n, s) for n, s in steps if n in self.after and n not in done])

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

    def flat_section(self, steps: list[tuple[int, Step]]) -> None:
        """Steps without rows, before or after the loop over the rows."""
        for number, step in steps:
            looped = step.kind is Kind.COLUMN or step.reduces
            if step.reduces:
                self.begin(f"a{number}", step)
            if looped:
                self.add("for c in range(columns):")
                self.depth += 1
            if step.reduces:
                self.accumulate(f"a{number}", step)
                self.depth -= 1
                self.add(f"v{number} = {step.dtype}(a{number})")
                self.keep(number)
                continue
            self.add(f"v{number} = {self.formula(step)}")
            self.inside = {number}
            self.keep(number)
            self.inside = set()
            self.depth -= bool(looped)

    def combine(self) -> None:
        """Add up what the threads have."""
        for number, step in self.over_rows:
            column = step.kind is Kind.COLUMN
            if column:
                self.add("for c in range(columns):")
                self.depth += 1
            self.begin(f"a{number}", step)
            self.add(f"for j in range(p{number}.shape[0]):")
            self.depth += 1
            self.accumulate(f"a{number}", step, f"p{number}[j, c]" if column else f"p{number}[j]")
            self.depth -= 1
            self.add(f"v{number} = {step.dtype}(a{number})")
            self.inside = {number}
            self.keep(number)
            self.inside = set()
            self.depth -= column

    def rows(self) -> None:
        """The loop over the rows, with accumulators before and after."""
        totals = []
        for number, step in self.over_rows:
            _, dtype = self.accumulator(step)
            column = step.kind is Kind.COLUMN
            array = self.array("p", number, dtype, column)
            if column:
                self.add("for c in range(columns):")
                self.depth += 1
                self.begin(f"{array}[slot, c]", step)
                self.depth -= 1
            else:
                totals.append(number)
                self.begin(f"a{number}", step)
        if not self.group.flat:
            self.add("for r in range(rows):")
            self.depth += 1
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
        self.depth -= not self.group.flat
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
        self.add("for c in range(columns):")
        self.depth += 1
        self.inside = set(numbers)
        self.compute(numbers)
        for number in numbers:
            if not self.step(number).reduces:
                self.keep(number)
        self.inside = set()
        self.depth -= 1

    def blocks(self, loops: list[list[int]]) -> None:
        """Several loops, which a block of columns goes through before the next one does.

        What they exchange lies in local arrays, which are filled up to whole vectors. So only the
        first loop, which reads, and the last one, which writes and reduces, count single elements.
        """
        numbers = [number for loop in loops for number in loop]
        reductions = [number for number in numbers if self.step(number).reduces]
        elementwise = [[n for n in loop if n not in reductions] for loop in loops]
        elementwise = [loop for loop in elementwise if loop]
        read = self.needed(numbers)
        kept = [n for n in numbers if n not in reductions and self.is_kept(n)]
        local = {*read, *kept, *self.needed(reductions)}
        local.update(value for loop in elementwise for value in self.needed(loop))
        self.add(f"for start in range(0, columns, {BLOCK}):")
        self.depth += 1
        self.add(f"size = min({BLOCK}, columns - start)")
        self.add(f"filled = max({VECTOR}, (size + {VECTOR - 1}) & -{VECTOR})")
        with self.single_elements():
            for number in read:
                self.add(f"b{number}[c] = {self.location(number)}")
        self.local |= local
        self.inside = set()
        for loop in elementwise:
            self.add("for c in range(filled):")
            self.depth += 1
            self.inside = set(loop)
            self.compute(loop)
            for number in loop:
                if number in local:
                    self.add(f"b{number}[c] = v{number}")
            self.inside = set()
            self.depth -= 1
        with self.single_elements():
            self.compute(reductions)
            for number in kept:
                self.keep(number)
        self.depth -= 1
        self.locals |= self.local
        self.local = set()

    @contextmanager
    def single_elements(self) -> Iterator[None]:
        """A loop over the elements of a block that are there."""
        self.add("for c in range(size):")
        self.depth += 1
        self.add("i = uint64(start + c)")
        element, self.element, self.column = self.element, self.element.replace("c", "i"), "i"
        yield
        self.element, self.column = element, "c"
        self.depth -= 1

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


@cache
def reductions() -> SimpleNamespace:
    """``plus``, whose order LLVM may choose, and maximum and minimum that keep NaN."""
    from llvmlite import ir
    from numba.extending import intrinsic

    @intrinsic  # type: ignore[untyped-decorator]
    def plus(typing: Any, x: Any, y: Any) -> Any:
        def add(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return builder.fadd(*values, flags=("reassoc",))

        return x(x, y), add

    def extremum(name: str) -> Any:
        @intrinsic  # type: ignore[untyped-decorator]
        def extremum(typing: Any, x: Any, y: Any) -> Any:
            def choose(context: Any, builder: Any, signature: Any, values: Any) -> Any:
                kind = values[0].type
                operation = builder.module.declare_intrinsic(
                    f"llvm.{name}", [kind], ir.FunctionType(kind, [kind, kind])
                )
                return builder.call(operation, values)

            return x(x, y), choose

        return extremum

    return SimpleNamespace(plus=plus, larger=extremum("maximum"), smaller=extremum("minimum"))


@cache
def local_array(dtype: str) -> Any:
    """A function that makes an array of ``BLOCK`` elements on the stack of its caller."""
    import numba
    from llvmlite import ir
    from numba.extending import intrinsic

    element = numba.from_dtype(np.dtype(dtype))

    @intrinsic  # type: ignore[untyped-decorator]
    def pointer(typing: Any) -> Any:
        def allocate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            kind = context.get_data_type(element)
            with builder.goto_entry_block():
                memory = builder.alloca(ir.ArrayType(kind, BLOCK))
                memory.align = 64
                return builder.bitcast(memory, kind.as_pointer())

        return numba.types.CPointer(element)(), allocate

    @numba.njit(forceinline=True)
    def local_array() -> Any:
        return numba.carray(pointer(), BLOCK)

    return local_array


def names(text: str) -> dict[str, Any]:
    """What the names in a kernel stand for."""
    known: dict[str, Any] = {"inf": math.inf, "nan": math.nan, "sqrt": np.sqrt, "bool": bool}
    known |= vars(reductions())
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


def entry_point(function: Function, types: tuple[Any, ...]) -> Any:
    """A function compiled by numba, as a built-in one without numba's dispatch.

    ``njit`` cannot be told that arrays do not overlap. But without knowing LLVM has to compare all
    addresses at run time, and gives up vector instructions where there are many arrays.
    """
    from numba.core import compiler
    from numba.core import types as numba_types
    from numba.core.registry import cpu_target

    flags = compiler.Flags()
    flags.nrt = True
    flags.release_gil = True
    flags.error_model = "numpy"
    flags.noalias = True
    typing, target = cpu_target.typing_context, cpu_target.target_context
    typing.refresh()
    target.refresh()
    result = compiler.compile_extra(typing, target, function, types, numba_types.none, flags, {})
    return result.entry_point


@cache
def machine_code(text: str, arrays: tuple[tuple[Dtype, int], ...], slots: bool) -> Any:
    """The kernel, compiled for arrays of these dtypes and dimensions, without numba's dispatch."""
    numba = require("numba", "fast")
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
    code = machine_code(text, tuple(arrays), bool(work))
    cost = sum(map(writer.cost, group.steps)) + 0.05 * len(kinds)
    return Kernel(group, kinds, work, cost, code).call()


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


@dataclass
class Kernel:
    """Machine code, and what it takes to call it from several threads."""

    group: Group
    kinds: list[Kind]
    work: list[Work]
    cost: float  # nanoseconds an element
    code: Any

    def call(self) -> Callable[..., None]:
        """The function to call."""
        code, work, cost = self.code, self.work, self.cost
        sizes = [i for i, kind in enumerate(self.kinds) if kind is Kind.FULL]
        if not sizes or thread_count() == 1:
            return self.single if work else code
        sized, limit = sizes[0], 2 * WORTH_A_THREAD / cost
        single = self.single if work else code

        def kernel(*arrays: Array) -> None:
            if arrays[sized].size < limit:
                single(*arrays)
            else:
                self.shared(sized, *arrays)

        return kernel

    def columns(self, arrays: Sequence[Array]) -> int:
        """The number of columns."""
        for array, kind in zip(arrays, self.kinds, strict=True):
            if kind in (Kind.FULL, Kind.COLUMN):
                return array.shape[-1]
        return 0

    def scratch(self, arrays: Sequence[Array], slots: int) -> list[Array]:
        """Work arrays for so many threads."""
        columns = self.columns(arrays)
        return [
            np.empty((slots, columns) if columns_wanted else slots, dtype)
            for _, dtype, columns_wanted in self.work
        ]

    def single(self, *arrays: Array) -> None:
        """Everything in this thread."""
        self.code(0, True, *arrays, *self.scratch(arrays, 1))

    def shared(self, sized: int, *arrays: Array) -> None:
        """The rows, or a flat range, in as many parts as there are threads."""
        length = arrays[sized].shape[0]
        most = int(arrays[sized].size * self.cost / WORTH_A_THREAD)
        slots = max(1, min(thread_count(), most, length))
        scratch = self.scratch(arrays, slots)
        bounds = [length * i // slots for i in range(slots + 1)]

        def part(start: int, stop: int) -> list[Array]:
            return [
                array[start:stop] if kind in (Kind.FULL, Kind.ROW) else array
                for array, kind in zip(arrays, self.kinds, strict=True)
            ]

        def task(slot: int) -> Callable[[], None]:
            own = part(bounds[slot], bounds[slot + 1])
            if self.work:
                return lambda: self.code(slot, False, *own, *scratch)
            return lambda: self.code(*own)

        share_out([task(slot) for slot in range(slots)])
        if self.work:
            self.code(-1, True, *part(0, 0), *scratch)
