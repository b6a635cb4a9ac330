"""Polynomials and grids of counts: NumPy's values, and gradients that agree with differences."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd_core import Tensor
from autograd_core.errors import ShapeError
from autograd_core.testing import gradcheck

P = np.array([0.7, -1.2, 0.4, 2.1])
Q = np.array([1.3, 0.6])
X = np.array([-0.8, -0.3, 0.1, 0.6, 1.1, 1.9])
Y = np.array([0.2, 0.9, -0.4, 0.5, 1.3, 0.7])
W = np.array([1.0, 0.5, 2.0, 1.5, 0.7, 1.1])
MATRIX = np.array([[2.0, 0.3], [0.4, -1.0]])
POINTS = np.array([[0.1, 0.2], [0.4, 0.9], [0.8, 0.3], [0.2, 0.7], [1.0, 1.0], [0.6, -0.5]])
EDGES = np.array([0.0, 0.5, 0.5, 1.0])

CALLS: dict[str, tuple[Callable[..., Any], Any]] = {
    "polyadd": (np.polyadd, [P, Q]),
    "polyadd, shorter first": (np.polyadd, [Q, P]),
    "polysub": (np.polysub, [P, Q]),
    "polymul": (np.polymul, [P, Q]),
    "polymul, leading zeros": (lambda p, q: np.polymul(np.append(0.0, p), q), [P, Q]),
    "polydiv": (np.polydiv, [P, Q]),
    "polydiv, shorter first": (np.polydiv, [Q, P]),
    "polyder": (np.polyder, [P]),
    "polyder, order 2": (lambda p: np.polyder(p, 2), [P]),
    "polyder, order 0": (lambda p: np.polyder(p, 0), [P]),
    "polyint": (np.polyint, [P]),
    "polyint, constants": (lambda p, k: np.polyint(p, 2, k), [P, Q]),
    "polyint, one constant": (lambda p, k: np.polyint(p, 2, k), [P, np.array(0.3)]),
    "roots": (np.roots, [np.array([1.0, -0.5, -2.0, 0.4])]),
    "roots, complex": (np.roots, [np.array([1.0, 0.5, 2.0])]),
    "roots, zeros around": (
        lambda p: np.roots(np.concatenate([[0.0], p, [0.0]])),
        [np.array([2.0, -0.5, -2.0])],
    ),
    "poly": (np.poly, [P]),
    "poly, matrix": (np.poly, [MATRIX]),
    "poly, pairs": (lambda x: np.poly(np.stack([x, np.conj(x)])), [np.array(0.3 + 1.2j)]),
    "polyfit": (lambda x, y: np.polyfit(x, y, 2), [X, Y]),
    "polyfit, several": (lambda x, y: np.polyfit(x, np.stack([y, y * y], 1), 1), [X, Y]),
    "polyfit, weights": (lambda x, y, w: np.polyfit(x, y, 1, w=w), [X, Y, W]),
    "polyfit, covariance": (lambda x, y: np.polyfit(x, y, 1, cov=True), [X, Y]),
    "polyfit, unscaled": (lambda x, y: np.polyfit(x, y, 1, cov="unscaled"), [X, Y]),
    "trim_zeros": (lambda x: np.trim_zeros(np.concatenate([[0, 0], x, [0]])), [X]),
    "trim_zeros, front": (lambda x: np.trim_zeros(np.concatenate([[0, 0], x, [0]]), "f"), [X]),
    "histogramdd": (lambda w: np.histogramdd(POINTS, (2, EDGES), weights=w)[0], [W]),
    "histogramdd, density": (
        lambda w: np.histogramdd(list(POINTS.T), 3, density=True, weights=w)[0],
        [W],
    ),
    "histogram2d": (lambda w: np.histogram2d(*POINTS.T, EDGES, weights=w)[0], [W]),
    "histogram2d, range": (
        lambda w: np.histogram2d(*POINTS.T, 2, [[0, 0.7], [0, 1]], weights=w)[0],
        [W],
    ),
}


def leaves(result: Any) -> list[Any]:
    return [leaf for part in result for leaf in leaves(part)] if type(result) is tuple else [result]


@pytest.mark.parametrize("name", CALLS)
def test_values_are_numpys(name: str) -> None:
    function, arrays = CALLS[name]
    found = leaves(function(*[Tensor(array, requires_grad=True) for array in arrays]))
    for tensor, expected in zip(found, leaves(function(*arrays)), strict=True):
        assert isinstance(tensor, Tensor)
        assert tensor.dtype == expected.dtype
        np.testing.assert_allclose(tensor.data, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", CALLS)
def test_gradients_agree_with_differences(name: str) -> None:
    function, arrays = CALLS[name]
    gradcheck(function, arrays, order=1 if "roots" in name or "fit" in name else 2)


def test_float32_stays() -> None:
    p, q = (Tensor(array.astype(np.float32), requires_grad=True) for array in (P, Q))
    for result in (np.polymul(p, q), np.polysub(q, p), np.polydiv(p, q)[0], np.roots(q)):
        assert result.dtype == np.float32
        result.sum().backward()
    assert p.grad.dtype == np.float32


@pytest.mark.parametrize(
    "call",
    [
        lambda: np.poly(Tensor(np.ones((2, 3)))),
        lambda: np.roots(Tensor(np.ones((2, 2)))),
        lambda: np.polyint(Tensor(P), 3, [1.0, 2.0]),
        lambda: np.polyder(Tensor(P), -1),
        lambda: np.polyfit(Tensor(X), Tensor(Y[1:]), 1),
        lambda: np.polyfit(Tensor(X), Tensor(Y), 1, w=W[1:]),
        lambda: np.polyfit(Tensor(X[:2]), Tensor(Y[:2]), 1, cov=True),
        lambda: np.trim_zeros(Tensor(X), "x"),
    ],
)
def test_bad_input_says_what_was_expected(call: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"got .*; expected"):
        call()


def test_degenerate_polynomials() -> None:
    assert np.roots(Tensor(np.zeros(3))).shape == (0,)
    assert np.roots(Tensor(np.array([2.0, 0.0, 0.0]))).tolist() == [0.0, 0.0]
    assert np.poly(Tensor(np.array([]))) == 1.0
    np.testing.assert_array_equal(np.polymul(Tensor(np.zeros(2)), Tensor(P)).data, [0] * 4)
    with pytest.warns(np.exceptions.RankWarning, match="polyfit"):
        np.polyfit(Tensor(np.ones(4)), Tensor(np.ones(4)), 2)
    with pytest.raises(ShapeError):
        np.polyadd(Tensor(np.ones((2, 2))), Tensor(P))


def test_unweighted_grids_of_tracked_points_are_constant() -> None:
    cells, edges = np.histogramdd(Tensor(POINTS, requires_grad=True), 2)
    expected, expected_edges = np.histogramdd(POINTS, 2)
    np.testing.assert_array_equal(cells.data, expected)
    assert not cells.requires_grad
    for found, along in zip(edges, expected_edges, strict=True):
        np.testing.assert_array_equal(found.data, along)
