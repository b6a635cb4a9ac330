"""What a launcher's environment means, and what is done about it before NumPy is loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from distributed.launcher import LAUNCHERS, THREAD_VARIABLES, Launch, read_launch, usable_cores

ROOT = Path(__file__).resolve().parent.parent


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter in which nothing but the given variables speaks of ranks or threads."""
    clean = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=clean | {"PYTHONPATH": str(ROOT)} | environment,
        check=True,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Launch()),
        ({"PMI_RANK": "0", "PMI_SIZE": "1"}, Launch("Hydra", 0, 1, 1)),
        (
            {"PMI_RANK": "5", "PMI_SIZE": "8", "MPI_LOCALNRANKS": "4"},
            Launch("Hydra", 5, 8, 4),
        ),
        (
            {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"},
            Launch("Open MPI", 1, 2, 2),
        ),
        # A batch script runs outside of any job step, whatever the size of the allocation.
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "16"}, Launch()),
        ({"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "16"}, Launch("SLURM", 3, 16, 16)),
    ],
)
def test_launch_is_read_from_the_environment(environment: dict[str, str], expected: Launch) -> None:
    assert read_launch(environment) == expected


PRINT_THREADS = "import os, distributed; print(os.environ.get('OPENBLAS_NUM_THREADS'))"


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_each_rank_gets_its_part_of_the_cores(launcher: str) -> None:
    rank, size, _ = LAUNCHERS[launcher]
    started = python(PRINT_THREADS, **{rank: "1", size: "2"})
    assert started.stdout.strip() == str(max(1, usable_cores() // 2))


def test_one_process_and_the_users_own_choice_are_left_alone() -> None:
    assert python(PRINT_THREADS).stdout.strip() == "None"
    launched = {"PMI_RANK": "0", "PMI_SIZE": "2"}
    assert python(PRINT_THREADS, **launched, OMP_NUM_THREADS="7").stdout.strip() == "None"
    assert python(PRINT_THREADS, **launched, OPENBLAS_NUM_THREADS="7").stdout.strip() == "7"


@pytest.mark.skipif(usable_cores() == 1, reason="one core cannot be shared out")
def test_numpy_imported_too_early_is_warned_of_once() -> None:
    warned = [
        "imported before distributed"
        in python("import numpy, distributed", PMI_RANK=rank, PMI_SIZE="2").stderr
        for rank in ("0", "1")
    ]
    assert warned == [True, False]


def test_dasks_distribution_of_the_same_name_is_warned_of(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import distributed"
    assert python(code).stderr == ""
    metadata = tmp_path / "distributed-2026.1.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: distributed\nVersion: 2026.1.0\n")
    stderr = python(code).stderr
    assert "UserWarning: dask's scheduler" in stderr
    assert "2026.1.0" in stderr


def test_one_process_never_loads_mpi() -> None:
    code = "import sys, distributed; distributed.world(); print('mpi4py' in sys.modules)"
    assert python(code).stdout.strip() == "False"
