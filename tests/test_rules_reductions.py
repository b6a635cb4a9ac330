"""Reductions where the gate does not go: ties, zeros, NaN, masks, and functions made of others."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from agreement import agrees, same_as_numpy, spaced
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograd_core import Tensor, gradients, hessian, jacobian
from autograd_core.errors import MissingRuleError, MutationError, ShapeError
from autograd_core.rules.cumulative import recur
from autograd_core.testing import drawn, gradcheck

NAN, INF = math.nan, math.inf


def gradient(function: Any, x: Any, cotangent: Any = None) -> Any:
    """The gradient of the (sum of the) result with respect to one array."""
    x = Tensor(np.asarray(x), requires_grad=True)
    result = function(x)
    result.backward(np.ones(result.shape, result.dtype) if cotangent is None else cotangent)
    return x.grad


small_integers = hnp.arrays(
    np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.integers(-2, 2)
)


# -- ties ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extremum", [np.max, np.amax, np.min, np.amin, np.nanmax, np.nanmin])
@given(small_integers, st.data())
def test_tied_extrema_share_evenly(extremum: Any, a: Any, data: st.DataObject) -> None:
    axis = data.draw(st.none() | st.integers(-a.ndim, a.ndim - 1))
    kept = extremum(a, axis=axis, keepdims=True)
    tied = a == kept
    g = gradient(lambda x: extremum(x, axis=axis), a)
    np.testing.assert_array_equal(g, tied / tied.sum(axis=axis, keepdims=True))


def test_ties_are_counted_exactly_in_low_precision() -> None:
    g = gradient(np.max, np.ones(4096, np.float16), np.float16(4096))
    assert g.dtype == np.float16
    assert (g == 1).all()


@pytest.mark.parametrize(
    ("function", "a", "expected"),
    [
        (np.max, [1.0, NAN, 3.0], [0, 1, 0]),
        (np.nanmax, [1.0, NAN, 3.0], [0, 0, 1]),
        (np.nanmin, [1.0, NAN, 1.0], [0.5, 0, 0.5]),
        (lambda x: np.max(x, initial=2.0), [1.0, 2.0], [0, 0]),
        (lambda x: np.max(x, initial=1.5), [1.0, 2.0], [0, 1]),
        (lambda x: np.min(x, initial=-9, where=np.array([True, False])), [1.0, 2.0], [0, 0]),
        (lambda x: np.max(x, initial=-9, where=np.array([True, False])), [1.0, 2.0], [1, 0]),
        (np.maximum.accumulate, [1.0, 1.0, 0.0, 2.0], [2, 1, 0, 1]),
        (np.minimum.accumulate, [1.0, 2.0, 0.0, 0.0], [2, 0, 1.5, 0.5]),
        (np.median, [1.0, 1.0, 1.0], [0, 1, 0]),
        (np.ptp, [1.0, 3.0, 3.0], [-1, 0.5, 0.5]),
    ],
)
def test_special_extrema(function: Any, a: Any, expected: Any) -> None:
    np.testing.assert_array_equal(gradient(function, a), expected)


# -- products with zeros ---------------------------------------------------------------------------


@given(hnp.arrays(np.float64, st.integers(1, 5), elements=st.integers(-2, 2)))
def test_products_with_zeros_are_right_to_second_order(a: Any) -> None:
    n = range(a.size)
    first = [np.prod(np.delete(a, i)) for i in n]
    second = [[0 if i == j else np.prod(np.delete(a, [i, j])) for j in n] for i in n]
    np.testing.assert_array_equal(gradient(np.prod, a), first)
    np.testing.assert_array_equal(hessian(np.prod)(a), second)
    np.testing.assert_array_equal(gradient(np.nanprod, a), first)


@given(hnp.arrays(np.float64, st.integers(1, 5), elements=st.integers(-2, 2)), st.data())
def test_running_products_with_zeros_are_right_to_second_order(a: Any, data: Any) -> None:
    c = data.draw(hnp.arrays(np.float64, a.size, elements=st.integers(-3, 3)))
    n = range(a.size)
    first = [sum(c[k] * np.prod(np.delete(a[: k + 1], i)) for k in n if k >= i) for i in n]
    second = [
        [
            0
            if i == j
            else sum(c[k] * np.prod(np.delete(a[: k + 1], [i, j])) for k in n if k >= max(i, j))
            for j in n
        ]
        for i in n
    ]
    np.testing.assert_array_equal(gradient(np.cumprod, a, c), first)
    np.testing.assert_array_equal(hessian(lambda x: (c * np.cumprod(x)).sum())(a), second)


@given(drawn(lambda d: (d.array((d.integer(0, 9),)), d.rng)))
def test_recurrences_are_what_they_say(drawing: Any) -> None:
    terms, rng = drawing
    factors = rng.normal(size=terms.shape)
    expected, last = [], 0.0
    for factor, term in zip(factors, terms, strict=True):
        last = factor * last + term
        expected.append(last)
    np.testing.assert_allclose(recur(factors, terms), expected, rtol=1e-12, atol=1e-12)


# -- spread and length -----------------------------------------------------------------------------


@pytest.mark.parametrize("spread", [np.var, np.std, np.nanvar, np.nanstd])
@pytest.mark.parametrize("keyword", ["ddof", "correction"])
def test_variance_without_degrees_of_freedom_is_undefined(spread: Any, keyword: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        g = gradient(lambda x: spread(x, **{keyword: 3}), [1.0, 2.0, 4.0])
    assert np.isnan(g).all()


@pytest.mark.parametrize("order", [None, 1, 1.5, 2, 3, INF, -INF, 0])
def test_vectors_of_length_zero_have_gradient_zero(order: Any) -> None:
    np.testing.assert_array_equal(gradient(lambda x: np.linalg.norm(x, order), np.zeros(3)), 0)


@pytest.mark.parametrize("function", [np.std, np.nanstd, lambda x: np.linalg.norm(x, "fro")])
def test_no_spread_and_no_length_have_gradient_zero(function: Any) -> None:
    np.testing.assert_array_equal(gradient(function, np.zeros((2, 3))), 0)


def test_infinite_norm_splits_ties_with_their_signs() -> None:
    norm = np.linalg.norm
    np.testing.assert_array_equal(gradient(lambda x: norm(x, INF), [-2.0, 1, 2]), [-0.5, 0, 0.5])


# -- masks, starts and dtypes ----------------------------------------------------------------------

MASKABLE = [np.sum, np.prod, np.mean, np.var, np.std, np.nansum, np.nanprod, np.nanmean, np.nanvar]


@pytest.mark.parametrize("reduction", MASKABLE)
@given(drawn(lambda d: (d.array((d.integer(3, 6),)), d.permutation(3)[:2])))
def test_masked_reductions_are_those_of_the_selection(reduction: Any, drawing: Any) -> None:
    a, places = drawing
    mask = np.isin(np.arange(a.size), places)
    masked = gradient(lambda x: reduction(x, where=mask), a)
    selected = gradient(reduction, a[mask])
    np.testing.assert_allclose(masked[mask], selected, rtol=1e-12)
    assert (masked[~mask] == 0).all()


@pytest.mark.parametrize("reduction", [np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd])
@given(drawn(lambda d: (d.array((3, 4)), d.rng.random((3, 4)) < 0.3)))
def test_reductions_that_skip_nan_are_those_of_the_rest(reduction: Any, drawing: Any) -> None:
    a, missing = drawing
    missing[:, :2] = False
    rest = gradient(lambda x: reduction(x, axis=1, where=~missing), a)
    skipped = gradient(lambda x: reduction(x, axis=1), np.where(missing, NAN, a))
    np.testing.assert_allclose(skipped, rest, rtol=1e-12)


@pytest.mark.parametrize("running", [np.nancumsum, np.nancumprod])
def test_running_totals_skip_nan(running: Any) -> None:
    g = gradient(running, [2.0, NAN, 3.0])
    expected = gradient(np.cumsum if running is np.nancumsum else np.cumprod, [2.0, 1.0, 3.0])
    expected = [3, 0, 1] if running is np.nancumsum else [1 + 1 + 3, 0, 2]
    np.testing.assert_array_equal(g, expected)


@pytest.mark.parametrize(
    "function",
    [
        lambda a: np.sum(a, initial=3.0),
        lambda a: np.prod(a, axis=0, initial=3.0),
        lambda a: np.max(a, axis=1, initial=0.5),
        lambda a: np.sum(a, axis=0, dtype=np.float64),
        lambda a: np.mean(a, where=np.array([[True], [False], [True]])),
        lambda a: np.std(a, axis=1, mean=np.full((3, 1), 0.3), ddof=1),
        lambda a: np.add.reduce(a, axis=(0, 1), initial=2.0),
    ],
)
def test_settings_of_reductions(function: Any) -> None:
    agrees(function, spaced(3, 4))


def test_initial_scales_the_gradient_of_a_product() -> None:
    np.testing.assert_array_equal(gradient(lambda x: np.prod(x, initial=5.0), [2.0, 3.0]), [15, 10])


REDUCTIONS = [
    np.sum, np.prod, np.mean, np.average, np.var, np.std, np.max, np.min, np.ptp, np.median,
    np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmin, np.nanmedian,
    np.cumsum, np.cumprod, np.nancumsum, np.nancumprod, np.linalg.norm,
    lambda x: np.quantile(x, 0.3), lambda x: np.nanpercentile(x, [30.0, 60.0]),
    lambda x: np.mean(x, where=np.array([True, False, True])),
    lambda x: np.linalg.norm(x, 3), lambda x: np.linalg.norm(x, INF),
    lambda x: np.sum(x, dtype=np.float64),
]  # fmt: skip


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_float32_in_float32_gradient_out(reduction: Any) -> None:
    assert gradient(reduction, np.array([1, 2, 4], np.float32)).dtype == np.float32


def test_empty_sums() -> None:
    assert gradient(np.sum, np.zeros((0, 3))).shape == (0, 3)
    assert gradient(lambda x: np.sum(x, axis=0), np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("function", [np.sum, np.prod, np.mean, np.max, np.cumsum, np.cumprod])
@pytest.mark.parametrize("axis", [0, -1])
def test_numbers_may_be_reduced_along_an_axis_they_do_not_have(function: Any, axis: int) -> None:
    assert gradient(lambda x: function(x, axis=axis), 3.0) == 1


def test_medians_take_lists_of_axes() -> None:
    agrees(lambda x: np.median(x, axis=[0, 2]), T)


def test_out_is_refused() -> None:
    x = Tensor(np.ones(3), requires_grad=True)
    for function in (np.sum, np.mean, np.cumsum, np.ptp, np.add.reduce, np.add.accumulate):
        with pytest.raises(MutationError, match="out= cannot be recorded"):
            function(x, out=np.zeros(()))


# -- quantiles -------------------------------------------------------------------------------------


EMPTY: dict[str, Callable[[Any], Any]] = {
    "spectral norm": lambda x: np.linalg.norm(x, 2),
    "largest row sum": lambda x: np.linalg.norm(x, INF),
    "largest column sum": lambda x: np.linalg.norm(x, 1),
    "largest element": lambda x: np.linalg.vector_norm(x, ord=INF),
    "logaddexp": lambda x: np.logaddexp.reduce(x, axis=1),
    "hypot, keeping axes": lambda x: np.hypot.reduce(x, axis=(0, 1), keepdims=True),
    "apply_along_axis": lambda x: np.apply_along_axis(lambda row: row * np.sum(row), 1, x),
    "cov of no observations": np.cov,
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("function", EMPTY.values(), ids=EMPTY)
def test_reductions_of_nothing_are_numpys(function: Callable[[Any], Any]) -> None:
    x = np.zeros((2, 0))
    for tensor in (Tensor(x), Tensor(x, requires_grad=True)):
        np.testing.assert_array_equal(function(tensor).data, function(x))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_covariances_of_too_few_observations() -> None:
    a = np.array([[1.0, 2.0], [3.0, 5.0]])
    for ddof in (2, 3):
        np.testing.assert_array_equal(np.cov(Tensor(a), ddof=ddof).data, np.cov(a, ddof=ddof))


@pytest.mark.parametrize("axis", [2, -3])
@pytest.mark.parametrize(
    "function",
    [
        lambda x, axis: np.linalg.norm(x, axis=axis),
        lambda x, axis: np.linalg.norm(x, axis=(0, axis)),
        np.rollaxis,
        lambda x, axis: np.rollaxis(x, 0, axis + axis // 2),
        lambda x, axis: np.hypot.reduce(x, axis=axis),
        lambda x, axis: np.diff(x, axis=axis),
        lambda x, axis: np.gradient(x, axis=axis),
        lambda x, axis: np.put_along_axis(x * 1, np.zeros((1, 1), int), 0.0, axis),
    ],
)
def test_axes_that_are_not_there(function: Any, axis: int) -> None:
    for x in (spaced(2, 2), Tensor(spaced(2, 2), requires_grad=True)):
        with pytest.raises(np.exceptions.AxisError):
            function(x, axis)


def test_quantiles_split_between_neighbours() -> None:
    a = np.array([4.0, 1.0, 3.0, 2.0])
    np.testing.assert_allclose(gradient(lambda x: np.quantile(x, 0.25), a), [0, 0.25, 0, 0.75])
    np.testing.assert_allclose(gradient(np.median, a), [0, 0, 0.5, 0.5])


def test_weighted_quantiles_pick_an_element() -> None:
    weights = np.array([[1.0, 5.0, 1.0], [1.0, 1.0, 1.0]])
    agrees(
        lambda a: np.quantile(a, [0.2, 0.9], axis=1, weights=weights, method="inverted_cdf"),
        spaced(2, 3),
    )
    agrees(
        lambda a: np.percentile(a, 40, axis=0, weights=[1, 2], method="inverted_cdf"),
        spaced(2, 3),
    )


@pytest.mark.parametrize("function", [np.nanmedian, lambda x, axis: np.nanquantile(x, 0.3, axis)])
def test_quantiles_without_nan_count_what_is_left(function: Any) -> None:
    a = spaced(3, 5)
    a[0, 1] = a[2, 3] = a[2, 4] = NAN
    plain = {np.nanmedian: np.median}.get(function, lambda x: np.quantile(x, 0.3))
    g = gradient(lambda x: function(x, axis=1), a)
    for row, found in zip(a, g, strict=True):
        known = ~np.isnan(row)
        np.testing.assert_allclose(found[known], gradient(plain, row[known]))
        assert (found[~known] == 0).all()


@pytest.mark.parametrize("function", [np.quantile, np.nanpercentile])
@pytest.mark.parametrize("shape", [(), (3,), (2, 1)])
def test_quantiles_move_with_their_fractions(function: Any, shape: tuple[int, ...]) -> None:
    scale = 100 if function is np.nanpercentile else 1
    q = scale * np.random.default_rng(3).uniform(size=shape)
    a = spaced(3, 4, 2)
    for settings in ({}, {"axis": (0, -1)}, {"axis": 1, "keepdims": True, "method": "weibull"}):
        if function is np.nanpercentile and len(shape) == 2 and settings.get("axis") == (0, -1):
            with pytest.raises(ShapeError, match="NumPy puts"):
                gradcheck(lambda a, s=settings: function(a, q, **s), [a])
            continue
        gradcheck(lambda a, q, s=settings: function(a, q, **s), [a, q], order=2)
        gradcheck(lambda q, s=settings: function(np.rint(10 * a), q, **s), [q])


def test_sums_of_integers_start_from_integers() -> None:
    initial = Tensor(np.array(2.5), requires_grad=True)
    total = np.sum(Tensor(np.array([1, 2])), initial=initial)
    assert total.item() == np.sum([1, 2], initial=2.5) == 5
    assert not total.requires_grad
    with pytest.raises(MutationError, match="out="):
        np.sum(Tensor(np.ones(2)), out=np.zeros(()), initial=initial)
    with pytest.raises(ValueError, match="sequence"):
        np.max(Tensor(np.ones(2)), initial=Tensor(np.ones(2), requires_grad=True))


def test_no_quantiles() -> None:
    assert (gradient(lambda x: np.quantile(x, []), [1.0, 2.0]) == 0).all()


# -- functions made of others ----------------------------------------------------------------------

A = spaced(3, 4)
V = spaced(5, seed=1)
T = spaced(2, 3, 2, seed=2)
POSITIVE = spaced(4, seed=3, above=0.5)
RISING = np.cumsum(spaced(5, seed=4, above=0.1))
NUMBER = spaced(seed=5)

COMPOSITES: dict[str, tuple[Any, ...]] = {
    "ptp": (np.ptp, A),
    "ptp of an axis": (lambda a: np.ptp(a, axis=1, keepdims=True), A),
    "average": (np.average, A),
    "average, returned": (lambda a: np.average(a, axis=0, returned=True), A),
    "average, keepdims": (lambda a: np.average(a, axis=1, keepdims=True), A),
    "average, weights of an axis": (lambda a, w: np.average(a, axis=1, weights=w), A, POSITIVE),
    "average, weights": (
        lambda a, w: np.average(a, weights=w, returned=True),
        A,
        spaced(3, 4, above=1),
    ),
    "average, weights of two axes": (
        lambda a, w: np.average(a, axis=(2, 0), weights=w),
        T,
        spaced(2, 2, above=1),
    ),
    "cov": (np.cov, A),
    "cov of columns": (lambda a: np.cov(a, rowvar=False, bias=True), A),
    "cov of two": (np.cov, A, spaced(4, seed=7)),
    "cov of two, by columns": (
        lambda a, b: np.cov(a, b, rowvar=False),
        spaced(5, 2),
        spaced(5, seed=8),
    ),
    "cov of one": (lambda a: np.cov(a, ddof=0), V),
    "cov, weighted": (lambda a, w: np.cov(a, aweights=w), A, POSITIVE),
    "cov, counted": (
        lambda a, w: np.cov(a, aweights=w, fweights=[1, 2, 3, 1], ddof=1),
        A,
        POSITIVE,
    ),
    "corrcoef": (np.corrcoef, A),
    "corrcoef of two": (np.corrcoef, V, spaced(5, seed=9)),
    "trace": (np.trace, A),
    "trace of axes": (lambda a: np.trace(a, 1, 0, 2), T),
    "linalg.trace": (lambda a: np.linalg.trace(a, offset=-1), T),
    "cumulative_sum": (np.cumulative_sum, V),
    "cumulative_sum, initial": (
        lambda a: np.cumulative_sum(a, axis=-1, include_initial=True),
        A,
    ),
    "cumulative_prod": (lambda a: np.cumulative_prod(a, axis=0, include_initial=True), A),
    "diff": (np.diff, A),
    "diff, third": (lambda a: np.diff(a, 3), A),
    "diff, none": (lambda a: np.diff(a, 0), A),
    "diff, extended": (lambda a, b: np.diff(a, axis=0, prepend=b, append=0.0), A, NUMBER),
    "diff, extended by a column": (lambda a, b: np.diff(a, append=b), A, spaced(3, 2)),
    "ediff1d": (np.ediff1d, A),
    "ediff1d, extended": (lambda a, b: np.ediff1d(a, to_begin=b, to_end=[1.0, 2.0]), A, NUMBER),
    "trapezoid": (np.trapezoid, A),
    "trapezoid, spaced": (lambda y, dx: np.trapezoid(y, dx=dx, axis=0), A, NUMBER),
    "trapezoid at points": (np.trapezoid, A, spaced(4)),
    "trapezoid at points of each": (lambda y, x: np.trapezoid(y, x, axis=0), A, spaced(3, 4)),
    "gradient": (np.gradient, A),
    "gradient, edges": (lambda f: np.gradient(f, edge_order=2), A),
    "gradient, spaced": (lambda f, h: np.gradient(f, h, edge_order=2), V, spaced(seed=3, above=1)),
    "gradient, unevenly": (lambda f, x: np.gradient(f, x, edge_order=2), V, RISING),
    "gradient of axes": (lambda f, x: np.gradient(f, 2.0, x, axis=(1, 0)), spaced(5, 3), RISING),
    "gradient of an axis": (lambda f: np.gradient(f, axis=1), T),
    "linspace": (lambda a, b: np.linspace(a, b, 5), NUMBER, V),
    "linspace, step": (
        lambda a, b: np.linspace(a, b, 5, endpoint=False, axis=-1, retstep=True),
        NUMBER,
        V,
    ),
    "linspace of one": (lambda a, b: np.linspace(a, b, 1), NUMBER, V),
    "logspace": (lambda a, b: np.logspace(a, b, 4, base=2.0), NUMBER, V),
    "geomspace": (lambda a, b: np.geomspace(a, b, 4), POSITIVE, spaced(seed=1, above=3)),
    "vander": (np.vander, V),
    "vander, increasing": (lambda x: np.vander(x, 3, True), V),
    "polyval": (np.polyval, V, A),
    "bincount": (lambda w: np.bincount([1, 2, 1], w, minlength=5), spaced(3)),
    "histogram": (lambda w: np.histogram(np.linspace(-1, 1, 5), 3, weights=w), V),
    "histogram, density": (
        lambda w: np.histogram(np.linspace(-1, 1, 4), 3, (-0.5, 0.5), True, weights=w),
        POSITIVE,
    ),
}


@pytest.mark.parametrize("case", COMPOSITES.values(), ids=COMPOSITES)
def test_functions_made_of_others(case: tuple[Any, ...]) -> None:
    agrees(*case)


F32 = np.array([0.5, 1.25], np.float32)
LIKE_NUMPY: dict[str, tuple[Any, ...]] = {
    "linspace": (lambda a, b: np.linspace(a, b, 7), F32, F32[::-1] * 3),
    "linspace without end": (lambda a: np.linspace(a, 3, 7, endpoint=False, axis=-1), F32),
    "linspace of none": (lambda a: np.linspace(a, 3, 0), F32),
    "linspace of integers": (lambda a: np.linspace(a, 9, 4, dtype=int), F32),
    "logspace": (lambda a, b: np.logspace(a, b, 7), F32, F32 * 3),
    "logspace to a base": (lambda a, b: np.logspace(1, 2.0, 4, base=a, axis=-1) * b, F32, F32[0]),
    "logspace to bases": (lambda a, b: np.logspace(a, 2.0, 4, base=b), F32[0], F32),
    "geomspace": (lambda a, b: np.geomspace(a, b, 7), F32, F32 * 9),
    "geomspace below zero": (lambda a: np.geomspace(-a, -9.0, 7, axis=1), F32),
    "geomspace in a dtype": (lambda a: np.geomspace(a, 9.0, 4, dtype=np.float32), F32),
    "histogram": (lambda w: np.histogram([1, 2], 4, weights=w)[0], F32),
    "histogram, density": (lambda w: np.histogram([1, 2], 4, None, True, weights=w)[0], F32),
    "histogramdd": (lambda w: np.histogramdd([[1, 2], [1, 3]], 2, weights=w)[0], F32),
}


@pytest.mark.parametrize("case", LIKE_NUMPY.values(), ids=LIKE_NUMPY)
def test_values_and_dtypes_are_numpys_to_the_bit(case: tuple[Any, ...]) -> None:
    function, *arrays = case
    tensors = [Tensor(array, requires_grad=True) for array in arrays]
    result, expected = function(*tensors), function(*arrays)
    np.testing.assert_array_equal(result.data, expected)
    assert result.dtype == expected.dtype
    if result.requires_grad:
        found = gradients(result.sum(), tensors)
        assert [gradient.dtype for gradient in found] == [np.float32] * len(found)


def test_points_in_equal_ratios_turn_in_the_complex_plane() -> None:
    ends = np.array([1.0 + 0.5j, -2.0 + 1.0j])
    points = jacobian(lambda z: np.geomspace(z[0], z[1], 4))(ends)
    values = np.geomspace(*ends, 4)
    shares = np.arange(4) / 3
    np.testing.assert_allclose(
        points, np.stack([values * (1 - shares) / ends[0], values * shares / ends[1]], -1)
    )


def test_histograms_of_tracked_values_are_constant() -> None:
    counts, edges = np.histogram(Tensor(spaced(9), requires_grad=True), 3)
    assert counts.sum().item() == 9
    assert not counts.requires_grad and not edges.requires_grad


@pytest.mark.parametrize("order", [None, 0, 1, 2, 3, 0.5, 2.5, -1, -2, INF, -INF])
def test_norms_of_vectors(order: Any) -> None:
    agrees(lambda x: np.linalg.norm(x, order), V)
    agrees(lambda x: np.linalg.norm(x, order, axis=-1, keepdims=True), T)
    if order is not None:
        agrees(lambda x: np.linalg.vector_norm(x, ord=order, axis=(0, -1)), T)
        agrees(lambda x: np.linalg.vector_norm(x, ord=order, keepdims=True), A)


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, INF, -INF])
def test_norms_of_matrices(order: Any) -> None:
    agrees(lambda x: np.linalg.norm(x, order), A)
    agrees(lambda x: np.linalg.norm(x, order, axis=(2, 0)), T)
    agrees(lambda x: np.linalg.norm(x, order, axis=(0, 1), keepdims=True), T)
    agrees(lambda x: np.linalg.matrix_norm(x, ord=order or "fro"), T)


@pytest.mark.parametrize("order", [1, 2, 3, "nuc", INF])
def test_norms_of_complex_numbers(order: Any) -> None:
    z = A + 1j * spaced(3, 4, seed=6)
    gradcheck(lambda x: np.linalg.norm(x, order, axis=(0, 1)), z, order=2) if order != 3 else None
    if order != "nuc":
        gradcheck(lambda x: np.linalg.norm(x, order, axis=0), z, order=2)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: np.linalg.norm(x, "nuc", axis=0), "ord='nuc' for vectors"),
        (lambda x: np.linalg.norm(x, 3), "ord=3 for matrices"),
        (lambda x: np.linalg.norm(x[None], 2), "ord=2 and shape"),
        (lambda x: np.linalg.norm(x, 2, axis=(0, 0)), "axis 0 twice"),
        (lambda x: np.average(x, weights=np.ones(3)), "average: got weights"),
        (lambda x: np.average(x, axis=1, weights=np.ones(2)), "average: got weights"),
        (lambda x: np.diff(x, -1), "n=-1"),
        (lambda x: np.gradient(x, 1.0, 2.0, 3.0), "3 spacings for 2 axes"),
        (lambda x: np.gradient(x, edge_order=3), "edge_order=3"),
        (lambda x: np.gradient(x[:1], axis=0), "expected at least 2"),
        (lambda x: np.gradient(x, np.ones(7), axis=0), "for 2 points"),
        (np.cumulative_sum, "expected axis="),
    ],
)
def test_bad_arguments_are_named(function: Any, message: str) -> None:
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises((ValueError, TypeError), match=message):
        function(x)


# -- methods of ufuncs -----------------------------------------------------------------------------

BINARY = [np.add, np.multiply, np.maximum, np.fmin, np.logaddexp, np.subtract, np.divide, np.hypot]


@pytest.mark.parametrize("ufunc", BINARY)
def test_methods_of_ufuncs(ufunc: Any) -> None:
    a = spaced(3, 4, above=1.0)
    agrees(ufunc.reduce, a)
    agrees(lambda x: ufunc.reduce(x, axis=-1, keepdims=True), a)
    agrees(ufunc.accumulate, a)
    agrees(lambda x: ufunc.accumulate(x, axis=1), a)
    agrees(ufunc.outer, a[:2], a[2] + 0.03)
    agrees(lambda x: ufunc.reduceat(x, [0, 2, 1, 3], axis=1), a)
    if ufunc not in (np.subtract, np.divide):
        same_as_numpy(lambda x: ufunc.reduce(x, axis=(0, 1), initial=1.3), a)
        # Untracked, NumPy takes the elements in another order.
        gradcheck(lambda x: ufunc.reduce(x, axis=(0, 1), initial=1.3), a, nondet_tol=1e-14)


def test_methods_of_ufuncs_without_gradient() -> None:
    a = np.array([[1, 2], [3, 3]])
    same_as_numpy(lambda x: np.bitwise_or.reduce(x, axis=1), a)
    same_as_numpy(np.bitwise_xor.accumulate, a)
    same_as_numpy(lambda x: np.logical_and.reduce(x, axis=None), a)
    same_as_numpy(lambda x: np.add.reduce(x, dtype=np.float32), a)
    same_as_numpy(lambda x: np.equal.outer(x, [1, 3]), a)


def test_adding_at_places_counts_repetitions() -> None:
    x = Tensor(np.zeros(3), requires_grad=True)
    v = Tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
    y = x * 1
    np.add.at(y, [0, 2, 2], v)
    np.subtract.at(y, [1], 4.0)
    np.testing.assert_array_equal(y.data, [1, -4, 5])
    gx, gv = gradients((y * np.array([1.0, 10, 100])).sum(), (x, v))
    np.testing.assert_array_equal(gx.data, [1, 10, 100])
    np.testing.assert_array_equal(gv.data, [1, 100, 100])
    with pytest.raises(MissingRuleError, match=r"multiply\.at"):
        np.multiply.at(y, [0], v)
    untracked = Tensor(np.zeros(3))
    np.add.at(untracked, [1, 1], 2.0)
    np.testing.assert_array_equal(untracked.data, [0, 4, 0])
