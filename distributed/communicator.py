"""Communicator: how ranks talk. One process needs no MPI; many use mpi4py, loaded when needed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from typing import Any, TypeVar

import numpy.typing as npt

from autograd_core.errors import require
from distributed.errors import RankError
from distributed.launcher import Launch, read_launch

T = TypeVar("T")
Array = npt.NDArray[Any]


class Communicator(ABC):
    """What training needs of a message-passing library, for one rank of ``size``.

    Every method but ``rank`` and ``size`` is collective: all ranks call it, in the same order and
    with arrays of the same shape and dtype. Arrays are contiguous, such as slices of a flat buffer.
    """

    rank: int
    size: int

    @abstractmethod
    def allreduce(self, array: Array) -> None:
        """Replace the array on every rank, in place, by its sum over the ranks."""

    @abstractmethod
    def broadcast(self, array: Array, root: int = 0) -> None:
        """Replace the array on every rank, in place, by that of the root."""

    @abstractmethod
    def allgather(self, value: T) -> list[T]:
        """The values of all ranks in the order of the ranks; for small picklable objects."""

    @abstractmethod
    def barrier(self) -> None:
        """Wait until every rank is here."""


class SingleProcess(Communicator):
    """One rank, which has nobody to talk to.

    >>> SingleProcess().allgather("here")
    ['here']
    """

    rank = 0
    size = 1

    def allreduce(self, array: Array) -> None:
        """Leave the array as it is: it is its own sum."""

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Leave the array as it is: this is the root."""

    def allgather(self, value: T) -> list[T]:
        """The value in a list."""
        return [value]

    def barrier(self) -> None:
        """Return at once."""


class MPICommunicator(Communicator):
    """The ranks of an MPI communicator, by default all of the job."""

    def __init__(self, communicator: Any = None) -> None:
        self._mpi = require("mpi4py.MPI", extra="mpi")
        self._communicator = self._mpi.COMM_WORLD if communicator is None else communicator
        self.rank = self._communicator.Get_rank()
        self.size = self._communicator.Get_size()

    def allreduce(self, array: Array) -> None:
        """Sum over the ranks in place; MPI reads and writes the array's own memory."""
        self._communicator.Allreduce(self._mpi.IN_PLACE, array)

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Receive the root's values in the array's own memory."""
        self._communicator.Bcast(array, root=root)

    def allgather(self, value: T) -> list[T]:
        """Pickle and gather the values of all ranks."""
        gathered: list[T] = self._communicator.allgather(value)
        return gathered

    def barrier(self) -> None:
        """Wait until every rank is here."""
        self._communicator.Barrier()


@cache
def world() -> Communicator:
    """The ranks this process was started with: MPI under mpiexec or srun, otherwise just itself.

    Raises RankError if MPI does not see the ranks that the launcher started, which happens when
    mpiexec belongs to another MPI than mpi4py was built for: every process would train alone.

    >>> world().rank, world().size
    (0, 1)
    """
    launch = read_launch()
    if launch.size == 1:
        return SingleProcess()
    communicator = MPICommunicator()
    check_size(launch, communicator.size)
    return communicator


def check_size(launch: Launch, size: int) -> None:
    """Refuse a job of which MPI and the launcher count different numbers of ranks."""
    if size != launch.size:
        raise RankError(
            f"world: {launch.launcher} started {launch.size} ranks, but mpi4py's MPI sees {size}; "
            "start the job with the mpiexec of the MPI that mpi4py uses "
            '(pip install "autograd-core[mpi]" brings both)'
        )
