"""A schedule that watches a metric, and lowers the rate when it stops getting better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, isinf
from typing import Any, Literal

from autograd_core.effects import effect, untraced
from nn.errors import StateError
from nn.optim.optimizer import Optimizer
from nn.schedules.scheduler import check, one_each

STATE = ("best", "num_bad_epochs", "cooldown_counter", "last_epoch")


class ReduceLROnPlateau:
    """Times ``factor`` when a metric has not got better for more than ``patience`` epochs.

    ``step(metric)`` after every epoch. Better is lower, or with ``mode="max"`` higher, by more than
    ``threshold``: of the best so far ("rel"), or as it is ("abs"). After a reduction ``cooldown``
    epochs are not counted. Rates stay at ``min_lr`` (one number, or one for each group) or above,
    and changes of ``eps`` or less are not made. As in PyTorch.

    >>> import nn
    >>> schedule = ReduceLROnPlateau(nn.SGD([nn.Parameter(1.0)], lr=0.5), factor=0.5, patience=1)
    >>> for loss in (1.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        check(self, mode in ("min", "max"), "'min' or 'max'", mode=mode)
        check(self, 0 <= factor < 1, "at least 0 and below 1", factor=factor)
        check(
            self, threshold_mode in ("rel", "abs"), "'rel' or 'abs'", threshold_mode=threshold_mode
        )
        self.optimizer = optimizer
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.relative = threshold_mode == "rel"
        self.sign = 1 if mode == "min" else -1
        self.cooldown = cooldown
        self.min_lrs = one_each(self, optimizer, min_lr=min_lr)
        self.eps = eps
        self.best = self.sign * inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self.last_epoch = 0

    @effect()
    def step(self, metric: float) -> None:
        """Take in the metric of an epoch, and lower the rates if it is time to."""
        metric = float(metric)
        self.last_epoch += 1
        self.num_bad_epochs += 1
        if self.is_better(metric):
            self.best = metric
            self.num_bad_epochs = 0
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
            for group, least in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
                lower = max(group["lr"] * self.factor, least)
                if group["lr"] - lower > self.eps:
                    group["lr"] = lower

    def is_better(self, metric: float) -> bool:
        """Whether a metric improves on the best one by more than the threshold."""
        if isinf(self.best):
            return self.sign * metric < inf
        by = self.threshold * (self.best if self.relative else 1)
        return self.sign * (metric - self.best) < -by

    @untraced("read it outside")
    def get_last_lr(self) -> list[float]:
        """The learning rates that are set now, one for each group."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    @untraced("copy states outside")
    def state_dict(self) -> dict[str, Any]:
        """The best metric so far, and what was counted; numbers only."""
        return {name: getattr(self, name) for name in STATE}

    @effect()
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where another was; StateError if the state is of no use."""
        missing = [name for name in STATE if name not in state_dict]
        if missing:
            raise StateError(
                "load_state_dict: the state does not fit this ReduceLROnPlateau; "
                f"it has no {', '.join(missing)}"
            )
        for name in STATE:
            setattr(self, name, state_dict[name])
