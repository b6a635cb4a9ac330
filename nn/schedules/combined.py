"""Schedules made of schedules: all at once, or one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from nn.errors import OptionError
from nn.optim.optimizer import Optimizer
from nn.schedules.scheduler import LRScheduler, check


class Combined(LRScheduler):
    """Base of schedules made of others, which say what the rates are and are not stepped."""

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], last_epoch: float = -1
    ) -> None:
        self.schedulers = list(schedulers)
        mine = [getattr(part, "optimizer", None) is optimizer for part in self.schedulers]
        check(self, all(mine), "schedules of one optimizer", schedulers=self.schedulers)
        check(
            self,
            all(isinstance(part, LRScheduler) for part in schedulers),
            "schedules that need nothing but the epoch; step the others yourself",
            schedulers=self.schedulers,
        )
        if last_epoch < 0:
            # Making the parts has set the rates of all of them at once.
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"]
        super().__init__(optimizer, last_epoch)


class ChainedScheduler(Combined):
    """Several schedules at once: each starts from what the one before it says.

    >>> import nn
    >>> from nn.schedules import ConstantLR, ExponentialLR
    >>> optimizer = nn.SGD([nn.Parameter(1.0)], lr=1.0)
    >>> parts = [ConstantLR(optimizer, 0.5, total_iters=9), ExponentialLR(optimizer, 0.5)]
    >>> schedule = ChainedScheduler(parts)
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        schedulers: Sequence[LRScheduler],
        optimizer: Optimizer | None = None,
        last_epoch: float = -1,
    ) -> None:
        if not schedulers:
            raise OptionError("ChainedScheduler: got no schedules; expected at least one")
        super().__init__(optimizer or schedulers[0].optimizer, schedulers, last_epoch)

    def rate(self, base: float, epoch: float, group: int) -> float:
        """What the last schedule makes of what … the first makes of the base."""
        for part in self.schedulers:
            base = part.rate(base, epoch, group)
        return base

    def others(self, epoch: float, group: int) -> dict[str, Any]:
        """What any of the schedules sets."""
        settings: dict[str, Any] = {}
        for part in self.schedulers:
            settings |= part.others(epoch, group)
        return settings


class SequentialLR(Combined):
    """One schedule after the other: the next one begins, at its epoch 0, at each milestone.

    >>> import nn
    >>> from nn.schedules import CosineAnnealingLR, LinearLR
    >>> optimizer = nn.SGD([nn.Parameter(1.0)], lr=1.0)
    >>> parts = [LinearLR(optimizer, 0.5, total_iters=2), CosineAnnealingLR(optimizer, T_max=10)]
    >>> schedule = SequentialLR(optimizer, parts, milestones=[2])
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += schedule.get_last_lr()
    ...     schedule.step()
    >>> [round(rate, 3) for rate in rates]
    [0.5, 0.75, 1.0, 0.976]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: float = -1,
    ) -> None:
        self.milestones = list(milestones)
        check(
            self,
            len(self.milestones) == len(schedulers) - 1
            and self.milestones == sorted(set(self.milestones)),
            f"rising epochs, one fewer than the {len(schedulers)} schedules",
            milestones=self.milestones,
        )
        super().__init__(optimizer, schedulers, last_epoch)

    def part(self, epoch: float) -> tuple[LRScheduler, float]:
        """The schedule whose turn it is at an epoch, and that epoch as it counts itself."""
        k = bisect_right(self.milestones, epoch)
        return self.schedulers[k], epoch - (self.milestones[k - 1] if k else 0)

    def rate(self, base: float, epoch: float, group: int) -> float:
        """What the schedule whose turn it is says."""
        part, epoch = self.part(epoch)
        return part.rate(part.base_lrs[group], epoch, group)

    def others(self, epoch: float, group: int) -> dict[str, Any]:
        """What the schedule whose turn it is sets."""
        part, epoch = self.part(epoch)
        return part.others(epoch, group)
