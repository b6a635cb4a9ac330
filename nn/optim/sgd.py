"""Gradient descent: plain, with classical momentum, and with momentum as a moving average."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from autograd_core import Tensor
from nn.errors import OptionError
from nn.optim import fused as loops
from nn.optim.optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent with classical momentum, as in PyTorch: θ ← θ - lr g.

    With ``momentum`` μ: v ← μ v + (1 - dampening) g (v = g at the first step) and θ ← θ - lr v;
    ``nesterov`` looks ahead: θ ← θ - lr (g + μ v). For the moving average see ``Momentum``.
    Sutskever et al., "On the importance of initialization and momentum in deep learning" (2013).

    >>> import numpy as np
    >>> x = Tensor(np.array(3.0), requires_grad=True)
    >>> (x * x).backward()
    >>> SGD([x], lr=0.25).step()
    >>> x.item()
    1.5
    """

    state_names = ("momentum_buffer",)
    state_options: ClassVar = {"momentum_buffer": "momentum"}
    kernel = staticmethod(loops.sgd)

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        fused: bool | None = None,
    ) -> None:
        if nesterov and (momentum <= 0 or dampening):
            raise OptionError("SGD: nesterov needs a momentum above 0 and no dampening")
        super().__init__(
            parameters,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            nesterov=nesterov,
            weight_decay=weight_decay,
            maximize=maximize,
            fused=fused,
        )

    def update(
        self,
        value: Any,
        gradient: Any,
        velocity: Any,
        *,
        step: int,
        lr: float,
        momentum: float,
        dampening: float,
        nesterov: bool,
    ) -> None:
        """One step of a block."""
        if momentum:
            velocity *= momentum
            velocity += gradient if step == 1 else (1 - dampening) * gradient
            gradient = gradient + momentum * velocity if nesterov else velocity
        value -= lr * gradient


class Momentum(Optimizer):
    """Gradient descent along a moving average: v ← β v + (1 - β) g and θ ← θ - lr v.

    Unlike the classical momentum of ``SGD``, the step does not grow with β: lr here corresponds to
    lr (1 - β) there.

    >>> import numpy as np
    >>> x = Tensor(np.array(3.0), requires_grad=True)
    >>> (x * x).backward()
    >>> Momentum([x], lr=0.25, beta=0.5).step()
    >>> x.item()
    2.25
    """

    state_names = ("velocity",)
    kernel = staticmethod(loops.moving_average)

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-2,
        beta: float = 0.9,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            beta=beta,
            weight_decay=weight_decay,
            maximize=maximize,
            fused=fused,
        )

    def update(
        self, value: Any, gradient: Any, velocity: Any, *, step: int, lr: float, beta: float
    ) -> None:
        """One step of a block."""
        velocity *= beta
        velocity += (1 - beta) * gradient
        value -= lr * velocity
