"""Timing on noisy machines: candidates take turns, and the median of many turns counts."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping


def interleaved(
    candidates: Mapping[str, Callable[[], object]], *, rounds: int = 200, warm_up: int = 20
) -> dict[str, float]:
    """Median seconds of one call of each candidate, all measured in the same rounds."""
    for candidate in candidates.values():
        for _ in range(warm_up):
            candidate()
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, candidate in candidates.items():
                start = time.perf_counter()
                candidate()
                seconds[name].append(time.perf_counter() - start)
    finally:
        gc.enable()
    return {name: statistics.median(times) for name, times in seconds.items()}
