"""Activations, the linear map, losses: gradients of both orders, closed forms, extreme values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autograd_core import Tensor
from autograd_core.errors import DtypeError, ShapeError
from autograd_core.primitive import REGISTRY
from autograd_core.testing import gradcheck
from autograd_core.testing.drawer import HypothesisDrawer
from autograd_core.testing.gate import CHECKS, draw_call, qualified_name
from nn import functional as F
from nn.errors import OptionError, TargetError

OPERATIONS = {
    qualified_name(function): function
    for function, primitive in REGISTRY.items()
    if primitive.forward.__module__.startswith("nn.")
}
FUNCTIONS = [F.relu, F.leaky_relu, F.sigmoid, F.tanh, F.softmax, F.log_softmax]
ELEMENTWISE_LOSSES = [F.mse_loss, F.binary_cross_entropy_with_logits]

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


# -- losses: the closed forms ----------------------------------------------------------------------


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_mse() -> None:
    prediction, target = numbers(5, 2), numbers(5, 2, seed=1)
    squares = (prediction - target) ** 2
    assert F.mse_loss(prediction, target) == pytest.approx(squares.mean())
    assert F.mse_loss(prediction, target, "sum") == pytest.approx(squares.sum())
    np.testing.assert_allclose(F.mse_loss(prediction, target, "none"), squares)


def test_half_mse_is_the_sum_over_samples_over_2n() -> None:
    prediction, target = Tensor(numbers(5, 1), requires_grad=True), numbers(5, 1, seed=1)
    loss = F.half_mse_loss(prediction, target)
    assert loss.item() == pytest.approx(((prediction.data - target) ** 2).sum() / (2 * 5))
    loss.backward()
    np.testing.assert_allclose(prediction.grad, (prediction.data - target) / 5)


def test_binary_cross_entropy() -> None:
    x, y = numbers(6), np.array([0, 1, 1, 0, 0.25, 1])
    p = 1 / (1 + np.exp(-x))
    terms = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    loss = F.binary_cross_entropy_with_logits
    assert loss(x, y) == pytest.approx(terms.mean())
    np.testing.assert_allclose(loss(x, y, "none"), terms)


def test_binary_cross_entropy_gradient_is_prediction_minus_target() -> None:
    x, y = Tensor(numbers(6), requires_grad=True), np.array([0, 1, 1, 0, 0, 1])
    F.binary_cross_entropy_with_logits(x, y, "sum").backward()
    np.testing.assert_allclose(x.grad, F.sigmoid(x.data) - y)


def test_cross_entropy_by_index_and_by_probability() -> None:
    x, y = numbers(4, 3), np.array([2, 0, 1, 1])
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    terms = -np.log(p[np.arange(4), y])
    one_hot = np.eye(3)[y]
    for target in (y, one_hot, Tensor(y), Tensor(one_hot)):
        tensor = Tensor(x, requires_grad=True)
        F.cross_entropy(tensor, target).backward()
        np.testing.assert_allclose(tensor.grad, (p - one_hot) / 4, atol=1e-15)
        assert F.cross_entropy(tensor, target).item() == pytest.approx(terms.mean())
        assert F.cross_entropy(tensor, target, "sum").item() == pytest.approx(terms.sum())
        np.testing.assert_allclose(F.cross_entropy(tensor, target, "none").data, terms)


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 3, 4), (2, 3, 2, 2)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_with_more_axes(shape: tuple[int, ...], reduction: str) -> None:
    axis = min(1, len(shape) - 1)
    rest = shape[:axis] + shape[axis + 1 :]
    labels = np.random.default_rng(0).integers(0, 3, rest)
    weights = F.softmax(numbers(*shape, seed=1), axis)
    gradcheck(lambda x: F.cross_entropy(x, labels, reduction), [numbers(*shape)], order=2)
    gradcheck(lambda x, p: F.cross_entropy(x, p, reduction), [numbers(*shape), weights], order=2)


def test_losses_of_extreme_logits_are_finite_and_right() -> None:
    x = np.array([[1e4, -1e4]])
    assert F.cross_entropy(x, np.array([0])) == 0
    assert F.cross_entropy(x, np.array([1])) == 2e4
    assert F.binary_cross_entropy_with_logits(x[0], np.array([0.0, 1.0])) == 1e4
    tensor = Tensor(x, requires_grad=True)
    F.cross_entropy(tensor, np.array([1])).backward()
    np.testing.assert_array_equal(tensor.grad, [[1, -1]])


@pytest.mark.parametrize(
    "target", [np.ones((0, 3)), np.zeros(0, int)], ids=["probabilities", "indices"]
)
def test_an_empty_batch_costs_nothing(target: np.ndarray) -> None:
    logits = Tensor(np.ones((0, 3)), requires_grad=True)
    loss = F.cross_entropy(logits, target)
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None and logits.grad.shape == (0, 3)
    for elementwise in (*ELEMENTWISE_LOSSES, F.half_mse_loss):
        loss = elementwise(logits, np.ones((0, 3)))
        loss.backward()
        assert loss.item() == 0


@pytest.mark.parametrize("loss", [*ELEMENTWISE_LOSSES, F.half_mse_loss])
def test_single_numbers_have_a_loss(loss: Callable[..., Any]) -> None:
    x = Tensor(np.array(0.5), requires_grad=True)
    loss(x, np.array(1.0)).backward()
    assert x.grad is not None and x.grad.shape == ()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", [np.float32, np.int64, bool])
def test_losses_keep_the_dtype_of_the_input(dtype: type, target: type) -> None:
    x = Tensor(np.ones((3, 2), dtype), requires_grad=True)
    y = np.ones((3, 2), target)
    results = [loss(x, y) for loss in (*ELEMENTWISE_LOSSES, F.half_mse_loss)]
    results.append(F.cross_entropy(x, np.array([0, 1, 1])))
    for result in results:
        assert result.dtype == dtype
        x.grad = None
        result.backward()
        assert x.grad is not None and x.grad.dtype == dtype


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [*ELEMENTWISE_LOSSES, F.half_mse_loss])
def test_a_target_that_would_broadcast_is_refused(loss: Callable[..., Any]) -> None:
    with pytest.raises(ShapeError, match=r"\(4, 1\) and target of shape \(4,\)"):
        loss(numbers(4, 1), numbers(4))


@pytest.mark.parametrize(("label", "shown"), [(3, "3"), (-1, "-1"), (255, "255")])
def test_a_class_that_is_none_is_named(label: int, shown: str) -> None:
    with pytest.raises(TargetError, match=f"the target {shown}; expected values from 0 to 2"):
        F.cross_entropy(numbers(2, 3), np.array([0, label]))


def test_other_bad_targets_and_options() -> None:
    with pytest.raises(TargetError, match="the target 2"):
        F.binary_cross_entropy_with_logits(numbers(2), np.array([0.0, 2.0]))
    with pytest.raises(ShapeError, match=r"class indices of shape \(3,\).*expected \(2,\)"):
        F.cross_entropy(numbers(2, 3), np.array([0, 1, 1]))
    with pytest.raises(ShapeError, match=r"cross_entropy.*reshape"):
        F.cross_entropy(numbers(2, 3), numbers(2))
    with pytest.raises(DtypeError, match="bool"):
        F.cross_entropy(numbers(2, 3), np.array([True, False]))
    with pytest.raises(ShapeError, match="expected an axis of classes"):
        F.cross_entropy(np.array(1.0), np.array(0))
    for loss in (*ELEMENTWISE_LOSSES, F.cross_entropy):
        with pytest.raises(OptionError, match="'average'"):
            loss(numbers(2), numbers(2), "average")


def test_loss_modules_are_their_functions() -> None:
    x, y = numbers(4, 3), F.softmax(numbers(4, 3, seed=1))
    for module, function in (
        (nn.MSELoss, F.mse_loss),
        (nn.BCEWithLogitsLoss, F.binary_cross_entropy_with_logits),
        (nn.CrossEntropyLoss, F.cross_entropy),
    ):
        assert module()(x, y) == function(x, y)
        assert module("sum")(x, y) == function(x, y, "sum")
    assert nn.HalfMSELoss()(x, y) == F.half_mse_loss(x, y)
