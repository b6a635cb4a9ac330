"""Which learning rate to take: train a little while at ever higher ones and look at the loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from math import isfinite
from typing import Any

import numpy as np

from autograd_core import Tensor
from autograd_core.random import watching
from nn.data.loader import DataLoader
from nn.errors import DivergedError, OptionError
from nn.module import Module
from nn.optim.optimizer import Optimizer


@dataclass(frozen=True)
class LRCurve:
    """The loss at ever higher learning rates; ``smoothed`` is its running mean."""

    rates: list[float]
    losses: list[float]
    smoothed: list[float]

    @property
    def suggestion(self) -> float:
        """The rate at which the loss falls fastest: half way of the steepest tenth of the curve.

        The first tenth, where the running mean is one of few losses, and what comes after the
        lowest loss are left out.
        """
        tenth = max(len(self.rates) // 10, 1)
        lowest = max(int(np.argmin(self.smoothed)), 2 * tenth)
        way = np.array(self.smoothed[tenth : lowest + 1])
        steepest = int(np.argmin(way[tenth:] - way[:-tenth])) if way.size > tenth else 0
        return self.rates[min(tenth + steepest + tenth // 2, len(self.rates) - 1)]


def lr_find(
    model: Module,
    batches: DataLoader | Iterable[tuple[Any, Any]],
    *,
    loss: Callable[[Any, Any], Tensor],
    optimizer: Optimizer,
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 100,
    smoothing: float = 0.9,
    stop_at: float = 4.0,
) -> LRCurve:
    """Raise the learning rate from ``low`` to ``high`` in equal ratios, a step of training at each.

    ``batches`` yields pairs (x, y), over and over if there are too few. The losses are smoothed by
    a running mean with weight ``smoothing`` of the past, without bias; it ends early when that is
    ``stop_at`` times the lowest so far, or not finite. Groups of parameters keep the ratios of
    their rates, the highest being the one that is varied. Afterwards model, optimizer and random
    numbers are as they were before. Smith, "Cyclical learning rates for training neural networks"
    (2017).

    Raises OptionError for a range that is none, DivergedError if the first loss is not finite.

    >>> import nn
    >>> x = np.linspace(-1, 1, 64).reshape(-1, 1)
    >>> model = nn.Linear(1, 1, rng=np.random.default_rng(0), dtype=np.float64)
    >>> optimizer = nn.SGD(model.parameters())
    >>> curve = lr_find(model, [(x, 3 * x)], loss=nn.functional.mse_loss, optimizer=optimizer)
    >>> 0.01 < curve.suggestion < 1
    True
    """
    if not (0 < low < high < np.inf and steps >= 2 and 0 <= smoothing < 1):
        raise OptionError(
            f"lr_find: got low={low}, high={high}, steps={steps} and smoothing={smoothing}; "
            "expected 0 < low < high, at least 2 steps, and smoothing from 0 to below 1"
        )
    top = max(group["lr"] for group in optimizer.param_groups)
    shares = [group["lr"] / top if top else 1.0 for group in optimizer.param_groups]
    curve = LRCurve([], [], [])
    mean = 0.0
    with left_as_it_was(model, optimizer):
        for k, (x, y) in zip(range(steps), endless(batches), strict=False):
            rate = low * (high / low) ** (k / (steps - 1))
            for group, share in zip(optimizer.param_groups, shares, strict=True):
                group["lr"] = rate * share
            with np.errstate(over="ignore", invalid="ignore"):  # is what it goes on until
                optimizer.zero_grad()
                value = loss(model(x), y)
                value.backward()
                optimizer.step()
            mean = smoothing * mean + (1 - smoothing) * value.item()
            smoothed = mean / (1 - smoothing ** (k + 1))
            if not isfinite(smoothed) or smoothed > stop_at * min(curve.smoothed, default=np.inf):
                break
            curve.rates.append(rate)
            curve.losses.append(value.item())
            curve.smoothed.append(smoothed)
    if len(curve.rates) < 2:
        raise DivergedError(
            f"lr_find: the loss was not finite, or {stop_at:g} times as high, after "
            f"{len(curve.rates)} steps at the learning rate {low:g}; take a lower one for low, or "
            "look for extreme values in the data"
        )
    return curve


def endless(batches: DataLoader | Iterable[tuple[Any, Any]]) -> Iterator[Any]:
    """The batches, over and over; a loader's in the order of its epochs, which stay untouched."""
    for epoch in count():
        some = False
        for batch in batches.batches(epoch) if isinstance(batches, DataLoader) else batches:
            some = True
            yield batch
        if not some:
            raise OptionError(f"lr_find: got no batches in pass {epoch + 1} over them")


@contextmanager
def left_as_it_was(model: Module, optimizer: Optimizer) -> Iterator[None]:
    """Train for a while, and put model, optimizer and random numbers back to where they were."""
    values, state = model.state_dict(), optimizer.state_dict()
    modes = [(module, module.training) for module in model.modules()]
    with watching() as drawn:
        model.train()
        try:
            yield
        finally:
            optimizer.zero_grad()
            model.load_state_dict(values)
            optimizer.load_state_dict(state)
            for module, training in modes:
                module.training = training
            for generator, before in drawn.met.values():
                generator.bit_generator.state = dict(before)
