"""One failing rank ends the job within seconds, says why, and with a status that says so."""

import time
from pathlib import Path

import pytest
from ranks import mpiexec, needs_mpi

from distributed import SingleProcess, UsageError, run_ranks
from distributed.communicator import Communicator
from distributed.faults import GRACE, agree

SCRIPT = """
import time
import numpy as np
import distributed

def main(launch=distributed.launcher.read_launch()):
    {before_mpi}
    communicator = distributed.world()
    for step in range(1_000_000):
        if step == 3 and communicator.rank == 1:
            {while_running}
        communicator.allreduce(np.ones(1000))

main()
"""


@needs_mpi
@pytest.mark.parametrize(
    "faults",
    [
        {"while_running": "raise ZeroDivisionError('on one rank')"},
        {"before_mpi": "if launch.rank == 1: raise ZeroDivisionError('on one rank')"},
        # The others never start MPI, so that the failing rank cannot tell them through it.
        {"before_mpi": "time.sleep(100) if launch.rank != 1 else 1 / 0"},
    ],
    ids=["in a collective", "before MPI started", "where MPI never starts"],
)
def test_an_exception_ends_all_ranks(faults: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(**{"before_mpi": "pass", "while_running": "pass"} | faults))
    start = time.perf_counter()
    result = mpiexec(3, script)
    assert time.perf_counter() - start < GRACE + 10
    assert result.returncode != 0
    assert "rank 1 of 3 failed, all ranks end:\nTraceback" in result.stderr
    assert result.stderr.count("ZeroDivisionError: ") == 1
    assert result.stderr.count("Traceback") == 1


@needs_mpi
def test_ranks_that_finish_leave_quietly() -> None:
    result = mpiexec(2, "-c", "import distributed; print(distributed.world().rank)")
    assert (result.returncode, result.stderr) == (0, "")
    assert sorted(filter(str.isdigit, result.stdout)) == ["0", "1"]


def test_a_usage_error_on_one_rank_is_raised_on_all() -> None:
    def act(communicator: Communicator) -> str:
        def read() -> int:
            if communicator.rank == 1:
                raise UsageError("no such file")
            return communicator.rank

        with pytest.raises(UsageError) as caught:
            agree(communicator, read)
        return str(caught.value)

    assert run_ranks(3, act) == ["no such file"] * 3


def test_without_an_error_each_rank_has_its_own_result() -> None:
    assert run_ranks(3, lambda c: agree(c, lambda: 10 * c.rank)) == [0, 10, 20]
    with pytest.raises(KeyError):
        agree(SingleProcess(), lambda: {}["other errors pass"])
