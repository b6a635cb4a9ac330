"""Freed memory stays: seen in whether glibc takes a large block from the heap or the system."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# mallinfo(3): ten integers, the fourth of them the number of blocks mapped from the system.
MAPPED = """
import ctypes, numpy as np, autograd_core
fields = [(f"f{k}", ctypes.c_int) for k in range(10)]
info = type("mallinfo", (ctypes.Structure,), {"_fields_": fields})
mallinfo = ctypes.CDLL(None).mallinfo
mallinfo.restype = info
def mapped(size):
    before = mallinfo().f3
    array = np.ones(size)
    return mallinfo().f3 - before
by_default = mapped(500_000)
autograd_core.keep_memory(False)
print(by_default, mapped(3_000_000))  # too large for what is free in the heap by now
"""


def run(setting: str) -> tuple[int, int]:
    environment = {**os.environ, "AUTOGRAD_CORE_KEEP_MEMORY": setting}
    done = subprocess.run(
        [sys.executable, "-c", MAPPED], env=environment, capture_output=True, text=True, check=True
    )
    first, second = done.stdout.split()
    return int(first), int(second)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has the setting")
def test_memory_is_kept_by_default_and_the_variable_and_the_function_prevent_it() -> None:
    assert run("1") == (0, 1)
    assert run("0") == (1, 1)
