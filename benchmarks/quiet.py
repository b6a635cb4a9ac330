"""Whether a turn had the cores it wanted: how long its threads stood in line behind others."""

from __future__ import annotations

import contextlib
from pathlib import Path

# A turn is disturbed if its threads, all together, waited for more than this share of it.
DISTURBED = 0.1


def waited() -> float:
    """Seconds that threads of this process were ready to run and did not, since they started.

    Linux counts it (schedstat, proc(5)); 0 where nobody does.
    """
    total = 0
    for thread in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(FileNotFoundError):  # a thread that has ended meanwhile
            total += int(thread.read_text().split()[1])
    return total / 1e9
