"""Derivatives as functions of functions: any order, over nested containers of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core.errors import GraphError
from autograd_core.graph import backward
from autograd_core.tensor import Tensor, lift, seed_like, wrap


def gradients(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    *,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    allow_unused: bool = False,
) -> Any:
    """Gradients of the outputs with respect to the inputs, returned instead of accumulated.

    ``grad_outputs``: cotangents shaped like the outputs (default: 1, for outputs of one element).
    ``create_graph`` records the backward pass, so that the gradients can be differentiated again.
    An input the outputs do not depend on raises GraphError, or gives None if ``allow_unused``.
    Returns Tensors: one for a single input, else a tuple.

    >>> x = Tensor(np.array(2.0), requires_grad=True)
    >>> first = gradients(x**3, x, create_graph=True)
    >>> gradients(first, x).item()
    12.0
    """
    results = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    wanted = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    starts = (
        [None] * len(results)
        if grad_outputs is None
        else [grad_outputs]
        if isinstance(outputs, Tensor)
        else list(grad_outputs)
    )
    for tensor in wanted:
        if tensor.node is None:
            raise GraphError("gradients: an input is untracked; make it with requires_grad=True")
    seeds = [
        (result.node, as_cotangent(seed_like(result, start), create_graph))
        for result, start in zip(results, starts, strict=True)
        if result.node is not None
    ]
    found = backward(
        seeds,
        wanted={tensor.node for tensor in wanted if tensor.node is not None},
        retain=create_graph if retain_graph is None else retain_graph,
        lift=lift if create_graph else None,
    )
    gradients_found = [as_gradient(found.get(tensor.node)) for tensor in wanted if tensor.node]
    if not allow_unused and any(gradient is None for gradient in gradients_found):
        raise GraphError(
            "gradients: the outputs do not depend on one of the inputs; pass allow_unused=True "
            "to get None for it"
        )
    return gradients_found[0] if isinstance(inputs, Tensor) else tuple(gradients_found)


def as_cotangent(seed: Any, differentiable: bool) -> Any:
    """A seed as rules take it: a Tensor if they are to record, otherwise an array."""
    if differentiable:
        return seed if isinstance(seed, Tensor) else wrap(seed)
    return seed.data if isinstance(seed, Tensor) else seed


def as_gradient(cotangent: Any) -> Tensor | None:
    """A cotangent as the gradient it is: a Tensor, conjugated if complex."""
    if cotangent is None:
        return None
    gradient = cotangent if isinstance(cotangent, Tensor) else wrap(cotangent)
    return np.conj(gradient) if gradient.dtype.kind == "c" else gradient  # type: ignore[return-value]
