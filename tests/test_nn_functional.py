"""Functions of models: the gate for all of them; closed forms and extremes of activations."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_core import Tensor
from autograd_core.errors import ShapeError
from autograd_core.primitive import REGISTRY
from autograd_core.testing import gradcheck
from autograd_core.testing.drawer import HypothesisDrawer
from autograd_core.testing.gate import CHECKS, draw_call, qualified_name
from nn import functional as F
from nn.functional import sequence
from nn.functional.linear import is_wide
from nn.functional.sequence import gru_sequence, lstm_sequence, rnn_sequence

OPERATIONS = {
    qualified_name(function): function
    for function, primitive in REGISTRY.items()
    if getattr(primitive.forward, "__module__", "").startswith("nn.")
}
FUNCTIONS = [F.relu, F.leaky_relu, F.sigmoid, F.tanh, F.softmax, F.log_softmax]

small_arrays = st.lists(st.floats(-30, 30), min_size=1, max_size=12).map(np.array)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_operation_passes_the_gate(name: str, check: str) -> None:
    @settings(max_examples=10)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        CHECKS[check](draw_call(OPERATIONS[name], HypothesisDrawer(data.draw)))

    run()


# -- activations: the closed forms -----------------------------------------------------------------


def gradient(function: Callable[..., Any], x: Any) -> Any:
    tensor = Tensor(np.asarray(x), requires_grad=True)
    function(tensor).backward(np.ones(np.shape(x)))
    return tensor.grad


@given(small_arrays)
def test_sigmoid_and_its_derivative(z: np.ndarray) -> None:
    expected = 0.5 * (1 + np.tanh(z / 2))
    np.testing.assert_allclose(F.sigmoid(z), expected, rtol=1e-12, atol=1e-15)
    slope = gradient(F.sigmoid, z)
    np.testing.assert_allclose(slope, F.sigmoid(z) * F.sigmoid(-z), rtol=1e-12, atol=1e-15)


@given(small_arrays)
def test_tanh_is_a_scaled_sigmoid(z: np.ndarray) -> None:
    np.testing.assert_allclose(F.tanh(z), 2 * F.sigmoid(2 * z) - 1, atol=1e-14)
    np.testing.assert_allclose(gradient(F.tanh, z), 1 - np.tanh(z) ** 2, atol=1e-14)


def test_relus_take_the_lower_slope_at_zero() -> None:
    z = np.array([-2.0, -0.0, 0.0, 3.0])
    np.testing.assert_array_equal(F.relu(z), [0, 0, 0, 3])
    np.testing.assert_array_equal(gradient(F.relu, z), [0, 0, 0, 1])
    np.testing.assert_allclose(F.leaky_relu(z), [-0.02, 0, 0, 3])
    np.testing.assert_allclose(gradient(F.leaky_relu, z), [0.01, 0.01, 0.01, 1])


@given(small_arrays)
def test_softmax_is_a_distribution_that_shifts_do_not_change(z: np.ndarray) -> None:
    p = F.softmax(z)
    assert p.min() >= 0
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-12)
    np.testing.assert_allclose(F.softmax(z + 100), p, rtol=1e-10)
    np.testing.assert_allclose(np.exp(F.log_softmax(z)), p, rtol=1e-12)


def test_softmax_jacobian() -> None:
    p = F.softmax(np.array([0.3, -1.0, 2.0]))
    for k in range(3):
        z = Tensor(np.array([0.3, -1.0, 2.0]), requires_grad=True)
        F.softmax(z)[k].backward()
        np.testing.assert_allclose(z.grad, p[k] * ((np.arange(3) == k) - p), atol=1e-15)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_extreme_values_neither_warn_nor_break(function: Callable[..., Any]) -> None:
    for dtype in (np.float32, np.float64):
        z = np.array([-1e4, -50.0, 0.0, 50.0, 1e4], dtype)
        out = function(z)
        assert out.dtype == dtype
        assert np.isfinite(out).all()
        assert np.isfinite(gradient(function, z)).all()


def test_sigmoid_keeps_its_precision_in_the_tail() -> None:
    assert F.sigmoid(np.array(-40.0)) == pytest.approx(np.exp(-40.0), rel=1e-14)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (2, 0, 3)])
@pytest.mark.parametrize("function", [F.relu, F.leaky_relu, F.sigmoid, F.tanh])
def test_scalars_and_empty_batches(function: Callable[..., Any], shape: tuple[int, ...]) -> None:
    assert gradient(function, np.ones(shape)).shape == shape


# -- linear ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("leading", [(), (0,), (1,), (4,), (2, 0, 3), (2, 3)])
def test_linear_on_any_leading_axes(leading: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(*leading, 3)), rng.normal(size=(2, 3)), rng.normal(size=2)
    out = F.linear(x, w, b)
    np.testing.assert_allclose(out, np.einsum("...i,oi->...o", x, w) + b)
    gradcheck(F.linear, [x, w, b], order=2)


def test_wide_products_are_computed_transposed() -> None:
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(40, 64)), rng.normal(size=(80, 64)), rng.normal(size=80)
    assert is_wide(x, w, 80)
    assert not is_wide(rng.normal(size=(90, 64)), w, 80)
    operands = [Tensor(operand, requires_grad=True) for operand in (x, w, b)]
    out = F.linear(*operands)
    np.testing.assert_allclose(out.data, np.einsum("ni,oi->no", x, w) + b)
    np.cos(out).sum().backward()
    slopes = -np.sin(out.data)
    expected = slopes @ w, slopes.T @ x, slopes.sum(axis=0)
    for operand, gradient in zip(operands, expected, strict=True):
        np.testing.assert_allclose(operand.grad, gradient)


# -- recurrent networks ----------------------------------------------------------------------------


def recurrent_operands(gates: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    steps, samples, size = rng.integers(1, 5, 3)
    shapes = [(steps, samples, gates * size), *[(samples, size)] * 2, (gates * size, size)]
    return [rng.normal(size=shape) for shape in shapes]


@given(st.integers(0, 2**32 - 1))
def test_a_sequence_is_its_steps_one_after_the_other(seed: int) -> None:
    inputs, h, c, weight = recurrent_operands(4, seed)
    bias = np.sin(np.arange(len(weight)))
    outputs, cells, _ = lstm_sequence(inputs, h, c, weight, bias)
    for x, output, cell in zip(inputs, outputs, cells, strict=True):
        h, c = F.lstm_cell(x + h @ weight.T + bias, c)
        np.testing.assert_allclose(output, h, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(cell, c, rtol=1e-12, atol=1e-12)

    inputs, h, _, weight = recurrent_operands(3, seed)
    bias = np.sin(np.arange(len(weight)))
    for x, output in zip(inputs, gru_sequence(inputs, h, weight, bias)[0], strict=True):
        h = F.gru_cell(x, h @ weight.T + bias, h)
        np.testing.assert_allclose(output, h, rtol=1e-12, atol=1e-12)

    inputs, first, _, weight = recurrent_operands(1, seed)
    for name, bend in (("tanh", np.tanh), ("relu", F.relu)):
        h = first
        for x, output in zip(inputs, rnn_sequence(inputs, h, weight, name), strict=True):
            h = bend(x + h @ weight.T)
            np.testing.assert_allclose(output, h, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "operands"),
    [
        ("rnn_sequence", [(2, 3, 4), (3, 5), (5, 5)]),
        ("lstm_sequence", [(2, 3, 4), (1, 1), (1, 1), (4, 1), (4,)]),
        ("gru_sequence", [(2, 3, 6), (3, 2), (6, 1), (6,)]),
    ],
)
def test_a_sequence_that_does_not_fit_its_state(name: str, operands: list[Any]) -> None:
    with pytest.raises(ShapeError, match=rf"{name}: got projected inputs of shape \(2, 3, "):
        getattr(sequence, name)(*map(np.ones, operands))
