"""A replayed call as one Node: what it returned can be differentiated from outside.

The backward pass of the call is traced with it, from cotangents that stand for whatever will
arrive; what it needs of the forward pass the program returns beside its results, and the Node
keeps it. To differentiate the gradient again, the function itself is called and recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core.checkpoint import pull_through
from autograd_core.compiler.trace import Trace
from autograd_core.graph import FREED, Node, backward, new_node, reachable
from autograd_core.primitive import Primitive
from autograd_core.tensor import Tensor, output_of


def pull(g: Any, backward: Any, residuals: Any, again: Any, sources: Any) -> Any:
    """The gradients of everything tracked that went into a compiled call."""
    if any(isinstance(part, Tensor) for part in g):
        return pull_through(g, again, sources)
    return backward(*residuals, *g)


def replay(backward: Any, residuals: Any, again: Any, sources: Any) -> None:
    """Stand in for the forward function, which is another one for every Node."""


COMPILED = Primitive(replay, None, {"all": pull}, name="compiled", multiple=True, joint=())
COMPILED.resolve()


def is_alive(tensor: Tensor) -> bool:
    """Whether a result can still be differentiated: no backward pass has consumed its graph."""
    node = tensor.node
    return node is not None and node.slots is not FREED


def trace_backward(trace: Trace, outputs: Sequence[Tensor]) -> dict[Node, Any]:
    """Trace the backward pass of outputs: the leaves behind them, and their gradients.

    The cotangents become further inputs of the trace, in the order of the outputs.
    """
    nodes = [output.node for output in outputs if output.node is not None]
    _, edges = reachable(nodes)
    seeds = [
        (node, trace.add_input(np.ones(output.shape, output.dtype)))
        for node, output in zip(nodes, outputs, strict=True)
    ]
    return backward(seeds, wanted=set(edges))


def attach(
    results: Sequence[Tensor],
    residuals: tuple[Any, ...],
    pull_back: Callable[..., Any],
    sources: tuple[Node, ...],
    captured: Sequence[Tensor],
    again: Callable[[], list[Node]],
) -> None:
    """Give the results of a replayed call their place in the graph.

    Writing into a captured Tensor before the backward pass is an error, as anywhere.
    """
    node = new_node(
        COMPILED,
        sources,
        (pull_back, residuals, again, sources, None),
        tuple(result.shape for result in results),
        tuple(result.dtype for result in results),
    )
    node.versions = tuple((tensor.version, tensor.version[0]) for tensor in captured)
    for k, result in enumerate(results):
        result._node = output_of(node, k, result._array)._node
