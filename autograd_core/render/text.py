"""A graph as a table: one line a node, with the lines it is computed from."""

from __future__ import annotations

from autograd_core.render.ir import GraphIR


def to_text(ir: GraphIR) -> str:
    """Columns of number, kind, label, dtype and shape, and operands."""
    incoming: list[list[str]] = [[] for _ in ir.nodes]
    for edge in ir.edges:
        source = f"n{edge.source}"
        incoming[edge.target].append(f"{edge.label}: {source}" if edge.label else source)
    rows = [
        (f"n{place}", node.kind, node.label, node.detail, "← " * bool(sources) + ", ".join(sources))
        for place, (node, sources) in enumerate(zip(ir.nodes, incoming, strict=True))
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in rows
    )
