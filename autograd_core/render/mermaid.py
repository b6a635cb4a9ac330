"""A graph as Mermaid, which GitHub, GitLab and many notebooks draw from text."""

from __future__ import annotations

import re

from autograd_core.errors import GraphTooLarge
from autograd_core.render.ir import GraphIR, shorten
from autograd_core.render.style import LOOKS, TEXT, UNTRACKED

# Beyond these Mermaid shows an error in place of the picture.
MAX_EDGES = 500
MAX_CHARACTERS = 50_000


def to_mermaid(ir: GraphIR, direction: str) -> str:
    """The Mermaid source of a flowchart."""
    lines = [f"flowchart {direction}"]
    for place, node in enumerate(ir.nodes):
        opening, closing = LOOKS[node.kind].brackets
        text = "<br/>".join(escape(line) for line in (node.label, node.detail) if line)
        lines.append(f'    n{place}{opening}"{text}"{closing}:::{node.kind}')
    for edge in ir.edges:
        arrow = "-.->" if ir.nodes[edge.source].kind in UNTRACKED else "-->"
        label = f'|"{escape(edge.label)}"|' if edge.label else ""
        lines.append(f"    n{edge.source} {arrow}{label} n{edge.target}")
    for kind, look in LOOKS.items():
        if kind in ir.kinds:
            colours = f"fill:{look.fill},stroke:{look.border},color:{TEXT}"
            lines.append(f"    classDef {kind} {colours}")
    source = "\n".join(lines) + "\n"
    if len(ir.edges) > MAX_EDGES or len(source) > MAX_CHARACTERS:
        raise GraphTooLarge(
            f"mermaid: got a graph of {len(ir.edges)} edges and {len(source)} characters; Mermaid "
            f"draws at most {MAX_EDGES} and {MAX_CHARACTERS}; use .svg(), .dot or .text()"
        )
    return source


def escape(text: str) -> str:
    """Text with everything that Mermaid could take for syntax as character codes.

    >>> escape('a "b" <c>')
    'a #34;b#34; #60;c#62;'
    """
    return re.sub(r'["#&:;<>@\\`]', lambda match: f"#{ord(match[0])};", shorten(text))
