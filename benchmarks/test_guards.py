"""Guards against regressions: our time over that of the same step by hand in NumPy, in one run."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import ours, reference
from benchmarks.contest import TOLERANCE
from benchmarks.rows import ROWS
from benchmarks.timing import interleaved
from benchmarks.worker import CHECKED, norm

# At most this many times the time of NumPy by hand: what was measured, and half as much again for
# the noise of shared machines. Lower them when the engine gets faster.
LIMITS = {
    "chain-1": 5.0,
    "chain-1000": 4.5,
    "chain-100000": 2.0,
    "mlp-small": 3.5,
    "mlp-medium": 1.5,
    "lstm": 2.0,
}


@pytest.mark.parametrize("name", LIMITS)
def test_time_over_numpy_by_hand(name: str, benchmark: Any) -> None:
    row = next(row for row in ROWS if row.name == name)
    steps = {
        module.__name__: module.BUILDERS[row.kind](row.kind, row.sizes, False)
        for module in (ours, reference)
    }
    for _ in range(CHECKED):
        results = [norm(module, steps[module.__name__]()) for module in (ours, reference)]
        assert results[0] == pytest.approx(results[1], rel=TOLERANCE)
    medians = interleaved(steps, rounds=20, calls=5)
    ratio = medians[ours.__name__] / medians[reference.__name__]
    benchmark.extra_info["over NumPy by hand"] = ratio
    benchmark.pedantic(steps[ours.__name__], rounds=20)
    assert ratio <= LIMITS[name]
