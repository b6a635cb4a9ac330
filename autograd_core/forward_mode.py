"""Forward mode from the same rules: tangents pushed through a recorded graph, oldest Node first.

A rule is linear in the cotangent: it multiplies by the transposed Jacobian of its operation. For an
elementwise operation that Jacobian is diagonal, so the rule is its own transpose and takes the
tangent as it stands. Any other rule is transposed by differentiating it with respect to the
cotangent (B. Christianson, "Automatic Hessians by reverse accumulation", 1992).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from autograd_core.graph import (
    OUTPUT,
    Leaf,
    Node,
    backward,
    cast,
    reachable,
    recording,
    unbroadcast,
)
from autograd_core.primitive import Elementwise
from autograd_core.tensor import Tensor, lift, wrap


def push_forward(outputs: Iterable[Node], tangents: dict[Node, Any], record: bool) -> None:
    """Complete ``tangents`` (Node to tangent) for every operation between them and the outputs.

    With ``record`` the tangents are Tensors and can be differentiated.
    """
    operations, _ = reachable(outputs)
    for node in reversed(operations):
        if node in tangents:
            continue
        moving = [
            (k, source) for k, source in enumerate(node.sources) if source and source in tangents
        ]
        if node.primitive is OUTPUT:
            if moving:
                tangents[node] = tangents[moving[0][1]][node.slots[1]]
            continue
        parts = [push_operand(node, k, source, tangents[source], record) for k, source in moving]
        parts = [part for part in parts if part is not None]
        if parts:
            tangents[node] = add_up(parts)


def push_operand(node: Node, k: int, source: Node, tangent: Any, record: bool) -> Any:
    """What the tangent of one operand adds to the tangent of the result; None if nothing."""
    primitive = node.primitive
    rule: Any
    if primitive.sequence:
        rule = partial(primitive.rules[0], i=k)
    elif primitive.joint:
        rule = partial(joint_part, primitive.rules[0], k)
    else:
        rule = primitive.rules[k]
    slots = lift(node) if record else node.slots
    real = source.dtype.kind != "c" and not primitive.multiple and node.dtype.kind != "c"
    if isinstance(primitive.sample, Elementwise) and real:
        moved = rule(np.broadcast_to(tangent, node.shape), slots)
        return moved if moved.dtype == node.dtype else cast(moved, node.dtype)
    return transpose(node, rule, slots, source, tangent, record)


def joint_part(rule: Any, k: int, g: Any, slots: Any) -> Any:
    """The gradient of one operand from a rule that returns those of all."""
    return rule(g, slots)[k]


def transpose(node: Node, rule: Any, slots: Any, source: Node, tangent: Any, record: bool) -> Any:
    """Apply the transpose of a rule: differentiate it with respect to its cotangent."""
    multiple = node.primitive.multiple
    shapes, dtypes = (node.shape, node.dtype) if multiple else ((node.shape,), (node.dtype,))
    leaves = [Leaf(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    cotangents = [wrap(np.zeros(leaf.shape, leaf.dtype), leaf) for leaf in leaves]
    with recording(True):
        gradient = rule(tuple(cotangents) if multiple else cotangents[0], slots)
        if gradient.shape != source.shape:
            gradient = unbroadcast(gradient, source.shape, node.primitive)
        if gradient.dtype != source.dtype:
            gradient = cast(gradient, source.dtype)
    if not isinstance(gradient, Tensor) or gradient.node is None:
        return None  # the rule is zero whatever the cotangent: a piecewise constant operation
    found = backward(
        [(gradient.node, tangent)], wanted=set(leaves), retain=True, lift=lift if record else None
    )
    parts = tuple(
        found[leaf] if leaf in found else np.zeros_like(tangent, shape=leaf.shape, dtype=leaf.dtype)
        for leaf in leaves
    )
    return parts if multiple else parts[0]


def add_up(parts: list[Any]) -> Any:
    """The sum of tangents: of arrays, or of tuples of them output by output."""
    if isinstance(parts[0], tuple):
        return tuple(sum(column[1:], column[0]) for column in zip(*parts, strict=True))
    return sum(parts[1:], parts[0])
