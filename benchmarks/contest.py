"""One row: start a process for each candidate, see that all do the same work, give them turns."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.rows import CANDIDATES, Row
from benchmarks.worker import serve

# How far results may differ between candidates, relative to ours.
TOLERANCE = 1e-4

# Seconds between turns: the threads of whoever had the last one go to sleep.
PAUSE = 0.02


class DifferentWork(Exception):
    """Candidates of a row computed different results."""


@dataclass(frozen=True)
class Turn:
    """The samples of one turn, and whether other processes disturbed it."""

    samples: list[float]
    disturbed: bool


@dataclass
class Result:
    """What came out for one row: turns by candidate, and why others have none."""

    row: Row
    turns: dict[str, list[Turn]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def disturbed(self, name: str) -> float:
        """The share of a candidate's turns that others disturbed."""
        return statistics.fmean(turn.disturbed for turn in self.turns[name])

    def samples(self, name: str) -> list[float]:
        """Those of the turns that nobody disturbed, or of all if there are none."""
        quiet = [turn for turn in self.turns[name] if not turn.disturbed]
        return [sample for turn in quiet or self.turns[name] for sample in turn.samples]

    def quartiles(self, name: str) -> tuple[float, float, float]:
        """The first, second and third."""
        samples = self.samples(name)
        if len(samples) == 1:
            return (samples[0],) * 3
        return tuple(statistics.quantiles(samples, n=4, method="inclusive"))  # type: ignore[return-value]

    def median(self, name: str) -> float:
        return statistics.median(self.samples(name))

    def peer(self, which: str) -> str | None:
        """The peer to compare with: the one of that name, or the best one; None if it is absent."""
        peers = [
            name
            for name in self.turns
            if CANDIDATES[name].role == "peer" and which in ("best", name)
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

    def prepared(self) -> tuple[str, Any]:
        """What the process says of its preparations, or how it ended."""
        try:
            return self.pipe.recv()
        except EOFError:
            self.process.join()
            return "failed", f"the process ended with exit code {self.process.exitcode}"

    def turn(self, patience: float) -> Turn:
        """A turn that nobody disturbed, or the last that began within ``patience`` seconds."""
        end = time.monotonic() + patience
        while True:
            time.sleep(PAUSE)
            self.pipe.send(True)
            samples, disturbed = self.pipe.recv()
            if not disturbed or time.monotonic() > end:
                return Turn(samples, disturbed)

    def end(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            self.pipe.send(False)
        self.process.join()


def contest(
    row: Row, names: Sequence[str], *, rounds: int, seconds: float, patience: float
) -> Result:
    """Measure a row; raises DifferentWork unless the candidates' results agree.

    A turn is repeated for up to ``patience`` seconds while other processes disturb it.
    """
    result = Result(row)
    competitors: dict[str, Competitor] = {}
    computed: dict[str, list[float]] = {}
    try:
        for name in names:
            # One after the other: building takes all cores.
            competitors[name] = Competitor.started(row, name, seconds)
            state, answer = competitors[name].prepared()
            if state == "ready":
                computed[name] = answer
            else:
                competitors.pop(name).end()
            if state == "failed":
                result.failed[name] = answer
        agree(row, computed)
        for _ in range(rounds):
            for name, competitor in competitors.items():
                result.turns.setdefault(name, []).append(competitor.turn(patience))
    finally:
        for competitor in competitors.values():
            competitor.end()
    return result


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
