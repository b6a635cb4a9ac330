"""Schedules along a cosine: down once, or down again and again."""

from __future__ import annotations

from math import cos, pi

from nn.optim.optimizer import Optimizer
from nn.schedules.scheduler import LRScheduler, check


def between(high: float, low: float, share: float) -> float:
    """Where half a cosine from high to low is after a share of its way.

    >>> between(1.0, 0.0, 0.5)
    0.5
    """
    left = (1 + cos(pi * share)) / 2
    return high * left + low * (1 - left)


class CosineAnnealingLR(LRScheduler):
    """η + ½ (lr - η) (1 + cos(π t / T)): from lr to ``eta_min`` η in ``T_max`` epochs, and back.

    Loshchilov and Hutter, "SGDR: Stochastic gradient descent with warm restarts" (2017), without
    the restarts.

    >>> import nn
    >>> schedule = CosineAnnealingLR(nn.SGD([nn.Parameter(1.0)], lr=0.5), T_max=2)
    >>> schedule.step()
    >>> round(schedule.get_last_lr()[0], 12)
    0.25
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: float = -1
    ) -> None:
        check(self, T_max > 0, "a positive number", T_max=T_max)
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: float, group: int) -> float:
        """Where the cosine is."""
        return between(base, self.eta_min, epoch / self.T_max)


class CosineAnnealingWarmRestarts(LRScheduler):
    """A cosine from lr to ``eta_min`` in ``T_0`` epochs that starts over, and over.

    Each round is ``T_mult`` times as long as the one before. ``step(epoch + batch / batches)``
    goes along it within epochs. Loshchilov and Hutter, "SGDR" (2017).

    >>> import nn
    >>> schedule = CosineAnnealingWarmRestarts(nn.SGD([nn.Parameter(1.0)], lr=0.5), T_0=1)
    >>> schedule.step(0.5)
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: float = -1,
    ) -> None:
        check(self, T_0 > 0 and int(T_0) == T_0, "a positive integer", T_0=T_0)
        check(self, T_mult >= 1 and T_mult == int(T_mult), "a positive integer", T_mult=T_mult)
        self.T_0 = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: float, group: int) -> float:
        """Where the cosine of this round is."""
        length = self.T_0
        if self.T_mult == 1:
            epoch %= length
        while epoch >= length:
            epoch -= length
            length *= self.T_mult
        return between(base, self.eta_min, epoch / length)
