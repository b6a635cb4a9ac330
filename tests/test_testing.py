"""The checker is checked: right gradients pass, wrong ones fail and say where and why."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autograd_core import Tensor
from autograd_core.errors import DtypeError, MissingExtraError
from autograd_core.primitive import POSITIVE, REAL, REGISTRY, Domain, Elementwise, Primitive
from autograd_core.tensor import record
from autograd_core.testing import (
    Drawer,
    GradientError,
    RandomDrawer,
    broadcastable,
    drawn,
    example_of,
    gradcheck,
    indices,
    matmul_operands,
    op_inputs,
    property_gradcheck,
    tensors,
)
from autograd_core.testing.differences import STEP, judge, richardson
from autograd_core.testing.drawer import MARGIN
from autograd_core.testing.layouts import LAYOUTS
from autograd_core.testing.report import value_code

drawers = drawn(lambda d: d)


def ruled(forward: Callable[..., Any], **rules: Callable[..., Any]) -> Callable[..., Any]:
    """An operation with the rules given, unknown to the registry."""
    primitive = Primitive(forward, rules=rules)
    return lambda *operands: record(primitive, *operands)


def random_array(shape: Any, seed: int = 0) -> Any:
    return RandomDrawer(seed).array(shape)


# -- differences -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "derivative"),
    [
        (np.exp, np.exp),
        (np.log, lambda x: 1 / x),
        (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
        (lambda x: x**3.7, lambda x: 3.7 * x**2.7),
        (lambda x: np.sin(20 * x), lambda x: 20 * np.cos(20 * x)),
    ],
    ids=["exp", "log", "tanh", "power", "sin20"],
)
def test_extrapolated_differences_are_accurate(f: Any, derivative: Any) -> None:
    x = np.linspace(0.5, 3.0, 26)
    numeric = richardson(lambda t: f(x + t), STEP)
    scale = np.max(np.abs(derivative(x)))
    np.testing.assert_allclose(numeric, derivative(x), rtol=0, atol=2e-10 * scale)


# Rough functions with a rough place at zero, and a gradient one may choose there.
ROUGH = {
    "relu": (lambda x: np.maximum(x, 0), lambda x: float(x > 0), "kink"),
    "abs": (np.abs, np.sign, "kink"),
    "clip": (lambda x: np.clip(x, 0, 1), lambda x: float(0 < x < 1), "kink"),
    "convex": (lambda x: np.exp(x) + np.abs(x), lambda x: np.exp(x) + np.sign(x), "kink"),
    "bent": (lambda x: np.maximum(x, 0) - x * x, lambda x: float(x > 0) - 2 * x, "kink"),
    "rint": (lambda x: np.rint(x + 0.5), lambda x: 0.0, "jump"),
    "floor": (np.floor, lambda x: 0.0, "jump"),
    "step": (lambda x: np.exp(x) + (x > 0), np.exp, "jump"),
}


def verdict_at(f: Any, x: float, analytic: float) -> str | None:
    """What the checker says of a derivative at x; None if differences agree with it."""
    one = np.ones(1)

    def line(t: float) -> Any:
        return np.array([f(x + t)])

    if abs(richardson(line, STEP)[0] - analytic) < 1e-7:
        return None
    return judge(line, one, analytic, STEP, 1e-7, abs(f(x)))


@pytest.mark.parametrize("name", ROUGH)
@given(st.floats(-2, 2))
@example(1.0)
def test_chosen_gradients_near_rough_places_are_accepted(name: str, steps: float) -> None:
    f, gradient, kind = ROUGH[name]
    x = steps * STEP
    # Once a jump is farther away than the finest scales, it looks like a kink.
    assert verdict_at(f, x, gradient(x)) in {None, "kink", kind}


@pytest.mark.parametrize("name", ROUGH)
def test_rough_places_are_named(name: str) -> None:
    f, gradient, kind = ROUGH[name]
    assert verdict_at(f, 1e-9, gradient(1e-9)) == kind


@pytest.mark.parametrize("name", ROUGH)
@given(
    st.sampled_from([-1, 1]),
    st.floats(3e-2, 0.4),
    st.sampled_from([1e-5, 0.01, -0.5, -2.0, np.nan, np.inf]),
)
def test_wrong_gradients_are_wrong_away_from_rough_places(
    name: str, side: int, distance: float, error: float
) -> None:
    f, gradient, _ = ROUGH[name]
    x = side * distance
    assert verdict_at(f, x, gradient(x) + error) == "wrong"


@pytest.mark.parametrize("name", ["relu", "abs", "clip"])
@given(st.floats(0.01, 10), st.booleans())
def test_wrong_gradients_are_wrong_at_kinks_too(name: str, error: float, above: bool) -> None:
    f, _, _ = ROUGH[name]
    low, high = (0, 1) if name != "abs" else (-1, 1)
    assert verdict_at(f, 0.0, high + error if above else low - error) == "wrong"


# -- right gradients pass --------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("mode", ["auto", "full", "projection"])
def test_right_gradients_pass(order: int, mode: Any) -> None:
    x, w, b = (random_array(shape) for shape in [(3, 4), (4, 2), ()])
    report = gradcheck(lambda x, w, b: np.tanh(x @ w + b), [x, w, b], order=order, mode=mode)
    assert (report.order, report.nonsmooth) == (order, ())
    assert report.error < 1e-8


def test_cost_is_four_evaluations_for_each_element() -> None:
    small = gradcheck(np.tanh, random_array(10))
    large = gradcheck(np.tanh, random_array(30))
    assert large.evaluations - small.evaluations == 4 * 20
    assert (small.comparisons, large.comparisons) == (10, 30)


def test_many_elements_are_projected() -> None:
    assert gradcheck(np.tanh, random_array(256)).mode == "elementwise"
    assert gradcheck(np.tanh, random_array(257)).mode == "projection"


def test_containers_settings_and_several_results() -> None:
    def f(parameters: Any, x: Any, axis: int) -> Any:
        y = x * parameters["w"] + parameters["b"][0]
        return {"sum": y.sum(axis=axis), "largest": np.argmax(y.detach()), "all": (y, None)}

    parameters = {"w": random_array((3, 2)), "b": [random_array(2)]}
    report = gradcheck(f, [parameters, random_array((3, 2)), 0], order=2)
    assert report.comparisons == (6 + 2 + 6) + (2 + 6)


def test_complex_gradients_follow_the_convention() -> None:
    z = random_array((2, 3)) + 1j * random_array((2, 3), seed=1)
    gradcheck(lambda z, x: z * np.conj(z) * x + z, [z, random_array(3)])
    # L = |z|²: ∂L/∂Re + i ∂L/∂Im = 2 z, and not its conjugate. Rules are unconjugated.
    gradcheck(ruled(squared_length, z=lambda g, z: 2 * g * np.conj(z)), z)
    with pytest.raises(GradientError, match="imaginary part"):
        gradcheck(ruled(squared_length, z=lambda g, z: 2 * g * z), z)


def squared_length(z: Any) -> Any:
    return z.real**2 + z.imag**2


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_low_precision_is_compared_with_float64(dtype: Any) -> None:
    x = random_array((3, 2)).astype(dtype)
    gradcheck(lambda x: np.exp(x) * x, x)

    def slack(g: Any, x: Any) -> Any:
        return 2 * g * x * (1.01 if x.dtype == np.float32 else 1.6 if x.dtype == np.float16 else 1)

    with pytest.raises(GradientError, match="away from the one computed in float64"):
        gradcheck(ruled(np.square, x=slack), x)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3)])
def test_scalars_and_empty_arrays(shape: Any) -> None:
    report = gradcheck(lambda x, y: x * y + 2.0, [random_array(shape), random_array(())], order=2)
    assert report.order == 2


def test_functions_that_depend_on_nothing_have_zero_gradients() -> None:
    gradcheck(lambda x: (np.floor(x), Tensor(np.ones(2))), random_array(3))
    with pytest.raises(GradientError, match="verdict: wrong"):
        gradcheck(lambda x: x.detach() * x.detach(), random_array(3))


# -- wrong gradients fail --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [4, 64, 256])
@given(data=st.data())
def test_one_element_wrong_by_a_percent_is_found(size: int, data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, size - 1))
    factor = np.where(np.arange(size) == wrong, 1.01, 1.0)
    square = ruled(np.square, x=lambda g, x: 2 * g * x * factor)
    with pytest.raises(GradientError, match=rf"input 0, index \({wrong},\)"):
        gradcheck(square, random_array(size))


def test_only_the_second_order_may_be_wrong() -> None:
    # The gradient is right, but a constant hides from its derivative how it depends on x.
    def rule(g: Any, x: Any) -> Any:
        return 2 * g * (x.detach() if isinstance(x, Tensor) else x)

    square = ruled(np.square, x=rule)
    gradcheck(square, random_array(3))
    with pytest.raises(GradientError, match="verdict: wrong"):
        gradcheck(square, random_array(3), order=2)


def test_report_names_places_values_and_verdict() -> None:
    def f(x: Any, y: Any) -> Any:
        return x + ruled(np.multiply, x=lambda g, y: g * y, y=lambda g, x: g * x * 1.5)(x, y)

    with pytest.raises(GradientError) as caught:
        gradcheck(f, [np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])])
    text = str(caught.value)
    assert "input 1, index (0, 0) of output 0, index (0, 0)" in text
    assert "analytic 1.5, numeric 1 (differ by 0.5" in text
    assert "verdict: wrong" in text


def broken_square(x: Any) -> Any:
    return ruled(np.square, x=lambda g, x: 3 * g * x)(x)


def test_report_prints_code_that_fails_the_same_way() -> None:
    special = [np.array([[0.1, 1 / 3]]).T, np.zeros((0, 2)), np.float32([0.1]), {"k": (2, [])}]
    function = lambda x, *rest: broken_square(x)  # noqa: E731
    function.code = lambda: (  # type: ignore[attr-defined]
        f"from {__name__} import broken_square",
        "lambda x, *rest: broken_square(x)",
    )
    with pytest.raises(GradientError) as first:
        gradcheck(function, special, mode="full", rtol=1e-5)
    sentence, _, code = str(first.value).partition("\n\n")
    with pytest.raises(GradientError) as second:
        exec(code, {})
    assert str(second.value).partition("\n\n")[0] == sentence


@pytest.mark.parametrize(
    "value",
    [
        np.array([[1 / 3, -0.0], [np.inf, np.nan]]),
        np.array([1 + 2j]),
        np.float32(0.1),
        np.array([0.1], np.float16),
        np.zeros((0, 3), np.complex64),
        np.array(7),
        np.array([True, False]),
        {"key": [(1,), (2.5, None)], 3: slice(1, None), "index": ...},
    ],
    ids=str,
)
def test_values_are_written_exactly(value: Any) -> None:
    again = eval(value_code(value), {"np": np, "inf": np.inf, "nan": np.nan})
    assert type(again) is type(value)
    if isinstance(value, (np.ndarray, np.generic)):
        assert (again.dtype, again.shape) == (value.dtype, value.shape)
        assert again.tobytes() == value.tobytes()
    else:
        assert again == value


def test_reproducer_imports_what_it_can() -> None:
    with pytest.raises(GradientError) as caught:
        gradcheck(broken_square, [np.ones(1)], seed=3)
    assert str(caught.value).endswith(
        "import numpy as np\n"
        "from autograd_core.testing import gradcheck\n"
        f"from {__name__} import broken_square\n\n"
        "gradcheck(broken_square, [np.array([1.0])], seed=3)"
    )


# -- everything else a gradient must be ------------------------------------------------------------


def test_randomness_is_noticed_and_can_be_allowed() -> None:
    rng = np.random.default_rng(0)

    def noisy(x: Any) -> Any:
        return x + rng.normal(0, 1e-12, x.shape)

    with pytest.raises(GradientError, match="gave other values for the same inputs"):
        gradcheck(noisy, random_array(3))
    gradcheck(noisy, random_array(3), nondet_tol=1e-10)


def test_random_backward_is_noticed() -> None:
    rng = np.random.default_rng(0)
    noisy = ruled(np.square, x=lambda g, x: 2 * g * x + rng.normal(0, 1e-12))
    with pytest.raises(GradientError, match="the backward pass gave other values"):
        gradcheck(noisy, random_array(3))


def test_recording_must_not_change_values() -> None:
    with pytest.raises(GradientError, match="recording gave other values"):
        gradcheck(lambda x: x * (2.0 if x.requires_grad else 3.0), random_array(3))


def test_writing_to_inputs_or_results_is_noticed() -> None:
    def into_operand(g: Any, x: Any) -> Any:
        gradient = 2 * g * x
        x += 1
        return gradient

    def into_result(g: Any, x: Any, out: Any) -> Any:
        gradient = 2 * g * x
        out += 1
        return gradient

    with pytest.raises(GradientError):
        gradcheck(ruled(np.square, x=into_operand), random_array(3))
    with pytest.raises(GradientError, match="reading the result after the backward pass"):
        gradcheck(ruled(np.square, x=into_result), random_array(3))

    def forward(x: Any) -> Any:
        result = x * 2
        x.data[...] = 0
        return result

    with pytest.raises(GradientError):
        gradcheck(forward, random_array(3))


def test_rules_that_return_what_was_saved_are_noticed() -> None:
    with pytest.raises(GradientError, match="does not double when the cotangent does"):
        gradcheck(ruled(np.square, x=lambda g, x: x[::-1]), random_array(3))
    with pytest.raises(GradientError, match="does not double when the cotangent does"):
        gradcheck(ruled(np.exp, x=lambda g, out: out), random_array(3))


def test_nonlinear_rules_are_noticed() -> None:
    with pytest.raises(GradientError, match="does not double when the cotangent does"):
        gradcheck(ruled(np.positive, x=lambda g: g * np.abs(g)), random_array(3))
    with pytest.raises(GradientError, match="does not double when the cotangent does"):
        gradcheck(ruled(np.positive, x=lambda g: g + 1), random_array(3))


def test_cotangents_come_in_other_layouts() -> None:
    def transposing(g: Any) -> Any:
        return np.reshape(np.ravel(g, order="K"), g.shape)

    with pytest.raises(GradientError, match="does not double"):
        gradcheck(ruled(np.positive, x=transposing), random_array((2, 3)))


# -- kinks -----------------------------------------------------------------------------------------


def test_kinks_are_accepted_raised_or_rejected() -> None:
    def relu(x: Any) -> Any:
        return np.maximum(x, 0.0)

    x = np.array([1.0, 0.0, -1.0])
    (kink,) = gradcheck(relu, x).nonsmooth
    assert (kink.place, kink.verdict) == ("input 0, index (1,)", "kink")
    with pytest.raises(GradientError, match="verdict: kink"):
        gradcheck(relu, x, nonsmooth="raise")

    seen = []

    @given(st.booleans())
    def reject(smooth: bool) -> None:
        gradcheck(relu, x + 0.5 * smooth, nonsmooth="reject")
        seen.append(smooth)

    reject()
    assert set(seen) == {True}


def test_what_cannot_be_checked_says_so() -> None:
    with pytest.raises(ValueError, match="none of the inputs can be differentiated"):
        gradcheck(np.negative, np.arange(3))
    with pytest.raises(DtypeError, match="no floating or complex result"):
        gradcheck(np.argmax, random_array(3))
    with pytest.raises(DtypeError, match="returned float32 from float64 inputs"):
        gradcheck(lambda x: x.astype(np.float32), random_array(3))


# -- drawing ---------------------------------------------------------------------------------------


@given(drawers, st.sampled_from([REAL, POSITIVE, Domain(-0.5, 0.1), Domain(5, 6)]))
def test_arrays_are_distinct_and_inside_their_domain(d: Drawer, domain: Domain) -> None:
    array = d.array(d.shape(max_side=5), domain, away_from=(0.0, 0.05))
    inside = (array > domain.low) & (array < domain.high)
    assert array.dtype == np.float64
    assert inside.all()
    gaps = np.diff(np.sort(array, axis=None))
    free = domain.high - domain.low - 4 * MARGIN
    assert (gaps >= 0.4 * free / array.size - 1e-12).all()
    for point in (0.0, 0.05):
        assert (np.abs(array - point) >= MARGIN - 1e-12).all()


@given(drawers)
def test_drawn_settings_are_legal(d: Drawer) -> None:
    shape = d.shape(min_dims=1, min_side=0)
    array = np.zeros(shape)
    np.sum(array, axis=d.axes(array.ndim))
    np.sum(array, axis=d.axis(array.ndim))
    np.transpose(array, d.permutation(array.ndim))
    assert 3 <= d.integer(3, 5) <= 5
    assert d.choice("ab") in {"a", "b"}
    assert d.rng is d.rng


@given(drawers, st.integers(1, 4))
def test_broadcastable_shapes_broadcast(d: Drawer, n: int) -> None:
    shapes = d.broadcastable(n)
    assert len(shapes) == n
    np.broadcast_shapes(*shapes)


@given(drawers)
def test_indices_are_legal(d: Drawer) -> None:
    shape = d.shape(min_side=0)
    np.zeros(shape)[d.index(shape)]


def test_indices_are_of_all_kinds() -> None:
    kinds = set()
    for seed in range(300):
        index = RandomDrawer(seed).index((3, 4))
        for part in index if isinstance(index, tuple) else (index,):
            kinds.add(part.dtype.kind if isinstance(part, np.ndarray) else type(part).__name__)
            if isinstance(part, slice) and part.step == -1:
                kinds.add("negative step")
    assert kinds >= {"i", "b", "int", "list", "slice", "ellipsis", "NoneType", "negative step"}


def test_seeds_decide() -> None:
    one, same, other = (RandomDrawer(seed).array((3,)) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    "function",
    [f for f, primitive in REGISTRY.items() if isinstance(primitive.sample, Elementwise)],
    ids=lambda function: function.__name__,
)
def test_elementwise_samples_keep_their_promise(function: Any) -> None:
    sample = REGISTRY[function].sample
    for seed in range(10):
        operands, _ = example_of(REGISTRY[function], RandomDrawer(seed))
        for operand, domain in zip(operands, sample.domains, strict=True):
            assert ((operand > domain.low) & (operand < domain.high)).all()
        if sample.kinks is not None:
            assert (np.abs(sample.kinks(*operands)) >= MARGIN).all()


def test_samples_that_cannot_be_safe_say_so() -> None:
    hopeless = Primitive(np.negative, Elementwise((REAL,), kinks=lambda x: 0 * x))
    with pytest.raises(ValueError, match="kink everywhere"):
        example_of(hopeless, RandomDrawer(0))
    with pytest.raises(ValueError, match="no sample"):
        example_of(Primitive(np.negative), RandomDrawer(0))


# -- strategies ------------------------------------------------------------------------------------


@given(tensors((3, 4), np.complex64, layout="any", requires_grad=True))
def test_tensors_are_as_asked(x: Tensor) -> None:
    assert (x.shape, x.dtype, x.requires_grad) == ((3, 4), np.complex64, True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_lie_as_named(layout: str) -> None:
    array = np.arange(12.0).reshape(3, 4)
    arranged = LAYOUTS[layout](array)
    expected = {
        "contiguous": (32, 8),
        "transposed": (8, 24),
        "strided": (64, 16),
        "reversed": (-32, -8),
        "broadcast": (0, 8),
    }
    assert arranged.strides == expected[layout]
    assert arranged.flags.writeable == (layout not in {"strided", "broadcast"})
    values = array[:1] + 0 * array if layout == "broadcast" else array
    np.testing.assert_array_equal(arranged, values)
    assert LAYOUTS[layout](np.array(1.0)).shape == ()


@given(broadcastable(3, np.float32))
def test_broadcastable_tensors(operands: Any) -> None:
    x, y, z = operands
    assert (x + y + z).shape == np.broadcast_shapes(x.shape, y.shape, z.shape)
    assert x.dtype == np.float32


@given(matmul_operands())
def test_matmul_operands_fit(operands: Any) -> None:
    np.matmul(*operands)


@given(indices((2, 3)))
def test_indices_fit(index: Any) -> None:
    np.zeros((2, 3))[index]


@given(op_inputs(np.divide))
def test_op_inputs_are_calls(call: Any) -> None:
    x, y = call.arrays
    np.testing.assert_array_equal(call(x, y), x / y)


def test_op_inputs_knows_registered_operations_only() -> None:
    with pytest.raises(ValueError, match="test_op_inputs_are_calls is not a registered operation"):
        op_inputs(test_op_inputs_are_calls)


@property_gradcheck(broadcastable(2), order=2)
def test_property_gradcheck_passes(x: Any, y: Any) -> Any:
    """Documented."""
    return np.tanh(x * y)


def test_property_gradcheck_keeps_name_and_documentation() -> None:
    assert test_property_gradcheck_passes.__name__ == "test_property_gradcheck_passes"
    assert test_property_gradcheck_passes.__doc__ == "Documented."


def test_property_gradcheck_fails_on_wrong_gradients() -> None:
    check = property_gradcheck(tensors((2,)))(broken_square)
    with pytest.raises(GradientError, match="verdict: wrong"):
        check()


# -- imports ---------------------------------------------------------------------------------------


def test_engine_does_not_load_its_tests() -> None:
    code = "import sys, autograd_core; print('autograd_core.testing' in sys.modules)"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


def test_checking_works_without_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    gradcheck(np.tanh, random_array(3))
    with pytest.raises(MissingExtraError, match=r'pip install "autograd-core\[dev\]"'):
        tensors()
