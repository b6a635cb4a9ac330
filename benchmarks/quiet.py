"""Whether a turn had the machine to itself: what other processes took while it lasted."""

from __future__ import annotations

import os
from pathlib import Path

STAT = Path("/proc/stat")

# A turn is disturbed if others took more than this share of one core.
DISTURBED = 0.25


def busy() -> float:
    """Seconds that all cores have worked since the start, as Linux counts it (proc(5)); else 0."""
    if not STAT.exists():
        return 0.0
    user, nice, system, _, _, interrupt, soft, steal = map(int, STAT.read_text().split()[1:9])
    return (user + nice + system + interrupt + soft + steal) / os.sysconf("SC_CLK_TCK")


def own() -> float:
    """Seconds that all threads of this process, and processes it waited for, have worked."""
    return sum(os.times()[:4])


def is_disturbed(worked: float, own: float, elapsed: float) -> bool:
    """Whether of what the cores worked in a time too much was not ours."""
    return worked - own > DISTURBED * elapsed
