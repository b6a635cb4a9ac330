"""What each pass does to a program, seen in its source and in what it reports."""

import copy
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_compiler import arrays_of, last_and_gradients
from test_programs import draw_program

import nn
from autograd_core import Tensor, value_and_grad
from autograd_core.compiler import Compiled, compile, memory, recompute
from autograd_core.compiler.ir import Instruction, Value, named
from autograd_core.compiler.passes import Draft, hashable
from autograd_core.compiler.steps import along, layout_in, nest_in
from autograd_core.testing import drawn

SINGLE = np.float32


def called(function: Callable[..., Any], *args: Any, fuse: bool = False) -> Compiled[Any, Any]:
    """A compiled function after a call."""
    compiled = compile(function, fuse=fuse)
    compiled(*args)
    return compiled


def reported(compiled: Compiled[Any, Any], name: str) -> int:
    """The first number that a pass reports."""
    (line, *_) = [line for line in compiled.explain().splitlines() if line.startswith(f"{name}: ")]
    found = re.search(r"\d[\d,]*", line)
    assert found is not None
    return int(found[0].replace(",", ""))


def test_a_copy_of_an_instruction_has_places_of_its_own() -> None:
    value = Value(0, np.ones(3))
    instruction = Instruction(np.negative, (value,), outputs=(value.twin(1),))
    copy.copy(instruction).out[value] = np.ones(3)
    assert not instruction.out


# -- without numba ---------------------------------------------------------------------------------


def test_lower() -> None:
    step = called(
        lambda x: (x.sum(axis=0), np.max(x), x.mean(axis=1, keepdims=True)), np.ones((2, 3))
    )
    assert reported(step, "lower") == 3
    assert "add_reduce(" in step.source()
    assert "true_divide(" in step.source() or "divide(" in step.source()
    masked = called(lambda x: np.sum(x, where=x > 0), np.ones(3))
    assert reported(masked, "lower") == 0


def test_simplify() -> None:
    def idle(x: Any) -> Any:
        y = np.positive(x * 1 / 1).reshape(x.shape).astype(x.dtype)
        return np.exp(np.negative(np.negative(y.T.T)))

    source = called(idle, np.ones((2, 3))).source()
    assert source.count("\n") == 3  # the definition, exp and the return


def test_simplify_keeps_dtypes_and_shapes() -> None:
    step = called(lambda x: (x * np.float64(1), x.astype(float) + 0), np.ones(3, SINGLE))
    results = step(np.ones(3, SINGLE))
    assert [array.dtype for array in results] == [np.float64, np.float64]


def test_share_and_prune() -> None:
    def twice(x: Any) -> Any:
        np.cos(x)
        return np.sin(x) * 2 + np.sin(x) * 3

    step = called(twice, np.ones(3))
    assert reported(step, "share") == 1
    assert reported(step, "prune") == 1
    assert step.source().count("sin(") == 1
    assert "cos" not in step.source()


def test_share_tells_numbers_of_different_types_apart() -> None:
    assert hashable([1, {"a": slice(0, 2)}]) == hashable([1, {"a": slice(0, 2)}])
    assert hashable((1,)) != hashable((1.0,)) != hashable((True,))
    step = called(lambda x: (x + np.float32(1), x + np.float64(1)), np.ones(2, SINGLE))
    assert [array.dtype for array in step(np.ones(2, SINGLE))] == [np.float32, np.float64]


def test_hoist_makes_views_once() -> None:
    weight = Tensor(np.arange(6.0).reshape(2, 3))
    step = called(lambda x: x @ weight.T, np.ones((4, 3)))
    assert reported(step, "hoist") == 1
    assert ".T" not in step.source()
    weight.assign(np.zeros((2, 3)))
    assert not step(np.ones((4, 3))).data.any()


def test_gradients_are_computed_in_the_flat_buffer() -> None:
    model = nn.Linear(5, 4, rng=np.random.default_rng(0))
    optimizer = nn.SGD(model.parameters(), lr=0.1)

    def step(x: Any) -> None:
        optimizer.zero_grad()
        np.square(model(x)).sum().backward()

    compiled = called(step, np.ones((3, 5), SINGLE))
    assert reported(compiled, "place") == 2
    assert reported(compiled, "forget") == 2
    (buffer,) = optimizer.buffers
    assert all(np.shares_memory(p.grad, buffer.gradients) for p in model.parameters())


def test_large_results_share_buffers() -> None:
    def chain(x: Any) -> Any:
        for _ in range(6):
            x = np.sin(x) @ x
        return x

    step = called(chain, np.eye(100))
    line = next(line for line in step.explain().splitlines() if line.startswith("reuse"))
    before, after = (int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", line))
    assert after <= before / 3
    np.testing.assert_array_equal(step(np.eye(100)), chain(np.eye(100)))


def test_draft_rewrites_results_too() -> None:
    from autograd_core.compiler.ir import Instruction

    one, two, three = (Value(k, np.ones(2)) for k in range(3))
    draft = Draft(
        [
            Instruction(np.positive, (one,), {}, (two,)),
            Instruction(np.sin, (two,), {}, (three,)),
        ],
        [one],
        [two, three],
    )
    equal = draft.rewrite(lambda each: {two: one} if each.function is np.positive else None)
    assert equal == 1
    assert draft.results == [one, three]
    assert draft.instructions[0].args == (one,)
    assert named("copy") is named("copy")


# -- with numba ------------------------------------------------------------------------------------


@pytest.fixture
def numba() -> None:
    pytest.importorskip("numba")


def test_nests() -> None:
    array = np.ones((2, 3, 4))
    assert nest_in(Value(0, array), (0, 1, 2)) == (6, 4)
    assert nest_in(Value(0, array), (1, 0, 2)) is None
    assert nest_in(Value(0, array.T), (2, 1, 0)) == (6, 4)
    assert nest_in(Value(0, array[0]), (0, 1, 2)) == (3, 4)
    assert nest_in(Value(0, array[0, :, :1]), (1, 0)) is None  # there are gaps
    assert nest_in(Value(0, np.ones(3)), (1, 0)) == (3, 1)
    assert nest_in(Value(0, np.ones(())), ()) == (1, 1)
    layouts = [layout_in(nest, (6, 4)) for nest in ((6, 4), (1, 1), (1, 4), (6, 1), (2, 4))]
    assert [each and each.name for each in layouts] == ["FULL", "SCALAR", "COLUMN", "ROW", None]
    reductions = [along(axes, (0, 1, 2)) for axes in ({2}, {0, 1}, {0, 1, 2}, {1})]
    assert reductions == ["last", "leading", "all", None]
    assert [along(axes, (1, 0)) for axes in ({0}, {1})] == ["last", "leading"]


@pytest.mark.usefixtures("numba")
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
def test_kernels_run_along_memory_whatever_the_order_of_axes(order: tuple[int, ...]) -> None:
    def normalized(x: Any, y: Any) -> Any:
        z = np.exp(x * 0.5 + y)
        total = z.sum(axis=order[-1], keepdims=True)
        return z / total, z.sum(axis=order[:-1]), z.max(), np.einsum("...i->...", z)

    numbers = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    places = np.argsort(order)
    x, y = (each.transpose(places) for each in numbers[:, :, :, :3])
    run = compile(normalized, fuse=True)
    for _ in range(2):
        for ours, expected in zip(run(x, y), normalized(x, y), strict=True):
            assert ours.strides == expected.strides or ours.ndim == 0
            np.testing.assert_allclose(ours, expected, rtol=1e-12)
    assert reported(run, "fuse") >= 5


@pytest.mark.usefixtures("numba")
@settings(max_examples=60)
@given(st.data())
def test_arrays_in_several_orders_meet(data: Any) -> None:
    """Sums of arrays, transposed or not; each may take over the memory of the one before."""
    transposed = data.draw(st.lists(st.booleans(), min_size=2, max_size=6))
    reduced = data.draw(st.sampled_from([0, 1, -1]))
    numbers = np.random.default_rng(0).standard_normal((len(transposed), 64, 64)).astype(SINGLE)

    def function(arrays: list[Any]) -> Any:
        total = arrays[0] * 2
        for array, turn in zip(arrays, transposed, strict=True):
            product = array @ array  # no part of a kernel
            total = total + (product.T if turn else product)
            total = np.tanh(total) * 0.5 + total
        return total.sum(axis=reduced), np.einsum("...i,...i->...", total, arrays[-1].T), total

    arrays = [*numbers]
    run = compile(function, fuse=True)
    for _ in range(2):
        for ours, expected in zip(run(arrays), function(arrays), strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-3)


def written_between(w: Tensor) -> Callable[..., Any]:
    """A function that needs, after it has written to w, what it computed from w before."""

    def function(x: Any) -> Any:
        h = w.data * 2.0 + x
        total = (np.cos(np.sin(h) @ np.ones((len(x), 4 * len(x)))) ** 2).sum()
        w[...] = x
        return h * 1.5 + total

    return function


@pytest.mark.usefixtures("numba", "nothing_is_small")
def test_nothing_is_made_again_from_what_was_written_to() -> None:
    start, x = np.random.default_rng(0).normal(size=(2, 40, 40))
    w = Tensor(start.copy())
    expected = written_between(w)(x)
    w[...] = start
    np.testing.assert_allclose(compile(written_between(w), fuse=True)(x), expected, rtol=1e-9)


NUMBERS = np.arange(1.0, 17.0)


@pytest.mark.usefixtures("numba", "nothing_is_small")
@pytest.mark.parametrize(
    ("function", "args"),
    [
        pytest.param(lambda x: (x / 0.0, x / -0.0), [NUMBERS], id="zeros of both signs"),
        pytest.param(
            lambda x: (np.copysign(x, 0.0) * 2, np.copysign(x, -0.0) * 3),
            [NUMBERS],
            id="zeros of both signs in one call",
        ),
        pytest.param(
            lambda x: (x > 0.1, x > np.float64(0.1)), [np.full(3, SINGLE(0.1))], id="weak and not"
        ),
        pytest.param(
            lambda x: ((x > 2**53) * 1, (x > 2.0**53) * 1), [np.full(3, 2**53 + 1)], id="1 and 1.0"
        ),
        pytest.param(
            lambda x, y: np.einsum("...i,...i->...", x, y) * 2,
            [NUMBERS.reshape(4, 4).astype(SINGLE) / 3, NUMBERS.reshape(4, 4) / 7],
            id="einsum of two dtypes",
        ),
        pytest.param(
            lambda x, y: np.einsum("...i,...i->...", x, y) * 2,
            [NUMBERS.reshape(4, 4).astype(np.float16) * 100] * 2,
            id="einsum of halves",
        ),
        pytest.param(
            lambda x, m: np.exp(-(((m @ x)[:, None] - (m @ x)[None, :]) ** 2)).sum(-1) + 1,
            [NUMBERS[:3], np.sin(NUMBERS[:9]).reshape(3, 3)],
            id="a row that is a column too",
        ),
        pytest.param(
            lambda x: (x * 1).reshape(1, -1) * 2 + 1, [np.arange(16.0)[::2]], id="strides and one"
        ),
        pytest.param(
            lambda x: x.max(axis=1, keepdims=True).sum(-1), [NUMBERS[:6, None]], id="a row reduced"
        ),
        pytest.param(
            lambda x: (x * 2).sum(1, keepdims=True).max(0) * 2,
            [NUMBERS[:6, None]],
            id="a row reduced along the rows",
        ),
        pytest.param(lambda x: x.sum(axis=0) * 2 + x, [np.array(3.0)], id="a number reduced"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_corners_of_fusing(function: Callable[..., Any], args: list[Any]) -> None:
    run = compile(function, fuse=True)
    for _ in range(3):
        found, expected = run(*args), function(*args)
        pairs = (
            zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
        )
        for ours, theirs in pairs:
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_zeros_of_both_signs_are_two_kinds_of_calls() -> None:
    run = compile(lambda x, s: np.copysign(x, s) * 2, fuse=False)
    assert run(np.ones(1), 0.0)[0] == 2
    assert run(np.ones(1), -0.0)[0] == -2


@pytest.mark.usefixtures("numba")
def test_elementwise_chains_and_reductions_become_one_kernel() -> None:
    def normalized(x: Any, weight: Any, bias: Any) -> Any:
        rows = x.reshape(-1, x.shape[-1])
        y = rows - rows.mean(axis=-1, keepdims=True)
        y = y / np.sqrt((y * y).mean(axis=-1, keepdims=True) + 1e-5)
        return np.tanh(y.reshape(x.shape) * weight + bias)

    rng = np.random.default_rng(0)
    args = rng.normal(size=(2, 5, 8)).astype(SINGLE), *rng.normal(size=(2, 8)).astype(SINGLE)
    step = called(normalized, *args, fuse=True)
    assert step.source().splitlines()[0].startswith("def program")
    assert len(re.findall(r"^def (?!program)", step.source(), flags=re.M)) == 1
    np.testing.assert_allclose(step(*args), normalized(*args), rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("numba")
def test_one_array_can_be_a_row_and_a_column() -> None:
    def differences(x: Any) -> Any:
        return np.exp(-np.square(x[:, None] - x[None, :])) * 2

    x = np.arange(4.0)
    np.testing.assert_allclose(called(differences, x, fuse=True)(x), differences(x), rtol=1e-14)


@pytest.mark.usefixtures("numba")
def test_nothing_in_a_kernel_waits_for_what_follows_it() -> None:
    """The product needs the first half of an elementwise chain, and the second half needs it."""

    def around(x: Any) -> Any:
        a = np.tanh(x) * 2
        b = a @ x
        return (np.sin(a) + b * 3) @ (a - b)

    x = np.random.default_rng(1).normal(size=(6, 6))
    np.testing.assert_allclose(called(around, x, fuse=True)(x), around(x), rtol=1e-12)


@pytest.fixture
def nothing_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results of any size are put into buffers, and made again."""
    monkeypatch.setattr(memory, "PLACED", 0)
    monkeypatch.setattr(recompute, "LARGE", 0)


@pytest.mark.usefixtures("numba", "nothing_is_small")
@settings(
    max_examples=settings.default.max_examples // 3,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn(draw_program))
def test_fused_programs_compute_nearly_the_same(program: Any) -> None:
    steps, inputs = program
    both = last_and_gradients(steps)
    with np.errstate(all="ignore"):
        expected = arrays_of(both(*inputs))
        found = arrays_of(called(both, *inputs, fuse=True)(*inputs))
    for a, b in zip(found, expected, strict=True):
        scale = np.max(np.abs(b), where=np.isfinite(b), initial=1e-3)
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9 * scale)


@pytest.mark.usefixtures("numba")
def test_results_that_wait_are_made_again() -> None:
    def loss(x: Any, w: Any) -> Any:
        for _ in range(3):
            x = np.tanh(x @ w)
            x = x * np.exp(-x * x)
        return (x * x).sum()

    rng = np.random.default_rng(0)
    args = rng.normal(size=(200, 200)), rng.normal(size=(200, 200)) / 10
    step = called(value_and_grad(loss, (0, 1)), *args, fuse=True)
    assert reported(step, "recompute") > 0
    value, found = step(*args)
    expected, wanted = value_and_grad(loss, (0, 1))(*args)
    np.testing.assert_allclose(value, expected, rtol=1e-10)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-10)
