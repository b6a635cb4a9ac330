"""Adagrad: steps scaled by all squared gradients so far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_core import Tensor
from nn.optim.optimizer import Optimizer


class Adagrad(Optimizer):
    """s ← s + g² and θ ← θ - lrₜ g / (√s + eps), with lrₜ = lr / (1 + (t - 1) lr_decay).

    s starts from ``initial_accumulator_value``. Duchi, Hazan and Singer, "Adaptive subgradient
    methods for online learning and stochastic optimization" (2011), as in PyTorch.

    >>> x = Tensor(np.array(3.0), requires_grad=True)
    >>> (x * x).backward()
    >>> Adagrad([x], lr=0.5).step()
    >>> round(x.item(), 6)
    2.5
    """

    state_names = ("sum",)

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            lr_decay=lr_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
            weight_decay=weight_decay,
            maximize=maximize,
        )

    def update(
        self,
        value: Any,
        gradient: Any,
        total: Any,
        *,
        step: int,
        lr: float,
        lr_decay: float,
        initial_accumulator_value: float,
        eps: float,
    ) -> None:
        """One step of a block."""
        if step == 1:
            total[...] = initial_accumulator_value
        total += gradient * gradient
        size = np.sqrt(total)
        size += eps
        np.divide(gradient, size, out=size)
        size *= lr / (1 + (step - 1) * lr_decay)
        value -= size
