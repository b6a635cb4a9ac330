"""Measure against the frameworks that are installed: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchmarks import report
from benchmarks.contest import Result, contest
from benchmarks.rows import CANDIDATES, ROWS

# Turns of what takes a process each: it varies little, and takes long.
SINGLE_CALLS = 5


def chosen(known: list[str], wanted: str | None) -> list[str]:
    """The known names that are listed, each by itself or by what stands before a hyphen."""
    if wanted is None:
        return known
    names = wanted.split(",")
    found = [name for name in known if any(name == w or name.startswith(w + "-") for w in names)]
    unknown = [w for w in names if not any(n == w or n.startswith(w + "-") for n in known)]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; expected some of {', '.join(known)}")
    return found


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", help="names or beginnings (chain,mlp-small); all by default")
    parser.add_argument("--only", help="candidates (ours,torch,jax); all by default")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each candidate")
    parser.add_argument(
        "--patience",
        type=float,
        default=1.0,
        help="seconds during which a turn is repeated while other processes disturb it",
    )
    parser.add_argument("--threads", type=int, default=2, help="of each candidate")
    parser.add_argument("--quick", action="store_true", help="few short turns: a first impression")
    results = Path("benchmark-results")
    parser.add_argument("--json", type=Path, default=results / "results.json")
    parser.add_argument("--svg", type=Path, default=results / "chart.svg")
    parser.add_argument(
        "--markdown",
        type=Path,
        default=results / "table.md",
        help="a file with the markers of benchmarks/README.md keeps what stands around them",
    )
    return parser.parse_args()


def limit_threads(threads: int) -> None:
    """Let every library have as many threads, before anybody loads one, here or in a child."""
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = str(threads)
    # XLA has no such variable: it takes the cores that it may run on.
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[-threads:])


def main() -> None:
    """Run the rows; print each, and write the reports, as it comes."""
    arguments = parsed()
    limit_threads(arguments.threads)
    rounds, seconds = (3, 0.03) if arguments.quick else (arguments.rounds, 0.1)
    names = chosen(list(CANDIDATES), arguments.only)
    rows = chosen([row.name for row in ROWS], arguments.rows)
    results: list[Result] = []
    for row in ROWS:
        if row.name in rows:
            competing = [name for name in names if name in row.candidates]
            result = contest(
                row,
                competing,
                rounds=min(rounds, SINGLE_CALLS) if row.calls_itself else rounds,
                seconds=seconds,
                patience=arguments.patience,
            )
            results.append(result)
            print(report.as_text(result), flush=True)
            # After every row, so that an interrupted run leaves what it found.
            report.write(results, arguments.json, arguments.markdown, arguments.svg)


if __name__ == "__main__":
    main()
