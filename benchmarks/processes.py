"""What is measured once a process: the time of an import, the peak of memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from benchmarks.rows import CANDIDATES, Row

IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def printed(*arguments: str) -> float:
    """The number that a fresh interpreter prints; the first run leaves bytecode to all others."""
    command = [sys.executable, *arguments]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return float(done.stdout)


def import_time(row: Row, candidate: str) -> Callable[[], float]:
    """Seconds of importing the candidate's library."""
    return lambda: printed("-c", IMPORT.format(CANDIDATES[candidate].library))


def peak_memory(row: Row, candidate: str) -> Callable[[], float]:
    """Bytes above the process after set-up."""
    return lambda: printed("-m", "benchmarks.memory", row.name, candidate)


BUILDERS = {"import": import_time, "memory": peak_memory}
