"""compile: programs compute what the functions they were traced from compute, to the bit."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_programs import draw_program, run

import autograd_core as ag
import nn
from autograd_core import Tensor, grad, gradients, hessian, hvp, jvp, random, value_and_grad
from autograd_core.compiler import compile, memory
from autograd_core.containers import flatten
from autograd_core.effects import effect
from autograd_core.errors import AnomalyError, GraphError, MutationError, TraceError
from autograd_core.graph import on_backward_end
from autograd_core.testing import drawn
from nn.observe import observing

RNG = np.random.default_rng(0)


def arrays_of(result: Any) -> list[Any]:
    leaves, _ = flatten(result)
    return [leaf.detach().data if isinstance(leaf, Tensor) else leaf for leaf in leaves]


def assert_same(result: Any, expected: Any) -> None:
    """The same containers of the same types, dtypes, shapes and bits."""
    for a, b in zip(flatten(result)[0], flatten(expected)[0], strict=True):
        assert isinstance(a, Tensor) is isinstance(b, Tensor)
    arrays = [[np.asarray(array) for array in arrays_of(each)] for each in (result, expected)]
    for a, b in zip(*arrays, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_array_equal(a, b)


def replays(function: Callable[..., Any], *args: Any) -> Any:
    """A compiled call gives what the function gives: traced, verified and replayed."""
    compiled = compile(function, fuse=False)
    expected = function(*args)
    for _ in range(3):
        assert_same(compiled(*args), expected)
    return compiled


# -- what is computed ------------------------------------------------------------------------------


def last_and_gradients(steps: Any) -> Callable[..., Any]:
    """The last value of a random program, and the gradients of its sum."""

    def both(*arrays: Any) -> Any:
        leaves = [Tensor(array, requires_grad=True) for array in arrays]
        last = run(steps, tuple(leaves))[-1]
        return last, gradients(last.sum(), leaves, allow_unused=True, retain_graph=True)

    return both


@pytest.fixture
def every_size_is_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results of any size are put into buffers."""
    monkeypatch.setattr(memory, "PLACED", 0)


@pytest.mark.usefixtures("every_size_is_placed")
@settings(
    max_examples=2 * settings.default.max_examples,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn(draw_program))
def test_random_programs_and_their_gradients(program: Any) -> None:
    steps, inputs = program
    both = last_and_gradients(steps)
    with np.errstate(all="ignore"):
        compiled = compile(both, fuse=False)
        expected = both(*inputs)
        for _ in range(3):
            assert_same(compiled(*inputs), expected)


@pytest.mark.parametrize(
    "function",
    [
        grad(lambda x: (np.sin(x) ** 2).sum()),
        value_and_grad(np.linalg.norm),
        hessian(np.prod),
        lambda x: hvp(lambda x: (x**3).sum(), (x,), (x,)),
        lambda x: jvp(np.tanh, (x,), (x,)),
        grad(lambda x: x[0] * grad(lambda y: (x * y * y).sum())(x)[1]),
        lambda x: {"sorted": np.sort(x), "pair": (x + 1, [x.mean(), 3])},
        lambda x: np.where(x > 0.5, x, 0),
        lambda x: x[np.argsort(x)],
        np.positive,
    ],
)
def test_derivatives_and_containers(function: Callable[..., Any]) -> None:
    replays(function, np.array([0.3, 0.9, 0.5]))


def test_other_values_of_the_same_kind_reuse_the_program() -> None:
    calls = []

    @compile
    def square(x: Any) -> Any:
        calls.append(x.shape)
        return x * x

    for k in range(5):
        assert square(np.full(3, float(k))).tolist() == [k * k] * 3
    assert calls == [(3,), (3,)]  # traced, and traced again to verify
    square(np.ones(4))
    square(np.ones(3, np.float32))
    square(np.ones((3, 2))[:, 0])
    assert len(calls) == 5


def test_settings_belong_to_the_kind_of_call() -> None:
    power = compile(lambda x, n, mode="plain": x**n if mode == "plain" else -(x**n))
    assert [power(np.array(3.0), n).item() for n in (1, 2, 3, 2)] == [3, 9, 27, 9]
    assert power(np.array(3.0), 2, mode="minus") == -9
    assert power(np.array(3.0), [1, 2][0]) == 3


def test_results_are_memory_of_their_own() -> None:
    both = compile(lambda x: (np.positive(x), x + 1, x + 1))
    x = np.ones(5000)
    first = both(x)
    kept = [array.copy() for array in first]
    second = both(2 * x)
    for array, copy in zip(first, kept, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert not any(np.shares_memory(a, b) for a in (*first, x) for b in second)
    assert not np.shares_memory(first[1], first[2])


def test_programs_of_a_thread_are_its_own() -> None:
    step = compile(lambda x: np.tanh(x @ x) @ x, fuse=False)
    inputs = [RNG.normal(size=(80, 80)) for _ in range(4)]
    expected = [np.tanh(x @ x) @ x for x in inputs]
    wrong = []

    def work(x: Any, result: Any) -> None:
        wrong.extend(1 for _ in range(30) if not np.array_equal(step(x), result))

    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(inputs, expected, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_cache_is_bounded() -> None:
    traced = []

    @compile
    def double(x: Any) -> Any:
        traced.append(x.size)
        return x + x

    bounded = compile(double.function, cache_size=2, verify=False)
    for size in (1, 2, 1, 3, 1, 2):
        bounded(np.ones(size))
    assert traced == [1, 2, 3, 2]


# -- the graph around a call -----------------------------------------------------------------------


def test_results_are_differentiable_from_outside() -> None:
    model = nn.MLP([3, 4, 2], "tanh", seed=0, dtype=np.float64)
    compiled = compile(model, fuse=False)
    x = RNG.normal(size=(5, 3))

    def run(f: Any) -> list[Any]:
        t = Tensor(x, requires_grad=True)
        for parameter in model.parameters():
            parameter.grad = None
        output = f(np.sin(t))
        (output * output).sum().backward()
        return [output.data, t.grad, *(parameter.grad for parameter in model.parameters())]

    for _ in range(3):
        before = [np.array(each) for each in run(model)]
        assert_same(run(compiled), before)


def test_a_compiled_call_can_be_differentiated_twice() -> None:
    f = compile(lambda x: (np.sin(x) * x).sum())
    x = np.array([0.3, 1.2])
    for _ in range(2):
        np.testing.assert_allclose(
            hessian(f)(x), hessian(lambda x: (np.sin(x) * x).sum())(x), rtol=1e-12
        )
    noisy = compile(lambda x: x * x * random.draw(lambda rng: rng.random(()), None))
    with pytest.raises(TraceError, match="draws random numbers"):
        grad(grad(noisy))(1.0)


def test_writing_before_the_backward_pass_is_noticed() -> None:
    w = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    f = compile(lambda x: (x * w).sum())
    for _ in range(2):
        loss = f(np.ones(2))
        w.assign(np.zeros(2))
        with pytest.raises(MutationError, match="written to"):
            loss.backward()


def test_backward_inside_reaches_arguments_and_captured_leaves() -> None:
    w = Tensor(np.array([1.0, 2.0]), requires_grad=True)

    @compile
    def step(x: Any) -> Any:
        loss = (x * x * w).sum()
        loss.backward()
        return loss

    x = Tensor(np.array([3.0, 4.0]), requires_grad=True)
    for count in range(1, 5):
        loss = step(x)
        assert not loss.requires_grad
        np.testing.assert_array_equal(x.grad, count * 2 * x.data * w.data)
        np.testing.assert_array_equal(w.grad, count * x.data**2)


def test_calls_inside_a_compiled_call_are_part_of_it() -> None:
    inner = compile(lambda x: np.sin(x) + 1)
    outer = replays(lambda x: inner(x) * 2, np.arange(3.0))
    assert "sin" in outer.source()


# -- state -----------------------------------------------------------------------------------------

OPTIMIZERS: dict[str, Callable[[Any], nn.Optimizer]] = {
    "sgd": lambda p: nn.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: nn.Adam(p, lr=0.01, fused=False),
    "rmsprop": lambda p: nn.RMSprop(p, lr=0.01),
}


class Net(nn.Module):
    """Something of everything that changes state or depends on it."""

    def __init__(self) -> None:
        self.first = nn.Linear(6, 8, rng=np.random.default_rng(1))
        self.norm = nn.BatchNorm1d(8)
        self.drop = nn.Dropout(0.3, rng=np.random.default_rng(2))
        self.last = nn.Linear(8, 3, rng=np.random.default_rng(3))

    def forward(self, x: Any) -> Any:
        return self.last(self.drop(nn.functional.relu(self.norm(self.first(x)))))


def trainer(name: str, compiled: bool, clip: float | None = None) -> tuple[Any, nn.Module]:
    model = Net()
    optimizer = OPTIMIZERS[name](model.parameters())

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        norm = None if clip is None else nn.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        return loss, norm

    return (compile(step, fuse=False) if compiled else step), model


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("clip", [None, 0.1])
def test_training_is_the_same_to_the_bit(name: str, clip: float | None) -> None:
    plain, model = trainer(name, False, clip)
    compiled, other = trainer(name, True, clip)
    for k in range(6):
        rng = np.random.default_rng(k)
        batch = rng.normal(size=(10, 6)).astype(np.float32), rng.integers(0, 3, 10)
        expected, result = plain(*batch), compiled(*batch)
        assert expected[0].item() == result[0].item()
        assert expected[1] == result[1]
        assert_same(other.state_dict(), model.state_dict())
        for a, b in zip(model.parameters(), other.parameters(), strict=True):
            np.testing.assert_array_equal(a.grad, b.grad)


def test_nothing_happens_while_a_function_is_traced() -> None:
    model = Net()
    optimizer = nn.Adam(model.parameters(), fused=False)

    @compile
    def broken(x: Any) -> Any:
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()
        raise KeyError("after all that")

    before = model.state_dict()
    generator = model.drop.rng.bit_generator.state
    with pytest.raises(KeyError):
        broken(np.ones((4, 6), np.float32))
    assert_same(model.state_dict(), before)
    assert model.drop.rng.bit_generator.state == generator
    assert all(parameter.grad is None for parameter in model.parameters())


def test_modes_and_frozen_parameters_get_programs_of_their_own() -> None:
    model = Net()
    compiled = compile(model, fuse=False)
    x = RNG.normal(size=(7, 6)).astype(np.float32)
    twin = Net()
    for mode in (True, False, True, False, False, True):
        model.train(mode)
        twin.train(mode)
        assert_same(compiled(x), twin(x))
    model.requires_grad_(False)
    twin.requires_grad_(False)
    assert not compiled(x).requires_grad
    model.requires_grad_(True)
    assert compiled(x).requires_grad


def test_gradients_accumulate_unless_they_are_cleared() -> None:
    w = Tensor(np.array([2.0]), requires_grad=True)
    accumulate = compile(lambda x: (w * x).sum().backward())
    for count in range(1, 6):
        accumulate(np.ones(1))
        assert w.grad is not None
        assert w.grad.item() == count
    w.grad = None
    accumulate(np.ones(1))
    assert w.grad.item() == 1  # type: ignore[union-attr]

    @compile
    def clear(x: Any) -> Any:
        w.grad = None
        return x + 1

    for _ in range(3):
        accumulate(np.ones(1))
        clear(np.ones(1))
        assert w.grad is None


def test_a_parameter_without_gradient_is_not_stepped() -> None:
    used, unused = (Tensor(np.ones(3), requires_grad=True) for _ in range(2))
    optimizer = nn.Adam([used, unused], lr=0.1, fused=False)

    @compile
    def step(x: Any) -> None:
        optimizer.zero_grad()
        (used * x).sum().backward()
        optimizer.step()

    for _ in range(4):
        step(np.ones(3))
    assert unused.data.tolist() == [1, 1, 1]
    assert used.data[0] < 0.7


def test_hooks_run_where_they_ran() -> None:
    events: list[Any] = []
    w = Tensor(np.array([1.0, -2.0]), requires_grad=True)
    w.register_hook(lambda g: 10 * g)

    def note() -> None:
        @effect()
        def look(what: str) -> None:
            events.append((what, None if w.grad is None else w.grad.tolist()))

        look("accumulated")

    w.register_post_accumulate_hook(lambda tensor: note())
    w.register_post_accumulate_hook(lambda tensor: on_backward_end(note))
    step = compile(lambda x: (w * x).sum().backward())
    for _ in range(3):
        w.grad = None
        events.clear()
        step(np.array([1.0, 2.0]))
        assert events == [("accumulated", [10.0, 20.0])] * 2


def test_gradients_in_the_flat_buffer_can_be_read() -> None:
    model = nn.MLP([3, 4, 2], "tanh", seed=0, dtype=np.float64)
    nn.SGD(model.parameters(), lr=0.1)

    def step(x: Any) -> Any:
        model.zero_grad()
        (model(x) ** 2).sum().backward()
        return [2 * parameter.grad for parameter in model.parameters()]

    replays(step, RNG.normal(size=(5, 3)))


def test_hooks_that_come_and_go_are_noticed() -> None:
    w = Tensor(np.array([1.0, -2.0]), requires_grad=True)

    def step(x: Any) -> None:
        w.grad = None
        (w * x).sum().backward()

    compiled = compile(step)
    x = np.array([3.0, 4.0])
    for _ in range(2):
        compiled(x)
        np.testing.assert_array_equal(w.grad, x)
        remove = w.register_hook(lambda g: 10 * g)
        compiled(x)
        np.testing.assert_array_equal(w.grad, 10 * x)
        remove()


def test_large_results_of_ufuncs_with_settings() -> None:
    x = RNG.normal(size=10_000).astype(np.float32)
    replays(lambda x: np.multiply(x + 1, 1.25, dtype=np.float32).sum(), x)
    replays(lambda x: (np.maximum(x, 0) - np.minimum(2 * x, 1)).sum(), x)


def test_settings_of_modules_are_those_of_the_call() -> None:
    model, twin = Net(), Net()
    compiled = compile(model, fuse=False)
    x = RNG.normal(size=(7, 6)).astype(np.float32)
    for p in (0.3, 0.3, 0.6, 0.6):
        model.drop.p = twin.drop.p = p
        assert_same(compiled(x), twin(x))
    for each in (model, twin):
        each.first = nn.Linear(6, 8, rng=np.random.default_rng(7))
    assert_same(compiled(x), twin(x))
    seen: list[str] = []
    with observing(model, lambda path, *_: seen.append(path)):
        compiled(x)
    assert seen == ["first", "norm", "drop", "last", ""]


def test_groups_that_join_an_optimizer_are_cleared_too() -> None:
    first, second = (Tensor(np.ones(2), requires_grad=True) for _ in range(2))
    optimizer = nn.SGD([first], lr=0.1)

    @compile
    def gradients_at(x: Any) -> None:
        optimizer.zero_grad()
        (first * second * x).sum().backward()

    for _ in range(3):
        gradients_at(np.ones(2))
    assert second.grad is not None and second.grad.tolist() == [3, 3]
    optimizer.add_param_group({"params": [second]})
    for _ in range(3):
        gradients_at(np.ones(2))
        assert second.grad.tolist() == [1, 1]


def test_an_effect_may_call_the_function_it_is_in() -> None:
    busy: list[bool] = []
    inner = []

    @effect()
    def look() -> None:
        if not busy:
            busy.append(True)
            inner.append(outer(np.full((90, 90), 2.0)))
            busy.clear()

    @compile
    def outer(x: Any) -> Any:
        y = np.exp(x) * 2
        look()
        return np.sin(y) @ x

    x = np.full((90, 90), 0.1)
    for _ in range(3):
        np.testing.assert_allclose(outer(x), np.sin(np.exp(x) * 2) @ x, rtol=1e-12)
    assert len(inner) == 3


def test_random_numbers_are_drawn_anew() -> None:
    def noise(x: Any) -> Any:
        return x + random.draw(lambda rng: rng.normal(size=x.shape), None)

    compiled = compile(noise, fuse=False)
    ag.manual_seed(3)
    expected = [noise(Tensor(np.zeros(4))) for _ in range(4)]
    ag.manual_seed(3)
    assert_same([compiled(Tensor(np.zeros(4))) for _ in range(4)], expected)


def test_checks_of_targets_are_kept() -> None:
    loss = compile(nn.functional.cross_entropy)
    x = np.zeros((2, 3))
    for _ in range(3):
        loss(x, np.array([0, 2]))
    with pytest.raises(nn.errors.TargetError, match="got the target 7"):
        loss(x, np.array([0, 7]))


@given(st.integers(0, 2**32 - 1))
def test_untracked_tensors_are_read_anew(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scale = Tensor(rng.normal(size=3))
    f = compile(lambda x: (x * scale).sum())
    for _ in range(4):
        scale.assign(rng.normal(size=3))
        x = rng.normal(size=3)
        np.testing.assert_allclose(f(x), (x * scale.data).sum(), rtol=1e-12)


# -- what cannot be compiled -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x if x.sum() > 0 else -x, "truth of an array"),
        (lambda x: x * float(x.sum()), r"float\(\)"),
        (lambda x: x * x.sum().item(), r"\.item"),
        (lambda x: np.asarray(x) * 2, r"np\.asarray"),
        (lambda x: x[: int(x[0])], r"int\(\)"),
        (lambda x: [0, 1, 2][x.astype(int)[0]], "index"),
        (lambda x: f"{x:.2f}", r"format\(\)"),
        (lambda x: np.array_equal(x, x), "depends on values"),
        (lambda x: x[x > 0], "what getitem returns depends on values"),
        (lambda x: x[1:, None][x[1:] > 0].mean(), "getitem returns"),
        (lambda x: np.where(x > 0), "(where|nonzero) returns"),
        (lambda x: np.unique(x).sum(), "unique returns"),
        (lambda x: np.extract(x > 0, x), "(extract|flatnonzero) returns"),
        (lambda x: np.compress(x > 0, x), "(compress|flatnonzero) returns"),
        (lambda x: np.repeat(x, (x > 0).astype(int)), "repeat returns"),
        (lambda x: x.sort(), "writes into"),
        (lambda x: np.add(x, x, out=x), "writes into"),
    ],
)
def test_what_depends_on_values_says_so(function: Callable[..., Any], message: str) -> None:
    for argument in (np.ones(3), Tensor(np.ones(3))):
        if isinstance(argument, Tensor) and message in (r"np\.asarray", "writes into"):
            continue  # Tensors refuse these themselves
        with pytest.raises(TraceError, match=message):
            compile(function)(argument)


def test_picking_that_does_not_depend_on_values_is_compiled() -> None:
    x = RNG.normal(size=4)
    mask, places = np.array([True, False, True, True]), np.array([2, 2, 0])
    for f in (
        lambda x: x[mask].mean(),
        lambda x: x[places, None],
        lambda x: x[np.argsort(x)],
        lambda x: np.repeat(x, [1, 0, 2, 3]),
        lambda x: np.where(x > 0, x, 0).sum() / (x > 0).sum(),
    ):
        replays(f, x)
        replays(grad(lambda x: f(x).sum()), x)  # noqa: B023


def test_a_mask_in_the_gradient_names_the_line_of_the_user() -> None:
    def loss(x: Any) -> Any:
        return x[x > 0].mean()  # this one

    with pytest.raises(TraceError, match="this one"):
        compile(grad(loss))(np.ones(2))


def test_branches_name_the_line() -> None:
    def branch(x: Any) -> Any:
        return x if x[0] > 0 else -x  # this one

    with pytest.raises(TraceError, match="this one"):
        compile(branch)(np.ones(2))


def test_what_varies_from_call_to_call_is_found() -> None:
    count = [0.0]

    def drifting(x: Any) -> Any:
        count[0] += 1
        return x * count[0]

    def noisy(x: Any) -> Any:
        return x + np.random.default_rng().normal(size=3)

    for function in (drifting, noisy):
        compiled = compile(function)
        compiled(np.ones(3))
        with pytest.raises(TraceError, match="varies"):
            compiled(np.ones(3))


def test_arrays_must_not_outlive_the_trace() -> None:
    kept = []
    keep = compile(lambda x: kept.append(x * 2), verify=False)
    keep(np.ones(3))
    with pytest.raises(TraceError, match="after the call"):
        kept[0] + 1


def test_in_place_writes_to_arguments_are_refused() -> None:
    def write(x: Any) -> Any:
        x += 1
        return x

    for argument in (np.ones(3), Tensor(np.ones(3))):
        with pytest.raises(TraceError, match=r"writes into|in place"):
            compile(write)(argument)


def test_a_freed_graph_says_so_in_compiled_code_too() -> None:
    def twice(x: Any) -> None:
        x = Tensor(x, requires_grad=True)
        y = (x * x).sum()
        y.backward()
        y.backward()

    with pytest.raises(GraphError, match="freed"):
        compile(twice)(np.ones(2))


# -- what it looks like ----------------------------------------------------------------------------


def test_the_program_can_be_read() -> None:
    model = nn.MLP([4, 8, 1], "relu", seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1)

    @compile(fuse=False)
    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    with pytest.raises(TraceError, match="not been called"):
        step.source()
    step(np.ones((3, 4), np.float32), np.ones((3, 1), np.float32))
    source = step.source()
    assert source.startswith("def program(v0, v1):")
    assert (
        source.count("matmul") == 4
    )  # two forward, two backward: to one output it is an outer product
    assert "maximum" in source
    assert "step(" in source
    __builtins__["compile"](source, "source", "exec")  # it is Python
    names = [line.split(":")[0] for line in step.explain().splitlines()]
    assert names[:3] == ["trace", "lower", "simplify"]
    assert {"share", "prune", "forget", "hoist", "place", "reuse"} <= set(names)


def test_profiles_and_anomaly_mode_see_the_function_itself() -> None:
    f = compile(lambda x: np.log(x).sum())
    for _ in range(3):
        f(np.ones(2))
    anomaly = pytest.raises(AnomalyError, match="log")
    with anomaly, ag.detect_anomaly(), np.errstate(divide="ignore"):
        f(Tensor(np.zeros(2), requires_grad=True))
