"""A few threads for loops that release the GIL, as many as the process may use cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

# A launcher of many ranks sets these to 1: each rank has a core, and no more.
LIMITS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


@cache
def thread_count() -> int:
    """How many threads to use: the cores of this process, or fewer if the environment says so."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    asked = [int(value) for name in LIMITS if (value := os.environ.get(name, "")).isdecimal()]
    return max(1, min([cores, *asked]))


@cache
def pool(process: int) -> ThreadPoolExecutor:
    """The helpers of a process; a fork has none of its parent's threads and makes its own."""
    return ThreadPoolExecutor(max(1, thread_count() - 1), thread_name_prefix="loops")


def share_out(tasks: Sequence[Callable[[], None]]) -> None:
    """Run all tasks and return when they are done; the calling thread takes the first.

    >>> done = []
    >>> share_out([lambda: done.append(1), lambda: done.append(2)])
    >>> sorted(done)
    [1, 2]
    """
    first, *others = tasks
    futures = [pool(os.getpid()).submit(task) for task in others]
    try:
        first()
    finally:
        for future in futures:
            future.result()
