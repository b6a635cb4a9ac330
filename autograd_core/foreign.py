"""Code the engine cannot see into, with a gradient somebody else computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from autograd_core.errors import GraphError
from autograd_core.graph import mode, new_node
from autograd_core.primitive import Primitive
from autograd_core.tensor import Tensor, unwrap, wrap


def foreign(
    forward: Callable[..., Any], pullback: Callable[..., Sequence[Any]], *, name: str | None = None
) -> Callable[..., Any]:
    """Make a function of arrays differentiable once, given what pulls a cotangent back through it.

    ``forward(*arrays)`` returns one array; ``pullback(g, out, *arrays)`` returns a gradient for
    each argument, None for one without. Both see plain arrays, so they may call C, Fortran or
    another framework. Differentiating the gradient again raises GraphError: write the rule in NumPy
    with ``operation`` for that.

    >>> solve = foreign(np.linalg.inv, lambda g, out, a: (-out.T @ g @ out.T,), name="inverse")
    >>> x = Tensor(np.array([[2.0]]), requires_grad=True)
    >>> solve(x).sum().backward()
    >>> x.grad
    array([[-0.25]])
    """
    title = name or getattr(forward, "__name__", "foreign")

    def pull(g: Any, pullback: Any, out: Any, arrays: tuple[Any, ...]) -> list[Any]:
        if isinstance(g, Tensor):
            raise GraphError(
                f"{title}: this foreign operation has no second derivative; write its rule in "
                "NumPy with autograd_core.operation"
            )
        gradients = pullback(g, out, *arrays)
        if len(gradients) != len(arrays):
            raise GraphError(
                f"{title}: the pullback returned {len(gradients)} gradients for {len(arrays)} "
                "arguments; return one for each, None where there is none"
            )
        return [
            np.zeros_like(array) if gradient is None else np.asarray(gradient)
            for gradient, array in zip(gradients, arrays, strict=True)
        ]

    def stand_in(pullback: Any, arrays: Any) -> None:
        """Foreign Nodes are made below, not by calling this."""

    primitive = Primitive(stand_in, None, {"all": pull}, name=title, joint=())
    primitive.resolve()
    primitive.replay = forward

    @wraps(forward)
    def recorded(*args: Any) -> Any:
        arrays = tuple(np.asarray(unwrap(argument)) for argument in args)
        out = np.asarray(primitive.replay(*arrays))
        tensors = [argument for argument in args if isinstance(argument, Tensor)]
        if not tensors:
            return out
        result = wrap(out)
        sources = tuple(getattr(argument, "node", None) for argument in args)
        if mode.recording and any(sources):
            node = new_node(primitive, sources, (pullback, arrays, out), out.shape, out.dtype)
            node.versions = tuple((t.version, t.version[0]) for t in tensors if t.is_leaf) or None
            result = wrap(out, node)
        return result

    return recorded
