"""Freed memory stays: measured in page faults, which do not depend on how busy the machine is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FAULTS = """
import resource, numpy as np, autograd_core
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        np.ones(500_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
kept = faults()
autograd_core.keep_memory(False)
np.ones(500_000)
print(kept, faults())
"""


def run(setting: str) -> tuple[int, int]:
    environment = {**os.environ, "AUTOGRAD_CORE_KEEP_MEMORY": setting}
    done = subprocess.run(
        [sys.executable, "-c", FAULTS], env=environment, capture_output=True, text=True, check=True
    )
    first, second = done.stdout.split()
    return int(first), int(second)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has the setting")
def test_memory_is_kept_by_default_and_the_variable_and_the_function_prevent_it() -> None:
    kept, returned = run("1")
    assert kept * 10 < returned
    never, _ = run("0")
    assert kept * 10 < never
