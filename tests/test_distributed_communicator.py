"""Every communicator does the same: threads, MPI, and one process as the case of one rank."""

import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ranks import mpiexec, needs_mpi

from autograd_core.errors import MissingExtraError
from distributed import RankError, SingleProcess, run_ranks
from distributed.communicator import Communicator, check_size, world
from distributed.launcher import Launch


def exercise(communicator: Communicator) -> None:
    """What any communicator must do; raises where it does not."""
    rank, size = communicator.rank, communicator.size
    for dtype in (np.float32, np.float64, np.complex128):
        whole = np.arange(10, dtype=dtype) + rank
        communicator.allreduce(whole[2:7])
        expected = np.arange(10, dtype=dtype) + rank
        expected[2:7] = size * np.arange(2, 7) + size * (size - 1) / 2
        np.testing.assert_array_equal(whole, expected)
    communicator.allreduce(np.empty(0))

    values = np.full(4, float(rank))
    communicator.broadcast(values[:2], root=size - 1)
    np.testing.assert_array_equal(values, [size - 1, size - 1, rank, rank])

    assert communicator.allgather({"rank": rank}) == [{"rank": other} for other in range(size)]
    communicator.barrier()


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_threads(size: int) -> None:
    run_ranks(size, exercise)


def test_one_process() -> None:
    exercise(SingleProcess())


@needs_mpi
@pytest.mark.parametrize("size", [2, 3])
def test_mpi(size: int) -> None:
    code = "import distributed, test_distributed_communicator as t; t.exercise(distributed.world())"
    result = mpiexec(size, "-c", code)
    assert result.returncode == 0, result.stderr


@given(size=st.integers(1, 5), length=st.integers(0, 20), seed=st.integers(0, 2**32 - 1))
def test_sums_over_threads_are_numpys_sums(size: int, length: int, seed: int) -> None:
    arrays = np.random.default_rng(seed).normal(size=(size, length))
    reduced = arrays.copy()
    run_ranks(size, lambda communicator: communicator.allreduce(reduced[communicator.rank]))
    np.testing.assert_allclose(reduced, np.broadcast_to(arrays.sum(axis=0), reduced.shape), 1e-12)
    assert len({row.tobytes() for row in reduced}) == 1


def test_a_failing_thread_ends_the_others_and_is_the_one_reported() -> None:
    def fail_on_one(communicator: Communicator) -> None:
        if communicator.rank == 1:
            raise KeyError("the cause")
        communicator.barrier()

    before = threading.active_count()
    with pytest.raises(KeyError, match="the cause"):
        run_ranks(3, fail_on_one)
    assert threading.active_count() == before


def test_ranks_that_mpi_does_not_see_are_refused() -> None:
    check_size(Launch("Hydra", 0, 4, 4), 4)
    with pytest.raises(RankError, match="Hydra started 4 ranks, but mpi4py's MPI sees 1"):
        check_size(Launch("Hydra", 0, 4, 4), 1)


def test_a_launched_job_without_mpi4py_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(MissingExtraError, match=r"autograd-core\[mpi\]"):
        world.__wrapped__()
