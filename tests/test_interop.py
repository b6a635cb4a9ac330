"""Copies, pickles and loans of Tensors: values travel, and no graph is lost unnoticed."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograd_core import Tensor, no_grad
from autograd_core.errors import GraphError, MutationError, TrackedValueError

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)

arrays = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.complex64, np.int8, np.bool_]),
    hnp.array_shapes(min_dims=0, min_side=0),
)


def pickled(x: Any, protocol: int = pickle.HIGHEST_PROTOCOL) -> Any:
    return pickle.loads(pickle.dumps(x, protocol))


@given(arrays, st.booleans(), st.sampled_from(PROTOCOLS))
def test_pickles_carry_values_and_whether_they_want_a_gradient(
    array: np.ndarray, wanted: bool, protocol: int
) -> None:
    x = Tensor(array, requires_grad=wanted and array.dtype.kind in "fc")
    y = pickled(x, protocol)
    assert type(y) is Tensor
    assert (y.requires_grad, y.is_leaf, y.grad) == (x.requires_grad, True, None)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y.data, x.data)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, pickled])
def test_duplicates_are_independent_leaves(duplicate: Callable[[Tensor], Tensor]) -> None:
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    y = duplicate(x)
    assert not np.shares_memory(x.data, y.data)
    (x * y).sum().backward()
    np.testing.assert_array_equal(x.grad, y.data)
    np.testing.assert_array_equal(y.grad, x.data)
    with no_grad():
        y[0] = 5.0
    np.testing.assert_array_equal(x.data, [1.0, 2.0])


def test_deep_copies_take_the_gradient_along() -> None:
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    assert copy.deepcopy(x).grad is None
    (x * x).sum().backward()
    y = copy.deepcopy(x)
    np.testing.assert_array_equal(y.grad, [2.0, 4.0])
    (y * y).sum().backward()
    np.testing.assert_array_equal(y.grad, [4.0, 8.0])
    np.testing.assert_array_equal(x.grad, [2.0, 4.0])


def test_deep_copies_of_containers_keep_what_is_shared() -> None:
    x = Tensor(np.ones(2), requires_grad=True)
    first, second = copy.deepcopy([x, {"again": x}])
    assert first is second["again"]
    assert first is not x
    first, second = pickled([x, {"again": x}])
    assert first is second["again"]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, pickled])
def test_recorded_values_are_not_duplicated(duplicate: Callable[[Any], Any]) -> None:
    x = Tensor(np.ones(2), requires_grad=True)
    with pytest.raises(GraphError, match=r"recorded by exp.*\.detach\(\)"):
        duplicate(np.exp(x))
    assert not duplicate(np.exp(x).detach()).requires_grad


def test_a_copy_is_another_handle_at_the_same_place_in_the_graph() -> None:
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    y = x * 3.0
    for original in (x, y):
        again = copy.copy(original)
        assert again is not original
        assert again.node is original.node
        assert again.data is original.data
    (copy.copy(y) * copy.copy(x)).sum().backward()
    np.testing.assert_array_equal(x.grad, [6.0, 12.0])
    assert copy.copy(x).grad is x.grad


def test_a_copied_handle_is_rebound_alone() -> None:
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    y = x * 3.0
    again = copy.copy(y)
    again[0] = 0.0
    np.testing.assert_array_equal(again.data, [0.0, 6.0])
    np.testing.assert_array_equal(y.data, [3.0, 6.0])


@pytest.mark.parametrize("tracked", [False, True])
def test_writes_through_a_copied_handle_are_noticed(tracked: bool) -> None:
    x = Tensor(np.array([1.0, 2.0]), requires_grad=tracked)
    w = Tensor(np.array([3.0, 4.0]), requires_grad=True)
    again = copy.copy(x)
    loss = (x * w).sum()
    with no_grad():
        again[0] = 7.0
    assert x.data[0] == 7.0
    with pytest.raises(MutationError):
        loss.backward()


# -- other libraries -------------------------------------------------------------------------------


def test_tracked_tensors_are_not_lent() -> None:
    x = Tensor(np.ones(2), requires_grad=True)
    for lend in (np.from_dlpack, lambda x: x.__dlpack__()):
        with pytest.raises(TrackedValueError, match=r"\.detach\(\)"):
            lend(x)
    np.testing.assert_array_equal(np.from_dlpack(x.detach()), x.data)


def test_dlpack_says_where_and_copies_when_asked() -> None:
    x = Tensor(np.arange(3.0))
    assert x.__dlpack_device__() == x.data.__dlpack_device__()
    assert np.shares_memory(np.from_dlpack(x), x.data)
    assert not np.shares_memory(np.from_dlpack(x, copy=True), x.data)
    with pytest.raises(ValueError, match="gpu"):
        np.from_dlpack(x, device="gpu")


def test_the_only_device_is_the_processor() -> None:
    x = Tensor(np.ones(2), requires_grad=True)
    assert x.device == "cpu"
    assert x.to_device("cpu") is x
    with pytest.raises(ValueError, match="gpu"):
        x.to_device("gpu")


def test_plus_copies() -> None:
    x = Tensor(np.ones(2))
    y = +x
    y[0] = 3.0
    assert x.data[0] == 1.0
