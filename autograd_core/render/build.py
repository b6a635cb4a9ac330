"""From Nodes to what a picture shows: names, shapes, and what flowed in from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_core.graph import FREED, LEAF, OUTPUT, Node, by_number
from autograd_core.render.ir import GraphEdge, GraphIR, GraphNode, clean

# Which operand is which does not matter here, so the arrows go unnamed.
COMMUTATIVE = frozenset(
    {np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.hypot}
)

# Stands for an operand that nothing kept: its gradient was not wanted and no rule needed it.
UNKNOWN = "…"


def build(outputs: Sequence[Node], names: Mapping[Any, str]) -> GraphIR:
    """Everything behind the outputs; ``names`` has Nodes, and ids of untracked arrays, as keys."""
    nodes: list[GraphNode] = []
    edges: list[GraphEdge] = []
    place: dict[Node | int, int] = {}

    def add(kind: str, label: str, detail: str = "", name: str = "") -> int:
        nodes.append(GraphNode(kind, clean(label) or "?", detail, clean(name)))
        return len(nodes) - 1

    def enter(value: Any, name: str, differentiable: bool) -> int | None:
        """The place of an untracked value; None if there is nothing to show."""
        known = id(value) in names
        if not (isinstance(value, np.ndarray) and (known or value.ndim)):
            text = scalar_text(value)
            return None if text is None else add("constant", text)
        if id(value) not in place:
            kind = "input" if differentiable or known else "constant"
            label = names.get(id(value), "input" if differentiable else name)
            place[id(value)] = add(kind, label, describe(value.dtype, value.shape))
        return place[id(value)]

    def origin(node: Node) -> int:
        """The place of what a Node stands for; leaves get theirs when they are first needed."""
        node = operation_of(node)
        if node not in place:
            label = names.get(node, "leaf")
            place[node] = add("parameter", label, describe(node.dtype, node.shape))
        return place[node]

    for node in collect(outputs):
        incoming = []
        for name, source, value in operands(node):
            differentiable = name in node.primitive.operands
            start = origin(source) if source else enter(value, name, differentiable)
            if start is not None:
                operand = "" if node.primitive.forward in COMMUTATIVE else name
                incoming.append((start, operand, part_name(source, names)))
        called = "" if node in outputs else names.get(node, "")
        detail = describe(node.dtype, node.shape)
        place[node] = end = add("operation", node.primitive.label, detail, called)
        edges += [GraphEdge(start, end, operand, part) for start, operand, part in incoming]
    for number, node in enumerate(outputs):
        label = names.get(node, f"output {number}" if len(outputs) > 1 else "output")
        start = origin(node)
        end = add("output", label, describe(node.dtype, node.shape))
        edges.append(GraphEdge(start, end, part=part_name(node, names)))
    return GraphIR(tuple(nodes), tuple(edges))


def collect(outputs: Sequence[Node]) -> list[Node]:
    """The operations behind the outputs, oldest first."""
    stack = [operation_of(node) for node in outputs]
    seen = set(stack)
    while stack:
        for source in stack.pop().sources:
            if source is not None and (node := operation_of(source)) not in seen:
                seen.add(node)
                stack.append(node)
    return sorted((node for node in seen if node.primitive is not LEAF), key=by_number)


def operation_of(node: Node) -> Node:
    """The operation a Node is one of several results of; otherwise the Node itself."""
    (origin,) = node.sources if node.primitive is OUTPUT else (node,)
    assert origin is not None
    return origin


def part_name(node: Node | None, names: Mapping[Any, str]) -> str:
    """Which of several results a Node is, as far as it is still known."""
    if node is None or node.primitive is not OUTPUT:
        return ""
    index = "" if node.slots is FREED else f"[{node.slots[1]}]"
    return clean(names.get(node, index))


def operands(node: Node) -> Iterator[tuple[str, Node | None, Any]]:
    """Name, source and (of untracked ones, if it was kept) value of what a Node computed with."""
    primitive = node.primitive
    freed = node.slots is FREED
    kept = (None,) * len(primitive.parameters) if freed else node.slots
    sources = {} if primitive.sequence else dict(zip(primitive.operands, node.sources, strict=True))
    for name, value in zip(primitive.parameters, kept, strict=False):
        if primitive.sequence and name in primitive.operands:
            items = [None] * len(node.sources) if value is None else value
            for number, (source, item) in enumerate(zip(node.sources, items, strict=True)):
                yield str(number), source, UNKNOWN if item is None else item
        elif value is None and isinstance(primitive.forward, np.ufunc):
            yield name, sources[name], UNKNOWN
        else:
            yield name, sources.get(name), value


def scalar_text(value: Any) -> str | None:
    """A number, a text or a tuple of them in a few characters; None for settings left alone.

    >>> scalar_text(np.float32(0.1)), scalar_text((0, 1)), scalar_text(None)
    ('0.1', '(0, 1)', None)
    """
    if isinstance(value, np.ndarray | np.generic) and value.ndim == 0:
        value = value.item()
    if isinstance(value, tuple):
        parts = [scalar_text(part) for part in value]
        return None if None in parts else f"({', '.join(map(str, parts))})"
    if isinstance(value, float | complex):
        return f"{value:.4g}"
    # False is the default of every switch (keepdims and its kin).
    if isinstance(value, int | str) and value is not False:
        return str(value)
    return None


def describe(dtype: Any, shape: Any) -> str:
    """Dtype and shape of a result; of several results, all of them.

    >>> describe(np.dtype("float32"), (32, 64))
    'float32 [32, 64]'
    """
    if not isinstance(dtype, tuple):
        return f"{dtype} {list(shape)}"
    dtypes = "/".join(dict.fromkeys(map(str, dtype)))
    return f"{dtypes} {' · '.join(str(list(part)) for part in shape)}"
