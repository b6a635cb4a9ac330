"""RMSprop: steps scaled by the running size of the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from autograd_core import Tensor
from nn.optim.optimizer import Optimizer


class RMSprop(Optimizer):
    """s ← α s + (1 - α) g² and θ ← θ - lr g / (√s + eps), as in PyTorch.

    ``centered`` takes the variance s - ḡ² for s, with the mean ḡ ← α ḡ + (1 - α) g. With
    ``momentum`` μ: b ← μ b + g / (√s + eps) and θ ← θ - lr b. Tieleman and Hinton, lecture 6.5 of
    "Neural networks for machine learning" (2012); centered: Graves, "Generating sequences with
    recurrent neural networks" (2013).

    >>> x = Tensor(np.array(3.0), requires_grad=True)
    >>> (x * x).backward()
    >>> RMSprop([x], lr=0.5, alpha=0.75).step()
    >>> round(x.item(), 6)
    2.0
    """

    state_names = ("square_avg", "momentum_buffer", "grad_avg")
    state_options: ClassVar = {"momentum_buffer": "momentum", "grad_avg": "centered"}

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            alpha=alpha,
            eps=eps,
            momentum=momentum,
            centered=centered,
            weight_decay=weight_decay,
            maximize=maximize,
        )

    def update(
        self,
        value: Any,
        gradient: Any,
        square: Any,
        velocity: Any,
        mean: Any,
        *,
        step: int,
        lr: float,
        alpha: float,
        eps: float,
        momentum: float,
        centered: bool,
    ) -> None:
        """One step of a block."""
        square *= alpha
        fresh = (1 - alpha) * gradient
        fresh *= gradient
        square += fresh
        if centered:
            mean += (1 - alpha) * (gradient - mean)
            # Rounding may leave a variance of less than nothing.
            size = np.sqrt(np.maximum(square - mean * mean, 0))
        else:
            size = np.sqrt(square)
        size += eps
        scaled = np.divide(gradient, size, out=size)
        if momentum:
            velocity *= momentum
            velocity += scaled
            scaled = velocity
        value -= lr * scaled
