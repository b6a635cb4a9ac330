"""What ``draw`` returns: a graph that can be shown, printed and saved in several notations."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograd_core.errors import GraphTooLarge, LayoutError, RendererMissing, RenderError
from autograd_core.render.dot import to_dot
from autograd_core.render.ir import GraphIR
from autograd_core.render.layout import lay_out
from autograd_core.render.mermaid import to_mermaid
from autograd_core.render.svg import to_svg
from autograd_core.render.text import to_text


@dataclass(frozen=True, slots=True, repr=False)
class Graph:
    """A computational graph, ready to be drawn; it keeps no array alive.

    ``dot``, ``text()`` and ``mermaid()`` work anywhere and at any size; ``svg()`` needs a layout
    engine and draws at most ``max_nodes``. In a notebook it shows itself.
    """

    ir: GraphIR
    direction: str
    theme: str
    engine: str
    max_nodes: int
    timeout: float

    def __repr__(self) -> str:
        return f"<graph of {self.ir.summary()}>"

    @property
    def dot(self) -> str:
        """The graph in the language of Graphviz."""
        return to_dot(self.ir, self.direction)

    def text(self) -> str:
        """The graph as a table, one line a node."""
        return to_text(self.ir)

    def mermaid(self) -> str:
        """The graph as a Mermaid flowchart; raises GraphTooLarge beyond Mermaid's own limits."""
        return to_mermaid(self.ir, self.direction)

    def svg(self) -> str:
        """The graph as a picture.

        Raises GraphTooLarge, RendererMissing when no layout engine is installed, and LayoutError
        when it takes longer than ``timeout`` seconds.
        """
        count = len(self.ir.nodes)
        if count > self.max_nodes:
            raise GraphTooLarge(
                f"draw: got a graph of {count} nodes; expected at most max_nodes={self.max_nodes}; "
                "draw an earlier Tensor or one part of the model, pass a larger max_nodes=, or "
                'read .text() or .save("graph.dot"), which take any size'
            )
        return to_svg(self.ir, lay_out(self.dot, self.engine, self.timeout), self.theme)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file in the notation its suffix names: .svg, .dot, .gv, .mmd or .txt.

        The file is complete or not there at all: a failure leaves what was there before.
        """
        path = Path(path)
        write = NOTATIONS.get(path.suffix.lower())
        if write is None:
            raise RenderError(
                f"save: got {path.name!r}; expected a name that ends in {', '.join(NOTATIONS)}"
            )
        content = write(self).encode()
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            unfinished.write_bytes(content)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """For notebooks: the picture and the text; only the text, if there can be no picture."""
        text = self.text() if len(self.ir.nodes) <= self.max_nodes else repr(self)
        try:
            return {"image/svg+xml": self.svg(), "text/plain": text}
        except (GraphTooLarge, LayoutError, RendererMissing) as error:
            return {"text/plain": f"{text}\n{error}"}


NOTATIONS: dict[str, Callable[[Graph], str]] = {
    ".svg": Graph.svg,
    ".dot": lambda graph: graph.dot,
    ".gv": lambda graph: graph.dot,
    ".mmd": Graph.mermaid,
    ".txt": Graph.text,
}
