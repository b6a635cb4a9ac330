"""A profile counts every operation once, and its times add up to the time it was open."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core
from autograd_core import (
    Tensor,
    checkpoint,
    detect_anomaly,
    foreign,
    gradients,
    no_grad,
    operation,
    profile,
)
from autograd_core.errors import AnomalyError, ProfileError
from autograd_core.graph import mode
from autograd_core.primitive import Primitive

names = st.lists(st.sampled_from(["tanh", "exp", "negative"]), max_size=12)


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values), requires_grad=True)


def calls(seen: profile, phase: str) -> dict[str, int]:
    return {row.name: row.calls for row in seen.operations if row.phase == phase}


def assert_adds_up(seen: profile) -> None:
    """Own times are parts of the whole, and events of a lane lie in or beside one another."""
    rows = [*seen.operations, *seen.remainder()]
    assert all(row.total >= 0 for row in rows)
    assert sum(row.total for row in rows) == pytest.approx(seen.elapsed / 1e9)
    assert sum(row.share for row in rows) == pytest.approx(1.0)
    for phase in ("forward", "backward"):
        ends: list[int] = []
        events = [event for event in seen.events if event.phase == phase]
        for event in sorted(events, key=lambda event: (event.start, -event.duration)):
            while ends and ends[-1] <= event.start:
                ends.pop()
            stop = event.start + event.duration
            assert not ends or stop <= ends[-1]
            assert 0 <= event.own <= event.duration
            ends.append(stop)


@given(names, st.integers(1, 3))
def test_every_call_is_counted_forward_and_backward(chain: list[str], passes: int) -> None:
    x = leaf(0.1, -0.2)
    before = time.perf_counter_ns()
    with profile() as seen:
        y = x * 1.0
        for name in chain:
            y = getattr(np, name)(y) * 0.1
        total = y.sum()
        for _ in range(passes):
            total.backward(retain_graph=True)
    assert seen.elapsed <= time.perf_counter_ns() - before
    expected = Counter(chain) + Counter({"multiply": 1 + len(chain), "sum": 1})
    assert calls(seen, "forward") == expected
    assert calls(seen, "backward") == {name: passes * n for name, n in expected.items()}
    assert seen.remainder()[0].calls == passes
    assert_adds_up(seen)


def test_time_inside_of_numpy_and_outside_is_told_apart() -> None:
    @operation(x=lambda g: time.sleep(0.02) or g)
    def slow(x: Any) -> Any:
        time.sleep(0.04)
        return x + 0

    x = leaf(1.0)
    with profile() as seen:
        y = slow(x)
        time.sleep(0.08)
        y.backward()
    (forward, backward), (_, outside) = seen.operations, seen.remainder()
    assert (forward.name, forward.phase, backward.phase) == ("slow", "forward", "backward")
    assert forward.total >= 0.04
    assert backward.total >= 0.02
    assert outside.total >= 0.08
    assert forward.total + backward.total + 0.08 <= seen.elapsed / 1e9
    assert forward.mean == forward.total


def test_what_is_not_recorded_is_counted_too() -> None:
    tracked, plain = leaf(1.0, 2.0), Tensor(np.ones(2))
    with profile() as seen:
        plain * 2.0
        with no_grad():
            np.exp(tracked)
            tracked[0]
        np.argmax(tracked)
        np.add(plain, 1.0, dtype=np.float32)
    assert calls(seen, "forward") == dict.fromkeys(
        ["multiply", "exp", "getitem", "argmax", "add"], 1
    )
    assert calls(seen, "backward") == {}


def test_code_the_engine_cannot_see_into_is_an_operation() -> None:
    double = foreign(lambda a: 2 * a, lambda g, out, a: [2 * g], name="double")
    with profile() as seen:
        double(leaf(1.0, 2.0)).sum().backward()
    assert calls(seen, "forward") == calls(seen, "backward") == {"double": 1, "sum": 1}


def test_several_results_are_one_operation() -> None:
    x = Tensor(np.diag([1.0, 2.0, 3.0]), requires_grad=True)
    with profile() as seen:
        values, vectors = np.linalg.eigh(x)
        (values.sum() + vectors.sum()).backward()
    assert calls(seen, "forward") == calls(seen, "backward") == {"eigh": 1, "sum": 2, "add": 1}
    assert_adds_up(seen)


def test_operations_inside_of_others_count_their_own_time_once() -> None:
    x = leaf(0.5)
    with profile() as seen:
        checkpoint(lambda x: np.tanh(np.exp(x)))(x).backward()
    assert calls(seen, "forward") == {"exp": 2, "tanh": 2}
    assert calls(seen, "backward") == {"checkpoint": 1, "exp": 1, "tanh": 1}
    assert_adds_up(seen)
    with profile() as seen:
        (first,) = gradients([x**3], [x], create_graph=True)
        gradients(first, x)
    assert calls(seen, "backward")["power"] >= 2
    assert calls(seen, "forward")["multiply"] >= 1  # recorded by the rule of power
    assert_adds_up(seen)


def test_shapes_and_bytes() -> None:
    x, y = Tensor(np.ones((4, 1)), requires_grad=True), np.ones((3,), np.float32)
    with profile() as seen:
        z = x * y
        np.concatenate([z, z[:1]]).sum().backward()
        leaf(1.0) * 2.0
    rows = {(row.name, row.phase, row.shapes): row for row in seen.rows(group_by_shape=True)}
    assert rows["multiply", "forward", ((4, 1), (3,))].bytes == 4 * 3 * 8
    assert rows["multiply", "backward", ((4, 3),)].calls == 1
    assert rows["concatenate", "forward", ((4, 3), (1, 3))].bytes == 5 * 3 * 8
    assert rows["multiply", "forward", ((1,),)].calls == 1
    merged = {(row.name, row.phase): row for row in seen.operations}
    assert merged["multiply", "forward"].bytes == 13 * 8
    assert merged["multiply", "forward"].shapes is None


def test_a_profile_keeps_no_array_alive() -> None:
    import weakref

    x = leaf(1.0, 2.0)
    with profile() as seen:
        y = np.tanh(x)
        array = weakref.ref(y.data)
        y.sum().backward()
        del y
    assert array() is None
    assert seen.events


def test_the_table_is_sorted_as_asked_and_ends_with_the_whole() -> None:
    with profile() as seen:
        for _ in range(3):
            np.exp(leaf(1.0))
        np.tanh(Tensor(np.ones(5000)))
    by_calls = seen.table(sort="calls").splitlines()
    assert by_calls[2].split()[:3] == ["exp", "forward", "3"]
    by_bytes = seen.table(sort="bytes").splitlines()
    assert by_bytes[2].split()[:2] == ["tanh", "forward"]
    assert by_bytes[2].endswith("39.1 KiB")
    assert by_bytes[-1].split()[0] == "total"
    assert "100.0%" in by_bytes[-1]
    assert seen.table(group_by_shape=True).splitlines()[0].endswith("shapes")
    assert "(5000,)" in seen.table(group_by_shape=True)
    with pytest.raises(ProfileError, match="sort='size'; expected one of total, calls, mean"):
        seen.table(sort="size")


def test_an_open_profile_can_be_looked_at() -> None:
    with profile() as seen:
        np.exp(leaf(1.0))
        assert "exp" in seen.table()
        (row,) = seen.operations
        assert 0 < row.share < 1
        assert all(row.total > 0 for row in seen.remainder()[1:])


def test_an_empty_profile_has_a_table_and_a_trace() -> None:
    assert "total" in profile().table()
    with profile() as seen:
        pass
    assert "(outside of operations)" in seen.table()
    assert [event["ph"] for event in seen.trace()["traceEvents"]] == ["M"] * 4


def test_the_trace_has_the_fields_of_the_trace_event_format(tmp_path: Path) -> None:
    with profile() as seen:
        np.tanh(leaf(1.0, 2.0) * 3.0).sum().backward()
    seen.save(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    named = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    native = threading.get_native_id()
    assert named[native] == f"forward (thread {native})"
    assert sorted(named.values()) == [f"{p} (thread {native})" for p in ("backward", "forward")]
    timed = [event for event in events if event["ph"] == "X"]
    assert len(timed) == len(seen.events) == 7
    for event in timed:
        assert named[event["tid"]].startswith(event["cat"])
        assert all(isinstance(event[key], float) for key in ("ts", "dur"))
    assert all(a["ts"] <= b["ts"] for a, b in pairwise(timed))
    (whole,) = [event for event in timed if event["name"] == "backward pass"]
    for event in timed:
        if event["cat"] == "backward":
            assert whole["ts"] <= event["ts"]
            assert event["ts"] + event["dur"] <= whole["ts"] + whole["dur"] + 1e-3
        else:
            assert event["ts"] + event["dur"] <= whole["ts"]


def test_profiles_nest_and_may_be_opened_again() -> None:
    x = leaf(1.0)
    with profile() as outer:
        np.exp(x)
        with profile() as inner:
            np.tanh(x).backward()
        with inner:
            np.tanh(x)
        with pytest.raises(ProfileError, match="open already"), outer:
            pass
    assert calls(inner, "forward") == {"tanh": 2}
    assert calls(outer, "forward") == {"exp": 1, "tanh": 2}
    assert calls(inner, "backward") == calls(outer, "backward") == {"tanh": 1}
    assert_adds_up(inner)
    assert_adds_up(outer)
    assert inner.elapsed < outer.elapsed


@pytest.mark.parametrize("profile_first", [True, False])
def test_anomalies_are_detected_under_a_profile(profile_first: bool) -> None:
    seen = profile()
    x = leaf(0.0)
    outer, inner = (seen, detect_anomaly()) if profile_first else (detect_anomaly(), seen)
    with np.errstate(divide="ignore"), outer, inner:
        root = np.sqrt(x)
        with pytest.raises(AnomalyError, match="the gradient of operand 0 is not finite"):
            root.backward()
        np.exp(x).backward()
    assert calls(seen, "forward") == calls(seen, "backward") == {"sqrt": 1, "exp": 1}
    assert_adds_up(seen)
    assert mode.recorder is None
    assert mode.recording is True


def test_failures_are_timed_and_leave_nothing_behind() -> None:
    @operation(x=lambda g: g.missing)
    def broken(x: Any) -> Any:
        return x + 0

    untouched = vars(Primitive)["replay"]
    seen = profile()
    with pytest.raises(AttributeError, match="missing"), seen:
        with pytest.raises(ValueError, match="matmul"):
            leaf(1.0, 2.0) @ leaf(1.0, 2.0, 3.0)
        assert vars(Primitive)["replay"] is not untouched
        broken(leaf(1.0)).backward()
    assert vars(Primitive)["replay"] is untouched
    assert mode.recorder is None
    assert mode.recording is True
    assert calls(seen, "forward") == {"matmul": 1, "broken": 1}
    assert calls(seen, "backward") == {"broken": 1}
    assert_adds_up(seen)


def test_each_thread_is_seen_by_its_own_profile() -> None:
    barrier = threading.Barrier(3)
    counts: dict[int, dict[str, int]] = {}

    def work(k: int) -> None:
        with profile() as seen:
            barrier.wait()
            for _ in range(50 + k):
                np.exp(leaf(1.0)).backward()
            barrier.wait()
        assert seen.thread == threading.get_native_id()
        assert_adds_up(seen)
        counts[k] = calls(seen, "backward")

    threads = [threading.Thread(target=work, args=(k,)) for k in range(2)]
    with profile() as seen:
        for thread in threads:
            thread.start()
        barrier.wait()
        np.tanh(leaf(1.0))
        barrier.wait()
        for thread in threads:
            thread.join()
    assert counts == {0: {"exp": 50}, 1: {"exp": 51}}
    assert calls(seen, "forward") == {"tanh": 1}


def test_results_are_the_same_bits_and_the_name_is_in_the_package() -> None:
    def compute() -> Any:
        x = Tensor(np.linspace(-1, 1, 7), requires_grad=True)
        np.log1p(np.exp(x) @ x.reshape(7, 1)).sum().backward()
        return x.grad

    plain = compute()
    with autograd_core.profile():
        np.testing.assert_array_equal(compute(), plain, strict=True)
