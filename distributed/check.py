"""``autograd-core check``: the gate of operations and properties of yours, from the shell."""

from __future__ import annotations

from dataclasses import dataclass

from autograd_core.testing import check_all, check_target
from distributed.communicator import Communicator
from distributed.errors import UsageError


@dataclass
class CheckCommand:
    """``autograd-core check`` as it was typed; without a target, every operation is checked."""

    target: str | None
    everything: bool
    examples: int | None
    seed: int

    def run(self, communicator: Communicator) -> int:
        """Check, tell what is wrong, and return the exit status; rank 0 does it for all."""
        if (self.target is None) != self.everything:
            raise UsageError("check takes module:function, or --all for every operation")
        if communicator.rank:
            return 0
        return self.check_every() if self.target is None else self.check_one(self.target)

    def check_one(self, target: str) -> int:
        """Check one operation or property."""
        try:
            check_target(target, examples=self.examples or 20, seed=self.seed)
        except ValueError as error:
            raise UsageError(str(error)) from error
        except AssertionError as error:
            print(f"{target}: wrong\n{error}")
            return 1
        print(f"{target}: right")
        return 0

    def check_every(self) -> int:
        """Check every registered operation."""
        checked, wrong = 0, 0
        for name, error in check_all(examples=self.examples or 3, seed=self.seed):
            checked += 1
            if error is not None:
                wrong += 1
                print(f"{name}: wrong\n{type(error).__name__}: {error}\n")
        print(f"{checked} operations checked, {wrong} wrong")
        return 1 if wrong else 0
