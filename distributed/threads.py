"""Ranks as threads of one process: what many ranks compute, where there is no MPI."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from distributed.communicator import Array, Communicator

T = TypeVar("T")


class Meeting:
    """Where the threads of a group lay down a value each and see those of all."""

    def __init__(self, size: int) -> None:
        self.values: list[Any] = [None] * size
        self.barrier = threading.Barrier(size)

    def exchange(self, rank: int, value: Any) -> list[Any]:
        """All values in the order of the ranks."""
        self.values[rank] = value
        self.barrier.wait()
        values = self.values.copy()
        # Nobody may lay down the next value before everyone has seen this one.
        self.barrier.wait()
        return values


class ThreadCommunicator(Communicator):
    """One rank of a group of threads; sums are taken in the order of the ranks."""

    def __init__(self, meeting: Meeting, rank: int) -> None:
        self._meeting = meeting
        self.rank = rank
        self.size = len(meeting.values)

    def allreduce(self, array: Array) -> None:
        """Sum copies of the arrays of all ranks into this one."""
        array[...] = sum(self._meeting.exchange(self.rank, array.copy()), np.zeros_like(array))

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Copy the root's array into this one."""
        array[...] = self._meeting.exchange(self.rank, array.copy())[root]

    def allgather(self, value: T) -> list[T]:
        """The values themselves, not copies of them."""
        return self._meeting.exchange(self.rank, value)

    def barrier(self) -> None:
        """Wait until every thread is here."""
        self._meeting.exchange(self.rank, None)


def run_ranks(size: int, function: Callable[[Communicator], T]) -> list[T]:
    """Call ``function(communicator)`` in ``size`` threads and return what each rank returned.

    An exception in one rank ends the waiting of all others and is raised here.

    >>> run_ranks(3, lambda communicator: sum(communicator.allgather(communicator.rank)))
    [3, 3, 3]
    """
    meeting = Meeting(size)

    def rank(number: int) -> T:
        try:
            return function(ThreadCommunicator(meeting, number))
        except BaseException:
            meeting.barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        futures = [pool.submit(rank, number) for number in range(size)]
    errors = [error for future in futures if (error := future.exception()) is not None]
    # The others fail only because the barrier broke: the first cause is the one to tell.
    for error in sorted(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
        raise error
    return [future.result() for future in futures]
