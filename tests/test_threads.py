"""Threads record and differentiate at once, each with its own mode, and share leaves and rules."""

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from autograd_core import Tensor, detect_anomaly, grad, no_grad
from autograd_core.errors import AnomalyError
from autograd_core.graph import mode
from autograd_core.primitive import REAL, REGISTRY, Elementwise, Primitive, operation
from nn import functional

THREADS = 4


@pytest.fixture(autouse=True)
def switch_often() -> Iterator[None]:
    """Let the interpreter change threads between nearly any two instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """What ``work(k)`` returns in each of several threads that start together."""
    start = threading.Barrier(THREADS)

    def run(k: int) -> Any:
        start.wait()
        return work(k)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_threads_differentiate_programs_of_their_own() -> None:
    """Many kinds of recording at once: operators, composites, several results, higher orders."""
    matrix = np.diag([2.0, 3.0]) + 0.1

    def program(x: Any) -> Any:
        values, vectors = np.linalg.eigh(matrix * x[0])
        picked = np.stack([np.sort(x)[-1], x[[0, 1, 0]].sum()])
        picked[0] = picked[1] * 2.0
        return (np.abs(vectors) @ values).sum() + np.where(x > 1, x * x, np.sin(x)).sum() * picked[
            0
        ]

    def work(k: int) -> list[np.ndarray]:
        x = np.array([0.5 + k, 1.5])
        found = []
        for _ in range(20):
            leaf = Tensor(x, requires_grad=True)
            program(leaf).backward()
            found.append(leaf.grad)
            found.append(grad(lambda y: (grad(program)(y) ** 2).sum())(x))
        return found

    alone = [work(k) for k in range(THREADS)]
    np.testing.assert_array_equal(at_once(work), alone)


def test_gradients_of_all_threads_arrive_at_a_shared_leaf() -> None:
    for _ in range(40):
        shared = Tensor(np.ones(20_000), requires_grad=True)

        def work(k: int, shared: Tensor = shared) -> None:
            for _ in range(5):
                (shared * 2.0).sum().backward()

        at_once(work)
        np.testing.assert_array_equal(shared.grad, THREADS * 5 * 2.0)


def test_threads_walk_one_graph_at_once() -> None:
    x = Tensor(np.full(100, 0.5), requires_grad=True)
    loss = np.sin(x * x).sum()
    at_once(lambda k: loss.backward(retain_graph=True))
    np.testing.assert_allclose(x.grad, THREADS * np.cos(0.25), rtol=1e-12)


def test_the_first_loops_may_be_compiled_for_several_threads() -> None:
    pytest.importorskip("numba", reason="needs the extra fast")
    x = np.random.default_rng(0).normal(size=(64, 1024))
    functions = [functional.softmax, functional.gelu, functional.log_softmax] * 3

    def work(function: Any) -> Any:
        return function(Tensor(x)).data

    with ThreadPoolExecutor(len(functions)) as pool:
        found = list(pool.map(work, functions))
    for ours, function in zip(found, functions, strict=True):
        np.testing.assert_array_equal(ours, function(x))


def test_the_first_use_of_an_operation_may_come_from_several_threads() -> None:
    for _ in range(50):

        @operation(
            Elementwise((REAL, REAL)),
            x=lambda g, y, x_shape: np.broadcast_to(g * y, x_shape),
            y=lambda g, x, out: g * (x + 0 * out),
        )
        def product(x: Any, y: Any, *, scale: float = 1.0) -> Any:
            return scale * x * y

        def work(k: int, product: Any = product) -> Any:
            x, y = (Tensor(np.array([value]), requires_grad=True) for value in (2.0, 3.0))
            product(x, y).sum().backward()
            return [x.grad, y.grad]

        np.testing.assert_array_equal(at_once(work), [[[3.0], [2.0]]] * THREADS)


def test_the_first_use_of_a_ufunc_may_come_from_several_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = REGISTRY[np.multiply]

    def work(k: int) -> Any:
        x, y = (Tensor(np.array(value), requires_grad=True) for value in (2.0, 3.0))
        np.multiply(x, y).backward()
        return [x.grad, y.grad]

    for _ in range(50):
        monkeypatch.setitem(
            REGISTRY, np.multiply, Primitive(np.multiply, known.sample, known.unbound)
        )
        np.testing.assert_array_equal(at_once(work), [[3.0, 2.0]] * THREADS)


class Meeting:
    """A lock that waits until two threads want it."""

    def __init__(self) -> None:
        self.lock, self.both_want_it = threading.Lock(), threading.Barrier(2, timeout=10)

    def __enter__(self) -> None:
        self.both_want_it.wait()
        self.lock.acquire()

    def __exit__(self, *exception: object) -> None:
        self.lock.release()


def test_threads_that_share_a_tensor_count_its_writes_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both find no version cell yet; one must take what the other made."""
    monkeypatch.setattr(sys.modules["autograd_core.tensor"], "making_cell", Meeting())
    shared = Tensor(np.ones(3))
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda k: shared.version, range(2))
    assert one is other is shared.version


def test_a_function_decorated_with_no_grad_keeps_each_threads_mode() -> None:
    """The thread that entered first leaves first, while the other is still inside."""
    both_inside, first_left = threading.Barrier(2), threading.Event()

    @no_grad()
    def silent(leave: Callable[[], Any]) -> bool:
        both_inside.wait()
        leave()
        return bool(mode.recording)

    def outer() -> tuple[bool, bool]:
        with no_grad():
            inside = silent(lambda: None)
            return inside, bool(mode.recording)

    def plain() -> tuple[bool, bool]:
        return silent(first_left.wait), bool(mode.recording)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.submit(outer), pool.submit(plain)
        first = one.result()
        first_left.set()
        assert first == (False, False)
        assert other.result() == (False, True)
    assert mode.recording is True


def test_modes_and_recorders_belong_to_their_thread() -> None:
    inside, done = threading.Barrier(2), threading.Barrier(2)

    def watched() -> None:
        x = Tensor(np.array(0.0), requires_grad=True)
        with detect_anomaly(), np.errstate(all="ignore"):
            inside.wait()
            done.wait()
            np.log(x)

    def free() -> Any:
        inside.wait()
        x = Tensor(np.array(0.0), requires_grad=True)
        with np.errstate(all="ignore"):
            y = np.log(x)
        done.wait()
        return y.requires_grad

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.submit(watched), pool.submit(free)
        assert other.result() is True
        with pytest.raises(AnomalyError, match="log"):
            one.result()


def test_a_new_thread_records_whatever_its_maker_does() -> None:
    x = Tensor(np.array(2.0), requires_grad=True)
    found = []
    with no_grad():
        thread = threading.Thread(target=lambda: found.append((x * x).requires_grad))
        thread.start()
        thread.join()
    assert found == [True]


def test_a_graph_recorded_in_one_thread_is_walked_in_another() -> None:
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    with ThreadPoolExecutor(1) as pool:
        y = pool.submit(lambda: np.exp(x)).result()
    z = y * x
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: z.sum().backward()).result()
    np.testing.assert_allclose(x.grad, np.exp([1.0, 2.0]) * [2.0, 3.0])
