"""A process for each candidate of a row: nobody's threads, memory or settings disturb another's."""

from __future__ import annotations

import math
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Any

from benchmarks import processes, quiet, timing
from benchmarks.rows import CANDIDATES, Candidate, Row
from benchmarks.timing import Step

# Steps whose results must agree between candidates.
CHECKED = 3


class Absent(Exception):
    """A candidate that this environment does not have."""


def library(candidate: Candidate) -> Any:
    """The candidate's module, with numba hidden if it is to do without."""
    if find_spec(candidate.library) is None:
        raise Absent(f"{candidate.library} is not installed")
    ours = candidate.role == "ours"
    if ours and not candidate.numba:
        sys.modules["numba"] = None  # type: ignore[assignment]
    elif ours and find_spec("numba") is None:
        raise Absent("numba is not installed")
    module = import_module(candidate.module)
    if ours and candidate.compiled and not hasattr(module.autograd_core, "compile"):
        raise Absent("autograd_core has no compile")
    return module


def norm(module: Any, result: Any) -> float:
    """The Euclidean norm of everything a step returned."""
    parts = result if isinstance(result, list | tuple) else [result]
    return math.sqrt(sum(float((module.array(p).astype(float) ** 2).sum()) for p in parts))


def prepared(row: Row, name: str, seconds: float) -> tuple[Step, list[float], int]:
    """A candidate's step, what it computes, and how many calls fit into a turn."""
    module = library(CANDIDATES[name])
    if row.calls_itself:
        step = processes.BUILDERS[row.kind](row, name)
        step()
        return step, [], 1
    if row.kind not in module.BUILDERS:
        raise Absent(f"{module.__name__} does not build {row.kind}")
    step = module.BUILDERS[row.kind](row.kind, row.sizes, CANDIDATES[name].compiled)
    results = [norm(module, step()) for _ in range(CHECKED)]
    calls = max(3, min(500, int(seconds / timing.warm_up(step, 0.5))))
    return step, results, calls


def serve(pipe: Connection, row: Row, name: str, seconds: float) -> None:
    """Build the candidate's step, say what it computes, then take turns until there are no more.

    Sends ("ready", results), ("absent", why) or ("failed", why); receives True for a turn of
    ``seconds``, which it answers with samples and whether other processes disturbed it, or
    False for the end.
    """
    try:
        step, results, calls = prepared(row, name, seconds)
    except Absent as reason:
        pipe.send(("absent", str(reason)))
        return
    except Exception as error:  # the table says so: a peer may fail where another does not
        pipe.send(("failed", f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"))
        return
    pipe.send(("ready", results))
    while pipe.recv():
        if row.calls_itself:
            pipe.send(([step()], False))
            continue
        timing.warm_up(step, 0.01)
        before, start = quiet.waited(), time.perf_counter()
        samples = timing.turn(step, calls)
        elapsed = time.perf_counter() - start
        pipe.send((samples, quiet.waited() - before > quiet.DISTURBED * elapsed))
