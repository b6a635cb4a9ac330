"""Rearrangements where the gate does not go: functions made of others, views, errors."""

from typing import Any

import numpy as np
import pytest
from agreement import agrees, same_as_numpy, spaced
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import Tensor, gradients
from autograd_core.errors import MissingRuleError
from autograd_core.testing import drawn

A = spaced(3, 4)
V = spaced(5, seed=1)
T = spaced(2, 3, 2, seed=2)
NUMBER = spaced(seed=3)
ROW, COLUMN = spaced(4, seed=4), spaced(3, 1, seed=5)

JOINS: dict[str, tuple[Any, ...]] = {
    "vstack": (lambda x, y: np.vstack([x, y]), ROW, A),
    "hstack": (lambda x, y: np.hstack([x, y]), COLUMN, A),
    "hstack of vectors": (lambda x, y: np.hstack([x, y]), ROW, V),
    "dstack": (lambda x, y: np.dstack([x, y]), A, spaced(3, 4, seed=6)),
    "dstack of vectors": (lambda x, y: np.dstack([x, y]), ROW, spaced(4, seed=7)),
    "column_stack": (lambda x, y, z: np.column_stack([x, y, z]), spaced(3), A, COLUMN),
    "append": (np.append, A, V),
    "append to an axis": (lambda x, y: np.append(x, y, axis=1), A, COLUMN),
    "block": (lambda x, y: np.block([[x, y], [y, x]]), A, spaced(3, 4, seed=8)),
    "block of numbers": (lambda x, y: np.block([x, y, 1.0]), V, NUMBER),
    "block of one": (np.block, V),
    "block, deep": (lambda x: np.block([[[x]], [[x]]]), A),
    "concatenate tensors and arrays": (
        lambda x: np.concatenate([np.ones(2), x, np.zeros(1)]),
        V,
    ),
    "concatenate rows": (np.concatenate, A),
    "stack rows": (lambda x: np.stack(x, axis=1), A),
    "insert": (lambda x, y: np.insert(x, 1, y, axis=1), A, spaced(3)),
    "insert into the flat array": (lambda x, y: np.insert(x, [3, 1], y), A, spaced(2)),
    "insert several at one place": (lambda x, y: np.insert(x, -1, y), V, spaced(3)),
    "insert columns": (lambda x, y: np.insert(x, [1], y, axis=1), A, spaced(3, 2)),
    "insert at places": (lambda x, y: np.insert(x, [0, 2, 2], y, axis=1), A, spaced(3, 3)),
    "insert at a slice": (lambda x, y: np.insert(x, slice(0, 2), y, axis=0), A, ROW),
    "insert a constant": (lambda x: np.insert(x, 2, 7.0), V),
    "insert into nothing": (lambda x, y: np.insert(x, 0, y), spaced(0), V),
}

CUTS: dict[str, tuple[Any, ...]] = {
    "delete": (lambda x: np.delete(x, 1, axis=1), A),
    "delete from the end": (lambda x: np.delete(x, -2, axis=0), A),
    "delete several": (lambda x: np.delete(x, [0, 3, 5]), A),
    "delete a slice": (lambda x: np.delete(x, slice(None, None, -2), axis=1), A),
    "delete a mask": (lambda x: np.delete(x, np.array([1, 0, 1, 0], bool), axis=1), A),
    "delete nothing": (lambda x: np.delete(x, [], axis=1), A),
    "resize": (lambda x: np.resize(x, (3, 7)), A),
    "resize to fewer": (lambda x: np.resize(x, 5), A),
    "diag of a vector": (lambda x: np.diag(x, -1), V),
    "diag of a matrix": (lambda x: np.diag(x, 1), A),
    "diagflat": (lambda x: np.diagflat(x, 2), A),
    "linalg.diagonal": (lambda x: np.linalg.diagonal(x, offset=-1), T),
    "rollaxis": (lambda x: np.rollaxis(x, 2), T),
    "rollaxis to the end": (lambda x: np.rollaxis(x, 0, 3), T),
    "rollaxis from the end": (lambda x: np.rollaxis(x, -1, -2), T),
}

LAYOUTS: dict[str, tuple[Any, ...]] = {
    "atleast_1d": (np.atleast_1d, NUMBER, A),
    "atleast_2d": (np.atleast_2d, NUMBER, V, A),
    "atleast_3d": (np.atleast_3d, NUMBER, V, A, T),
    "broadcast_arrays": (np.broadcast_arrays, COLUMN, ROW),
    "meshgrid": (np.meshgrid, spaced(2), spaced(3), ROW),
    "meshgrid ij": (lambda x, y: np.meshgrid(x, y, indexing="ij"), spaced(2), ROW),
    "meshgrid sparse": (lambda x, y: np.meshgrid(x, y, sparse=True), spaced(2), NUMBER),
    "meshgrid of one": (np.meshgrid, V),
    "apply_along_axis": (lambda x: np.apply_along_axis(lambda v: v * v.sum(), 1, x), T),
    "apply_along_axis to numbers": (lambda x: np.apply_along_axis(np.sum, 0, x), T),
    "apply_along_axis to matrices": (
        lambda x: np.apply_along_axis(lambda v: v[:, None] * v, 1, x),
        T,
    ),
    "apply_over_axes": (lambda x: np.apply_over_axes(np.sum, x, [0, -1]), T),
}

ALL = {**JOINS, **CUTS, **LAYOUTS}


@pytest.mark.parametrize("case", ALL.values(), ids=ALL)
def test_functions_made_of_others(case: tuple[Any, ...]) -> None:
    agrees(*case)


def test_masks_say_where_to_insert() -> None:
    x, mask = Tensor(V, requires_grad=True), np.array([True, False, True, False, False])
    inserted = np.insert(x, mask, ROW[:2])
    np.testing.assert_array_equal(inserted.data, np.insert(V, [0, 2], ROW[:2]))


@pytest.mark.parametrize("order", ["C", "F", "A", "K"])
def test_ravel_in_every_order(order: str) -> None:
    agrees(lambda x: np.ravel(x, order), A)
    agrees(lambda x: np.ravel(x.T, order), A)
    agrees(lambda x: np.ravel(np.transpose(x, (1, 0, 2)), order), T)
    agrees(lambda x: x.flatten(order), A)


# -- padding ---------------------------------------------------------------------------------------

PADS: list[dict[str, Any]] = [
    {"mode": "constant"},
    {"mode": "constant", "constant_values": 2.0},
    {"mode": "constant", "constant_values": ((1, 2), (3, 4))},
    {"mode": "edge"},
    {"mode": "linear_ramp"},
    {"mode": "linear_ramp", "end_values": ((1, 2), (3.0, 4))},
    {"mode": "maximum"},
    {"mode": "maximum", "stat_length": 2},
    {"mode": "minimum"},
    {"mode": "mean"},
    {"mode": "mean", "stat_length": ((1, 2), (2, 1))},
    {"mode": "median", "stat_length": 3},
    {"mode": "reflect"},
    {"mode": "reflect", "reflect_type": "odd"},
    {"mode": "symmetric"},
    {"mode": "symmetric", "reflect_type": "odd"},
    {"mode": "wrap"},
]


@pytest.mark.parametrize("settings", PADS, ids=str)
@pytest.mark.parametrize("widths", [1, (2, 0), ((1, 2), (7, 5)), ((0, 0), (3, 0))], ids=str)
def test_padding(settings: dict[str, Any], widths: Any) -> None:
    agrees(lambda x: np.pad(x, widths, **settings), A, order=1)


def test_padding_with_tracked_values() -> None:
    agrees(lambda x, v: np.pad(x, 1, constant_values=v), A, NUMBER)
    agrees(lambda x, v: np.pad(x, 2, "linear_ramp", end_values=v), A, spaced(2, 2))


def test_padding_keeps_dtypes_and_integers() -> None:
    same_as_numpy(lambda x: np.pad(x, 1, "linear_ramp", end_values=3.0), A.astype("f"), rtol=1e-6)
    same_as_numpy(lambda x: np.pad(x, 1, "mean"), np.arange(6).reshape(2, 3))
    same_as_numpy(lambda x: np.pad(x, 3), NUMBER)


def test_padding_refuses_what_it_cannot_record() -> None:
    x = Tensor(A, requires_grad=True)
    with pytest.raises(MissingRuleError, match="function as mode"):
        np.pad(x, 1, lambda vector, widths, axis, settings: None)
    with pytest.raises(ValueError, match="mode='mirror'"):
        np.pad(x, 1, "mirror")
    with pytest.raises(ValueError, match="does not take stat_length"):
        np.pad(x, 1, "edge", stat_length=1)
    for widths in (-1, 1.5):
        with pytest.raises(ValueError, match="integers that are not negative"):
            np.pad(x, widths)


def test_padding_by_axis() -> None:
    x = Tensor(A, requires_grad=True)
    expected = np.pad(A, ((0, 0), (1, 2)), "edge")
    np.testing.assert_array_equal(np.pad(x, {-1: (1, 2)}, "edge").data, expected)


# -- methods ---------------------------------------------------------------------------------------

METHODS: dict[str, Any] = {
    "reshape": lambda x: x.reshape(4, -1),
    "reshape to a tuple": lambda x: x.reshape((2, 6)),
    "ravel": lambda x: x.ravel(),
    "transpose": lambda x: x.transpose(1, 0),
    "transpose by a tuple": lambda x: x.transpose((1, 0)),
    "transpose, all": lambda x: x.transpose(),
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "swapaxes": lambda x: x.swapaxes(0, -1),
    "squeeze": lambda x: x[:1].squeeze(0),
    "repeat": lambda x: x.repeat(2, axis=0),
    "diagonal": lambda x: x.diagonal(1),
    "copy": lambda x: x.copy(),
    "astype": lambda x: x.astype(np.float32),
    "sum": lambda x: x.sum(0),
    "prod": lambda x: x.prod(axis=1, keepdims=True),
    "mean": lambda x: x.mean((0, 1)),
    "var": lambda x: x.var(0, ddof=1),
    "std": lambda x: x.std(axis=(0, 1)),
    "max": lambda x: x.max(1, keepdims=True),
    "min": lambda x: x.min(),
    "argmax": lambda x: x.argmax(1),
    "argmin": lambda x: x.argmin(keepdims=True),
    "any": lambda x: (x > 0).any(1),
    "all": lambda x: (x > 0).all(0),
    "cumsum": lambda x: x.cumsum(1),
    "cumprod": lambda x: x.cumprod(),
    "trace": lambda x: x.trace(1),
    "take": lambda x: x.take([0, -1], axis=1),
    "compress": lambda x: x.compress([True, False, True], axis=0),
    "nonzero": lambda x: (x > 0).nonzero(),
    "argsort": lambda x: x.argsort(0),
    "argpartition": lambda x: x.argpartition(1)[:, 1],
    "searchsorted": lambda x: x[0].cumsum().searchsorted(0.2),
    "dot": lambda x: x.dot(x[0]),
    "round": lambda x: x.round(1),
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_methods_are_those_of_ndarray(method: Any) -> None:
    same_as_numpy(method, A, rtol=1e-6)


def test_every_method_of_ndarray_that_computes_is_there() -> None:
    in_place_or_memory = {
        "itemset", "newbyteorder", "tostring",  # until NumPy 2.2
        "base", "byteswap", "ctypes", "data", "dump", "dumps", "flags", "getfield", "partition",
        "resize", "setfield", "setflags", "sort", "strides", "tobytes", "tofile", "view", "flat",
    }  # fmt: skip
    public = {name for name in dir(np.ndarray) if not name.startswith("_")}
    assert public - set(dir(Tensor)) <= in_place_or_memory


# -- pieces ----------------------------------------------------------------------------------------


@given(
    drawn(lambda d: d.array(d.shape(min_dims=1, max_side=6))),
    st.integers(1, 5) | st.lists(st.integers(0, 6), max_size=3).map(sorted),
)
def test_split_pieces_join_again(a: Any, cuts: Any) -> None:
    x = Tensor(a, requires_grad=True)
    joined = np.concatenate(np.array_split(x, cuts))
    np.testing.assert_array_equal(joined.data, a)
    np.testing.assert_array_equal(gradients((joined * a).sum(), x).data, a)


def test_unused_pieces_have_gradient_zero() -> None:
    x = Tensor(np.arange(6.0), requires_grad=True)
    _, middle, _ = np.split(x, 3)
    np.testing.assert_array_equal(gradients(middle.sum(), x).data, [0, 0, 1, 1, 0, 0])


def test_reshape_by_memory_layout_is_refused() -> None:
    x = Tensor(A, requires_grad=True)
    with pytest.raises(MissingRuleError, match="order='A'"):
        gradients(np.reshape(x, (4, 3), order="A").sum(), x)


def test_shapes_and_dtypes_are_not_tracked() -> None:
    x = Tensor(A, requires_grad=True)
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((3, 4), 2, 12)
    assert np.result_type(x, np.float32) == np.float64
    assert not np.zeros_like(x).requires_grad
    filled = np.full_like(x, Tensor(2.0, requires_grad=True))
    assert filled.requires_grad
