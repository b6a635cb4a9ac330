"""Computational graphs as pictures: Nodes → plain data → passes → DOT, SVG, Mermaid or text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from autograd_core.errors import GraphError, RenderError
from autograd_core.render.build import build
from autograd_core.render.drawing import Graph
from autograd_core.render.layout import ENGINES
from autograd_core.render.passes import simplify
from autograd_core.render.svg import THEMES
from autograd_core.tensor import Tensor

__all__ = ["Graph", "draw"]


class Named(Protocol):
    """A model that knows its parameters by name, as ``nn.Module`` does."""

    def named_parameters(self) -> Iterable[tuple[str, Tensor]]:
        """Pairs of dotted name and parameter."""
        ...


def draw(
    out: Tensor | Sequence[Tensor],
    *,
    model: Named | None = None,
    names: Mapping[Tensor, str] | None = None,
    direction: str = "TB",
    theme: str = "auto",
    engine: str = "auto",
    max_nodes: int = 1500,
    timeout: float = 20.0,
) -> Graph:
    """Draw the graph behind one or more recorded Tensors, before or after ``backward()``.

    Parameters are called what ``model.named_parameters()`` or ``names`` call them; ``names`` may
    also name inputs, results on the way and outputs. Only what the graph kept can be shown: an
    untracked operand that no gradient needs (or of which a backward pass has freed the memory) is
    an ellipsis. ``direction`` is TB, BT, LR or RL, ``theme`` is auto (as the viewer prefers), light
    or dark, ``engine`` is auto, dot or pygraphviz; ``max_nodes`` and ``timeout`` (seconds) limit
    pictures. Raises GraphError for untracked Tensors.

    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> print(draw((w * 0.5).sum(), names={w: "weight"}).text())
    n0  parameter  weight  float64 [2]
    n1  operation  × 0.5   float64 [2]  ← n0
    n2  operation  sum     float64 []   ← n1
    n3  output     output  float64 []   ← n2
    """
    for setting, value, known in (
        ("direction", direction, ("TB", "BT", "LR", "RL")),
        ("theme", theme, tuple(THEMES)),
        ("engine", engine, ("auto", *ENGINES)),
    ):
        if value not in known:
            raise RenderError(f"draw: got {setting}={value!r}; expected one of {', '.join(known)}")
    outputs = [out] if isinstance(out, Tensor) else list(out)
    nodes = [tensor.node for tensor in outputs if tensor.node is not None]
    if len(nodes) < len(outputs) or not nodes:
        raise GraphError(
            "draw: got a Tensor that depends on nothing that requires a gradient, so no graph is "
            "behind it; make the leaves with requires_grad=True and compute outside no_grad()"
        )
    named = [] if model is None else [(tensor, name) for name, tensor in model.named_parameters()]
    # What is untracked is known by its array, for that is what Nodes keep.
    known_as: dict[Any, str] = {
        key: name
        for tensor, name in (*named, *(names or {}).items())
        for key in (tensor.node, id(tensor.data))
    }
    ir = simplify(build(nodes, known_as))
    return Graph(ir, direction, theme, engine, max_nodes, timeout)
