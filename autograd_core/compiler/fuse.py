"""Fuse: groups of elementwise operations and reductions become one kernel each.

Instructions join a group as long as all of them can run at one place of the program: nothing that
a group needs may depend on what it makes. ``loops`` compiles the groups, ``Kernel`` stands for them
in the program.
"""

from __future__ import annotations

import copy
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_core.compiler import loops
from autograd_core.compiler.expressions import Constant
from autograd_core.compiler.ir import Instruction, Kind, Value
from autograd_core.compiler.loops import Group, Step
from autograd_core.compiler.loops import Kind as Layout
from autograd_core.compiler.passes import CHANGING, Draft, are_alike
from autograd_core.compiler.steps import (
    SUM,
    SUM_OF_PRODUCT,
    Candidate,
    Nest,
    candidate,
    layout_in,
    same_elements,
)

# A kernel replaces at least so many operations; a single one NumPy does as well.
FEWEST = 2

# Groups of at most so many elements take in what they share no array with, to save calls.
SMALL = 2**13

# How many of the latest groups an instruction may join.
REACH = 8


class Kernel:
    """A compiled group as a function of arrays that it reads and arrays that it writes.

    ``kinds`` are those of all of them, ``rows`` and ``columns`` the nest they are laid out for.
    """

    def __init__(self, group: Group, nest: Nest, kinds: list[Layout]) -> None:
        self.group = group
        self.kinds = kinds
        self.run = loops.build(group)
        self.rows, self.columns = nest
        self.__name__ = "_".join(name(step) for step in group.steps[:3]) + (
            f"_and_{len(group.steps) - 3}_more" if len(group.steps) > 3 else ""
        )

    def __call__(self, *arrays: Any) -> None:
        """Read the first arrays and write the last ones, all in their layouts."""
        self.run(*arrays)

    def source(self, name: str) -> str:
        """The kernel as Python, under a name."""
        return loops.source(self.group).replace("def kernel(", f"def {name}(", 1)

    def layout(self, kind: Layout) -> tuple[int, ...]:
        """The shape in which the kernel takes an array of a kind."""
        if kind is Layout.FULL:
            size = self.rows * self.columns
            return (size,) if self.group.flat else (self.rows, self.columns)
        sizes = {Layout.ROW: self.rows, Layout.COLUMN: self.columns}
        return (sizes.get(kind, 1),)


def name(step: Step) -> str:
    """What a step is called in the name of a kernel."""
    return getattr(step.function, "__name__", "step")


# -- groups ----------------------------------------------------------------------------------------


@dataclass(eq=False)
class Cluster:
    """Instructions that will be one kernel, and the clusters they depend on from outside."""

    full: Nest
    members: list[tuple[Instruction, Candidate]] = field(default_factory=list)
    layouts: dict[Value, Layout] = field(default_factory=dict)
    known: set[Value] = field(default_factory=set)  # what members take and make
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

    def layout(self, each: Candidate) -> Layout | None:
        """What the result of an instruction would be in this nest; None if it cannot join."""
        if len(self.members) >= loops.MOST_STEPS:
            return None
        if each.reduces:
            ((value, nest),) = each.arrays
            whole = nest == self.full and self.layouts.get(value, Layout.FULL) is Layout.FULL
            return REDUCED[each.reduces] if whole else None
        for value, nest in each.arrays:
            found = layout_in(nest, self.full)
            if found is None or self.layouts.get(value, found) is not found:
                return None
        return layout_in(each.full, self.full)

    def key(self, operand: tuple[Value, Nest]) -> tuple[Value, Layout]:
        """An operand, and what it is in this nest."""
        value, nest = operand
        found = self.layouts.get(value) or layout_in(nest, self.full)
        assert found is not None
        return value, found

    def takes(self, each: Candidate) -> bool:
        """Whether an instruction may join.

        What is complete only after the last row cannot be used in the rows.
        """
        if self.full[0] * self.full[1] > SMALL and self.known.isdisjoint(each.values):
            return False  # what has nothing in common would only be kept for longer
        found = self.layout(each)
        late = not self.after.isdisjoint(each.values)
        return found is not None and not (late and found in (Layout.FULL, Layout.ROW))

    def join(self, instruction: Instruction, each: Candidate, sources: set[Cluster]) -> None:
        """Take an instruction in."""
        (output,) = instruction.outputs
        found = self.layout(each)
        assert found is not None
        self.members.append((instruction, each))
        self.layouts[output] = found
        self.known.update(each.values, instruction.outputs)
        if each.reduces in ("leading", "all") or not self.after.isdisjoint(each.values):
            self.after.add(output)
        self.needs |= sources - {self}


REDUCED = {"last": Layout.ROW, "leading": Layout.COLUMN, "all": Layout.SCALAR}


def clusters_of(
    instructions: Sequence[Instruction], roots: dict[Value, Value]
) -> tuple[list[Cluster], dict[Instruction, Cluster]]:
    """Groups of instructions that can run at one place each."""
    clusters: list[Cluster] = []
    members: dict[Instruction, Cluster] = {}
    home: dict[Value, Cluster] = {}
    origins: dict[Value, set[Cluster]] = {}  # the clusters a value outside of clusters depends on
    for instruction in instructions:
        operands = [roots.get(operand, operand) for operand in instruction.operands]
        direct = {home[operand] for operand in operands if operand in home}
        through = set().union(*(origins.get(operand, set()) for operand in operands))
        each = candidate(instruction, roots)
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
            if cluster.takes(each) and free(cluster):
                break
        else:
            cluster = Cluster(each.full)
            clusters.append(cluster)
        cluster.join(instruction, each, direct | through)
        home[output] = members[instruction] = cluster
    return clusters, members


def fuse(draft: Draft) -> str:
    """Make kernels of groups of elementwise operations and reductions."""
    draft.instructions = [part for each in draft.instructions for part in spelled_out(each)]
    roots: dict[Value, Value] = {}
    for instruction in draft.instructions:
        operand = same_elements(instruction)
        if operand is not None:
            roots[instruction.outputs[0]] = roots.get(operand, operand)
    chosen: dict[Instruction, Cluster] = {}
    for region in regions(draft.instructions):
        _, members = clusters_of(region, roots)
        chosen |= {
            instruction: cluster
            for instruction, cluster in members.items()
            if len(cluster.members) >= FEWEST
        }
    takers = takers_of(draft, chosen)
    made = {cluster: kernel_of(cluster, takers) for cluster in dict.fromkeys(chosen.values())}
    instructions: list[Instruction] = []
    for region in regions(draft.instructions):
        units = [made[chosen[each]] if each in chosen else each for each in region]
        instructions += in_order(list(dict.fromkeys(units)))
    draft.instructions = instructions
    return f"fuse: {len(chosen)} operations run as {len(made)} kernels"


def spelled_out(instruction: Instruction) -> list[Instruction]:
    """An einsum that sums products as a product and a sum, which can join others."""
    if instruction.function is not np.einsum or instruction.args[0] != SUM_OF_PRODUCT:
        return [instruction]
    _, x, y = instruction.args
    summed = x.dtype.kind == "f" and x.dtype.itemsize >= 4  # einsum adds half precision in single
    if not (are_alike(x, y) and summed) or instruction.kwargs:
        return [instruction]
    product = x.twin(-instruction.outputs[0].number)
    factors, total = copy.copy(instruction), copy.copy(instruction)
    factors.function, factors.args, factors.outputs = np.multiply, (x, y), (product,)
    total.args = (SUM, product)
    return [factors, total]


def takers_of(draft: Draft, chosen: dict[Instruction, Cluster]) -> dict[Value, set[Any]]:
    """Who needs each Value: groups, other instructions, and for results None.

    What only reshapes it for a group does not count.
    """
    takers: dict[Value, set[Any]] = {result: {None} for result in draft.results}
    for instruction in reversed(draft.instructions):
        unit: set[Any] = {chosen.get(instruction, instruction)}
        if same_elements(instruction) is not None:
            unit = takers.get(instruction.outputs[0], set())
        for operand in instruction.operands:
            takers.setdefault(operand, set()).update(unit)
    return takers


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


def kernel_of(cluster: Cluster, takers: dict[Value, set[Any]]) -> Instruction:
    """A cluster as one instruction."""
    made = [instruction.outputs[0] for instruction, _ in cluster.members]
    # The same array may be both a row and a column.
    taken: dict[tuple[Value, Layout], None] = {}
    for _, each in cluster.members:
        taken.update(dict.fromkeys(cluster.key(v) for v in each.arrays if v[0] not in made))
    numbers = {key: number for number, key in enumerate(taken)}
    steps: list[Step] = []
    known: dict[Any, int] = {}  # what is made again may meet the first of its kind
    for (_, each), output in zip(cluster.members, made, strict=True):
        step = Step(
            each.function,
            tuple(v if isinstance(v, Constant) else numbers[cluster.key(v)] for v in each.operands),
            output.dtype,
            cluster.layouts[output],
            each.reduces,
        )
        key = step.key()
        if key not in known:
            known[key] = len(taken) + len(steps)
            steps.append(step)
        numbers[output, cluster.layouts[output]] = known[key]
    outputs = tuple(value for value in made if takers.get(value, set()) - {cluster})
    inputs = tuple((layout, value.dtype) for value, layout in taken)
    group = Group(
        inputs, tuple(steps), tuple(numbers[value, cluster.layouts[value]] for value in outputs)
    )
    kinds = [layout for _, layout in taken] + [cluster.layouts[value] for value in outputs]
    kernel = Kernel(group, cluster.full, kinds)
    line = cluster.members[0][0].line
    args = tuple(value for value, _ in taken)
    return Instruction(kernel, args, outputs=outputs, multiple=True, line=line)


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
