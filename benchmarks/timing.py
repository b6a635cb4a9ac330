"""Timing on noisy machines: candidates take turns, and the median of many turns counts."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Step = Callable[[], Any]


def warm_up(step: Step, seconds: float, calls: int = 2) -> float:
    """Call for a while, so that caches are warm and threads awake; the seconds of the last call."""
    start = now = time.perf_counter()
    done = 0
    while done < calls or now - start < seconds:
        before = now
        step()
        now = time.perf_counter()
        done += 1
    return now - before


def turn(step: Step, calls: int) -> list[float]:
    """Seconds of each of some calls in a row, without the garbage collector in between."""
    seconds = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(calls):
            start = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - start)
    finally:
        gc.enable()
    return seconds


def interleaved(
    candidates: Mapping[str, Step], *, rounds: int = 20, calls: int = 10
) -> dict[str, float]:
    """Median seconds of one call of each candidate, all measured in the same rounds."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, step in candidates.items():
            warm_up(step, 0.0)
            seconds[name] += turn(step, calls)
    return {name: statistics.median(times) for name, times in seconds.items()}


def fastest(builders: Sequence[Callable[[], Step]]) -> Step:
    """A fresh step by the builder whose steps take the least time."""
    if len(builders) == 1:
        return builders[0]()
    built = {str(k): builder() for k, builder in enumerate(builders)}
    medians = interleaved(built, rounds=3, calls=3)
    return builders[int(min(medians, key=medians.__getitem__))]()
