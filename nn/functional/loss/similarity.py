"""Losses of directions: the cosine between vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from nn.functional.loss.margin import signed_target
from nn.functional.loss.reduction import Reduction, check_reduction, reduced
from nn.functional.loss.targets import matching_target


def cosine_similarity(x1: Any, x2: Any, axis: int = 1, eps: float = 1e-8) -> Any:
    """Cosine of the angle between vectors along an axis: x₁ · x₂ / (‖x₁‖ ‖x₂‖).

    Norms below ``eps`` count as ``eps``: vectors of zeros have similarity 0 and gradient 0.

    >>> cosine_similarity(np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]]))
    array([0.70710678])
    """
    norms = [np.sqrt(np.maximum(np.square(x).sum(axis=axis), eps**2)) for x in (x1, x2)]
    return (x1 * x2).sum(axis=axis) / (norms[0] * norms[1])


def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0.0,
    reduction: Reduction = "mean",
) -> Any:
    """Loss of directions: 1 - cos(x₁, x₂) where y = 1, max(0, cos(x₁, x₂) - margin) where y = -1.

    Shapes: inputs (n, features) or (features,), target (n,) or (). TargetError names a target that
    is not ±1. As in PyTorch, squared norms are taken 1e-12 larger.

    >>> x = np.array([[1.0, 0.0]])
    >>> round(cosine_embedding_loss(x, -x, np.array([1])).item(), 6)
    2.0
    """
    loss = "cosine_embedding_loss"
    check_reduction(loss, reduction)
    matching_target(loss, input1, input2)
    if input1.ndim not in (1, 2):
        raise ShapeError(
            f"{loss}: got inputs of shape {input1.shape}; expected (n, features) or (features,)"
        )
    squares = [np.square(x).sum(axis=-1) + 1e-12 for x in (input1, input2)]
    cosine = (input1 * input2).sum(axis=-1) / np.sqrt(squares[0] * squares[1])
    target = signed_target(loss, cosine, target)
    return reduced(np.where(target == 1, 1 - cosine, np.maximum(cosine - margin, 0)), reduction)
