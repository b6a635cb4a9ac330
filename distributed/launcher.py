"""What the launcher of an MPI job says about this process, read before NumPy and MPI are loaded."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

# The variables in which each launcher tells a process its rank, the number of ranks, and how many
# of them share this machine. SLURM's names for a job step: a batch script is not started by srun.
LAUNCHERS = {
    "Hydra": ("PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS"),
    "Open MPI": ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE"),
    "MVAPICH": ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_SIZE"),
    "SLURM": ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", ""),
}

# Every BLAS that NumPy can be built with reads one of these, once, when it is loaded.
THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
)


@dataclass(frozen=True, slots=True)
class Launch:
    """This process's place in the job: its rank, all ranks, and the ranks on this machine."""

    launcher: str | None = None
    rank: int = 0
    size: int = 1
    local_size: int = 1


def read_launch(environment: Mapping[str, str] = os.environ) -> Launch:
    """The place in the job that a launcher wrote into the environment; one process without one.

    >>> read_launch({"PMI_RANK": "1", "PMI_SIZE": "4", "MPI_LOCALNRANKS": "2"})
    Launch(launcher='Hydra', rank=1, size=4, local_size=2)
    >>> read_launch({"HOME": "/root"})
    Launch(launcher=None, rank=0, size=1, local_size=1)
    """
    for launcher, (rank, size, local_size) in LAUNCHERS.items():
        if rank in environment and size in environment:
            ranks = int(environment[size])
            local = int(environment.get(local_size, ranks))
            return Launch(launcher, int(environment[rank]), ranks, local)
    return Launch()


def usable_cores() -> int:
    """The cores this process may run on: a launcher or a container may have bound it to a few."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def limit_blas_threads() -> None:
    """Give each rank on this machine its part of the cores, unless the user has decided.

    BLAS threads spin while they wait: P ranks with all cores each are far slower than one.
    """
    launch = read_launch()
    if launch.size == 1 or any(variable in os.environ for variable in THREAD_VARIABLES):
        return
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    threads = max(1, cores // launch.local_size)
    if threads < cores and "numpy" in sys.modules and launch.rank == 0:
        warnings.warn(
            f"numpy was imported before distributed, so each rank may start {cores} BLAS threads; "
            f"import distributed first, or set OPENBLAS_NUM_THREADS={threads}",
            RuntimeWarning,
            stacklevel=3,
        )
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
