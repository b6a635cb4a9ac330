"""Elementwise rules at the points the gate never draws: zeros, ties, infinities; and composites."""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import Tensor, grad, gradients
from autograd_core.errors import MissingRuleError, MutationError, ShapeError
from autograd_core.primitive import POSITIVE
from autograd_core.testing import drawn, gradcheck

INF, NAN = math.inf, math.nan


def slopes(function: Callable[..., Any], *operands: Any, cotangent: Any = None) -> list[Any]:
    """Gradients of every operand that is an array; Python numbers are passed on as they are."""
    passed = [
        Tensor(operand, requires_grad=True) if isinstance(operand, np.ndarray) else operand
        for operand in operands
    ]
    tracked = [operand for operand in passed if isinstance(operand, Tensor)]
    with np.errstate(all="ignore"):
        result = function(*passed)
        result.backward(np.ones(result.shape, result.dtype) if cotangent is None else cotangent)
    return [operand.grad for operand in tracked]


def derivative(function: Callable[[Any], Any], order: int) -> Callable[[Any], Any]:
    for _ in range(order):
        function = grad(function)
    return function


def array(*numbers: float) -> Any:
    return np.array(numbers, dtype=float)


# -- special values: operation, operands, the gradient of each operand that is an array ------------

SPECIAL_VALUES: list[tuple[str, Callable[..., Any], list[Any], list[Any]]] = [
    # powers
    ("x**0 is constant", operator.pow, [array(0, 2, INF), 0], [array(0, 0, 0)]),
    ("y=0 at x=0", np.power, [array(0.0), array(0.0)], [array(0), array(0)]),
    ("x=0, y>0: no slope in y", np.power, [array(0.0), array(2.0)], [array(0), array(0)]),
    ("x=0, y<0", np.power, [array(0.0), array(-1.0)], [array(-INF), array(-INF)]),
    ("x**1 at 0", operator.pow, [array(0.0), 1], [array(1)]),
    ("x**2 at 0", operator.pow, [array(0.0), 2], [array(0)]),
    ("x**0.5 at 0", operator.pow, [array(0.0), 0.5], [array(INF)]),
    ("negative base, constant exponent", operator.pow, [array(-2.0), 3], [array(12)]),
    ("negative base, array exponent", np.power, [array(-2.0), array(3.0)], [array(12), array(NAN)]),
    ("number to a power", operator.pow, [2.0, array(3.0)], [array(8 * math.log(2))]),
    ("0**y", operator.pow, [0, array(0.0, 2.0)], [array(0, 0)]),
    ("lists as operands", np.power, [array(3.0, 0), [2, 0]], [array(6, 0)]),
    ("list to a power", np.power, [[3, 0], array(2.0, 0)], [array(9 * math.log(3), 0)]),
    ("float_power at 0", np.float_power, [array(0.0), array(0.0)], [array(0), array(0)]),
    ("sqrt at 0", np.sqrt, [array(0.0)], [array(INF)]),
    ("cbrt at 0", np.cbrt, [array(0.0)], [array(INF)]),
    ("cbrt below 0", np.cbrt, [array(-8.0)], [array(1 / 12)]),
    # remainders, with the sign of the divisor or of the dividend
    ("remainder", np.remainder, [array(-7.0, 7), array(3.0, -3)], [array(1, 1), array(3, 3)]),
    ("fmod", np.fmod, [array(-7.0, 7), array(3.0, -3)], [array(1, 1), array(2, 2)]),
    ("floor_divide", operator.floordiv, [array(7.5), array(2.0)], [array(0), array(0)]),
    ("divmod", lambda x, y: sum(divmod(x, y)), [array(7.5), array(2.0)], [array(1), array(-3)]),
    ("% with numbers", operator.mod, [7.5, array(2.0)], [array(-3)]),
    # parts of a float
    ("frexp", lambda x: np.frexp(x)[0], [array(12.0)], [array(1 / 16)]),
    ("modf", lambda x: np.modf(x)[0] + np.modf(x)[1], [array(2.5)], [array(1)]),
    ("ldexp", lambda x: np.ldexp(x, np.array([3, -1])), [array(1.0, 1)], [array(8, 0.5)]),
    # exponentials
    ("logaddexp of zeros", np.logaddexp, [array(-INF), array(-INF)], [array(0), array(0)]),
    ("logaddexp2 of zeros", np.logaddexp2, [array(-INF), array(-INF)], [array(0), array(0)]),
    ("logaddexp of one zero", np.logaddexp, [array(-INF), array(1.0)], [array(0), array(1)]),
    ("logaddexp far apart", np.logaddexp, [array(1e4), array(-1e4)], [array(1), array(0)]),
    ("logaddexp and -inf", np.logaddexp, [array(-INF), -INF], [array(0)]),
    ("log at 0", np.log, [array(0.0)], [array(INF)]),
    # the plane
    ("hypot at 0", np.hypot, [array(0.0), array(0.0)], [array(0), array(0)]),
    ("hypot without overflow", np.hypot, [array(3e200), array(4e200)], [array(0.6), array(0.8)]),
    ("arctan2 at 0 is undefined", np.arctan2, [array(0.0), array(0.0)], [array(NAN), array(NAN)]),
    ("arctan2 without overflow", np.arctan2, [array(3e200), array(4e200)], [array(0), array(0)]),
    ("sinc at 0", np.sinc, [array(0.0)], [array(0)]),
    ("sinc near 0", np.sinc, [array(1e-9)], [array(-(math.pi**2) / 3 * 1e-9)]),
    ("i0 at 0", np.i0, [array(0.0)], [array(0)]),
    # kinks: the shortest sub- or supergradient
    ("abs at 0", abs, [array(-1.0, 0, 1)], [array(-1, 0, 1)]),
    ("fabs at 0", np.fabs, [array(0.0)], [array(0)]),
    ("sign at 0", np.sign, [array(0.0)], [array(0)]),
    ("copysign at 0", np.copysign, [array(0.0, -2), array(1.0, 1)], [array(0, -1), array(0, 0)]),
    ("copysign of a number", np.copysign, [array(3.0), -2], [array(-1)]),
    ("heaviside", np.heaviside, [array(0.0, 1), array(0.5, 0.5)], [array(0, 0), array(1, 0)]),
    ("maximum ties", np.maximum, [array(1.0, 2), array(1.0, 3)], [array(0.5, 0), array(0.5, 1)]),
    ("minimum ties", np.minimum, [array(1.0, 2), array(1.0, 3)], [array(0.5, 1), array(0.5, 0)]),
    ("fmax ties", np.fmax, [array(1.0), array(1.0)], [array(0.5), array(0.5)]),
    ("fmin ties", np.fmin, [array(1.0), array(1.0)], [array(0.5), array(0.5)]),
    ("maximum with a number", np.maximum, [array(-1.0, 0, 1), 0], [array(0, 0, 1)]),
    ("number with a minimum", np.minimum, [0.0, array(-1.0, 0, 1)], [array(1, 0, 0)]),
    ("maximum with NumPy's 0", lambda x: np.maximum(x, np.float64(0)), [array(0.0)], [array(0.5)]),
    ("fmax passes over NaN", np.fmax, [array(NAN, 1), array(1, NAN)], [array(0, 1), array(1, 0)]),
    ("fmin passes over NaN", np.fmin, [array(NAN, 1), array(1, NAN)], [array(0, 1), array(1, 0)]),
    # clipping
    (
        "clip at numbers",
        lambda x: x.clip(0, 1),
        [array(-1.0, 0, 0.5, 1, 2)],
        [array(0, 0, 1, 0, 0)],
    ),
    (
        "clip at arrays",
        np.clip,
        [array(1.0), array(1.0), array(2.0)],
        [array(0.5), array(0.5), array(0)],
    ),
    (
        "clip beyond arrays",
        np.clip,
        [array(3.0), array(1.0), array(2.0)],
        [array(0), array(0), array(1)],
    ),
    ("clip without bounds", lambda x: np.clip(x, None, None), [array(3.0)], [array(1)]),
    (
        "clip by keywords",
        lambda x, y: np.clip(x, min=y),
        [array(3.0), array(4.0)],
        [array(0), array(1)],
    ),
    # pieces without slope
    ("rounding", lambda x: x.round(1) + np.floor(x) + np.rint(x), [array(1.25)], [array(0)]),
    ("nan_to_num", np.nan_to_num, [array(NAN, INF, -INF, 2)], [array(0, 0, 0, 1)]),
    (
        "where",
        lambda x, y: np.where(x > 0, x, y),
        [array(-1.0, 1), array(5.0)],
        [array(0, 1), array(1)],
    ),
    ("where on numbers", lambda x: np.where(x, 2 * x, 1), [array(0.0, 3)], [array(0, 2)]),
    ("select from lists", lambda x: np.select([x > 1], [[5, 6]], x), [array(0, 2)], [array(1, 0)]),
    ("unwrap", np.unwrap, [array(0.0, 3, 6.5, 0.5)], [array(1, 1, 1, 1)]),
]


@pytest.mark.parametrize(
    ("function", "operands", "expected"),
    [row[1:] for row in SPECIAL_VALUES],
    ids=[row[0] for row in SPECIAL_VALUES],
)
def test_special_value(
    function: Callable[..., Any], operands: list[Any], expected: list[Any]
) -> None:
    found = slopes(function, *operands)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14, atol=1e-180)


def test_masked_out_cotangents_do_not_contaminate() -> None:
    (found,) = slopes(lambda x: np.sqrt(np.maximum(x, 0)), array(-1, 4))
    np.testing.assert_array_equal(found, [0, 0.25])
    for function in (
        lambda x: np.where(x > 0, x, 1),
        lambda x: np.maximum(x, 0),
        lambda x: np.minimum(3, x.clip(0)),
    ):
        for kind in (np.float16, np.float32, np.float64, np.longdouble):
            x = np.array([-1, 2, -1, 2], kind)
            cotangent = np.array([INF, 1, NAN, -INF], kind)
            np.testing.assert_array_equal(
                slopes(function, x, cotangent=cotangent)[0], [0, 1, 0, -INF]
            )


# -- higher orders where formulas are most at risk -------------------------------------------------


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (lambda x: x**1, 0.0, [1, 0, 0]),
        (lambda x: x**2, 0.0, [0, 2, 0]),
        (lambda x: x**3, 0.0, [0, 0, 6, 0]),
        (lambda x: x ** np.array(1.0), 0.0, [1, 0, 0]),
        (lambda x: x ** np.array(2.0), 0.0, [0, 2, 0]),
        (lambda x: 3.0**x, 0.0, [math.log(3), math.log(3) ** 2, math.log(3) ** 3]),
        (np.sinc, 0.0, [0, -(math.pi**2) / 3, 0, math.pi**4 / 5]),
        (np.sinc, 0.5, [-4 / math.pi, 16 / math.pi - 2 * math.pi]),
        (np.i0, 0.0, [0, 0.5, 0, 3 / 8]),
        (lambda x: np.maximum(x, 0) ** 2, 1.5, [3, 2, 0]),
        (lambda x: np.where(x > 0, x**3, -x), 2.0, [12, 12, 6]),
        (lambda x: np.clip(x, 0, 9) ** 2, 3.0, [6, 2]),
    ],
)
def test_higher_orders(function: Callable[[Any], Any], at: float, expected: list[float]) -> None:
    for order, value in enumerate(expected, start=1):
        found = derivative(function, order)(at)
        np.testing.assert_allclose(float(found), value, rtol=1e-10, atol=1e-12)


def test_mixed_derivative_of_power_is_exact_where_the_exponent_is_zero() -> None:
    x, y = (Tensor(np.array(value), requires_grad=True) for value in (4.0, 0.0))
    (slope,) = gradients(np.power(x, y), [x], create_graph=True)
    (mixed,) = gradients(slope, [y])
    assert float(mixed) == 0.25  # x⁻¹ (1 + y log x)


@given(
    drawn(lambda d: d.array(d.shape(), domain=POSITIVE)),
    st.one_of(st.integers(-4, 6), st.sampled_from([0.5, -0.5, 1.5, 2.0])),
)
def test_power_of_a_number(x: np.ndarray, n: float) -> None:
    (found,) = slopes(lambda x: x**n, x)
    np.testing.assert_allclose(found, n * x ** (n - 1.0), rtol=1e-13)


@pytest.mark.parametrize(
    # Frozen from SciPy's i1 (Cephes); the first is x/2 + x³/16 to all digits.
    ("x", "expected"),
    [
        (1e-3, 0.0005000000625000026),
        (1.0, 0.5651591039924851),
        (-5.0, -24.33564214245053),
        (50.0, 2.9030785901035567e20),
        (700.0, 1.5285003902339e302),
    ],
)
def test_slope_of_i0(x: float, expected: float) -> None:
    assert float(slopes(np.i0, np.array(x))[0]) == pytest.approx(expected, rel=1e-12)


# -- complex: closed forms in PyTorch's convention ∂L/∂Re + i ∂L/∂Im -------------------------------


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda z: np.abs(z) ** 2, lambda z: 2 * z),
        (np.abs, lambda z: z / abs(z)),
        (np.angle, lambda z: 1j * z / abs(z) ** 2),
        (lambda z: np.angle(z, deg=True), lambda z: np.rad2deg(1) * 1j * z / abs(z) ** 2),
        (lambda z: z.real, lambda z: 1),
        (lambda z: z.imag, lambda z: 1j),
        (lambda z: (z * z.conj()).real, lambda z: 2 * z),
        (lambda z: np.exp(z).real, lambda z: np.conj(np.exp(z))),
        (lambda z: np.sign(z).real, lambda z: 1j * z * -z.imag / abs(z) ** 3),
        (lambda z: (z**3).imag, lambda z: 1j * np.conj(3 * z**2)),
    ],
)
def test_complex_closed_form(
    function: Callable[[Any], Any], expected: Callable[[Any], Any]
) -> None:
    z = np.array([1 + 2j, -0.5 + 0.1j, 3 - 1j])
    (found,) = slopes(lambda z: function(z).sum(), z)
    np.testing.assert_allclose(found, expected(z) * np.ones(3), rtol=1e-13)
    gradcheck(function, [z], order=2)


@pytest.mark.parametrize("function", [np.abs, np.sign, np.angle])
def test_complex_gradient_at_zero_is_zero(function: Callable[[Any], Any]) -> None:
    assert slopes(function, np.array(0j)) == [0]


@pytest.mark.parametrize("function", [np.imag, np.angle, np.conjugate, np.real])
def test_parts_of_real_numbers(function: Callable[[Any], Any]) -> None:
    (found,) = slopes(function, array(-1.5, 2))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, 1.0 if function in (np.conjugate, np.real) else 0.0)


# -- composites against NumPy and against differences ----------------------------------------------


def points(d: Any) -> tuple[Any, Any, Any, dict[str, Any]]:
    """Arguments of interp: positions, corners, heights, and what holds outside."""
    n = d.integer(1, 5)
    options: dict[str, Any] = d.choice(
        [{}, {"left": -7.0}, {"right": 9.0, "left": 0.5}, {"period": 1.7}]
    )
    x, xp, fp = d.array(d.shape(max_dims=2)), np.sort(d.array((n,))), d.array((n,))
    return x, xp, fp, options


def far_from_corners(x: Any, xp: Any, period: float | None = None) -> bool:
    gaps = np.abs(x[..., None] - xp)
    if period is not None:
        gaps = np.abs(
            np.concatenate([x[..., None] - xp, x[..., None], (xp - 0 * x[..., None])], -1)
        )
        gaps = np.minimum(gaps % period, -gaps % period)
    return bool(np.all(gaps > 1e-3))


@given(drawn(points))
def test_interp(arguments: Any) -> None:
    x, xp, fp, options = arguments
    found = np.interp(Tensor(x), Tensor(xp), Tensor(fp), **options)
    np.testing.assert_allclose(found.data, np.interp(x, xp, fp, **options), rtol=1e-12, atol=1e-13)
    if far_from_corners(x, xp, options.get("period")):
        gradcheck(lambda x, xp, fp: np.interp(x, xp, fp, **options), [x, xp, fp], order=2)


def test_interp_at_corners_outside_and_on_steps() -> None:
    xp, fp = array(0, 1, 1, 2), array(0, 1, 5, 7)
    x = array(-1, 0, 0.5, 1, 2, 3)
    result = np.interp(Tensor(x), xp, fp)
    np.testing.assert_array_equal(result.data, np.interp(x, xp, fp))
    (slope,) = slopes(lambda x: np.interp(x, xp, fp), x)
    np.testing.assert_array_equal(slope, [0, 1, 1, 2, 2, 0])
    (ends,) = slopes(lambda fp: np.interp(array(-1, 3), xp, fp), fp)
    np.testing.assert_array_equal(ends, [1, 0, 0, 1])
    tracked = Tensor(np.array(4.0), requires_grad=True)
    np.interp(Tensor(np.array(9.0)), xp, fp, right=tracked).backward()
    assert tracked.grad == 1


def test_interp_of_complex_heights_and_single_precision() -> None:
    fp = np.array([1 + 1j, 3 - 1j])
    (found,) = slopes(lambda fp: np.interp(0.25, [0.0, 1.0], fp), fp)
    np.testing.assert_array_equal(found, [0.75, 0.25])
    (found,) = slopes(lambda fp: np.interp(0.25, [0.0, 1.0], fp), np.array([1, 3], np.float32))
    assert found.dtype == np.float32


@given(drawn(lambda d: [d.array(shape) for shape in d.broadcastable(3)]))
def test_select_and_where(operands: list[Any]) -> None:
    def chosen(x: Any, y: Any, z: Any) -> Any:
        return np.select([x > 1, y > 0], [x * y, z], default=np.array(0.5))

    tracked = [Tensor(operand) for operand in operands]
    np.testing.assert_array_equal(chosen(*tracked).data, chosen(*operands))
    gradcheck(chosen, operands, order=2)
    gradcheck(lambda x, y, z: np.where(x > 1, y, np.where(y > z, z * z, x)), operands, order=2)


@given(drawn(lambda d: d.array()))
def test_piecewise(x: np.ndarray) -> None:
    def expected(x: np.ndarray) -> Any:
        low, middle, high = x < -0.5, (x >= -0.5) & (x < 1), x > 1.5
        rest = ~(low | middle | high)
        return low * np.exp(x) + middle * x**3 + high * 7 + rest * np.sin(x)

    def call(x: Any) -> Any:
        conditions = [x < -0.5, (x >= -0.5) & (x < 1), x > 1.5]
        functions = [lambda p, k: np.exp(p), lambda p, k: p**k, 7, lambda p, k: np.sin(p)]
        return np.piecewise(x, conditions, functions, 3)

    assert isinstance(call(Tensor(x)), Tensor)
    np.testing.assert_allclose(call(Tensor(x)).data, expected(x), rtol=1e-15)
    np.testing.assert_allclose(call(Tensor(x)).data, call(x), rtol=1e-15)
    gradcheck(call, [x], order=2)


def test_piecewise_evaluates_functions_only_where_they_hold() -> None:
    (found,) = slopes(lambda x: np.piecewise(x, [x > 0, x == 0], [np.log, 5]), array(-3, 0, 4))
    np.testing.assert_array_equal(found, [0, 0, 0.25])
    x = Tensor(np.array([1, -2], np.float32))
    assert np.piecewise(x, x > 0, [lambda x: x * np.float64(2)]).dtype == np.float32
    assert np.piecewise(Tensor(np.array(2.0)), True, [lambda x: x * x]).item() == 4


@given(drawn(lambda d: [d.array(shape) for shape in d.broadcastable(3)]))
def test_clip_forms(operands: list[Any]) -> None:
    x, one, other = operands
    low, high = np.minimum(one, other), np.maximum(one, other) + 0.1
    expected = np.clip(x, low, high)
    forms = [
        np.clip(Tensor(x), low, high),
        np.clip(Tensor(x), a_min=low, a_max=high),
        np.clip(Tensor(x), min=low, max=high),
        np.clip(x, Tensor(low), high),
        Tensor(x).clip(low, high),
        np.clip(np.clip(Tensor(x), low, None), max=high),
    ]
    for form in forms:
        np.testing.assert_array_equal(form.data, expected)


def test_where_with_a_mask_alone_finds_indices() -> None:
    x = Tensor(array(0, 2, 0, 3), requires_grad=True)
    for found in (np.where(x), np.where(x > 0), np.nonzero(x)):
        np.testing.assert_array_equal(found[0].data, [1, 3])


# -- dtypes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.clip(x, 0, 1),
        lambda x: np.select([x > 0, x < -1], [x, 2 * x], 0.5),
        lambda x: np.select([x > 0, x < -1], [1.5, 2 * x]),
        lambda x: np.where(x > 0, x, 0.0),
        np.nan_to_num,
        lambda x: 2**x,
        lambda x: x**2.5,
        lambda x: np.logaddexp(x, 0.5),
        lambda x: np.heaviside(x, 0.5) + x % 0.7 + np.copysign(x, -1.0),
    ],
)
def test_python_numbers_keep_single_precision(function: Callable[[Any], Any]) -> None:
    x = Tensor(np.array([0.5, 1.5], np.float32), requires_grad=True)
    result = function(x)
    assert result.dtype == np.float32
    result.sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == np.float32


# -- operators -------------------------------------------------------------------------------------

BINARY = [
    *(operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne),
    *(operator.floordiv, operator.mod, operator.add, operator.sub, operator.mul, operator.truediv),
]
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]


@pytest.mark.parametrize("function", [*BINARY, *BITS])
def test_operators_do_what_they_do_on_arrays(function: Callable[[Any, Any], Any]) -> None:
    kind = int if function in BITS else float
    x, y = np.array([1, 2, 5], kind), np.array([3, 2, 1], kind)
    for left, right in ((Tensor(x), Tensor(y)), (Tensor(x), y), (x, Tensor(y))):
        result = function(left, right)
        assert isinstance(result, Tensor)
        np.testing.assert_array_equal(result.data, function(x, y))
    for result, expected in (
        (function(Tensor(x), kind(2)), function(x, kind(2))),
        (function(kind(2), Tensor(x)), function(kind(2), x)),
    ):
        assert (result.dtype, result.tolist()) == (expected.dtype, expected.tolist())


def test_divmod_and_inversion() -> None:
    x, y = array(7.5, -7.5), array(2.0, 2.0)
    for pair in (divmod(Tensor(x), y), divmod(x, Tensor(y)), divmod(Tensor(x), 2)):
        np.testing.assert_array_equal([part.data for part in pair], divmod(x, y))
    assert (~(Tensor(x) > 0)).tolist() == [False, True]
    assert (True & (Tensor(x) > 0)).tolist() == [True, False]


def test_comparisons_of_tracked_tensors_are_untracked() -> None:
    x = Tensor(array(1, 2), requires_grad=True)
    for result in (x < 2, x == x, np.isnan(x), np.isclose(x, 1), np.signbit(x), np.nextafter(x, 9)):
        assert isinstance(result, Tensor)
        assert not result.requires_grad
    assert np.allclose(x, x)
    assert np.array_equal(x, [1, 2])
    assert not np.iscomplexobj(x)
    assert len({x, x, Tensor(array(1, 2))}) == 2


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: np.clip(x, 0, 1, min=0), ValueError, "one pair"),
        (lambda x: np.clip(x, 0, 1, out=np.empty(2)), MutationError, "clip: out="),
        (lambda x: np.nan_to_num(x, copy=False), MutationError, "copy=False"),
        (lambda x: np.select([x > 0], [x, x]), ShapeError, "1 conditions and 2 choices"),
        (lambda x: np.piecewise(x, [x > 0], [1, 2, 3]), ShapeError, "1 conditions and 3"),
        (lambda x: np.interp(x, [0.0, 1.0], [1.0]), ShapeError, "same length"),
        (lambda x: np.interp(x, [0.0, 1.0], [1.0, 2.0], period=0), ValueError, "period 0"),
        (lambda x: np.ldexp(1.0, x), TypeError, "ldexp"),
        (lambda x: np.sin(x, where=x > 0), MissingRuleError, "where="),
        (lambda x: np.sin(x, out=np.empty(2)), MutationError, "out="),
    ],
)
def test_errors_say_what_to_do(call: Callable[[Any], Any], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        call(Tensor(array(1, 2), requires_grad=True))
