"""Losses: closed forms, PyTorch's values, gradients of both orders, extremes, bad targets."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd_core import Tensor
from autograd_core.errors import DtypeError, ShapeError, TrackedValueError
from autograd_core.testing import gradcheck
from nn import functional as F
from nn.errors import OptionError, TargetError

FROZEN = json.loads(Path(__file__).with_name("reference").joinpath("losses.json").read_text())

# Losses of an input and a target of one shape, with a target that all of them take.
ALIKE = [
    F.mse_loss,
    F.l1_loss,
    F.huber_loss,
    F.smooth_l1_loss,
    F.binary_cross_entropy,
    F.binary_cross_entropy_with_logits,
    F.sigmoid_focal_loss,
    F.multilabel_soft_margin_loss,
    F.kl_div,
    F.hinge_loss,
    F.soft_margin_loss,
    F.hinge_embedding_loss,
]
CLASSES = [F.cross_entropy, F.nll_loss, F.focal_loss, F.multi_margin_loss]
MODULES = {
    nn.MSELoss: F.mse_loss,
    nn.HalfMSELoss: F.half_mse_loss,
    nn.L1Loss: F.l1_loss,
    nn.HuberLoss: F.huber_loss,
    nn.SmoothL1Loss: F.smooth_l1_loss,
    nn.BCELoss: F.binary_cross_entropy,
    nn.BCEWithLogitsLoss: F.binary_cross_entropy_with_logits,
    nn.SigmoidFocalLoss: F.sigmoid_focal_loss,
    nn.MultiLabelSoftMarginLoss: F.multilabel_soft_margin_loss,
    nn.CrossEntropyLoss: F.cross_entropy,
    nn.NLLLoss: F.nll_loss,
    nn.FocalLoss: F.focal_loss,
    nn.KLDivLoss: F.kl_div,
    nn.HingeLoss: F.hinge_loss,
    nn.SoftMarginLoss: F.soft_margin_loss,
    nn.HingeEmbeddingLoss: F.hinge_embedding_loss,
    nn.MarginRankingLoss: F.margin_ranking_loss,
    nn.MultiMarginLoss: F.multi_margin_loss,
    nn.MultiLabelMarginLoss: F.multilabel_margin_loss,
    nn.CosineEmbeddingLoss: F.cosine_embedding_loss,
}


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def between(low: float, high: float, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, shape)


def signs(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).choice([-1.0, 1.0], shape)


# -- against PyTorch -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    FROZEN["cases"],
    ids=lambda c: f"{c['loss']}-{c['operands'][1]}-{c['options']}-{c['dtype']}",
)
def test_values_and_gradients_are_pytorchs(case: dict[str, Any]) -> None:
    def array(name: str) -> np.ndarray:
        values = np.array(FROZEN["operands"][name])
        return values.astype(case["dtype"]) if values.dtype.kind == "f" else values

    operands: list[Any] = [array(name) for name in case["operands"]]
    for k, name in enumerate(case["operands"]):
        if operands[k].dtype.kind == "f" and name not in FROZEN["targets"]:
            operands[k] = Tensor(operands[k], requires_grad=True)
    options = {
        name: array(value) if value in FROZEN["operands"] else value
        for name, value in case["options"].items()
    }
    value = getattr(F, case["loss"])(*operands, **options)
    value.sum().backward()
    gradients = [operand.grad for operand in operands if isinstance(operand, Tensor)]
    assert gradients and len(gradients) == len(case["gradients"])
    tolerance = {"float32": 2e-6, "float64": 1e-13}[case["dtype"]]
    for found, expected in zip(
        [value.data, *gradients], [case["value"], *case["gradients"]], strict=True
    ):
        assert found.dtype == case["dtype"]
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", FROZEN["signatures"])
def test_settings_and_defaults_are_pytorchs(name: str) -> None:
    settings = inspect.signature(getattr(nn, name)).parameters.values()
    assert [[setting.name, setting.default] for setting in settings] == FROZEN["signatures"][name]


# -- closed forms ----------------------------------------------------------------------------------


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


def test_huber_is_square_near_and_straight_far() -> None:
    errors = np.array([-3.0, -0.5, 0.0, 0.5, 1.0, 4.0])
    expected = np.where(abs(errors) <= 1, errors**2 / 2, abs(errors) - 0.5)
    np.testing.assert_allclose(F.huber_loss(errors, np.zeros(6), "none"), expected)
    for delta in (0.3, 2.0):
        scaled = F.huber_loss(errors, np.zeros(6), "none", delta) / delta
        np.testing.assert_allclose(F.smooth_l1_loss(errors, np.zeros(6), "none", delta), scaled)


def test_weights_of_elements_are_averaged_over() -> None:
    x, y, w = numbers(4, 3), numbers(4, 3, seed=1), between(0, 1, 3)
    expected = ((x - y) ** 2 * w).sum() / (4 * w.sum())
    assert F.mse_loss(x, y, weight=w) == pytest.approx(expected)
    assert F.mse_loss(x, y, weight=np.zeros(3)) == 0


def test_binary_cross_entropy() -> None:
    x, y = numbers(6), np.array([0, 1, 1, 0, 0.25, 1])
    p = 1 / (1 + np.exp(-x))
    terms = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    loss = F.binary_cross_entropy_with_logits
    assert loss(x, y) == pytest.approx(terms.mean())
    np.testing.assert_allclose(loss(x, y, reduction="none"), terms)
    np.testing.assert_allclose(F.binary_cross_entropy(p, y, reduction="none"), terms)


def test_binary_cross_entropy_gradient_is_prediction_minus_target() -> None:
    x, y = Tensor(numbers(6), requires_grad=True), np.array([0, 1, 1, 0, 0, 1])
    F.binary_cross_entropy_with_logits(x, y, reduction="sum").backward()
    np.testing.assert_allclose(x.grad, F.sigmoid(x.data) - y)


def test_positive_weight_is_that_many_positive_examples() -> None:
    loss = F.binary_cross_entropy_with_logits
    x, y = numbers(2), np.array([0.0, 1.0])
    thrice = loss(np.array([x[0], x[1], x[1], x[1]]), np.array([0, 1, 1, 1]), reduction="sum")
    assert loss(x, y, reduction="sum", pos_weight=3.0) == pytest.approx(thrice)


def test_focal_losses() -> None:
    x, y = numbers(8), np.array([0.0, 1, 1, 0, 0, 1, 0.5, 1])
    p = F.sigmoid(x)
    truth = p * y + (1 - p) * (1 - y)
    balance = 0.25 * y + 0.75 * (1 - y)
    terms = F.binary_cross_entropy_with_logits(x, y, reduction="none")
    expected = balance * (1 - truth) ** 2 * terms
    np.testing.assert_allclose(F.sigmoid_focal_loss(x, y, reduction="none"), expected)
    plain = F.sigmoid_focal_loss(x, y, alpha=None, gamma=0.0)
    assert plain == pytest.approx(terms.mean())

    logits, labels, weight = numbers(6, 4), np.array([0, 3, -100, 1, 2, 2]), between(0.5, 2, 4)
    for reduction in ("mean", "sum", "none"):
        np.testing.assert_allclose(
            F.focal_loss(logits, labels, 0.0, weight, reduction=reduction),
            F.cross_entropy(logits, labels, weight, reduction=reduction),
        )
    terms = F.cross_entropy(logits, labels, reduction="none")
    expected = (1 - np.exp(-terms)) ** 1.5 * terms
    np.testing.assert_allclose(F.focal_loss(logits, labels, 1.5, reduction="none"), expected)


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
        total = F.cross_entropy(tensor, target, reduction="sum")
        assert total.item() == pytest.approx(terms.sum())
        np.testing.assert_allclose(F.cross_entropy(tensor, target, reduction="none").data, terms)
    logs = np.log(p)
    assert F.nll_loss(logs, y) == pytest.approx(terms.mean())


@given(st.floats(0, 1), st.booleans(), st.sampled_from(["mean", "sum", "none"]))
def test_smoothed_indices_are_smoothed_probabilities(
    smoothing: float, weighted: bool, reduction: Any
) -> None:
    x, y = numbers(5, 3), np.array([2, 0, 1, 1, 0])
    weight = between(0.5, 2, 3) if weighted else None
    by_index = F.cross_entropy(x, y, weight, reduction=reduction, label_smoothing=smoothing)
    spread = (1 - smoothing) * np.eye(3)[y] + smoothing / 3
    expected = F.cross_entropy(x, spread, weight, reduction=reduction)
    if reduction == "mean" and weight is not None:
        expected = expected * 5 / weight[y].sum()
    np.testing.assert_allclose(by_index, expected)


def test_what_is_ignored_is_as_if_it_were_not_there() -> None:
    x, y = numbers(5, 3), np.array([2, -100, 1, -100, 0])
    kept = y != -100
    for options in ({}, {"label_smoothing": 0.2}, {"weight": np.array([1.0, 2.0, 3.0])}):
        found, expected = Tensor(x, requires_grad=True), Tensor(x[kept], requires_grad=True)
        losses = [
            F.cross_entropy(found, y, **options),
            F.cross_entropy(expected, y[kept], **options),
        ]
        assert losses[0].item() == pytest.approx(losses[1].item())
        for loss in losses:
            loss.backward()
        np.testing.assert_allclose(found.grad[kept], expected.grad)
        assert not found.grad[~kept].any()


def test_kl_divergence_is_zero_only_between_equals() -> None:
    p = F.softmax(numbers(4, 3))
    q = F.softmax(numbers(4, 3, seed=1))
    assert F.kl_div(np.log(p), p, "batchmean") == pytest.approx(0, abs=1e-15)
    expected = (p * np.log(p / q)).sum() / 4
    assert F.kl_div(np.log(q), p, "batchmean") == pytest.approx(expected)
    logarithmic = F.kl_div(np.log(q), np.log(p), "batchmean", log_target=True)
    assert logarithmic == pytest.approx(expected)
    # Where p = 0 nothing is lost, even where q = 0 as well.
    impossible = np.array([[0.0, -np.inf]])
    assert F.kl_div(impossible, np.array([[1.0, 0.0]])) == 0


def test_hinges_pay_for_what_is_short_of_the_margin() -> None:
    x, y = np.array([2.0, 0.3, -0.3, -2.0]), np.array([1, 1, 1, -1])
    np.testing.assert_allclose(F.hinge_loss(x, y, reduction="none"), [0, 0.7, 1.3, 0])
    np.testing.assert_allclose(F.soft_margin_loss(x, y, reduction="none"), np.log1p(np.exp(-x * y)))


def test_cosine_similarity() -> None:
    x, y = numbers(4, 3), numbers(4, 3, seed=1)
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    np.testing.assert_allclose(F.cosine_similarity(x, y), (x * y).sum(axis=1) / lengths)
    np.testing.assert_allclose(F.cosine_similarity(x, 3 * x), np.ones(4))
    nothing = Tensor(np.zeros((1, 3)), requires_grad=True)
    F.cosine_similarity(nothing, y[:1]).sum().backward()
    assert nothing.grad is not None and np.isfinite(nothing.grad).all()


def test_penalties_and_their_gradients() -> None:
    a = Tensor(np.array([[3.0, -4.0, 0.0]]), requires_grad=True)
    b = Tensor(np.array(2.0), requires_grad=True)
    penalty = F.l1_penalty([a, b])
    assert penalty.item() == 9
    penalty.backward()
    assert a.grad is not None and a.grad.tolist() == [[1, -1, 0]] and b.grad == 1
    a.grad = b.grad = None
    penalty = F.l2_penalty(iter([a, b]))
    assert penalty.item() == 29
    penalty.backward()
    np.testing.assert_array_equal(a.grad, 2 * a.data)
    assert b.grad == 4 and F.l2_penalty(a).item() == 25
    with pytest.raises(OptionError, match="l2_penalty: got no parameters"):
        F.l2_penalty([])


def test_half_the_l2_penalty_is_weight_decay() -> None:
    values = numbers(3, 2)
    one, other = nn.Parameter(values), nn.Parameter(values)
    (0.1 / 2 * F.l2_penalty([one]) + (one * 2).sum()).backward()
    (other * 2).sum().backward()
    nn.SGD([one], lr=0.5).step()
    nn.SGD([other], lr=0.5, weight_decay=0.1).step()
    np.testing.assert_allclose(one.data, other.data)


# -- gradients of both orders ----------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("loss", ALIKE, ids=lambda loss: loss.__name__)
def test_gradients_of_input_and_target(loss: Callable[..., Any], reduction: str) -> None:
    x = between(0.1, 0.9, 4, 3)
    discrete = loss in (F.hinge_loss, F.soft_margin_loss, F.hinge_embedding_loss)
    y = signs(4, 3) if discrete else between(0.1, 0.9, 4, 3, seed=1)
    gradcheck(lambda x: loss(x, y, reduction=reduction), [x], order=2)
    if not discrete:
        gradcheck(lambda x, y: loss(x, y, reduction=reduction), [x, y], order=2)


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 3, 4), (2, 3, 2, 2)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradients_of_losses_of_classes(shape: tuple[int, ...], reduction: Any) -> None:
    axis = min(1, len(shape) - 1)
    rest = shape[:axis] + shape[axis + 1 :]
    labels = np.random.default_rng(0).integers(0, 3, rest)
    target = F.softmax(numbers(*shape, seed=1), axis)
    weight = between(0.5, 2, 3)
    x = numbers(*shape)
    for loss in (F.nll_loss, F.focal_loss, F.cross_entropy):
        for w in (None, weight):
            gradcheck(
                lambda x, loss=loss, w=w: loss(x, labels, weight=w, reduction=reduction),
                [x],
                order=2,
            )
    for smoothing in (0.0, 0.3):
        options: Any = {"weight": weight, "reduction": reduction, "label_smoothing": smoothing}
        gradcheck(lambda x, o=options: F.cross_entropy(x, labels, **o), [x], order=2)
        gradcheck(lambda x, p, o=options: F.cross_entropy(x, p, **o), [x, target], order=2)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradients_of_losses_of_other_shapes(reduction: Any) -> None:
    x, z, y = numbers(4, 3), numbers(4, 3, seed=1), np.array([1, -1, -1, 1])
    labels = np.array([2, 0, 1, 1])
    several = np.array([[2, 0, -1], [0, -1, 1], [-1, 0, 0], [0, 1, 2]])
    losses: list[tuple[Callable[..., Any], list[np.ndarray]]] = [
        (lambda x, z: F.cosine_embedding_loss(x, z, y, 0.1, reduction), [x, z]),
        (lambda x, z: F.margin_ranking_loss(x, z, y, 0.3, reduction), [x[:, 0], z[:, 0]]),
        (lambda x: F.multi_margin_loss(x, labels, reduction=reduction), [x]),
        (lambda x: F.multi_margin_loss(x, labels, 2, 0.8, reduction=reduction), [x]),
        (lambda x: F.multilabel_margin_loss(x, several, reduction), [x]),
        (lambda x: F.huber_loss(x, z, reduction, 0.4), [x]),
        (lambda x: F.mse_loss(x, z, reduction, between(0.5, 2, 3)), [x]),
        (F.cosine_similarity, [x, z]),
        (F.half_mse_loss, [x, z]),
    ]
    for loss, operands in losses:
        gradcheck(loss, operands, order=2)


# -- extremes --------------------------------------------------------------------------------------


def test_losses_of_extreme_logits_are_finite_and_right() -> None:
    x = np.array([[1e4, -1e4]])
    assert F.cross_entropy(x, np.array([0])) == 0
    assert F.cross_entropy(x, np.array([1])) == 2e4
    assert F.binary_cross_entropy_with_logits(x[0], np.array([0.0, 1.0])) == 1e4
    assert F.soft_margin_loss(x[0], np.array([-1, 1])) == 1e4
    for loss in (
        lambda t: F.cross_entropy(t, np.array([1])),
        lambda t: F.focal_loss(t, np.array([1])),
    ):
        tensor = Tensor(x, requires_grad=True)
        loss(tensor).backward()
        np.testing.assert_array_equal(tensor.grad, [[1, -1]])
    tensor = Tensor(x, requires_grad=True)
    F.sigmoid_focal_loss(tensor, np.array([[0.0, 1.0]]), None, reduction="sum").backward()
    np.testing.assert_array_equal(tensor.grad, [[1, -1]])


@pytest.mark.parametrize("sign", [-1, 1])
def test_small_losses_keep_their_digits(sign: int) -> None:
    x, y = np.array([sign * 40.0]), np.array([(1 + sign) / 2])
    expected = pytest.approx(np.exp(-40), rel=1e-12)
    assert F.binary_cross_entropy_with_logits(x, y) == expected
    assert F.cross_entropy(np.array([[0.0, 40.0]]), np.array([1])) == pytest.approx(0, abs=1e-16)


def test_classes_that_are_masked_out_cost_nothing() -> None:
    x = Tensor(np.array([[-np.inf, 0.0, 1.0], [-np.inf, 1.0, 0.0]]), requires_grad=True)
    for weight in (None, np.array([3.0, 1.0, 1.0])):
        x.grad = None
        loss = F.cross_entropy(x, np.array([1, -100]), weight)
        loss.backward()
        assert loss.item() == pytest.approx(np.log1p(np.e))
        assert np.isfinite(x.grad).all() and x.grad[0, 0] == 0


def test_sure_and_wrong_probabilities_cost_a_hundred() -> None:
    p = Tensor(np.array([0.0, 1.0, 0.0, 1.0]), requires_grad=True)
    loss = F.binary_cross_entropy(p, np.array([1.0, 0.0, 0.0, 1.0]), reduction="none")
    np.testing.assert_array_equal(loss.data, [100, 100, 0, 0])
    loss.sum().backward()
    assert np.isfinite(p.grad).all()


@pytest.mark.parametrize("loss", [*ALIKE, F.half_mse_loss], ids=lambda loss: loss.__name__)
def test_an_empty_batch_costs_nothing(loss: Callable[..., Any]) -> None:
    x = Tensor(np.ones((0, 3)), requires_grad=True)
    value = loss(x, np.ones((0, 3)))
    value.backward()
    assert value.item() == 0
    assert x.grad is not None and x.grad.shape == (0, 3)


@pytest.mark.parametrize("loss", CLASSES, ids=lambda loss: loss.__name__)
def test_no_classes_to_be_told_cost_nothing(loss: Callable[..., Any]) -> None:
    for rows, target in ((0, np.zeros(0, int)), (2, np.array([-100, -100]))):
        if rows and loss is F.multi_margin_loss:
            continue  # it has no class to ignore, as PyTorch's has none
        x = Tensor(np.ones((rows, 3)), requires_grad=True)
        value = loss(x, target)
        value.backward()
        assert value.item() == 0
        assert x.grad is not None and not x.grad.any()
    empty = Tensor(np.ones((0, 3)), requires_grad=True)
    F.cross_entropy(empty, np.ones((0, 3))).backward()
    assert empty.grad is not None and empty.grad.shape == (0, 3)


@pytest.mark.parametrize("loss", [*ALIKE, F.half_mse_loss], ids=lambda loss: loss.__name__)
def test_single_numbers_have_a_loss(loss: Callable[..., Any]) -> None:
    x = Tensor(np.array(0.5), requires_grad=True)
    loss(x, np.array(1.0)).backward()
    assert x.grad is not None and x.grad.shape == ()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_losses_keep_the_dtype_of_the_input(dtype: type) -> None:
    x = Tensor(np.full((3, 2), 0.5, dtype), requires_grad=True)
    weight = np.ones(2)
    classes = np.array([0, 1, 1])
    results = [loss(x, np.ones((3, 2), t)) for loss in ALIKE for t in (dtype, np.int64, bool)]
    results += [F.half_mse_loss(x, np.ones((3, 2), int)), F.l1_penalty([x]), F.l2_penalty([x])]
    results += [loss(x, classes) for loss in CLASSES]
    results += [loss(x, classes, weight=weight) for loss in CLASSES]
    results += [F.cross_entropy(x, classes, weight, label_smoothing=0.1)]
    results += [F.binary_cross_entropy_with_logits(x, np.ones((3, 2), int), weight, "mean", weight)]
    results += [F.huber_loss(x, np.ones((3, 2), dtype), weight=weight)]
    results += [F.cosine_embedding_loss(x, x, np.array([1, -1, 1]))]
    results += [F.multilabel_margin_loss(x, np.array([[0, -1], [1, 0], [-1, 0]]))]
    for result in results:
        assert result.dtype == dtype, result
        x.grad = None
        result.backward()
        assert x.grad is not None and x.grad.dtype == dtype


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [*ALIKE, F.half_mse_loss], ids=lambda loss: loss.__name__)
def test_a_target_that_would_broadcast_is_refused(loss: Callable[..., Any]) -> None:
    with pytest.raises(ShapeError, match=r"\(4, 1\) and target of shape \(4,\)"):
        loss(numbers(4, 1), numbers(4))


@pytest.mark.parametrize(("label", "shown"), [(3, "3"), (-1, "-1"), (255, "255")])
@pytest.mark.parametrize("loss", CLASSES, ids=lambda loss: loss.__name__)
def test_a_class_that_is_none_is_named(loss: Callable[..., Any], label: int, shown: str) -> None:
    message = f"{loss.__name__}: got the target {shown}; expected values from 0 to 2"
    with pytest.raises(TargetError, match=message):
        loss(numbers(2, 3), np.array([0, label]))


def test_ignoring_one_class_does_not_let_others_through() -> None:
    with pytest.raises(TargetError, match="the target 7"):
        F.cross_entropy(numbers(3, 3), np.array([0, -100, 7]))
    with pytest.raises(TargetError, match="the target -100"):
        F.cross_entropy(numbers(3, 3), np.array([0, -100, 1]), ignore_index=-1)


VALUES: list[tuple[Callable[[], Any], str]] = [
    (lambda: F.binary_cross_entropy_with_logits(numbers(2), np.array([0.0, 2.0])), "target 2.0"),
    (lambda: F.binary_cross_entropy(between(0, 1, 2), np.array([-0.5, 1])), "target -0.5"),
    (lambda: F.binary_cross_entropy(np.array([0.5, 1.5]), np.ones(2)), "probability 1.5"),
    (lambda: F.sigmoid_focal_loss(numbers(2), np.array([0.0, 3.0])), "target 3.0"),
    (lambda: F.multilabel_soft_margin_loss(numbers(1, 2), np.array([[0, -1]])), "target -1"),
    (lambda: F.cross_entropy(numbers(1, 2), np.array([[1.5, -0.5]])), "target -0.5"),
    (lambda: F.kl_div(numbers(2), np.array([0.5, -0.25])), "target -0.25; expected at least 0"),
    (lambda: F.hinge_loss(numbers(2), np.array([0, 1])), "target 0.0; expected 1 or -1"),
    (lambda: F.soft_margin_loss(numbers(2), np.array([1, 2.5])), "target 2.5"),
    (lambda: F.hinge_embedding_loss(numbers(2), np.array([1, np.nan])), "target nan"),
    (lambda: F.margin_ranking_loss(numbers(2), numbers(2), np.array([3, 1])), "target 3.0"),
    (lambda: F.cosine_embedding_loss(numbers(1, 2), numbers(1, 2), np.array([0])), "target 0.0"),
    (lambda: F.multilabel_margin_loss(numbers(3), np.array([1, 3, -1])), "target 3; .* 0 to 2"),
    (lambda: F.multilabel_margin_loss(numbers(3), np.array([1, -2, -1])), "target -2"),
]


@pytest.mark.parametrize(("call", "message"), VALUES)
def test_a_value_that_means_nothing_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TargetError, match=message):
        call()


def test_other_bad_targets_and_options() -> None:
    x = numbers(2, 3)
    with pytest.raises(ShapeError, match=r"class indices of shape \(3,\).*expected \(2,\)"):
        F.cross_entropy(x, np.array([0, 1, 1]))
    with pytest.raises(ShapeError, match=r"cross_entropy.*reshape"):
        F.cross_entropy(x, numbers(2))
    with pytest.raises(DtypeError, match="bool"):
        F.cross_entropy(x, np.array([True, False]))
    for target in (np.array(0), np.array(0.0)):
        with pytest.raises(ShapeError, match="expected an axis of classes"):
            F.cross_entropy(np.array(1.0), target)
    for loss in (*ALIKE, *CLASSES):
        with pytest.raises(OptionError, match=f"{loss.__name__}: got reduction='average'"):
            loss(numbers(2), numbers(2), reduction="average")
    with pytest.raises(OptionError, match="'mean', 'sum', 'batchmean' or 'none'"):
        F.kl_div(x, x, "average")
    with pytest.raises(OptionError, match=r"label_smoothing=1\.5"):
        F.cross_entropy(x, np.array([0, 1]), label_smoothing=1.5)
    with pytest.raises(OptionError, match="delta=0"):
        F.huber_loss(x, x, delta=0)
    with pytest.raises(OptionError, match="beta=-1"):
        F.smooth_l1_loss(x, x, beta=-1)
    with pytest.raises(OptionError, match="p=3"):
        F.multi_margin_loss(x, np.array([0, 1]), p=3)
    with pytest.raises(ShapeError, match=r"weights of shape \(2,\); expected what broadcasts to"):
        F.cross_entropy(x, np.array([0, 1]), np.ones(2))
    with pytest.raises(ShapeError, match=r"weights of shape \(4, 2, 3\)"):
        F.mse_loss(x, x, weight=np.ones((4, 2, 3)))
    with pytest.raises(TrackedValueError, match="detach"):
        F.cross_entropy(x, np.array([0, 1]), Tensor(np.ones(3), requires_grad=True))
    with pytest.raises(ShapeError, match=r"multilabel_margin_loss: .* float64 target"):
        F.multilabel_margin_loss(x, x)
    with pytest.raises(ShapeError, match=r"expected \(n, features\)"):
        F.cosine_embedding_loss(numbers(1, 1, 2), numbers(1, 1, 2), np.ones((1, 1)))


# -- modules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_modules_are_their_functions(module: type[nn.Module]) -> None:
    function = MODULES[module]
    kept = [
        parameter
        for parameter in inspect.signature(module).parameters.values()
        if parameter.name != "settings"
    ]
    theirs = inspect.signature(function).parameters
    assert all(theirs[parameter.name].default == parameter.default for parameter in kept)
    x, z = between(0.1, 0.9, 4, 3), between(0.1, 0.9, 4, 3, seed=1)
    targets: dict[Any, tuple[Any, ...]] = {
        F.cross_entropy: (np.array([0, 1, 2, 0]),),
        F.nll_loss: (np.array([0, 1, 2, 0]),),
        F.focal_loss: (np.array([0, 1, 2, 0]),),
        F.multi_margin_loss: (np.array([0, 1, 2, 0]),),
        F.multilabel_margin_loss: (np.array([[0, 1, -1]] * 4),),
        F.hinge_loss: (signs(4, 3),),
        F.soft_margin_loss: (signs(4, 3),),
        F.hinge_embedding_loss: (signs(4, 3),),
        F.margin_ranking_loss: (z, signs(4, 3)),
        F.cosine_embedding_loss: (z, signs(4)),
    }
    target = targets.get(function, (z,))
    options = [{}, {"reduction": "none"}] if function is not F.half_mse_loss else [{}]
    changed = {"delta": 0.1, "beta": 0.1, "gamma": 1.0, "margin": 0.2, "label_smoothing": 0.5}
    options += [{name: value} for name, value in changed.items() if name in theirs]
    options += [{name: between(0.5, 2, 3)} for name in ("weight", "pos_weight") if name in theirs]
    for settings in options:
        if settings.keys() <= {parameter.name for parameter in kept}:
            found = module(**settings)(x, *target)
            np.testing.assert_array_equal(found, function(x, *target, **settings))


def test_weights_are_saved_with_the_module_as_in_pytorch() -> None:
    loss = nn.CrossEntropyLoss(np.array([1.0, 2.0, 3.0]), label_smoothing=0.1)
    assert list(loss.state_dict()) == ["weight"]
    assert repr(loss) == (
        "CrossEntropyLoss(ignore_index=-100, reduction='mean', label_smoothing=0.1)"
    )
    assert list(nn.CrossEntropyLoss().state_dict()) == []
    assert list(nn.BCEWithLogitsLoss(pos_weight=[2.0]).state_dict()) == ["pos_weight"]
    other = nn.CrossEntropyLoss(np.ones(3), label_smoothing=0.1)
    other.load_state_dict(loss.state_dict())
    x, y = numbers(2, 3), np.array([0, 2])
    assert other(x, y) == loss(x, y) != nn.CrossEntropyLoss(label_smoothing=0.1)(x, y)


def test_settings_can_be_changed() -> None:
    loss = nn.MSELoss()
    loss.reduction = "sum"
    assert loss(np.ones(3), np.zeros(3)) == 3
