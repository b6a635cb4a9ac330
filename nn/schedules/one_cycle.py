"""The one-cycle policy: up to a high rate and down to a very low one, momentum against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from nn.errors import OptionError
from nn.optim.optimizer import Optimizer
from nn.schedules.cosine import between
from nn.schedules.scheduler import LRScheduler, check, one_each


def straight(high: float, low: float, share: float) -> float:
    """Where a line from high to low is after a share of its way."""
    return high * (1 - share) + low * share


ANNEAL: dict[str, Callable[[float, float, float], float]] = {"cos": between, "linear": straight}


class OneCycleLR(LRScheduler):
    """From max_lr / div_factor up to ``max_lr`` and down to a ``final_div_factor``-th of the start.

    For a ``step()`` after every batch, ``total_steps`` in all (or ``epochs`` times
    ``steps_per_epoch``); ``pct_start`` of them go up. With ``three_phase`` it comes down as fast
    as it went up and then falls further. Momentum ("momentum", "beta" or the first of "betas")
    goes the other way, from ``max_momentum`` to ``base_momentum`` and back. ``max_lr`` and the
    momenta may be sequences, one for each group. A step after the last raises OptionError.

    Smith and Topin, "Super-convergence" (2018), as in PyTorch.

    >>> import nn
    >>> optimizer = nn.SGD([nn.Parameter(1.0)], momentum=0.9)
    >>> schedule = OneCycleLR(optimizer, max_lr=0.5, total_steps=10)
    >>> schedule.get_last_lr(), optimizer.param_groups[0]["momentum"]
    ([0.02], 0.95)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: float = -1,
    ) -> None:
        if total_steps is None:
            total_steps = (epochs or 0) * (steps_per_epoch or 0)
        expected = "a positive number, or epochs and steps_per_epoch"
        check(self, total_steps > 0, expected, total_steps=total_steps)
        check(self, 0 <= pct_start <= 1, "a number from 0 to 1", pct_start=pct_start)
        check(self, anneal_strategy in ANNEAL, "'cos' or 'linear'", anneal_strategy=anneal_strategy)
        self.total_steps = total_steps
        self.anneal = ANNEAL[anneal_strategy]
        self.div_factor = div_factor
        self.final_div_factor = final_div_factor
        rise = pct_start * total_steps
        # Where each phase ends, and at which of start, peak and final value.
        self.phases = [(rise - 1, "peak"), (total_steps - 1, "final")]
        if three_phase:
            self.phases.insert(1, (2 * rise - 2, "start"))
        self.momenta = list(
            zip(
                one_each(self, optimizer, base_momentum=base_momentum),
                one_each(self, optimizer, max_momentum=max_momentum),
                strict=True,
            )
        )
        self.momentum = momentum_option(optimizer) if cycle_momentum else None
        if last_epoch < 0:
            for group, rate in zip(
                optimizer.param_groups, one_each(self, optimizer, max_lr=max_lr), strict=True
            ):
                group["lr"] = group["initial_lr"] = rate / div_factor
        super().__init__(optimizer, last_epoch)

    def value(self, epoch: float, start: float, peak: float, final: float) -> float:
        """Where a value is that starts from one, peaks at another and ends at a third."""
        if epoch > self.total_steps:
            raise OptionError(
                f"OneCycleLR: got step {epoch:g} of {self.total_steps}; expected no more steps "
                "than total_steps"
            )
        epoch = min(epoch, self.total_steps - 1)  # the last step has no batch to follow
        values = {"start": start, "peak": peak, "final": final}
        begin, low = 0.0, start
        for end, name in self.phases:
            if epoch <= end:
                share = (epoch - begin) / (end - begin) if end > begin else 1.0
                return self.anneal(low, values[name], share)
            begin, low = end, values[name]
        return low

    def rate(self, base: float, epoch: float, group: int) -> float:
        """Up from the start to the peak, down to the end."""
        return self.value(epoch, base, base * self.div_factor, base / self.final_div_factor)

    def others(self, epoch: float, group: int) -> dict[str, Any]:
        """The momentum: down while the rate goes up, and up again."""
        if self.momentum is None:
            return {}
        low, high = self.momenta[group]
        momentum = self.value(epoch, high, low, high)
        if self.momentum != "betas":
            return {self.momentum: momentum}
        return {"betas": (momentum, *self.optimizer.param_groups[group]["betas"][1:])}


def momentum_option(optimizer: Optimizer) -> str:
    """The name of the option that is the optimizer's momentum."""
    for name in ("betas", "momentum", "beta"):
        if name in optimizer.defaults:
            return name
    raise OptionError(
        f"OneCycleLR: {type(optimizer).__name__} has no momentum to cycle; "
        "pass cycle_momentum=False"
    )
