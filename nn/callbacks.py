"""Callbacks: what listens to training and may step in. ``fit`` calls them in the order given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf, nan
from typing import Any, Literal, Protocol

import numpy as np

from nn.clip import clip_grad_norm_, clip_grad_value_
from nn.errors import OptionError, StateError, check_positive
from nn.history import History
from nn.module import Module
from nn.optim.optimizer import Optimizer

Mode = Literal["min", "max"]


@dataclass
class Progress:
    """Where training stands; callbacks read it, and may set ``stop`` to end after this epoch.

    Values are those of the global batch, so callbacks decide alike on every rank. ``epoch`` and
    ``step`` count from 1; ``step`` runs through all epochs. ``batch`` counts the batches learned
    from in this epoch, ``totals`` sums their losses, each times its samples, and the samples.
    ``why_eager`` says why steps run as they are written, and is None while they run compiled.
    """

    model: Module
    optimizer: Optimizer
    epochs: int
    steps_per_epoch: int
    epoch: int = 0
    step: int = 0
    batch: int = 0
    loss: float = nan
    totals: tuple[float, float] = (0.0, 0.0)
    history: History = field(default_factory=History)
    stop: bool = False
    why_eager: str | None = None


class Callback:
    """Base of what listens to training; every method may be left as it is.

    What has to survive an interruption is given to ``state_dict`` and taken from
    ``load_state_dict``, and then is part of training checkpoints.
    """

    def on_start(self, progress: Progress) -> None:
        """Training is about to begin, or, if ``progress.step`` is above 0, to go on."""

    def on_gradients(self, progress: Progress) -> None:
        """Parameters have the gradients of a batch, all finite; the optimizer is about to step."""

    def on_step(self, progress: Progress) -> None:
        """A batch was learned from; ``progress.loss`` is its loss."""

    def on_epoch(self, progress: Progress) -> None:
        """An epoch ended; the last row of ``progress.history`` tells of it."""

    def on_end(self, progress: Progress) -> None:
        """Training ended, by itself or through an exception."""

    def state_dict(self) -> dict[str, Any]:
        """What to remember: nested dicts and lists of numbers, text and arrays."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any], progress: Progress) -> None:
        """Take over what was remembered; ``progress`` tells of the model it has to fit."""


class Monitor(Callback):
    """Base of callbacks that wait for a column of the history to reach a new best.

    ``mode``: whether "min" or "max" is best. A change of at most ``min_delta`` does not count, and
    neither does NaN.
    """

    def __init__(
        self, monitor: str = "val_loss", mode: Mode = "min", min_delta: float = 0.0
    ) -> None:
        if mode not in ("min", "max"):
            raise OptionError(f"{type(self).__name__}: got mode={mode!r}; expected 'min' or 'max'")
        self.monitor = monitor
        self.sign = 1 if mode == "min" else -1
        self.min_delta = min_delta
        self.best = inf

    def on_start(self, progress: Progress) -> None:
        """Forget an earlier training."""
        if not progress.step:
            self.best = inf

    def is_better(self, progress: Progress) -> bool:
        """Whether the epoch that ended is the best so far; it then is the one to beat."""
        value = self.sign * latest(progress, self.monitor, type(self).__name__)
        better = value < self.best - self.min_delta
        if better:
            self.best = value
        return better

    def state_dict(self) -> dict[str, Any]:
        """The best so far."""
        return {"best": self.best}

    def load_state_dict(self, state: Mapping[str, Any], progress: Progress) -> None:
        """Take over the best so far."""
        self.best = float(state["best"])


def latest(progress: Progress, column: str, owner: str) -> float:
    """What the epoch that ended reported; OptionError names the columns there are."""
    row = progress.history.rows[-1]
    if column not in row:
        raise OptionError(f"{owner}: got monitor={column!r}; expected one of {', '.join(row)}")
    return row[column]


class EarlyStopping(Monitor):
    """Stop when ``monitor`` has not improved for ``patience`` epochs.

    Put ``BestWeights`` beside it to get the weights of the best epoch back. A column that is not in
    the history raises OptionError.

    >>> stopping = EarlyStopping("val_accuracy", mode="max", patience=3)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: Mode = "min",
        min_delta: float = 0.0,
        *,
        patience: int = 10,
    ) -> None:
        check_positive("EarlyStopping", patience=patience)
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.waited = 0

    def on_start(self, progress: Progress) -> None:
        """Forget an earlier training."""
        super().on_start(progress)
        if not progress.step:
            self.waited = 0

    def on_epoch(self, progress: Progress) -> None:
        """Count the epochs since the best one."""
        self.waited = 0 if self.is_better(progress) else self.waited + 1
        if self.waited >= self.patience:
            progress.stop = True

    def state_dict(self) -> dict[str, Any]:
        """The best so far, and the epochs since."""
        return {**super().state_dict(), "waited": self.waited}

    def load_state_dict(self, state: Mapping[str, Any], progress: Progress) -> None:
        """Go on waiting."""
        super().load_state_dict(state, progress)
        self.waited = int(state["waited"])


class BestWeights(Monitor):
    """Give the model the parameters and buffers of its best epoch when training ends.

    ``weights`` keeps them. If training ends by an exception the model gets them too.

    >>> best = BestWeights("val_r2", mode="max")
    """

    weights: dict[str, Any] | None = None

    def on_start(self, progress: Progress) -> None:
        """Forget an earlier training."""
        super().on_start(progress)
        if not progress.step:
            self.weights = None

    def on_epoch(self, progress: Progress) -> None:
        """Keep the weights of a new best epoch."""
        if self.is_better(progress):
            self.weights = progress.model.state_dict()

    def on_end(self, progress: Progress) -> None:
        """Bring the best weights back."""
        if self.weights is not None:
            progress.model.load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        """The best so far, and its weights."""
        return {**super().state_dict(), "weights": self.weights}

    def load_state_dict(self, state: Mapping[str, Any], progress: Progress) -> None:
        """Take over the best so far, and its weights."""
        super().load_state_dict(state, progress)
        weights = state["weights"]
        own = {name: array.shape for name, array in progress.model.state_dict().items()}
        if weights is not None and own != {name: np.shape(weights[name]) for name in weights}:
            raise StateError("BestWeights: the best weights are not of this model")
        self.weights = weights


class ClipGradients(Callback):
    """Clip gradients before every step: each to ``max_value``, then all to the norm ``max_norm``.

    See ``nn.clip_grad_value_`` and ``nn.clip_grad_norm_``. Raises OptionError if neither is given.

    >>> clipping = ClipGradients(max_norm=1.0)
    """

    def __init__(self, max_norm: float | None = None, *, max_value: float | None = None) -> None:
        if max_norm is None and max_value is None:
            raise OptionError("ClipGradients: got no limit; expected max_norm, max_value or both")
        self.max_norm = max_norm
        self.max_value = max_value

    def on_gradients(self, progress: Progress) -> None:
        """Clip."""
        parameters = list(progress.model.parameters())
        if self.max_value is not None:
            clip_grad_value_(parameters, self.max_value)
        if self.max_norm is not None:
            clip_grad_norm_(parameters, self.max_norm)


class Schedule(Protocol):
    """What changes the options of an optimizer as training goes on."""

    @property
    def step(self) -> Callable[..., Any]:
        """What to call when an epoch or a batch is over, with what is monitored if anything is."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule stands."""
        ...

    def load_state_dict(self, state: Mapping[str, Any], /) -> None:
        """Go on from there."""
        ...


class Scheduled(Callback):
    """Step a schedule after ``every`` "epoch" or "step".

    ``monitor`` names the column of the history a schedule wants to see, such as "val_loss" for one
    that reduces the learning rate on a plateau; only epochs report one.
    """

    def __init__(
        self,
        schedule: Schedule,
        every: Literal["epoch", "step"] = "epoch",
        *,
        monitor: str | None = None,
    ) -> None:
        if every not in ("epoch", "step"):
            raise OptionError(f"Scheduled: got every={every!r}; expected 'epoch' or 'step'")
        if monitor is not None and every == "step":
            raise OptionError(
                f"Scheduled: got monitor={monitor!r} with every='step'; expected every='epoch'"
            )
        self.schedule = schedule
        self.every = every
        self.monitor = monitor

    def on_step(self, progress: Progress) -> None:
        """Step, if every batch counts."""
        if self.every == "step":
            self.schedule.step()

    def on_epoch(self, progress: Progress) -> None:
        """Step, if every epoch counts."""
        if self.monitor is not None:
            self.schedule.step(latest(progress, self.monitor, "Scheduled"))
        elif self.every == "epoch":
            self.schedule.step()

    def state_dict(self) -> dict[str, Any]:
        """The state of the schedule."""
        return {"schedule": self.schedule.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any], progress: Progress) -> None:
        """Go on where the schedule stood."""
        self.schedule.load_state_dict(state["schedule"])
