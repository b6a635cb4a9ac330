"""Adam: steps scaled by running moments of the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any

import numpy as np

from autograd_core import Tensor
from nn.optim.optimizer import Optimizer


class Adam(Optimizer):
    """Adam with bias correction, as Kingma and Ba (2015) and PyTorch write it.

    m ← β₁ m + (1 - β₁) g,  v ← β₂ v + (1 - β₂) g²,
    θ ← θ - lr m̂ / (√v̂ + eps)  with  m̂ = m / (1 - β₁ᵗ),  v̂ = v / (1 - β₂ᵗ).
    """

    state_names = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(
        self,
        value: Any,
        gradient: Any,
        mean: Any,
        square: Any,
        *,
        step: int,
        lr: float,
        betas: tuple[float, float],
        eps: float,
    ) -> None:
        """One step of a block."""
        beta1, beta2 = betas
        mean *= beta1
        mean += (1 - beta1) * gradient
        square *= beta2
        fresh = (1 - beta2) * gradient
        fresh *= gradient
        square += fresh
        denominator = np.sqrt(square)
        denominator *= 1 / sqrt(1 - beta2**step)
        denominator += eps
        np.divide(mean, denominator, out=denominator)
        denominator *= lr / (1 - beta1**step)
        value -= denominator
