"""Indexing, sorting and picking where the gate does not go: repetitions, ties, odd indices."""

from typing import Any

import numpy as np
import pytest
from agreement import agrees, same_as_numpy, spaced
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograd_core import Tensor, gradients
from autograd_core.rules.indexing import put
from autograd_core.testing import drawn
from autograd_core.testing.drawer import Drawer

A = spaced(3, 4)
V = spaced(5, seed=1)
T = spaced(2, 3, 4, seed=2)


def indexed(d: Drawer) -> tuple[Any, Any]:
    a = d.array()
    return a, d.index(a.shape)


@given(drawn(indexed))
def test_an_element_counts_as_often_as_it_is_selected(case: tuple[Any, Any]) -> None:
    a, index = case
    x = Tensor(a, requires_grad=True)
    selected = x[index]
    np.testing.assert_array_equal(selected.data, a[index])
    places = np.arange(a.size).reshape(a.shape)[index]
    times = np.bincount(np.ravel(places), minlength=a.size).reshape(a.shape)
    np.testing.assert_array_equal(gradients(selected.sum(), x, allow_unused=True).data, times)


@given(
    st.integers(1, 300).flatmap(
        lambda n: hnp.arrays(
            st.sampled_from([np.uint8, np.int16, np.int64]),
            hnp.array_shapes(max_dims=2, max_side=5),
            elements=st.integers(0, min(n, 256) - 1),
        ).map(lambda index: (n, index))
    ),
    st.booleans(),
)
def test_rows_are_added_whatever_the_dtype_of_the_index(case: Any, negative: bool) -> None:
    n, index = case
    if negative and index.dtype != np.uint8:
        index = index - n
    values = np.arange(1.0, 1.0 + index.size * 3).reshape(*index.shape, 3)
    expected = np.zeros((n, 3))
    np.add.at(expected, index, values)
    np.testing.assert_array_equal(put(values, (n, 3), index), expected)


INDICES: dict[str, Any] = {
    "true": True,
    "false": False,
    "nothing": (),
    "ellipsis": ...,
    "new axis": None,
    "list of booleans": [True, False, True],
    "mask and list": (np.array([True, False, True]), [0, -1]),
    "two masks": (np.array([True, False, True]), np.array([False, True, True, False])),
    "numpy integer": np.int64(-1),
    "array of no axes": np.array(1),
    "mixed, apart": (np.array([0, 0]), slice(None, None, -1)),
    "empty list": [],
    "nested list": [[0, 1], [1, 1]],
    "broadcasting lists": ([[0], [1]], [0, 2, 2]),
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_odd_indices(index: Any) -> None:
    agrees(lambda x: x[index], A)


def test_advanced_indices_apart_from_each_other() -> None:
    agrees(lambda x: x[[0, 1, 1], :, [0, 0, 3]], T)
    agrees(lambda x: x[[0, 1], ..., None, 0], T)
    agrees(lambda x: x[:, [True, False, True], [0, 0]], T)


def test_tensors_are_indices() -> None:
    x = Tensor(A, requires_grad=True)
    rows, mask = Tensor(np.array([0, 0, 2])), x > 0
    assert not mask.requires_grad
    np.testing.assert_array_equal(x[rows].data, A[[0, 0, 2]])
    np.testing.assert_array_equal(x[rows, 1].data, A[[0, 0, 2], 1])
    np.testing.assert_array_equal(x[mask].data, A[A > 0])
    np.testing.assert_array_equal(gradients(x[mask].sum(), x).data, A > 0)
    np.testing.assert_array_equal(x[Tensor(np.array(1))].data, A[1])
    np.testing.assert_array_equal(np.arange(3)[Tensor(np.array(2))], 2)


def test_index_errors_are_numpys() -> None:
    x = Tensor(A, requires_grad=True)
    with pytest.raises(IndexError, match="out of bounds"):
        x[3]
    with pytest.raises(IndexError, match="too many indices"):
        x[0, 0, 0]


def test_float32_stays_float32() -> None:
    x = Tensor(A.astype(np.float32), requires_grad=True)
    for y in (x[0], x[[0, 0]], np.sort(x), np.take(x, [1, 1]), np.repeat(x, 2)):
        assert gradients(y.sum(), x).dtype == np.float32


# -- order -----------------------------------------------------------------------------------------


@given(
    hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=5), elements=st.integers(-2, 2)),
    st.data(),
)
def test_sorting_takes_gradients_along_however_many_are_equal(a: Any, data: Any) -> None:
    axis = data.draw(st.none() | st.integers(-a.ndim, a.ndim - 1))
    x = Tensor(a, requires_grad=True)
    y = np.sort(x, axis=axis)
    g = np.arange(1.0, 1 + a.size).reshape(y.shape)
    flat = a.reshape(-1) if axis is None else a
    order = np.argsort(flat, axis=-1 if axis is None else axis, stable=True)
    expected = np.empty(flat.shape)
    np.put_along_axis(expected, order, g, axis=-1 if axis is None else axis)
    found = gradients((y * g).sum(), x).data
    np.testing.assert_array_equal(found, expected.reshape(a.shape))


@given(hnp.arrays(np.float64, st.integers(1, 9), elements=st.integers(-2, 2)), st.data())
def test_partitions_give_each_part_its_gradients(a: Any, data: st.DataObject) -> None:
    kth = data.draw(st.integers(0, a.size - 1))
    x = Tensor(a, requires_grad=True)
    y = np.partition(x, kth)
    # A cotangent that depends on the value alone does not see how ties are broken.
    found = gradients((y * np.exp(y.data)).sum(), x).data
    np.testing.assert_array_equal(found, np.exp(a))


MASK = np.random.default_rng(0).random((3, 4)) < 0.5
REPEATED = np.array([2.0, 1.0, 2.0, 3.0, 1.0])

PICKS: dict[str, tuple[Any, ...]] = {
    "compress": (lambda x: np.compress([True, False, True], x, axis=1), A),
    "compress the flat array": (lambda x: np.compress([1, 0, 1], x), A),
    "extract": (lambda x: np.extract(MASK, x), A),
    "choose": (lambda x, y: np.choose([[0, 1, 1, 0]], [x, y]), A, spaced(4)),
    "choose, wrapping": (lambda x: np.choose([0, 2, 1, 5], x, mode="wrap"), A),
    "choose, clipping": (lambda x: np.choose([0, 2, -1, 5], x, mode="clip"), A),
    "choose one": (lambda x: np.choose(1, [3.0, x]), A),
    "unique": (np.unique, V),
    "union1d": (np.union1d, A, V),
    "take": (lambda x: x.take([[0, 2], [2, 2]], axis=1), A),
    "sort the flat array": (lambda x: np.sort(x, axis=None), A),
    "window": (lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2)), A),
}


@pytest.mark.parametrize("case", PICKS.values(), ids=PICKS)
def test_functions_made_of_others(case: tuple[Any, ...]) -> None:
    agrees(*case)


@pytest.mark.parametrize(
    "function", [np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d], ids=lambda f: f.__name__
)
def test_set_functions_pick_from_their_operands(function: Any) -> None:
    a, b = np.array([3.0, 1.0, 3.0]), np.array([1.0, 2.0])
    same_as_numpy(function, a, b)
    x = Tensor(a, requires_grad=True)
    picked = function(x, b)
    kept = np.isin([3.0, 1.0], picked.data)
    found = gradients(picked.sum(), x, allow_unused=True)
    np.testing.assert_array_equal(found.data, [*kept, False])


def test_unique_with_everything() -> None:
    same_as_numpy(lambda x: np.unique(x, True, True, True), REPEATED)
    same_as_numpy(lambda x: np.unique(x, axis=0), np.stack([REPEATED, REPEATED]))
    for function in (np.unique_all, np.unique_counts, np.unique_inverse):
        same_as_numpy(function, REPEATED)
        assert type(function(Tensor(REPEATED))) is type(function(REPEATED))
    same_as_numpy(lambda x: np.intersect1d(x, [1.0, 3.0], return_indices=True), REPEATED)


def test_indices_are_not_tracked() -> None:
    x = Tensor(A, requires_grad=True)
    for function in (np.argsort, np.argmax, np.argwhere, np.flatnonzero, np.digitize):
        result = function(x, [0.0]) if function is np.digitize else function(x)
        assert not result.requires_grad
    assert not any(index.requires_grad for index in np.nonzero(x))
    assert not np.searchsorted(np.sort(x[0]), 0.0).requires_grad
