"""The flat buffer: views, sharing, gradients that land in it, and its price for many parameters."""

import gc
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd_core import Tensor
from autograd_core.errors import DtypeError, GraphError
from nn import functional
from nn.optim.optimizer import neighbours
from nn.parameters import ParameterBuffer, buffer_of, buffers_of

shapes = st.lists(
    st.sampled_from([(), (0,), (1,), (3,), (2, 3), (2, 1, 2)]), min_size=1, max_size=6
)


def parameters_of(shapes: list[tuple[int, ...]], dtype: type = np.float64) -> list[Tensor]:
    rng = np.random.default_rng(0)
    return [nn.Parameter(rng.normal(size=shape), dtype) for shape in shapes]


@given(shapes)
def test_parameters_become_views_with_the_same_values(shapes: list[tuple[int, ...]]) -> None:
    parameters = parameters_of(shapes)
    before = [parameter.data.copy() for parameter in parameters]
    (buffer,) = buffers_of(parameters)
    assert buffer.values.size == sum(parameter.size for parameter in parameters)
    assert [id(parameter) for parameter in buffer.parameters] == [id(p) for p in parameters[::-1]]
    for parameter, span in zip(buffer.parameters, buffer.spans, strict=True):
        np.testing.assert_array_equal(buffer.values[span], parameter.data.ravel())
        buffer.values[span] += 1
    for parameter, values in zip(parameters, before, strict=True):
        np.testing.assert_array_equal(parameter.data, values + 1)
        assert parameter.grad is None


@given(shapes)
def test_gradients_land_in_the_buffer(shapes: list[tuple[int, ...]]) -> None:
    parameters = parameters_of(shapes)
    (buffer,) = buffers_of(parameters)
    for _ in range(2):
        sum((parameter * parameter).sum() for parameter in parameters).backward()
    np.testing.assert_allclose(buffer.gradients, 4 * buffer.values)
    for parameter in parameters:
        assert parameter.grad is not None
        assert parameter.size == 0 or np.shares_memory(parameter.grad, buffer.gradients)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("used", ["once", "twice", "hooked", "written before", "awaited"])
def test_products_land_in_the_buffer_only_where_they_are_the_whole_gradient(
    used: str, dtype: type
) -> None:
    x = np.random.default_rng(1).normal(size=(5, 3)).astype(dtype)

    def gradients(place: bool) -> tuple[list[Any], list[str]]:
        told: list[str] = []
        weight, bias = parameters_of([(4, 3), (4,)], dtype)
        if place:
            buffers_of([weight, bias])
        if used == "hooked":
            weight.register_hook(lambda g: told.append("hook") or 3 * g)  # type: ignore[func-returns-value]
        if used == "awaited":
            weight.register_post_accumulate_hook(lambda w: told.append(str(w.grad is None)))
        if used == "written before":
            weight.sum().backward()
        y = functional.linear(x, weight, bias)
        if used == "twice":
            y = y + functional.linear(2 * x, weight, bias)
        np.cos(y).sum().backward()
        return [weight.grad, bias.grad], told

    placed, told = gradients(True)
    expected, wanted = gradients(False)
    assert told == wanted
    for ours, theirs in zip(placed, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_optimizer_in_the_backward_pass_does_not_change_what_it_needs() -> None:
    x = np.random.default_rng(0).normal(size=(4, 3))

    def gradient(stepping: bool) -> Any:
        weights = parameters_of([(3, 3), (2, 3)])
        for weight in weights if stepping else ():
            optimizer = nn.SGD([weight], lr=0.5)
            weight.register_post_accumulate_hook(lambda _, step=optimizer.step: step())
        y = functional.linear(functional.linear(x, weights[0]), weights[1])
        (y * y).sum().backward()
        return np.array(weights[0].grad)

    np.testing.assert_array_equal(gradient(True), gradient(False))


def test_a_cotangent_may_lie_in_the_buffer() -> None:
    x = np.random.default_rng(0).normal(size=(3, 3))

    def gradients(place: bool) -> list[Any]:
        first, weight, bias = parameters_of([(3, 3), (3, 3), (3,)])
        if place:
            buffers_of([first, weight, bias])
        (functional.linear(x, weight) ** 2).sum().backward()
        cotangent = weight.grad
        weight.grad = None
        hidden = functional.linear(x, first)
        functional.linear(hidden, weight, bias).backward(cotangent)
        return [first.grad, weight.grad, bias.grad]

    for ours, expected in zip(gradients(True), gradients(False), strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_a_bias_that_broadcasts_has_its_place_too() -> None:
    weight, bias = parameters_of([(2, 3), (1,)])
    buffers_of([weight, bias])
    functional.linear(np.ones((4, 3)), weight, bias).sum().backward()
    np.testing.assert_array_equal(bias.grad, [8.0])


def test_gradients_written_before_move_along() -> None:
    used, unused = parameters_of([(3,), (2,)])
    (used * used).sum().backward()
    (buffer,) = buffers_of([used, unused])
    np.testing.assert_allclose(used.grad, 2 * used.data)
    assert np.shares_memory(used.grad, buffer.gradients)
    assert buffer.written() == [False, True]


def test_whoever_asks_shares_the_buffer() -> None:
    model = nn.MLP([2, 3, 1])
    first, second = nn.SGD(model.parameters()), nn.Adam(model.parameters())
    assert first.buffers == second.buffers == buffers_of(model.parameters())
    part = nn.SGD(model[0].parameters())
    assert part.buffers == first.buffers


def test_new_parameters_get_a_new_buffer_and_old_ones_stay() -> None:
    old, new = parameters_of([(3,), (2,)])
    (first,) = buffers_of([old])
    both = buffers_of([old, new])
    assert both[0] is first and buffer_of(new) is both[1]
    assert both[1].parameters == (new,)


def test_one_buffer_for_each_dtype() -> None:
    single, double = nn.Parameter(np.ones(2, np.float32)), nn.Parameter(np.ones(2))
    assert [buffer.values.dtype for buffer in buffers_of([single, double])] == ["f4", "f8"]


def test_a_parameter_given_twice_has_one_place() -> None:
    (parameter,) = parameters_of([(3,)])
    (buffer,) = buffers_of([parameter, parameter])
    assert buffer.values.size == 3


def test_an_unfrozen_parameter_finds_its_place_again() -> None:
    (parameter,) = parameters_of([(3,)])
    optimizer = nn.SGD([parameter], lr=1.0)
    parameter.requires_grad = False
    optimizer.zero_grad()
    optimizer.step()
    parameter.requires_grad = True
    before = parameter.data.copy()
    (parameter * 2).sum().backward()
    optimizer.step()
    np.testing.assert_allclose(parameter.data, before - 2)
    assert np.shares_memory(parameter.grad, optimizer.buffers[0].gradients)


def test_unwritten_gradients_count_as_zero_and_can_be_declared_written() -> None:
    used, unused = parameters_of([(3,), (2,)])
    (buffer,) = buffers_of([used, unused])
    buffer.gradients[...] = 7
    used.grad = np.ones(3)
    buffer.zero_unwritten()
    np.testing.assert_array_equal(buffer.gradients, [0, 0, 1, 1, 1])
    assert buffer.written() == [False, True] and len(buffer.written_gradients()) == 1
    buffer.mark_written([0])
    assert buffer.written() == [True, True] and (unused.grad == 0).all()


def test_a_parameter_replaced_in_a_dead_buffer_moves_to_a_new_one() -> None:
    (parameter,) = parameters_of([(3,)])
    ParameterBuffer([parameter])
    gc.collect()
    assert buffer_of(parameter) is None
    (buffer,) = buffers_of([parameter])
    (parameter * 3).sum().backward()
    np.testing.assert_array_equal(buffer.gradients, [3, 3, 3])


def test_only_real_floating_leaves_are_parameters() -> None:
    with pytest.raises(GraphError, match="leaves"):
        buffers_of([nn.Parameter(1.0) * 2])
    with pytest.raises(DtypeError, match="complex128"):
        buffers_of([Tensor(np.ones(1, complex), requires_grad=True)])


@given(st.sets(st.integers(0, 20)))
def test_neighbours_cover_what_was_given(indices: set[int]) -> None:
    runs = neighbours(sorted(indices))
    assert [i for first, last in runs for i in range(first, last + 1)] == sorted(indices)
    assert all(a[1] + 1 < b[0] for a, b in pairwise(runs))


def test_ten_thousand_parameters_take_two_microseconds_each() -> None:
    parameters = [nn.Parameter(np.ones(2)) for _ in range(10_000)]
    optimizer = nn.Adam(parameters)
    for parameter in parameters:
        parameter.grad = np.ones(2)
    times = []
    for _ in range(5):
        start = perf_counter()
        optimizer.step()
        times.append(perf_counter() - start)
    assert min(times) <= 10_000 * 2e-6


def best_of(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The shortest time of each call, measured in turn."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = perf_counter()
            call()
            times[name].append(perf_counter() - start)
    return {name: min(seconds) for name, seconds in times.items()}


@pytest.mark.parametrize("fused", [False, True])
def test_each_part_of_a_step_costs_less_for_many_parameters_than_numpy_for_each(
    fused: bool,
) -> None:
    if fused:
        pytest.importorskip("numba")
    count = 10_000
    parameters = [nn.Parameter(np.ones(4), np.float32) for _ in range(count)]
    optimizer = nn.Adam(parameters, fused=fused)
    arrays = [np.ones(4, np.float32) for _ in parameters]
    gradients = [np.full(4, 0.1, np.float32) for _ in parameters]
    leaves = [parameter.leaf for parameter in parameters]

    def gather() -> None:
        for leaf, gradient in zip(leaves, gradients, strict=True):
            leaf.accumulate(gradient)

    def reference() -> None:
        for array, gradient in zip(arrays, gradients, strict=True):
            array -= 0.001 * gradient  # noqa: PLW2901

    gather()
    optimizer.step()  # compiles
    times = best_of(
        {
            "reference": reference,
            "step": optimizer.step,
            "clip": lambda: nn.clip_grad_norm_(parameters, 1e9),
            "zero": optimizer.zero_grad,
            "gather": gather,
        },
        repeats=7,
    )
    # Of 1.0 µs for the reference: 0.07, 0.5, 0.03 and 0.5 µs. Objects that lie all over the memory
    # cost more where other processes want the caches too.
    assert times["step"] < 0.8 * times["reference"]
    assert times["clip"] < 2 * times["reference"]
    assert times["zero"] < 0.4 * times["reference"]
    assert times["gather"] < 2 * times["reference"]


@pytest.mark.parametrize("fused", [False, True])
def test_a_step_of_a_small_model_costs_hardly_more_than_its_arithmetic(fused: bool) -> None:
    if fused:
        pytest.importorskip("numba")
    model = nn.MLP([32, 64, 64, 1], seed=0)
    optimizer = nn.Adam(model.parameters(), fused=fused)
    for parameter in model.parameters():
        parameter.grad = np.full(parameter.shape, 0.1)
    (buffer,) = optimizer.buffers
    arrays = [np.full_like(buffer.values, 0.1) for _ in range(5)]

    def arithmetic() -> None:
        nn.Adam.update(
            optimizer,
            *arrays,
            step=7,
            lr=1e-3,
            betas=(0.9, 0.999),
            eps=1e-8,
            amsgrad=False,
        )

    optimizer.step()  # compiles
    times = best_of({"arithmetic": arithmetic, "step": optimizer.step}, repeats=300)
    # 15 µs in NumPy; a step takes 4 µs more, and 7 µs in all as a compiled loop.
    assert times["step"] < (1.0 if fused else 1.7) * times["arithmetic"]
