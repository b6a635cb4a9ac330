"""Fuse: groups of elementwise operations and reductions become one kernel each.

Instructions join a group as long as all of them can run at one place of the program: nothing that
a group needs may depend on what it makes. ``loops`` compiles the groups, ``Kernel`` stands for them
in the program.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_core.compiler import loops
from autograd_core.compiler.expressions import ELSEWHERE, Constant, home, loop_dtypes, supports
from autograd_core.compiler.ir import Instruction, Kind, Value, named
from autograd_core.compiler.loops import Group, Step
from autograd_core.compiler.passes import CHANGING, Draft
from autograd_core.rules.piecewise import keep

# A kernel replaces at least so many operations; a single one NumPy does as well.
FEWEST = 2

# How many of the latest groups an instruction may join.
REACH = 8

Shape = tuple[int, ...]


class Kernel:
    """A compiled group as a function of arrays that it reads and arrays that it writes.

    ``kinds`` are those of all of them, ``rows`` and ``columns`` the nest they are laid out for.
    """

    def __init__(self, group: Group, full: Shape, kinds: list[Any]) -> None:
        self.group = group
        self.kinds = kinds
        self.run = loops.build(group)
        self.rows = int(np.prod(full[:-1], dtype=np.int64))
        self.columns = full[-1]
        self.__name__ = "_".join(name(step) for step in group.steps[:3]) + (
            f"_and_{len(group.steps) - 3}_more" if len(group.steps) > 3 else ""
        )

    def __call__(self, *arrays: Any) -> None:
        """Read the first arrays and write the last ones, all in their layouts."""
        self.run(*arrays)

    def source(self, name: str) -> str:
        """The kernel as Python, under a name."""
        return loops.source(self.group).replace("def kernel(", f"def {name}(", 1)

    def layout(self, kind: loops.Kind) -> Shape:
        """The shape in which the kernel takes an array of a kind."""
        if kind is loops.Kind.FULL:
            size = self.rows * self.columns
            return (size,) if self.group.flat else (self.rows, self.columns)
        sizes = {loops.Kind.ROW: self.rows, loops.Kind.COLUMN: self.columns}
        return (sizes.get(kind, 1),)


def name(step: Step) -> str:
    """What a step is called in the name of a kernel."""
    return getattr(step.function, "__name__", "step")


# -- what instructions mean to a loop --------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    """An instruction as a step: its function, its operands, and along what it reduces."""

    function: Callable[..., Any]
    operands: tuple[Any, ...]
    full: Shape  # the shape of the nest it belongs to
    reduces: Any = None


def forward_of(function: Any) -> Any:
    """The function of an operation that the engine calls through another one."""
    if isinstance(function, np.ufunc) or function is np.where:
        return function
    return getattr(function, "__wrapped__", function)


def is_step(function: Any) -> bool:
    """Whether a loop can do what a forward function of ours does, all at once."""
    forward = forward_of(function)
    return f"{home(forward)}.{forward.__name__}" in ELSEWHERE


# What masks cotangents, as a function of arrays.
KEEP = forward_of(keep)


def candidate(instruction: Instruction) -> Candidate | None:
    """What an instruction is in a loop, if loops can do it."""
    if instruction.kind is not Kind.PURE or len(instruction.outputs) != 1:
        return None
    (output,) = instruction.outputs
    args, kwargs = instruction.args, instruction.kwargs
    function = forward_of(instruction.function)
    if getattr(function, "__name__", "") == "reduce":
        return reduction(instruction)
    if not output.shape or output.size == 0 or not output.contiguous:
        return None
    if function is named("astype"):
        function, args, kwargs = np.astype, args[:1], {}
    elif function is named("copy"):
        function, args = np.astype, args[:1]
    elif function is KEEP:
        function, args = np.where, (args[1], args[0], 0)
    operands = tuple(map(operand_of, args))
    if kwargs or any(operand is None for operand in operands):
        return None
    if function is np.power and not isinstance(operands[1], Constant):
        return None
    dtypes = [each.dtype if isinstance(each, Value) else each for each in operands]
    if not any(isinstance(each, Value) for each in operands):
        return None
    if not supports(function, dtypes):
        return None
    if loop_dtypes(function, tuple(dtypes), output.dtype)[-1] != output.dtype:
        return None
    found = Candidate(function, operands, output.shape)
    return found if all(kind_of(each, found.full) for each in operands) else None


def operand_of(arg: Any) -> Any:
    """A Value or number; None for anything else."""
    if isinstance(arg, Value):
        return arg
    if isinstance(arg, (int, float, bool)) or (
        isinstance(arg, np.generic) and arg.dtype.kind in "biuf"
    ):
        return Constant(arg)
    return None


def reduction(instruction: Instruction) -> Candidate | None:
    """A sum, maximum or minimum along the rows, across them, or over everything."""
    (x,), kwargs = instruction.args[:1], instruction.kwargs
    function = REDUCING.get(getattr(instruction.function, "__self__", None))
    if function is None or not isinstance(x, Value) or len(instruction.args) != 1 or not x.shape:
        return None
    if not kwargs.keys() <= {"axis", "keepdims"} or x.size == 0 or not x.contiguous:
        return None
    axis, ndim = kwargs.get("axis", 0), len(x.shape)
    if axis is None:
        axis = tuple(range(ndim))
    axes = {each % ndim for each in (axis if isinstance(axis, tuple) else (axis,))}
    if axes == set(range(ndim)):
        reduces = "all"
    elif axes == {ndim - 1}:
        reduces = "last"
    elif axes == set(range(ndim - 1)):
        reduces = "leading"
    else:
        return None
    if not supports(function, [x.dtype]) or instruction.outputs[0].dtype != x.dtype:
        return None
    return Candidate(function, (x,), x.shape, reduces)


REDUCING: dict[Any, Any] = {np.add: np.sum, np.maximum: np.max, np.minimum: np.min}
REDUCED = {"last": loops.Kind.ROW, "leading": loops.Kind.COLUMN, "all": loops.Kind.SCALAR}


def kind_of(operand: Any, full: Shape) -> loops.Kind | None:
    """What an operand is in a nest; None if it is nothing a loop knows."""
    if isinstance(operand, Constant):
        return loops.Kind.SCALAR
    shape = operand.shape
    if not operand.contiguous:
        return None
    if shape == full:
        return loops.Kind.FULL
    if operand.size == 1:
        return loops.Kind.SCALAR
    if len(shape) > len(full):
        return None
    padded = (1,) * (len(full) - len(shape)) + shape
    if padded == (*[1] * (len(full) - 1), full[-1]):
        return loops.Kind.COLUMN
    return loops.Kind.ROW if padded == (*full[:-1], 1) else None


# -- groups ----------------------------------------------------------------------------------------


@dataclass(eq=False)
class Cluster:
    """Instructions that will be one kernel, and the clusters they depend on from outside."""

    full: Shape
    members: list[tuple[Instruction, Candidate]] = field(default_factory=list)
    kinds: dict[Value, loops.Kind] = field(default_factory=dict)
    after: set[Value] = field(default_factory=set)  # what all rows have contributed to
    needs: set[Cluster] = field(default_factory=set)

    def behind(self) -> set[Cluster]:
        """All clusters this one depends on, also through others."""
        found = set(self.needs)
        waiting = list(found)
        while waiting:
            new = waiting.pop().needs - found
            found |= new
            waiting += new
        return found

    def kind_in(self, each: Candidate, output: Value) -> loops.Kind | None:
        """What the result of an instruction would be in this nest; None if it cannot join."""
        if len(self.members) >= loops.MOST_STEPS:
            return None
        if each.reduces:
            return REDUCED[each.reduces] if each.full == self.full else None
        for operand in each.operands:
            kind = kind_of(operand, self.full)
            if kind is None or self.kinds.get(operand, kind) is not kind:
                return None
        return kind_of(output, self.full)

    def takes(self, each: Candidate, output: Value) -> bool:
        """Whether an instruction may join.

        What is complete only after the last row cannot be used in the rows.
        """
        kind = self.kind_in(each, output)
        late = not self.after.isdisjoint(v for v in each.operands if isinstance(v, Value))
        return kind is not None and not (late and kind in (loops.Kind.FULL, loops.Kind.ROW))

    def join(self, instruction: Instruction, each: Candidate, sources: set[Cluster]) -> None:
        """Take an instruction in."""
        (output,) = instruction.outputs
        kind = self.kind_in(each, output)
        assert kind is not None
        self.members.append((instruction, each))
        self.kinds[output] = kind
        over_rows = each.reduces in ("leading", "all")
        if over_rows or any(v in self.after for v in each.operands if isinstance(v, Value)):
            self.after.add(output)
        self.needs |= sources - {self}


def clusters_of(instructions: Sequence[Instruction]) -> tuple[list[Cluster], dict[Value, Cluster]]:
    """Groups of instructions that can run at one place each."""
    clusters: list[Cluster] = []
    home: dict[Value, Cluster] = {}
    origins: dict[Value, set[Cluster]] = {}  # the clusters a value outside of clusters depends on
    for instruction in instructions:
        direct = {home[operand] for operand in instruction.operands if operand in home}
        through = set().union(*(origins.get(operand, set()) for operand in instruction.operands))
        each = candidate(instruction)
        if each is None:
            for output in instruction.outputs:
                origins[output] = direct | through
            continue
        (output,) = instruction.outputs

        def free(cluster: Cluster) -> bool:
            """Whether nothing that the instruction needs from elsewhere depends on a cluster."""
            others = through | (direct - {cluster})  # noqa: B023
            return not any(cluster is other or cluster in other.behind() for other in others)

        for cluster in reversed(clusters[-REACH:]):
            if cluster.takes(each, output) and free(cluster):
                break
        else:
            cluster = Cluster(each.full)
            clusters.append(cluster)
        cluster.join(instruction, each, direct | through)
        home[output] = cluster
    return clusters, home


def fuse(draft: Draft) -> str:
    """Make kernels of groups of elementwise operations and reductions."""
    instructions: list[Instruction] = []
    kernels = replaced = 0
    wanted = wanted_outside(draft)
    for region in regions(draft.instructions):
        clusters, home = clusters_of(region)
        chosen = {cluster for cluster in clusters if len(cluster.members) >= FEWEST}
        made: dict[Cluster, Instruction] = {}
        for cluster in chosen:
            made[cluster] = kernel_of(cluster, wanted)
            kernels += 1
            replaced += len(cluster.members)
        units = [
            made[home[i.outputs[0]]] if i.outputs and home.get(i.outputs[0]) in chosen else i
            for i in region
        ]
        instructions += in_order(list(dict.fromkeys(units)))
    draft.instructions = instructions
    return f"fuse: {replaced} operations run as {kernels} kernels"


def wanted_outside(draft: Draft) -> dict[Value, set[Instruction]]:
    """Who reads each Value; results are read by nobody in the program, which is noted as None."""
    readers: dict[Value, set[Any]] = {}
    for instruction in draft.instructions:
        for operand in instruction.operands:
            readers.setdefault(operand, set()).add(instruction)
    for result in draft.results:
        readers.setdefault(result, set()).add(None)
    return readers


def regions(instructions: Sequence[Instruction]) -> Iterator[list[Instruction]]:
    """Stretches between instructions that change what lives outside."""
    region: list[Instruction] = []
    for instruction in instructions:
        if instruction.kind in CHANGING:
            yield region
            yield [instruction]
            region = []
        else:
            region.append(instruction)
    yield region


def kernel_of(cluster: Cluster, readers: dict[Value, set[Instruction]]) -> Instruction:
    """A cluster as one instruction."""
    inside = {instruction for instruction, _ in cluster.members}
    made = {instruction.outputs[0]: k for k, (instruction, _) in enumerate(cluster.members)}
    inputs: list[Value] = []
    for _, each in cluster.members:
        inputs += [v for v in each.operands if isinstance(v, Value) and v not in made]
    inputs = list(dict.fromkeys(inputs))
    numbers = {value: number for number, value in enumerate([*inputs, *made])}
    steps = tuple(
        Step(
            each.function,
            tuple(numbers[v] if isinstance(v, Value) else v for v in each.operands),
            instruction.outputs[0].dtype,
            cluster.kinds[instruction.outputs[0]],
            each.reduces,
        )
        for instruction, each in cluster.members
    )
    outputs = tuple(value for value in made if not readers.get(value, set()) <= inside)
    kinds = [kind_of(value, cluster.full) for value in inputs]
    group = Group(
        tuple((kind, value.dtype) for kind, value in zip(kinds, inputs, strict=True) if kind),
        steps,
        tuple(numbers[value] for value in outputs),
    )
    kernel = Kernel(group, cluster.full, [*kinds, *(cluster.kinds[value] for value in outputs)])
    line = cluster.members[0][0].line
    return Instruction(kernel, tuple(inputs), outputs=outputs, multiple=True, line=line)


def in_order(units: list[Instruction]) -> list[Instruction]:
    """Instructions sorted so that all is made before it is needed, otherwise as they stood.

    What is not pure keeps its order.
    """
    place = {unit: k for k, unit in enumerate(units)}
    maker = {output: unit for unit in units for output in unit.outputs}
    waits: dict[Instruction, set[Instruction]] = {}
    last: Instruction | None = None
    for unit in units:
        needs = {maker[v] for v in unit.operands if v in maker and maker[v] is not unit}
        if unit.kind is not Kind.PURE:
            if last is not None:
                needs.add(last)
            last = unit
        waits[unit] = needs
    followers: dict[Instruction, list[Instruction]] = {}
    for unit, needs in waits.items():
        for need in needs:
            followers.setdefault(need, []).append(unit)
    ready = [(place[unit], id(unit), unit) for unit in units if not waits[unit]]
    heapq.heapify(ready)
    ordered = []
    while ready:
        _, _, unit = heapq.heappop(ready)
        ordered.append(unit)
        for follower in followers.get(unit, ()):
            waits[follower].discard(unit)
            if not waits[follower]:
                heapq.heappush(ready, (place[follower], id(follower), follower))
    assert len(ordered) == len(units), "groups depend on each other in a circle"
    return ordered
