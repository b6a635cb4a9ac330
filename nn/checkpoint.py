"""Training checkpoints: all that is needed to go on as if nothing had happened, in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autograd_core.random import default
from nn.callbacks import Callback, Progress
from nn.data.loader import DataLoader
from nn.errors import StateError
from nn.module import Module
from nn.optim.optimizer import Optimizer, check_options
from nn.serialization import load_nested, save_nested

FORMAT = "autograd-core training checkpoint 1"


def save_checkpoint(
    path: str | Path, progress: Progress, data: DataLoader, callbacks: Sequence[Callback] = ()
) -> None:
    """Write model, optimizer, callbacks, the position in the data and all generators to one file.

    The file is replaced as a whole: whenever the process dies, one complete checkpoint is there.
    """
    save_nested(capture(progress, data, callbacks), path)


def load_checkpoint(
    path: str | Path, progress: Progress, data: DataLoader, callbacks: Sequence[Callback] = ()
) -> None:
    """Put training back to where ``save_checkpoint`` found it, to the bit, or change nothing.

    Raises StateError, saying what is wrong, if the file is truncated, corrupt or something else, or
    is of another architecture, optimizer, data or set of callbacks.
    """
    state = load_nested(path)
    if not isinstance(state, dict):
        raise StateError(f"{path}: is no checkpoint of this training; it holds no named parts")
    before = capture(progress, data, callbacks)
    problems = differences(comparable(before), comparable(state), "")
    if problems:
        listed = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" * (len(problems) > 5))
        raise StateError(f"{path}: is no checkpoint of this training; {listed}")
    try:
        restore(state, progress, callbacks)
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        restore(before, progress, callbacks)
        raise StateError(f"{path}: is no checkpoint of this training; {error}") from error


def capture(progress: Progress, data: DataLoader, callbacks: Sequence[Callback]) -> dict[str, Any]:
    """Copies of everything that changes during training, and what tells what it belongs to."""
    return {
        "format": FORMAT,
        "data": {"samples": data.samples, "batch_size": data.batch_size, "seed": data.seed},
        "model": progress.model.state_dict(),
        "optimizer": type(progress.optimizer).__name__,
        **progress.optimizer.state_dict(),
        "callbacks": {name: callback.state_dict() for name, callback in lasting(callbacks).items()},
        "generators": {
            name: rng.bit_generator.state for name, rng in generators(progress.model).items()
        },
        "progress": {
            "step": progress.step,
            "batch": progress.batch,
            "loss": float(progress.loss),
            "totals": progress.totals,
            "stop": progress.stop,
        },
        "history": [dict(row) for row in progress.history.rows],
    }


def restore(state: Mapping[str, Any], progress: Progress, callbacks: Sequence[Callback]) -> None:
    """Put everything back; raises whatever a part says that does not take what it is given."""
    check_values(state, progress)
    progress.model.load_state_dict(state["model"])
    optimizer: Optimizer = progress.optimizer
    optimizer.load_state_dict({key: state[key] for key in ("state", "param_groups")})
    for name, callback in lasting(callbacks).items():
        callback.load_state_dict(state["callbacks"][name], progress)
    for name, rng in generators(progress.model).items():
        rng.bit_generator.state = state["generators"][name]
    for name, value in state["progress"].items():
        setattr(progress, name, value)
    progress.history.rows[:] = [dict(row) for row in state["history"]]
    progress.epoch = len(progress.history)


def lasting(callbacks: Sequence[Callback]) -> dict[str, Callback]:
    """The callbacks that have something to remember, by the names of their classes, numbered."""
    kinds = [callback for callback in callbacks if callback.state_dict()]
    return {f"{k}: {type(callback).__name__}": callback for k, callback in enumerate(kinds)}


def generators(model: Module) -> dict[str, np.random.Generator]:
    """The default generator, and those that modules keep for themselves, by their paths."""
    own = {
        f"{path}.{name}": value
        for path, module in model.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, np.random.Generator)
    }
    return {"default": default(), **own}


def comparable(state: Mapping[str, Any]) -> dict[str, Any]:
    """The parts whose names, types and shapes are the same throughout a training."""
    fixed = ("format", "data", "model", "optimizer", "param_groups", "generators", "progress")
    parts = {name: state[name] for name in fixed if name in state}
    if isinstance(state.get("callbacks"), dict):
        parts["callbacks"] = dict.fromkeys(state["callbacks"], "")
    return parts


# Strings and these numbers tell what a checkpoint is of; others may change while training goes on.
IDENTITY = ("data.samples", "data.batch_size", "data.seed")


def differences(own: Any, given: Any, path: str) -> list[str]:
    """Where names, types, shapes or identities differ, each in a few words."""
    if isinstance(own, dict) and isinstance(given, dict):
        missing = [f"{path}{name} is missing" for name in own if name not in given]
        unexpected = [f"{path}{name} is unexpected" for name in given if name not in own]
        return [
            *missing,
            *unexpected,
            *(
                problem
                for name in own
                if name in given
                for problem in differences(own[name], given[name], f"{path}{name}.")
            ),
        ]
    if isinstance(own, (list, tuple)) and isinstance(given, type(own)) and len(own) == len(given):
        pairs = enumerate(zip(own, given, strict=True))
        return [problem for k, pair in pairs for problem in differences(*pair, f"{path}{k}.")]
    name = path.rstrip(".")
    if isinstance(own, np.ndarray) and isinstance(given, np.ndarray):
        kinds = [f"{array.dtype}{array.shape}" for array in (given, own)]
        return [] if kinds[0] == kinds[1] else [f"{name} is {kinds[0]}, expected {kinds[1]}"]
    if isinstance(own, str) or name in IDENTITY:
        return [] if own == given else [f"{name} is {shortened(given)}, expected {own!r}"]
    numbers = (int, float, np.number)
    alike = type(own) is type(given) or (
        isinstance(own, numbers) and isinstance(given, numbers) and not isinstance(own, bool)
    )
    return [] if alike else [f"{name} is {shortened(given)}, expected something like {own!r}"]


def shortened(value: Any) -> str:
    """How a value reads, if that is not long."""
    text = type(value).__name__ if isinstance(value, (dict, list, tuple)) else repr(value)
    return text if len(text) < 60 else f"{text[:57]}..."


def check_values(state: Mapping[str, Any], progress: Progress) -> None:
    """Raise for numbers that mean nothing, whatever their types."""
    for group in state["param_groups"]:
        check_options(type(progress.optimizer).__name__, group)
    position = state["progress"]
    if not (0 <= position["batch"] <= progress.steps_per_epoch and position["step"] >= 0):
        raise ValueError(
            f"it stands at batch {position['batch']} of {progress.steps_per_epoch} and step "
            f"{position['step']}"
        )
    for row in state["history"]:
        if not all(isinstance(value, (int, float)) for value in row.values()):
            raise TypeError("its history does not consist of numbers")
