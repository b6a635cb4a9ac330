"""The flat buffer: views, sharing, gradients that land in it, and its price for many parameters."""

import gc
from itertools import pairwise
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd_core import Tensor
from autograd_core.errors import DtypeError, GraphError
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
