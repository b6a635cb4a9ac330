"""Whether the machine is quiet: what processes other than ours take while a turn lasts."""

from __future__ import annotations

import os
import time
from pathlib import Path

STAT = Path("/proc/stat")

# A turn counts as disturbed if others took more than this share of one core.
DISTURBED = 0.25


def busy() -> float:
    """Seconds of work all cores have done since the start, as Linux counts it (proc(5)); else 0."""
    if not STAT.exists():
        return 0.0
    user, nice, system, _, _, interrupt, soft, steal = map(int, STAT.read_text().split()[1:9])
    return (user + nice + system + interrupt + soft + steal) / os.sysconf("SC_CLK_TCK")


def wait(seconds: float, *, look: float = 0.05) -> None:
    """Return when others leave the cores alone for a moment, or when ``seconds`` are over."""
    end = time.monotonic() + seconds
    while True:
        before = busy()
        time.sleep(look)
        if busy() - before <= DISTURBED * look or time.monotonic() >= end:
            return
