"""Peak memory of training steps above the process after set-up, in bytes.

``python -m benchmarks.memory ROW CANDIDATE`` prints it for one process. Set-up is the library, its
code loaded and compiled by the same model with few parameters, and the model with its optimizer and
batch; what it freed is given back to the system first. The peak is the system's own count (VmHWM,
proc(5)), reset after set-up.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path

from benchmarks.rows import CANDIDATES, ROWS
from benchmarks.worker import library
from benchmarks.workloads import smaller

STEPS = 5


def status(name: str) -> int:
    """A size in bytes that the system keeps about this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    raise LookupError(f"/proc/self/status has no {name}; peak memory is measured on Linux only")


def main(row_name: str, candidate_name: str) -> None:
    row = next(row for row in ROWS if row.name == row_name)
    candidate = CANDIDATES[candidate_name]
    sizes = {name: value for name, value in row.sizes.items() if name != "of"}
    kind = row.sizes["of"]
    build = library(candidate).BUILDERS[kind]
    warm = build(kind, smaller(kind, sizes), candidate.compiled)
    for _ in range(STEPS):
        warm()
    step = build(kind, sizes, candidate.compiled)
    del warm
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    for _ in range(STEPS):
        step()
    print(status("VmHWM") - before)


if __name__ == "__main__":
    main(*sys.argv[1:])
