"""What a training run is asked to do: options with defaults, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Literal

import nn
from distributed.errors import UsageError
from nn.data import Table, load_digits
from nn.layers.activation import ACTIVATIONS

# Data sets that are known by name; everything else is a file.
DATASETS: Mapping[str, Callable[[], Table]] = {"digits": load_digits}

# Optimizers by name, and the learning rate each starts from if none is given.
OPTIMIZERS: Mapping[str, tuple[Callable[..., nn.Optimizer], float]] = {
    "sgd": (nn.SGD, 0.1),
    "momentum": (nn.Momentum, 0.1),
    "adam": (nn.Adam, 1e-3),
}
TASKS = ("auto", "classification", "regression")
DTYPES = ("float32", "float64")


@dataclass
class TrainConfig:
    """One training run. Raises UsageError, naming the option, for a value that means nothing.

    ``lr=None`` becomes the optimizer's own default. ``compile`` is about time only: the run is the
    same, bit for bit.

    >>> TrainConfig("digits", optimizer="sgd").lr
    0.1
    """

    data: str
    target: str | None = None
    task: Literal["auto", "classification", "regression"] = "auto"
    hidden: tuple[int, ...] = (128, 64)
    activation: str = "relu"
    optimizer: str = "adam"
    lr: float | None = None
    batch_size: int = 32
    epochs: int = 30
    seed: int = 0
    weight_decay: float = 1e-3
    dtype: str = "float32"
    compile: bool = True

    def __post_init__(self) -> None:
        if self.lr is None and self.optimizer in OPTIMIZERS:
            self.lr = OPTIMIZERS[self.optimizer][1]
        for option, (accepts, expected) in RULES.items():
            value = getattr(self, option)
            if not accepts(value):
                shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
                raise UsageError(
                    f"--{option.replace('_', '-')}: got {shown!r}; expected {expected}"
                )
        if self.data in DATASETS and (self.target is not None or self.task != "auto"):
            raise UsageError(
                f"--target and --task are for your own data; {self.data} has one target"
            )


def one_of(*names: str) -> tuple[Callable[[Any], bool], str]:
    """The rule for an option that is one of some names."""
    return names.__contains__, f"one of {', '.join(names)}"


def at_least(least: int) -> tuple[Callable[[Any], bool], str]:
    """The rule for an option that counts something."""
    return lambda value: value >= least, f"a whole number from {least}"


# What each option may be: a test, and what to say when it fails.
RULES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "optimizer": one_of(*OPTIMIZERS),
    "activation": one_of(*sorted(ACTIVATIONS)),
    "task": one_of(*TASKS),
    "dtype": one_of(*DTYPES),
    "hidden": (
        lambda sizes: bool(sizes) and min(sizes) >= 1,
        "sizes of at least 1 separated by commas, such as 128,64",
    ),
    "lr": (lambda value: 0 < value < inf, "a positive number"),
    "batch_size": at_least(1),
    "epochs": at_least(1),
    "seed": at_least(0),
    "weight_decay": (lambda value: 0 <= value < inf, "a number from 0"),
}
