"""How tests start ranks."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
MPIEXEC = Path(sys.executable).with_name("mpiexec")

needs_mpi = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None or not MPIEXEC.exists(),
    reason='needs mpi4py and mpich beside this Python (pip install "autograd-core[mpi]")',
)


def mpiexec(
    size: int, *arguments: str | Path, cwd: Path = TESTS, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run this Python with the arguments as ``size`` ranks; TimeoutExpired if they hang."""
    return subprocess.run(
        [MPIEXEC, "-n", str(size), sys.executable, *arguments],
        check=False,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
