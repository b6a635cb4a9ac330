"""A graph as DOT, the language of Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograd_core.render.ir import GraphIR, shorten
from autograd_core.render.style import BACKGROUND, LINE, LOOKS, TEXT, UNTRACKED

if TYPE_CHECKING:
    from graphviz import Digraph

FONT = "DejaVu Sans,Helvetica,sans-serif"


def to_dot(ir: GraphIR, direction: str) -> str:
    """The DOT source; user text is escaped, never markup."""
    import graphviz

    graph = graphviz.Digraph(
        graph_attr={
            "bgcolor": BACKGROUND,
            "nodesep": "0.3",
            "pad": "0.2",
            "rankdir": direction,
            "ranksep": "0.4",
        },
        # The default label keeps Graphviz from leaving unlabelled nodes blank.
        node_attr={
            "fontcolor": TEXT,
            "fontname": FONT,
            "fontsize": "12",
            "label": r"\N",
            "margin": "0.16,0.08",
            "shape": "box",
            "style": "filled",
        },
        edge_attr={
            "arrowsize": "0.7",
            "color": LINE,
            "fontcolor": LINE,
            "fontname": FONT,
            "fontsize": "10",
        },
    )
    for place, node in enumerate(ir.nodes):
        look = LOOKS[node.kind]
        graph.node(
            f"n{place}",
            escape(node.label, node.detail),
            _attributes={"class": node.kind, "id": f"n{place}", **look.shape},
            fillcolor=look.fill,
            color=look.border,
        )
    for number, edge in enumerate(ir.edges):
        attributes = {"id": f"e{number}"}
        if edge.label:
            # Blanks that no renderer drops keep the arrow from touching the text.
            attributes["label"] = escape(f"\u00a0\u00a0{shorten(edge.label, 36)}\u00a0\u00a0")
        kind = ir.nodes[edge.source].kind
        if kind in UNTRACKED:
            attributes["style"] = "dashed"
        if kind == "operation":
            # What is computed runs straight; what comes in from outside stands beside it.
            attributes["weight"] = "8"
        graph.edge(f"n{edge.source}", f"n{edge.target}", _attributes=attributes)
    add_legend(graph, ir, direction)
    return str(graph.source)


def escape(*lines: str) -> str:
    """Text on one or more lines, none of it read as an escape, an entity or a tag."""
    import graphviz

    safe = [graphviz.escape(shorten(line).replace("&", "&amp;")) for line in lines if line]
    label: str = graphviz.nohtml(r"\n".join(safe))
    return label


def add_legend(graph: Digraph, ir: GraphIR, direction: str) -> None:
    """Show the kinds that are there in a row (a column if the graph runs sideways) at the end."""
    cells = [
        f'<TD BGCOLOR="{look.fill}" COLOR="{look.border}" '
        f'STYLE="{"rounded" if "style" in look.shape else "solid"}">{kind}</TD>'
        for kind, look in LOOKS.items()
        if kind in ir.kinds
    ]
    rows = ["".join(cells)] if direction in ("TB", "BT") else cells
    table = "".join(f"<TR>{row}</TR>" for row in rows)
    graph.node(
        "legend",
        f'<<TABLE BORDER="0" CELLBORDER="1" CELLPADDING="5" CELLSPACING="6">{table}</TABLE>>',
        _attributes={"class": "legend"},
        id="legend",
        shape="plain",
        style="solid",
        fontsize="10",
    )
    for place, node in enumerate(ir.nodes):
        if node.kind == "output":
            graph.edge(f"n{place}", "legend", style="invis")
