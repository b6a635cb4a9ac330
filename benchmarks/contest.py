"""One row: start a process for each candidate, see that all do the same work, give them turns."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from benchmarks import quiet
from benchmarks.rows import CANDIDATES, Row
from benchmarks.worker import serve

# How far results may differ between candidates, relative to ours.
TOLERANCE = 1e-4


class DifferentWork(Exception):
    """Candidates of a row computed different results."""


@dataclass
class Result:
    """What came out for one row: samples by candidate, and why others have none."""

    row: Row
    samples: dict[str, list[float]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def quartiles(self, name: str) -> tuple[float, float, float]:
        """The first, second and third."""
        samples = self.samples[name]
        if len(samples) == 1:
            return (samples[0],) * 3
        return tuple(statistics.quantiles(samples, n=4, method="inclusive"))  # type: ignore[return-value]

    def median(self, name: str) -> float:
        return statistics.median(self.samples[name])

    def peer(self, which: str) -> str | None:
        """The name of the peer to compare with: the best one, or the best of one library."""
        peers = [
            name
            for name in self.samples
            if CANDIDATES[name].role == "peer" and which in ("best", CANDIDATES[name].library)
        ]
        return min(peers, key=self.median) if peers else None


@dataclass
class Competitor:
    """A candidate's process and the pipe to it."""

    pipe: Connection
    process: Any

    @classmethod
    def started(cls, row: Row, name: str, seconds: float) -> Competitor:
        context = multiprocessing.get_context("spawn")
        pipe, other = context.Pipe()
        process = context.Process(target=serve, args=(other, row, name, seconds))
        process.start()
        other.close()
        return cls(pipe, process)

    def answer(self) -> Any:
        """What the process says next; EOFError if it has ended instead."""
        return self.pipe.recv()

    def end(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            self.pipe.send(False)
        self.process.join()


def contest(
    row: Row, names: Sequence[str], *, rounds: int, seconds: float, patience: float
) -> Result:
    """Measure a row; raises DifferentWork unless the candidates' results agree.

    Before each turn waits up to ``patience`` seconds for the machine to be quiet.
    """
    result = Result(row)
    competitors: dict[str, Competitor] = {}
    computed: dict[str, list[float]] = {}
    try:
        for name in names:
            # One after the other: building takes all cores.
            competitors[name] = Competitor.started(row, name, seconds)
            state, answer = answer_of(competitors[name])
            if state == "ready":
                computed[name] = answer
            else:
                competitors.pop(name).end()
            if state == "failed":
                result.failed[name] = answer
        agree(row, computed)
        for _ in range(rounds):
            for name, competitor in list(competitors.items()):
                quiet.wait(patience)
                competitor.pipe.send(True)
                result.samples.setdefault(name, []).extend(competitor.answer())
    finally:
        for competitor in competitors.values():
            competitor.end()
    return result


def answer_of(competitor: Competitor) -> tuple[str, Any]:
    """What a process says of its preparations, or how it ended."""
    try:
        return competitor.answer()
    except EOFError:
        competitor.process.join()
        return "failed", f"the process ended with exit code {competitor.process.exitcode}"


def agree(row: Row, computed: dict[str, list[float]]) -> None:
    """Raise DifferentWork unless all candidates computed the first one's results."""
    if not computed:
        return
    first, *others = computed
    for name in others:
        for k, (expected, got) in enumerate(zip(computed[first], computed[name], strict=True)):
            if not math.isclose(expected, got, rel_tol=TOLERANCE):
                raise DifferentWork(
                    f"{row.name}: step {k} of {name} gives {got!r}, that of {first} {expected!r}; "
                    "expected the same work"
                )
