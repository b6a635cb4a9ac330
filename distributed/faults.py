"""When one rank fails, all end: nobody waits for a message that will not come."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from autograd_core.errors import AutogradError
from distributed.communicator import Communicator
from distributed.errors import UsageError
from distributed.launcher import read_launch

T = TypeVar("T")

# Seconds after which a failed rank is gone, even if MPI cannot be asked to end the job.
GRACE = 5

# Seconds for the launcher to pass the traceback on: what aborting overtakes in its pipes is lost.
FORWARDING = 0.5


def install() -> None:
    """Under more than one rank, let an exception that nobody catches end the whole job."""
    if read_launch().size > 1:
        sys.excepthook = end_all_ranks


def end_all_ranks(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print the traceback under this rank's number, then abort every rank with status 1."""
    launch = read_launch()
    lines = "".join(traceback.format_exception(kind, error, trace))
    sys.stdout.flush()
    # One write, so that the tracebacks of ranks failing together stay readable.
    sys.stderr.write(f"rank {launch.rank} of {launch.size} failed, all ranks end:\n{lines}")
    sys.stderr.flush()
    time.sleep(FORWARDING)
    try:
        abort()
    finally:
        os._exit(1)


def abort() -> None:
    """Ask MPI to end all ranks, starting it if need be; die from a signal if that takes too long.

    Starting MPI waits for the other ranks. A launcher may ignore a rank that only exits before it
    started MPI, but not one that a signal killed.
    """
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(GRACE)
    mpi = importlib.import_module("mpi4py.MPI")
    mpi.COMM_WORLD.Abort(1)


def agree(communicator: Communicator, action: Callable[[], T]) -> T:
    """Do on every rank what the user may have to put right; UsageError on all if one fails.

    >>> from distributed.communicator import SingleProcess
    >>> agree(SingleProcess(), lambda: 2 + 2)
    4
    """
    try:
        outcome: T | AutogradError = action()
    except AutogradError as error:
        outcome = error
    problem = str(outcome) if isinstance(outcome, AutogradError) else None
    for message in communicator.allgather(problem):
        if message is not None:
            raise UsageError(message)
    assert not isinstance(outcome, AutogradError)
    return outcome
