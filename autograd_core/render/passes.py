"""Passes make a graph easier to read: each takes a GraphIR and returns another."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from autograd_core.render.ir import GraphEdge, GraphIR


def simplify(ir: GraphIR) -> GraphIR:
    """Apply all passes."""
    for step in (fold_scalars, write_names, hide_lone_operands):
        ir = step(ir)
    return ir


def fold_scalars(ir: GraphIR) -> GraphIR:
    """Write scalar constants (those with nothing on their second line) into the operation's label.

    Symbols read as they are written, ``× 0.5`` or ``1 ÷``; words list the rest, ``sum axis=1``.
    """
    folded = {
        place for place, node in enumerate(ir.nodes) if node.kind == "constant" and not node.detail
    }
    labels: dict[int, str] = {}
    edges: list[GraphEdge] = []
    for edge in ir.edges:
        if edge.source not in folded:
            edges.append(edge)
            continue
        value = ir.nodes[edge.source].label
        label = labels.get(edge.target, ir.nodes[edge.target].label)
        word = ir.nodes[edge.target].label[0].isalpha()
        if word and edge.operand.isidentifier():
            value = f"{edge.operand}={value}"
        leads = not edges or edges[-1].target != edge.target
        labels[edge.target] = f"{value} {label}" if leads and not word else f"{label} {value}"
    return without(replace(ir, edges=tuple(edges)), folded, labels)


def without(ir: GraphIR, dropped: set[int], labels: dict[int, str]) -> GraphIR:
    """The graph with some nodes taken out, some relabelled, and the rest numbered anew."""
    kept = [place for place in range(len(ir.nodes)) if place not in dropped]
    place = {old: new for new, old in enumerate(kept)}
    return GraphIR(
        tuple(replace(ir.nodes[old], label=labels.get(old, ir.nodes[old].label)) for old in kept),
        tuple(
            replace(edge, source=place[edge.source], target=place[edge.target]) for edge in ir.edges
        ),
    )


def write_names(ir: GraphIR) -> GraphIR:
    """Say what the result of an operation was called: ``prediction = tanh``."""
    labels = {
        place: f"{node.name} = {node.label}" for place, node in enumerate(ir.nodes) if node.name
    }
    return without(ir, set(), labels)


def hide_lone_operands(ir: GraphIR) -> GraphIR:
    """Name operands only where there are several to tell apart, and not what has that name."""
    arity = Counter(edge.target for edge in ir.edges)
    return replace(
        ir,
        edges=tuple(
            replace(edge, operand="")
            if arity[edge.target] == 1 or edge.operand == ir.nodes[edge.source].label
            else edge
            for edge in ir.edges
        ),
    )
