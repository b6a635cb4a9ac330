"""Training on one rank or many: communicators, data parallelism, and the command line."""

# ruff: noqa: E402 - before anything else is imported: modules of the same names may be dask's, and
# BLAS reads its number of threads when NumPy is loaded.

from distributed.clash import warn_of_dask
from distributed.launcher import limit_blas_threads

warn_of_dask()
limit_blas_threads()

from distributed import faults
from distributed.communicator import Communicator, MPICommunicator, SingleProcess, world
from distributed.data_parallel import DataParallel
from distributed.errors import RankError, UsageError
from distributed.run_folder import load_model
from distributed.strategy import OverRanks
from distributed.threads import ThreadCommunicator, run_ranks

faults.install()

__all__ = [
    "DataParallel",
    "OverRanks",
    "load_model",
    "Communicator",
    "MPICommunicator",
    "SingleProcess",
    "ThreadCommunicator",
    "run_ranks",
    "world",
    "RankError",
    "UsageError",
]
