"""The graph: what is recorded, how it is walked, when it is freed, and what refuses to lie."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import tracemalloc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd_core import Tensor, enable_grad, gradients, no_grad, tensor
from autograd_core.errors import (
    DtypeError,
    GraphError,
    MissingRuleError,
    MutationError,
    ShapeError,
    TrackedValueError,
)


def leaf(*values: float, dtype: Any = np.float64) -> Tensor:
    return Tensor(np.array(values, dtype=dtype), requires_grad=True)


def chain(x: Tensor, length: int) -> Tensor:
    y = x
    for _ in range(length):
        y = y * 1.0000001
    return y


def test_a_million_operations_take_linear_time_and_leave_nothing_to_collect() -> None:
    x = leaf(1.0)
    chain(x, 1000).backward(np.ones(1))
    seconds = []
    gc.collect()
    for length in (100_000, 1_000_000):
        start = time.perf_counter()
        y = chain(x, length)
        y.backward(np.ones(1))
        seconds.append(time.perf_counter() - start)
        root = weakref.ref(y.node)  # type: ignore[arg-type]
        gc.disable()
        del y
        assert root() is None
        gc.enable()
    # Before the count: linear would be 10, quadratic 100; the margin is for a noisy machine.
    assert seconds[1] < 30 * seconds[0]
    assert gc.collect() == 0


def test_a_node_takes_a_few_hundred_bytes_however_many_there_are() -> None:
    x = leaf(1.0)
    chain(x, 1000).backward(np.ones(1))
    held, peaks = [], []
    for length in (5_000, 50_000):
        gc.collect()
        tracemalloc.start()
        y = chain(x, length)
        held.append(tracemalloc.get_traced_memory()[0] / length)
        y.backward(np.ones(1))
        peaks.append(tracemalloc.get_traced_memory()[1] / length)
        del y
        assert tracemalloc.get_traced_memory()[0] < 500_000  # the tuples Python keeps for reuse
        tracemalloc.stop()
    # A Node, its number, its edges and its slots: 250 bytes; collecting and sorting: 70 more.
    assert max(held) < 350
    assert max(peaks) < 500
    assert held[1] < 1.1 * held[0]
    assert peaks[1] < 1.1 * peaks[0]


# Grow by many Nodes, walk back and drop them; the peak in KiB before and after.
GROW = """
import re
import numpy as np
from autograd_core import Tensor

def peak():
    return re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read()).group(1)

x = Tensor(np.ones(1), requires_grad=True)
peaks = [peak()]
for length in (1_000_000, 300_000):
    y = x
    for _ in range(length):
        y = y * 1.0000001
    y.backward(np.ones(1))
    del y
    peaks.append(peak())
print(*peaks)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_million_nodes_fit_in_memory_and_leave_it() -> None:
    done = subprocess.run([sys.executable, "-c", GROW], capture_output=True, text=True, check=True)
    before, first, second = map(int, done.stdout.split())
    assert (first - before) * 1024 < 600 * 1_000_000
    assert second - first < 0.05 * (first - before)  # the second graph lives where the first did


def test_dropping_a_graph_frees_its_arrays_by_reference_counting() -> None:
    x = Tensor(np.ones(1000), requires_grad=True)
    gc.collect()
    gc.disable()
    try:
        y = np.tanh(x * x)
        saved = weakref.ref(y.data)
        z = y + y
        del y
        assert saved() is not None  # tanh needs its result
        del z
        assert saved() is None
    finally:
        gc.enable()


def test_backward_releases_what_nodes_saved() -> None:
    x = leaf(1.0, 2.0)
    y = np.tanh(x)
    z = y.sum()
    saved = weakref.ref(y.data)
    del y
    z.backward()
    assert saved() is None


def test_a_second_backward_says_what_happened_and_what_helps() -> None:
    x = leaf(2.0)
    y = x * x
    y.backward()
    before = x.grad.copy()  # type: ignore[union-attr]
    with pytest.raises(GraphError, match="retain_graph=True"):
        y.backward()
    np.testing.assert_array_equal(x.grad, before)  # type: ignore[arg-type]
    z = x * x
    z.backward(retain_graph=True)
    z.backward()
    np.testing.assert_array_equal(x.grad, 3 * before)  # type: ignore[arg-type]


def test_a_shared_subexpression_is_counted_once_for_each_use() -> None:
    x = leaf(3.0)
    y = x * x
    (y + y + y * 2.0).backward()
    np.testing.assert_allclose(x.grad, [24.0])  # type: ignore[arg-type]


def test_gradients_never_share_memory_with_each_other_or_the_cotangent() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    cotangent = np.array([1.0, 1.0])
    (x + y).backward(cotangent)
    assert x.grad is not None
    assert y.grad is not None
    assert not np.shares_memory(x.grad, y.grad)
    assert not np.shares_memory(x.grad, cotangent)
    z = x + y
    p = x / z  # the cotangent of x is shared by two rules (Oneflow 8248)
    x.grad = y.grad = None
    (z + p).sum().backward()
    np.testing.assert_allclose(x.grad, 1 + y.data / (x.data + y.data) ** 2)
    np.testing.assert_allclose(y.grad, 1 - x.data / (x.data + y.data) ** 2)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1), (1, 3), (2, 3), (4, 2, 3), (4, 1, 1)])
def test_broadcasting_is_undone(shape: tuple[int, ...]) -> None:
    x = Tensor(np.full(shape, 2.0), requires_grad=True)
    y = Tensor(np.full((4, 2, 3), 5.0), requires_grad=True)
    (x * y).sum().backward()
    assert x.grad is not None
    assert x.grad.shape == shape
    np.testing.assert_allclose(x.grad, 5.0 * 24 / max(np.prod(shape), 1))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64])
def test_the_gradient_has_the_dtype_of_the_leaf(dtype: Any) -> None:
    x = leaf(0.5, 0.25, dtype=dtype)
    y = np.tanh(x * 2.0) + x * np.float32(0.5)
    total = (y * y).sum()
    total.backward(np.ones((), total.dtype))
    assert x.grad is not None
    assert x.grad.dtype == dtype


def test_complex_gradients_follow_pytorch() -> None:
    z = Tensor(np.array(1.0 + 2.0j), requires_grad=True)
    (z * z).backward(np.array(1.0 + 0.0j))  # holomorphic: the conjugate of the derivative
    assert z.grad == np.conj(2 * (1.0 + 2.0j))
    x = leaf(3.0)
    (x * (1.0 + 1.0j)).backward(np.array([1.0 + 0.0j]))
    np.testing.assert_allclose(x.grad, [1.0])  # type: ignore[arg-type]


def test_writing_into_what_a_gradient_needs_is_noticed() -> None:
    x, w = leaf(2.0), leaf(3.0)
    y = x * w
    w.data = np.array([4.0])
    with pytest.raises(MutationError, match="written"):
        y.backward()
    assert x.grad is None
    constant = tensor([2.0])
    z = x * constant
    constant.data = [5.0]  # type: ignore[assignment]
    with pytest.raises(MutationError, match="written"):
        z.backward()
    unneeded = x + w
    w.data = np.array([5.0])
    unneeded.backward()
    np.testing.assert_array_equal(x.grad, [1.0])  # type: ignore[arg-type]


def test_recorded_values_refuse_writes() -> None:
    y = leaf(2.0) * 2.0
    with pytest.raises(MutationError, match="detach"):
        y.data = np.array([1.0])


def test_hooks_see_and_replace_gradients() -> None:
    x = leaf(2.0)
    y = x * 3.0
    seen = []
    remove = y.register_hook(lambda g: seen.append(g.copy()))
    scale = x.register_hook(lambda g: g * 10.0)
    y.retain_grad()
    (y * y).backward()
    np.testing.assert_array_equal(seen[0], [12.0])
    np.testing.assert_array_equal(y.grad, [12.0])  # type: ignore[arg-type]
    np.testing.assert_array_equal(x.grad, [360.0])  # type: ignore[arg-type]
    remove()
    scale()
    x.grad = None
    (x * 3.0).backward()
    np.testing.assert_array_equal(x.grad, [3.0])  # type: ignore[arg-type]
    assert len(seen) == 1


def test_hooks_keep_shape_and_dtype() -> None:
    w = leaf(1.0, 2.0, dtype=np.float32)
    remove = w.register_hook(lambda g: g.astype(np.float64) * 2)
    (w * 2.0).sum().backward()
    assert w.grad is not None
    assert w.grad.dtype == np.float32
    remove()
    w.register_hook(lambda g: g.sum())
    with pytest.raises(ShapeError, match="hook"):
        (w * 2.0).sum().backward()


@pytest.mark.parametrize(
    "alias",
    [
        Tensor,
        lambda t: t.detach(),
        lambda t: t.detach().astype(float, copy=False),
        lambda t: Tensor(t).reshape(-1),
    ],
)
def test_writes_through_an_alias_are_noticed(alias: Any) -> None:
    x = leaf(1.0, 2.0)
    y = np.exp(x)
    with pytest.raises(MutationError):
        alias(y)[0] = 100.0
    z = (x * x).sum()
    with no_grad():
        alias(x)[0] = 100.0
    with pytest.raises(MutationError):
        z.backward()


@pytest.mark.parametrize(
    "join",
    [
        lambda x: np.concatenate([x, [x[0], x[1]]]),
        lambda x: np.stack([x, [x[0], x[1]]]),
        lambda x: np.einsum("i,i", x, [x[0], x[1]]),
    ],
)
def test_tracked_tensors_in_inner_lists_are_not_dropped(join: Any) -> None:
    with pytest.raises(TrackedValueError, match=r"np\.stack"):
        join(leaf(1.0, 2.0))


@pytest.mark.parametrize(
    "array", [np.ma.masked_array([1.0, 2.0], [0, 1]), np.eye(2).view(np.matrix)], ids=type
)
def test_arrays_with_operators_of_their_own_are_refused(array: Any) -> None:
    x = Tensor(np.ones(2), requires_grad=True)
    for use in (Tensor, lambda array: x * array, lambda array: np.add(array, x)):
        with pytest.raises(DtypeError, match="whose operators do not mean"):
            use(array)


def test_arrays_of_other_kinds_are_taken_as_they_are(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "array", np.float64, "w+", shape=2)
    x = Tensor(mapped, requires_grad=True)
    (x * x + x * mapped).sum().backward()
    assert x.data is mapped
    np.testing.assert_array_equal(x.grad, [0, 0])


def test_a_complex_result_needs_a_cotangent() -> None:
    z = Tensor(np.array(1j), requires_grad=True)
    with pytest.raises(DtypeError, match="complex"):
        (z * 1).backward()


def test_a_leaf_is_finished_while_backward_still_runs() -> None:
    first, last = leaf(1.0), leaf(2.0)
    order = []
    first.register_post_accumulate_hook(lambda t: order.append(("first", last.grad is not None)))
    last.register_post_accumulate_hook(lambda t: order.append(("last", first.grad is not None)))
    (np.tanh(first * 2.0) * last).backward()
    assert order == [("last", False), ("first", True)]


def test_backward_inside_a_hook_is_its_own_pass() -> None:
    x, w = leaf(2.0), leaf(5.0)
    y = x * x

    def hook(gradient: Any) -> None:
        with enable_grad():
            (w * w).backward()

    y.register_hook(hook)
    (y * 1.0).backward()
    np.testing.assert_array_equal(x.grad, [4.0])  # type: ignore[arg-type]
    np.testing.assert_array_equal(w.grad, [10.0])  # type: ignore[arg-type]


def test_threads_record_and_walk_independently() -> None:
    shared = leaf(0.5)
    results: dict[int, Any] = {}

    def work(k: int) -> None:
        x = leaf(0.1 * k)
        if k % 2:
            with no_grad():
                assert not (x * x).requires_grad
                time.sleep(0.001)
        for _ in range(30):
            y = chain(np.tanh(x * shared), 50)
            (results[k],) = gradients([y], [x])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(8):
        expected = 0.5 * (1 - np.tanh(0.05 * k) ** 2) * 1.0000001**50
        np.testing.assert_allclose(results[k].data, [expected], rtol=1e-12)


def test_no_grad_and_enable_grad_nest_and_decorate() -> None:
    x = leaf(1.0)

    @no_grad()
    def silent() -> Tensor:
        with enable_grad():
            assert (x * x).requires_grad
        return x * x

    assert not silent().requires_grad
    assert (x * x).requires_grad


def test_a_ufunc_may_meet_its_first_keyword_before_its_first_plain_call() -> None:
    code = """if True:
        import numpy as np
        from autograd_core import Tensor
        x = Tensor(np.ones(2, np.float32), requires_grad=True)
        y = np.arctan2(x, 2.0, dtype=np.float64)
        y.sum().backward()
        print(y.dtype, x.grad.dtype)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["float64", "float32"], "")


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: Tensor(np.array([1, 2]), requires_grad=True), DtypeError, r"astype\(float\)"),
        (lambda: leaf(1.0, 2.0).backward(), ShapeError, "sum"),
        (lambda: leaf(1.0).backward(np.ones(2)), ShapeError, r"\(2,\).*\(1,\)"),
        (lambda: tensor([1.0]).backward(), GraphError, "requires_grad=True"),
        (lambda: np.asarray(leaf(1.0)), TrackedValueError, r"detach\(\)"),
        (lambda: float(leaf(1.0)), TrackedValueError, r"item\(\)"),
        (lambda: int(leaf(1.0)), TrackedValueError, r"item\(\)"),
        (lambda: np.array([leaf(1.0)]), TrackedValueError, "np.stack"),
        (lambda: np.add(leaf(1.0), 1.0, out=np.zeros(1)), MutationError, "out="),
        (lambda: np.add(leaf(1.0), 1.0, where=[True]), MissingRuleError, "where="),
        (lambda: np.kaiser(5, leaf(1.0)), (MissingRuleError, TrackedValueError), "detach"),
    ],
)
def test_bad_input_says_what_came_and_what_helps(call: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        call()


def test_a_tracked_value_cannot_slip_into_an_array() -> None:
    with pytest.raises(ValueError, match="sequence") as raised:  # NumPy's words, ours behind them
        np.zeros(2)[0] = leaf(1.0)
    assert isinstance(raised.value.__cause__, TrackedValueError)


def test_values_come_out_without_a_graph() -> None:
    x = leaf(1.5)
    assert x.item() == 1.5
    assert f"{(x * 2).sum():.1f}" == "3.0"
    assert repr(x) == "Tensor([1.5], requires_grad=True)"
    assert (x * 2).detach().numpy() == np.array([3.0])
