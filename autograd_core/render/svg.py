"""What Graphviz drew, made fit for the web: titles people can read, and a dark theme."""

from __future__ import annotations

from xml.etree import ElementTree

from autograd_core.render.ir import GraphIR
from autograd_core.render.style import DARK
from autograd_core.render.text import to_text

NAMESPACE = "http://www.w3.org/2000/svg"
RECOLOUR = "".join(
    f".autograd-graph [{attribute}='{light}']{{{attribute}:{dark}}}"
    for light, dark in DARK.items()
    for attribute in ("fill", "stroke")
)
# Fitting the page is for browsers: converters without @media would take a height of auto for none.
BASE = (
    "@media all{.autograd-graph{max-width:100%;height:auto}}"
    ".autograd-graph .node text+text{opacity:.8}"
)
THEMES = {
    "auto": f"{BASE}@media(prefers-color-scheme:dark){{{RECOLOUR}}}",
    "light": BASE,
    "dark": BASE + RECOLOUR,
}


def to_svg(ir: GraphIR, drawn: bytes, theme: str) -> str:
    """The finished picture, complete as a file and harmless inside another page."""
    root = ElementTree.fromstring(drawn)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    titles = titles_of(ir)
    for group in root.iter("g"):
        title = group.find("title")
        if title is not None:
            title.text = titles[group.get("id", "")]
    root.attrib |= {"xmlns": NAMESPACE, "role": "img", "class": "autograd-graph"}
    head = {
        "title": f"Computational graph: {ir.summary()}",
        "desc": to_text(ir),
        "style": THEMES[theme],
    }
    for place, (tag, text) in enumerate(head.items()):
        element = ElementTree.Element(tag)
        element.text = text
        root.insert(place, element)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def titles_of(ir: GraphIR) -> dict[str, str]:
    """What each part of the picture is, by its id: the names in full, however long."""
    titles = {"graph0": "computational graph", "legend": "legend"}
    for place, node in enumerate(ir.nodes):
        titles[f"n{place}"] = f"{node.kind} {node.label} {node.detail}".strip()
    for number, edge in enumerate(ir.edges):
        ends = (ir.nodes[edge.source].label, ir.nodes[edge.target].label)
        titles[f"e{number}"] = " → ".join(ends)
    return titles
