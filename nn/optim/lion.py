"""Lion: steps of one size, in the direction of a sign."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_core import Tensor
from nn.optim.optimizer import Optimizer


class Lion(Optimizer):
    """θ ← θ - lr (sign(β₁ m + (1 - β₁) g) + weight_decay θ), then m ← β₂ m + (1 - β₂) g.

    Chen et al., "Symbolic discovery of optimization algorithms" (2023), who take an lr 3 to 10
    times smaller, and a weight decay as many times larger, than for AdamW.

    >>> x = Tensor(np.array(3.0), requires_grad=True)
    >>> (x * x).backward()
    >>> Lion([x], lr=0.5).step()
    >>> x.item()
    2.5
    """

    state_names = ("exp_avg",)
    decoupled = True

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            parameters, lr=lr, betas=betas, weight_decay=weight_decay, maximize=maximize
        )

    def update(
        self,
        value: Any,
        gradient: Any,
        mean: Any,
        *,
        step: int,
        lr: float,
        betas: tuple[float, float],
    ) -> None:
        """One step of a block."""
        beta1, beta2 = betas
        direction = beta1 * mean
        direction += (1 - beta1) * gradient
        np.sign(direction, out=direction)
        direction *= lr
        value -= direction
        mean *= beta2
        mean += (1 - beta2) * gradient
