"""Recompute instead of store: a function as one Node that remembers only what went in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import numpy as np

from autograd_core import random
from autograd_core.containers import flatten
from autograd_core.graph import Node, backward, mode, new_node, next_number, recording
from autograd_core.primitive import Primitive
from autograd_core.tensor import Tensor, lift, output_of

P = ParamSpec("P")


def checkpoint(function: Callable[P, Any]) -> Callable[P, Any]:
    """Keep nothing of what a function computes, and compute it again in the backward pass.

    Memory falls to the function's inputs, time grows by one more forward pass (T. Chen et al.,
    "Training Deep Nets with Sublinear Memory Cost", 2016). Values the function captures get their
    gradients too, checkpoints nest, and random numbers are drawn again as they were.

    >>> x = Tensor(np.array(1.0), requires_grad=True)
    >>> checkpoint(lambda x: np.tanh(np.tanh(x)))(x).backward()
    >>> round(float(x.grad), 4)
    0.2469
    """

    @wraps(function)
    def checkpointed(*args: P.args, **kwargs: P.kwargs) -> Any:
        if not mode.recording:
            return function(*args, **kwargs)
        start = next_number()
        with random.watching() as drawn:
            value = function(*args, **kwargs)
        leaves, rebuild = flatten(value)
        outputs = [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.node is not None]
        inner, sources = split_at(start, outputs)
        if not sources:
            return value

        def recompute() -> list[Node]:
            with recording(True), random.replaying(drawn):
                again, _ = flatten(function(*args, **kwargs))
            return [leaf.node for leaf in again if isinstance(leaf, Tensor) and leaf.node]

        node = new_node(
            CHECKPOINT,
            sources,
            (recompute, sources, None),
            tuple(output.shape for output in outputs),
            tuple(output.dtype for output in outputs),
        )
        # Writing into anything the function read would make it compute something else.
        node.versions = tuple(pair for old in inner for pair in old.versions or ()) or None
        recorded = iter([output_of(node, k, output.data) for k, output in enumerate(outputs)])
        return rebuild(
            [
                next(recorded) if isinstance(leaf, Tensor) and leaf.node is not None else leaf
                for leaf in leaves
            ]
        )

    return checkpointed


def split_at(start: int, outputs: list[Tensor]) -> tuple[list[Node], tuple[Node, ...]]:
    """The Nodes behind the outputs recorded since a number was handed out, and where they begin."""
    stack = [output.node for output in outputs if output.node is not None]
    seen = set(stack)
    inner, older = [], []
    while stack:
        node = stack.pop()
        if node.number < start:
            older.append(node)
            continue
        inner.append(node)
        for source in node.sources:
            if source is not None and source not in seen:
                seen.add(source)
                stack.append(source)
    return inner, tuple(older)


def pull_through(g: tuple[Any, ...], recompute: Callable[[], list[Node]], sources: Any) -> Any:
    """The gradients of everything that went into a checkpointed function."""
    record = any(isinstance(part, Tensor) for part in g)
    found = backward(
        list(zip(recompute(), g, strict=True)),
        wanted=set(sources),
        retain=True,
        lift=lift if record else None,
        boundary=set(sources),
    )
    return [
        found[source]
        if source in found
        else np.zeros_like(g[0], shape=source.shape, dtype=source.dtype)
        for source in sources
    ]


def call_again(recompute: Any, sources: Any) -> None:
    """Stand in for the forward function, which is another one for every Node."""


CHECKPOINT = Primitive(
    call_again, None, {"all": pull_through}, name="checkpoint", multiple=True, joint=()
)
CHECKPOINT.resolve()
