"""Adam: steps scaled by running moments of the gradient; with decoupled weight decay, AdamW."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any, ClassVar

import numpy as np

from autograd_core import Tensor
from nn.optim import fused as loops
from nn.optim.optimizer import Optimizer


class Adam(Optimizer):
    """Adam with bias correction, as Kingma and Ba (2015) and PyTorch write it.

    m ← β₁ m + (1 - β₁) g,  v ← β₂ v + (1 - β₂) g²,
    θ ← θ - lr m̂ / (√v̂ + eps)  with  m̂ = m / (1 - β₁ᵗ),  v̂ = v / (1 - β₂ᵗ).

    ``amsgrad`` takes the largest v so far for v in the step. Reddi, Kale and Kumar, "On the
    convergence of Adam and beyond" (2018).

    >>> x = Tensor(np.array(3.0), requires_grad=True)
    >>> (x * x).backward()
    >>> Adam([x], lr=0.5).step()
    >>> round(x.item(), 6)
    2.5
    """

    state_names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    state_options: ClassVar = {"max_exp_avg_sq": "amsgrad"}
    kernel = staticmethod(loops.adam)

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            betas=betas,
            eps=eps,
            amsgrad=amsgrad,
            weight_decay=weight_decay,
            maximize=maximize,
            fused=fused,
        )

    def update(
        self,
        value: Any,
        gradient: Any,
        mean: Any,
        square: Any,
        largest: Any,
        *,
        step: int,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        amsgrad: bool,
    ) -> None:
        """One step of a block."""
        beta1, beta2 = betas
        mean *= beta1
        mean += (1 - beta1) * gradient
        square *= beta2
        fresh = (1 - beta2) * gradient
        fresh *= gradient
        square += fresh
        if amsgrad:
            square = np.maximum(largest, square, out=largest)
        denominator = np.sqrt(square)
        denominator *= 1 / sqrt(1 - beta2**step)
        denominator += eps
        np.divide(mean, denominator, out=denominator)
        denominator *= lr / (1 - beta1**step)
        value -= denominator


class AdamW(Adam):
    """Adam with weight decay apart from the gradient: θ ← (1 - lr weight_decay) θ, then Adam.

    Loshchilov and Hutter, "Decoupled weight decay regularization" (2019).

    >>> x = Tensor(np.array(3.0), requires_grad=True)
    >>> (0 * x).backward()
    >>> AdamW([x], lr=0.5, weight_decay=0.5).step()
    >>> x.item()
    2.25
    """

    decoupled = True

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            parameters, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, fused=fused
        )
