"""Schedules that multiply the rate by a factor: in steps, by powers, on a line, by a function."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

from nn.optim.optimizer import Optimizer
from nn.schedules.scheduler import LRScheduler, check


class LambdaLR(LRScheduler):
    """lr λ(t), with a function of the epoch, or one for each group of parameters.

    >>> import nn
    >>> optimizer = nn.SGD([nn.Parameter(1.0)], lr=0.5)
    >>> schedule = LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[float], float] | Sequence[Callable[[float], float]],
        last_epoch: float = -1,
    ) -> None:
        groups = len(optimizer.param_groups)
        self.lr_lambdas = [lr_lambda] * groups if callable(lr_lambda) else list(lr_lambda)
        check(
            self,
            len(self.lr_lambdas) == groups,
            f"one function, or {groups}, one for each group",
            lr_lambda=lr_lambda,
        )
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: float, group: int) -> float:
        """The rate times what the function says."""
        return base * self.lr_lambdas[group](epoch)


class StepLR(LRScheduler):
    """lr γ^⌊t / step_size⌋: times γ after every ``step_size`` epochs.

    >>> import nn
    >>> schedule = StepLR(nn.SGD([nn.Parameter(1.0)], lr=0.5), step_size=1, gamma=0.5)
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: float = -1
    ) -> None:
        check(self, step_size > 0, "a positive number", step_size=step_size)
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: float, group: int) -> float:
        """The rate times γ as often as a step has ended."""
        return base * self.gamma ** int(epoch // self.step_size)


class MultiStepLR(LRScheduler):
    """Times γ at each of the milestones, epochs in any order.

    >>> import nn
    >>> schedule = MultiStepLR(nn.SGD([nn.Parameter(1.0)], lr=0.5), milestones=[1, 3], gamma=0.5)
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: float = -1,
    ) -> None:
        self.milestones = sorted(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: float, group: int) -> float:
        """The rate times γ as often as a milestone was passed."""
        return base * self.gamma ** bisect_right(self.milestones, epoch)


class ExponentialLR(LRScheduler):
    """lr γᵗ: times γ after every epoch.

    >>> import nn
    >>> schedule = ExponentialLR(nn.SGD([nn.Parameter(1.0)], lr=0.5), gamma=0.5)
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: float = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: float, group: int) -> float:
        """The rate times γ as often as an epoch has ended."""
        return base * self.gamma**epoch


class ConstantLR(LRScheduler):
    """Times ``factor`` until epoch ``total_iters``, and as it was from then on.

    >>> import nn
    >>> schedule = ConstantLR(nn.SGD([nn.Parameter(1.0)], lr=0.5), factor=0.5, total_iters=1)
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1 / 3,
        total_iters: int = 5,
        last_epoch: float = -1,
    ) -> None:
        check(self, 0 <= factor <= 1, "a number from 0 to 1", factor=factor)
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: float, group: int) -> float:
        """The smaller rate first, then the rate itself."""
        return base * self.factor if epoch < self.total_iters else base


class LinearLR(LRScheduler):
    """Times a factor that goes in a line from ``start_factor`` to ``end_factor``: warm-up.

    It arrives at epoch ``total_iters`` and stays there. Goyal et al., "Accurate, large minibatch
    SGD" (2017).

    >>> import nn
    >>> schedule = LinearLR(nn.SGD([nn.Parameter(1.0)], lr=0.5), start_factor=0.5, total_iters=2)
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.375]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: float = -1,
    ) -> None:
        check(self, 0 < start_factor <= 1, "above 0 and at most 1", start_factor=start_factor)
        check(self, 0 <= end_factor <= 1, "a number from 0 to 1", end_factor=end_factor)
        check(self, total_iters > 0, "a positive number", total_iters=total_iters)
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: float, group: int) -> float:
        """The rate times where the line is."""
        share = min(epoch, self.total_iters) / self.total_iters
        return base * (self.start_factor + share * (self.end_factor - self.start_factor))
