"""What every schedule shares: learning rates as a function of how often ``step()`` was called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograd_core.effects import effect, untraced
from nn.errors import OptionError, StateError
from nn.optim.optimizer import Optimizer


class LRScheduler:
    """Base of schedules. A subclass is its options and ``rate``: the learning rate at an epoch.

    ``rate(base, epoch, group)`` gives the rate from the one the group started with. An "epoch" is
    whatever lies between two calls of ``step()``: an epoch or a batch. Making a schedule sets the
    rates of epoch 0; ``last_epoch`` goes on from an earlier run whose optimizer has been loaded.

    Several schedules on one optimizer multiply: one that finds the rate changed, by another or by
    hand, scales what it finds. ``step(epoch)`` goes to any epoch, also between two.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: float = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise OptionError(
                f"{type(self).__name__}: got {type(optimizer).__name__} to schedule; "
                "expected an optimizer"
            )
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            if last_epoch >= 0 and "initial_lr" not in group:
                raise OptionError(
                    f"{type(self).__name__}: got last_epoch={last_epoch} for an optimizer that "
                    "was not scheduled before; load its state first"
                )
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self.step()

    def rate(self, base: float, epoch: float, group: int) -> float:
        """The learning rate of a group at an epoch, from the one it started with."""
        raise NotImplementedError

    def others(self, epoch: float, group: int) -> dict[str, Any]:
        """Options of a group to be set besides the learning rate."""
        return {}

    @effect()
    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to the one given, and set what belongs to it."""
        before = self.last_epoch
        self.last_epoch = before + 1 if epoch is None else epoch
        for k, (group, base) in enumerate(
            zip(self.optimizer.param_groups, self.base_lrs, strict=True)
        ):
            left = base if before < 0 else self.rate(base, before, k)
            rate = self.rate(base, self.last_epoch, k)
            found = group["lr"]
            group["lr"] = rate if left in (found, 0) else found * (rate / left)
            group.update(self.others(self.last_epoch, k))

    @untraced("read it outside")
    def get_last_lr(self) -> list[float]:
        """The learning rates that are set now, one for each group."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    @untraced("copy states outside")
    def state_dict(self) -> dict[str, Any]:
        """How far the schedule has come, and what the rates started from; numbers only.

        The rates themselves are in the optimizer's state, the options are those it is made with.
        """
        return {"last_epoch": self.last_epoch, "base_lrs": list(self.base_lrs)}

    @effect()
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go to where another schedule of the same kind was; StateError if the state is of no use.

        Load the optimizer's state too: it has the rates.
        """
        missing = [name for name in self.state_dict() if name not in state_dict]
        groups = len(self.base_lrs)
        if missing or len(state_dict["base_lrs"]) != groups:
            problem = (
                f"it has no {', '.join(missing)}"
                if missing
                else f"it is of {len(state_dict['base_lrs'])} groups of parameters, not {groups}"
            )
            raise StateError(
                f"load_state_dict: the state does not fit this {type(self).__name__}; {problem}"
            )
        self.last_epoch = state_dict["last_epoch"]
        self.base_lrs = list(state_dict["base_lrs"])


def check(owner: object, valid: bool, expected: str, **option: Any) -> None:
    """Raise OptionError unless an option is valid."""
    if not valid:
        ((name, value),) = option.items()
        raise OptionError(f"{type(owner).__name__}: got {name}={value!r}; expected {expected}")


def one_each(owner: object, optimizer: Optimizer, **option: float | Sequence[float]) -> list[float]:
    """A number for every group, from one for all or as many as there are."""
    ((_, value),) = option.items()
    groups = len(optimizer.param_groups)
    values: list[float] = list(value) if isinstance(value, Sequence) else [value] * groups
    check(owner, len(values) == groups, f"one number, or {groups}, one for each group", **option)
    return values
