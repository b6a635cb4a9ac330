"""What a picture shows, as plain data: nodes, edges and the text that is safe to print on them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A box: its kind (a key of ``style.LOOKS``), its first line and its second.

    ``name`` is what the result of an operation was called.
    """

    kind: str
    label: str
    detail: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """An arrow between two boxes, given by their places in ``GraphIR.nodes``.

    ``operand`` says which operand of the target it is, ``part`` which result of the source.
    """

    source: int
    target: int
    operand: str = ""
    part: str = ""

    @property
    def label(self) -> str:
        """What stands on the arrow."""
        return " → ".join(filter(None, (self.part, self.operand)))


@dataclass(frozen=True, slots=True)
class GraphIR:
    """A graph as it will be shown; operands come before results, so nodes are sorted."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]

    @property
    def kinds(self) -> Counter[str]:
        """How many nodes there are of each kind."""
        return Counter(node.kind for node in self.nodes)

    def summary(self) -> str:
        """The graph in one line.

        >>> GraphIR((GraphNode("input", "x"), GraphNode("output", "y")), ()).summary()
        '1 input, 1 output'
        """
        return ", ".join(f"{n} {kind}{'s' * (n > 1)}" for kind, n in self.kinds.items())


def clean(text: str) -> str:
    r"""Text on one line, without characters that steer terminals or that XML forbids.

    >>> clean("layer\x1b[31m\n 1")
    'layer[31m 1'
    """
    return "".join(c for c in " ".join(text.split()) if unicodedata.category(c)[0] != "C")


def shorten(text: str, width: int = 40) -> str:
    """The beginning and the end of a text that is too long for a box.

    >>> shorten("encoder.layers.0.attention", width=13)
    'encode…ention'
    """
    if len(text) <= width:
        return text
    return f"{text[: width // 2]}…{text[len(text) - (width - 1) // 2 :]}"
