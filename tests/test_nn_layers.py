"""Layers: gradients in both modes, what dropout and running statistics promise, errors, MLP."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd_core import Tensor, checkpoint, manual_seed, no_grad
from autograd_core.containers import flatten
from autograd_core.errors import DtypeError, ShapeError
from autograd_core.testing import GradientError
from nn import functional as F
from nn.errors import LayerShapeError, OptionError, RangeError
from nn.layers.activation import ACTIVATIONS, activation_named
from nn.testing import check_module


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def seeded() -> None:
    manual_seed(0)


# -- gradients -------------------------------------------------------------------------------------

LAYERS: list[tuple[Callable[[], nn.Module], list[Any]]] = [
    (lambda: nn.PReLU(3), [normal(2, 3, 2)]),
    (lambda: nn.Dropout(0.4, rng=generator()), [normal(5, 4)]),
    (lambda: nn.Dropout(0.4), [normal(5, 4)]),
    (lambda: nn.Embedding(5, 3), [np.array([[1, 4], [1, 0]])]),
    (lambda: nn.Flatten(0, 1), [normal(2, 3, 2)]),
    (lambda: nn.BatchNorm1d(3), [normal(5, 3)]),
    (lambda: nn.BatchNorm1d(3, track_running_stats=False), [normal(4, 3, 2)]),
    (lambda: nn.BatchNorm2d(2), [normal(3, 2, 2, 2)]),
    (lambda: nn.BatchNorm3d(2), [normal(2, 2, 2, 1, 2)]),
    (lambda: nn.LayerNorm([2, 3]), [normal(4, 2, 3)]),
    (lambda: nn.RMSNorm(3), [normal(4, 3)]),
    (lambda: nn.GroupNorm(2, 4), [normal(3, 4, 2)]),
    (lambda: nn.Conv1d(2, 3, 2), [normal(2, 2, 4)]),
    (lambda: nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), [normal(2, 2, 3, 3)]),
    (lambda: nn.Conv2d(2, 4, 2, padding="same", groups=2), [normal(2, 2, 3, 3)]),
    (lambda: nn.Conv3d(1, 2, 2), [normal(2, 1, 2, 3, 2)]),
    (lambda: nn.ConvTranspose1d(2, 3, 2, stride=2, output_padding=1), [normal(2, 2, 3)]),
    (lambda: nn.ConvTranspose2d(2, 2, 2), [normal(2, 2, 2, 3)]),
    (lambda: nn.ConvTranspose3d(1, 2, 2), [normal(1, 1, 2, 2, 2)]),
    *(
        (lambda pool=pool, dims=dims: getattr(nn, f"{pool}{dims}d")(2), [normal(1, 2, *[4] * dims)])
        for pool in ("MaxPool", "AvgPool", "AdaptiveAvgPool", "AdaptiveMaxPool")
        for dims in (1, 2, 3)
    ),
    (lambda: nn.RNN(2, 3, 2, "relu", bidirectional=True), [normal(3, 2, 2)]),
    (
        lambda: nn.LSTM(2, 2, 2, batch_first=True, dropout=0.4, bidirectional=True),
        [normal(2, 3, 2), (normal(4, 2, 2), normal(4, 2, 2, seed=1))],
    ),
    (lambda: nn.GRU(2, 3, bias=False), [normal(4, 2), normal(1, 3)]),
    (lambda: nn.MultiheadAttention(4, 2, 0.3), [normal(3, 2, 4)] * 3),
    (
        lambda: nn.MultiheadAttention(4, 2, batch_first=True),
        [normal(2, 3, 4), normal(2, 2, 4), normal(2, 2, 4, seed=1)],
    ),
    (
        lambda: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(4, 2, 3, 0.2, "gelu", norm_first=True), 2, nn.LayerNorm(4)
        ),
        [normal(3, 2, 4)],
    ),
    (lambda: nn.Residual(nn.Linear(3, 3)), [normal(4, 3)]),
    (lambda: nn.Residual(nn.Linear(3, 2), nn.Linear(3, 2)), [normal(4, 3)]),
    (
        lambda: nn.MLP([3, 4, 4, 2], "gelu", norm="batch", dropout=0.3, seed=0),
        [normal(6, 3)],
    ),
    (lambda: nn.MLP([3, 4, 2], "prelu", norm="rms", dropout=0.3), [normal(6, 3)]),
    *((lambda name=name: activation_named(name), [normal(3, 4)]) for name in sorted(ACTIVATIONS)),
]


@pytest.mark.parametrize(("make", "inputs"), LAYERS)
def test_gradients_in_both_modes(make: Callable[[], nn.Module], inputs: list[Any]) -> None:
    check_module(make(), inputs)


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm1d(2), nn.LayerNorm(2), nn.RMSNorm(2), nn.GroupNorm(1, 2)]
)
def test_normalization_is_differentiable_twice(layer: nn.Module) -> None:
    check_module(layer, [normal(4, 2)], order=2)


class Spoiled(nn.Linear):
    """A layer whose weight gets half of its gradient."""

    def forward(self, x: Any) -> Any:
        return F.linear(x, (self.weight + self.weight.detach()) / 2, self.bias)


def test_check_module_names_the_parameter_and_leaves_the_model_alone() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), Spoiled(2, 1))
    before = model.state_dict()
    with pytest.raises(GradientError, match=r"in train mode.*'2.weight'"):
        check_module(model, [normal(4, 3)])
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
        assert array.dtype == before[name].dtype


def test_check_module_leaves_frozen_and_shared_parameters_as_they_are() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2))
    model[2].weight = model[0].weight
    model[0].bias.requires_grad = False
    check_module(model, [normal(3, 2)])


# -- activations -----------------------------------------------------------------------------------


def test_gelu_is_the_normal_distribution_function_times_x() -> None:
    special = pytest.importorskip("scipy.special")
    x = np.concatenate([np.linspace(-37, 9, 2001), [-1e4, 1e4]])
    np.testing.assert_allclose(F.normal_cdf(x), special.ndtr(x), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(F.gelu(x), x * special.ndtr(x), rtol=1e-12, atol=1e-300)
    single = x.astype(np.float32)
    assert F.gelu(single).dtype == np.float32
    np.testing.assert_allclose(F.normal_cdf(single), special.ndtr(single), rtol=0, atol=2e-7)
    # Far out nothing may be left for a large x to multiply.
    np.testing.assert_allclose(F.gelu(single), single * special.ndtr(x), rtol=2e-7, atol=4e-7)


@pytest.mark.parametrize(
    "function", [F.elu, F.selu, F.gelu, F.gelu_tanh, F.silu, F.softplus, F.normal_cdf]
)
def test_smooth_activations_stand_extreme_values(function: Callable[..., Any]) -> None:
    for dtype in (np.float32, np.float64):
        x = Tensor(np.array([-1e4, -50, 0, 50, 1e4], dtype), requires_grad=True)
        y = function(x)
        assert y.dtype == dtype and np.isfinite(y.data).all()
        y.sum().backward()
        assert np.isfinite(x.grad).all()


def test_unknown_gelu() -> None:
    with pytest.raises(OptionError, match="'none' or 'tanh'"):
        F.gelu(np.ones(2), "erf")


# -- dropout ---------------------------------------------------------------------------------------


@given(st.floats(0, 0.95), st.integers(0, 100))
def test_dropout_keeps_the_mean(p: float, seed: int) -> None:
    y = F.dropout(np.ones(20_000), p, rng=np.random.default_rng(seed))
    kept = y != 0
    np.testing.assert_allclose(y[kept], 1 / (1 - p))
    # Six standard deviations.
    assert abs(kept.mean() - (1 - p)) <= 6 * np.sqrt(p * (1 - p) / y.size)


def test_dropout_by_mode_and_generator() -> None:
    x = normal(4, 5)
    layer = nn.Dropout(0.5, rng=generator())
    first, second = layer(x), layer(x)
    assert (first != second).any(), "every call draws anew"
    np.testing.assert_array_equal(nn.Dropout(0.5, rng=generator())(x), first)
    np.testing.assert_array_equal(layer.eval()(x), x)
    assert not nn.Dropout(1.0)(x).any() and nn.Dropout(0.0)(x) is x
    manual_seed(3)
    unseeded = nn.Dropout()(x)
    manual_seed(3)
    np.testing.assert_array_equal(nn.Dropout()(x), unseeded)
    assert nn.Dropout()(x.astype(np.float32)).dtype == np.float32
    with pytest.raises(OptionError, match="between 0 and 1"):
        nn.Dropout(1.5)


def test_checkpointed_dropout_draws_the_same_again() -> None:
    gradients = []
    for wrap in (checkpoint, lambda layer: layer):
        layer = nn.Dropout(0.5, rng=generator())
        x = Tensor(normal(6, 6), requires_grad=True)
        y = wrap(layer)(x)
        (y * y).sum().backward()
        gradients.append(x.grad)
    np.testing.assert_array_equal(*gradients)


# -- embedding -------------------------------------------------------------------------------------


def test_embedding_adds_up_gradients_but_for_padding() -> None:
    layer = nn.Embedding(4, 2, padding_idx=-1)
    assert not layer.weight.data[3].any() and layer.weight.data[:3].all()
    layer(np.array([[0, 3], [0, 1]])).sum().backward()
    np.testing.assert_array_equal(layer.weight.grad, [[2, 2], [1, 1], [0, 0], [0, 0]])
    assert layer(np.zeros((0, 5), int)).shape == (0, 5, 2)
    assert layer(Tensor(np.array(2))).shape == (2,)


def test_embedding_names_what_is_no_row() -> None:
    layer = nn.Embedding(4, 2)
    with pytest.raises(RangeError, match="index 7; expected indices from 0 to 3"):
        layer(np.array([0, 7]))
    with pytest.raises(IndexError, match="index -1"):
        layer(np.array([-1]))
    with pytest.raises(DtypeError, match="astype"):
        layer(np.array([0.0]))
    with pytest.raises(OptionError, match="padding_idx=4"):
        nn.Embedding(4, 2, padding_idx=4)


# -- normalization ---------------------------------------------------------------------------------


@given(st.integers(2, 8), st.integers(1, 4), st.integers(0, 99))
def test_batch_norm_standardizes_and_follows_the_batch(n: int, c: int, seed: int) -> None:
    x = 3 + 2 * normal(n, c, 3, seed=seed)
    layer = nn.BatchNorm1d(c, momentum=None, dtype=float)
    y = layer(x).data
    np.testing.assert_allclose(y.mean(axis=(0, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=(0, 2)), 1, atol=1e-3)
    layer(2 * x)
    np.testing.assert_allclose(layer.running_mean.data, 1.5 * x.mean(axis=(0, 2)))
    np.testing.assert_allclose(layer.running_var.data, 2.5 * x.var(axis=(0, 2), ddof=1))
    assert layer.num_batches_tracked.item() == 2
    before = layer.eval().state_dict()
    layer(x)
    for name, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_batch_norm_in_evaluation_does_not_mix_samples() -> None:
    layer = nn.BatchNorm2d(2)
    layer(normal(4, 2, 3, 3).astype(np.float32))
    x = normal(2, 2, 3, 3).astype(np.float32)
    with no_grad():
        both = layer.eval()(x).data
        assert both.dtype == np.float32
        np.testing.assert_allclose(layer(x[:1]).data, both[:1], rtol=1e-6)


@given(st.floats(0.1, 50), st.integers(0, 99))
def test_norms_do_not_see_scale(scale: float, seed: int) -> None:
    x = normal(3, 4, 2, seed=seed)
    for layer in (
        nn.LayerNorm(2, eps=0.0, dtype=float),
        nn.RMSNorm((4, 2), eps=0.0, dtype=float),
        nn.GroupNorm(2, 4, eps=0.0, dtype=float),
    ):
        np.testing.assert_allclose(layer(scale * x).data, layer(x).data, rtol=1e-8, atol=1e-10)


# -- convolution -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [nn.Conv2d, nn.ConvTranspose2d])
def test_kernels_start_as_in_pytorch(make: Callable[..., Any]) -> None:
    layer = make(30, 40, 3, rng=generator())
    fan = layer.weight.shape[1] * 9
    for parameter in layer.parameters():
        assert parameter.dtype == np.float32
        assert 0.9 / np.sqrt(fan) < np.abs(parameter.data).max() <= 1 / np.sqrt(fan)


@given(st.integers(1, 9), st.integers(1, 9))
def test_adaptive_pooling_is_pooling_where_it_divides(length: int, count: int) -> None:
    x = normal(2, 1, length * count)
    np.testing.assert_allclose(F.adaptive_avg_pool1d(x, count), F.avg_pool1d(x, length))
    np.testing.assert_allclose(F.adaptive_max_pool1d(x, count), F.max_pool1d(x, length))


# -- recurrence ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_sequence_in_two_halves_is_the_whole(make: Callable[..., Any]) -> None:
    layer = make(2, 3, 2, rng=generator(), dtype=float)
    x = normal(6, 4, 2)
    whole, last = layer(x)
    first, state = layer(x[:2])
    second, again = layer(x[2:], state)
    np.testing.assert_allclose(np.concatenate([first.data, second.data]), whole.data)
    for one, other in zip(flatten(last)[0], flatten(again)[0], strict=True):
        np.testing.assert_allclose(one.data, other.data)


@pytest.mark.parametrize("make", [nn.RNN, nn.LSTM, nn.GRU])
def test_batches_come_first_or_second_or_not_at_all(make: Callable[..., Any]) -> None:
    layer = make(2, 3, bidirectional=True, rng=generator())
    x = normal(5, 4, 2).astype(np.float32)
    outputs, _ = layer(x)
    assert outputs.dtype == np.float32
    layer.batch_first = True
    np.testing.assert_allclose(layer(x.swapaxes(0, 1))[0].data.swapaxes(0, 1), outputs.data)
    np.testing.assert_allclose(layer(x[:, 1])[0].data, outputs.data[:, 1], atol=1e-6)


def test_dropout_between_recurrent_layers_only_in_training() -> None:
    layer = nn.GRU(2, 3, 2, dropout=0.5, rng=generator())
    x = normal(5, 4, 2)
    assert (layer(x)[0].data != layer(x)[0].data).any()
    layer.eval()
    np.testing.assert_array_equal(layer(x)[0].data, layer(x)[0].data)


# -- attention -------------------------------------------------------------------------------------


def test_attention_to_equal_keys_is_the_mean() -> None:
    value = normal(2, 3, 4)
    attended = F.scaled_dot_product_attention(normal(2, 5, 4), np.ones((2, 3, 4)), value)
    np.testing.assert_allclose(attended, np.repeat(value.mean(1, keepdims=True), 5, axis=1))


def test_causal_attention_does_not_see_the_future() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True, rng=generator())
    x = normal(2, 5, 4)
    changed = x.copy()
    changed[:, 3:] += 1
    before, after = (layer(values, is_causal=True).data for values in (x, changed))
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    mask = ~np.tri(5, dtype=bool)
    np.testing.assert_array_equal(layer(x, mask).data, before)
    additive = np.where(mask, -np.inf, 0)
    np.testing.assert_array_equal(layer(x, additive).data, before)
    q = normal(2, 5, 4)
    np.testing.assert_array_equal(
        F.scaled_dot_product_attention(q, q, q, np.zeros((5, 5)), is_causal=True),
        F.scaled_dot_product_attention(q, q, q, is_causal=True),
    )


def test_padding_does_not_matter_and_all_of_it_is_no_nan() -> None:
    layer = nn.MultiheadAttention(4, 2, batch_first=True, rng=generator(), dtype=np.float32)
    x = normal(2, 5, 4).astype(np.float32)
    padding = np.zeros((2, 5), bool)
    padding[:, 3:] = True
    other = x.copy()
    other[:, 3:] = 7
    one, weights = layer(x, x, x, padding)
    two, _ = layer(x, other, other, padding)
    np.testing.assert_allclose(one.data, two.data, rtol=1e-4, atol=1e-6)
    assert one.dtype == np.float32 and not weights.data[..., 3:].any()
    for mask in (None, np.zeros((5, 5))):
        assert np.isfinite(layer(x, x, x, np.ones((2, 5), bool), attn_mask=mask)[0].data).all()


def test_encoder_layers_start_equal_and_drop_differently() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8, 0.5, rng=generator())
    encoder = nn.TransformerEncoder(layer, 2)
    first, second = encoder.layers
    assert first.linear1.weight is not second.linear1.weight
    np.testing.assert_array_equal(first.linear1.weight.data, second.linear1.weight.data)
    x = normal(3, 2, 4)
    assert (first(x).data != second(x).data).any()
    encoder.eval()
    np.testing.assert_array_equal(first(x).data, second(x).data)


# -- containers ------------------------------------------------------------------------------------


def test_module_list() -> None:
    layers = nn.ModuleList([nn.Linear(2, 3), nn.Linear(3, 3)])
    layers.append(nn.Linear(3, 1))
    assert [name for name, _ in layers.named_parameters()][::2] == [
        "0.weight",
        "1.weight",
        "2.weight",
    ]
    assert layers[-1] is layers[2] and list(layers[:2]) == [layers[0], layers[1]]
    layers[-1] = nn.Identity()
    assert len(layers) == 3 and isinstance(layers[2], nn.Identity)
    assert list(copy.deepcopy(layers).state_dict()) == list(layers.state_dict())


def test_module_dict() -> None:
    heads = nn.ModuleDict({"keys": nn.Linear(2, 1), "b": nn.Tanh()})
    assert list(heads.keys()) == ["keys", "b"] == list(heads) and "b" in heads
    assert list(heads.state_dict()) == ["keys.weight", "keys.bias"]
    assert [type(module) for _, module in heads.items()] == [type(m) for m in heads.values()]
    del heads["b"]
    assert len(heads) == 1
    with pytest.raises(OptionError, match="without dots"):
        heads["a.b"] = nn.Tanh()


# -- the perceptron --------------------------------------------------------------------------------


def test_mlp_by_name() -> None:
    model = nn.MLP([3, 5, 4, 2], "silu", norm="layer", dropout=0.2, seed=0, dtype=float)
    hidden = ["Linear", "LayerNorm", "SiLU", "Dropout"]
    assert [type(layer).__name__ for layer in model] == [*hidden, *hidden, "Linear"]
    again = nn.MLP([3, 5, 4, 2], "silu", norm="layer", dropout=0.2, seed=0, dtype=float)
    x = normal(7, 3)
    np.testing.assert_array_equal(model(x).data, again(x).data)
    assert {
        p.dtype for p in nn.MLP([2, 2, 1], "prelu", norm="batch", dtype=float).parameters()
    } == {np.dtype(float)}


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_mlp_starts_as_suits_its_activation(name: str) -> None:
    model = nn.MLP([300, 200, 1], name, seed=0, dtype=float)
    weight = nn.Parameter(np.empty((200, 300)))
    nn.init.initialize_(weight, name, rng=generator())
    assert model[0].weight.data.std() == pytest.approx(weight.data.std(), rel=0.03)
    orthogonal = nn.MLP([4, 4, 1], name, init="orthogonal", seed=0, dtype=float)[0].weight.data
    product = orthogonal @ orthogonal.T
    np.testing.assert_allclose(product, product[0, 0] * np.eye(4), atol=1e-12)


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.PReLU(3), (2, 4), r"expected 3 channels, got shape \(2, 4\)"),
        (nn.LayerNorm(4), (2, 3), r"expected last axis 4, got shape \(2, 3\)"),
        (nn.RMSNorm((2, 4)), (4,), r"expected last axes \(2, 4\), got shape \(4,\)"),
        (nn.GroupNorm(2, 4), (2, 3), "expected 4 channels along axis 1"),
        (nn.BatchNorm1d(3), (2, 3, 4, 4), "expected 2 axes or 3 axes with 3 channels"),
        (
            nn.BatchNorm2d(3),
            (2, 4, 5, 5),
            r"with 3 channels along axis 1, got shape \(2, 4, 5, 5\)",
        ),
        (nn.BatchNorm1d(3), (1, 3), "more than one value per channel in training"),
        (nn.Flatten(2), (2, 3), "expected axes 2 to -1"),
        (nn.Conv2d(3, 2, 2), (1, 4, 5, 5), r"with C = 3, got shape \(1, 4, 5, 5\)"),
        (nn.Conv2d(3, 2, 2), (3, 5), "expected 4 axes"),
        (nn.Conv1d(3, 2, 4), (1, 3, 2), r"conv1d: got x of shape \(1, 3, 2\).*pad more"),
        (nn.ConvTranspose1d(3, 2, 1, padding=2), (1, 3, 2), "expected less padding"),
        (nn.LSTM(3, 2), (4, 2, 5), r"expected \(T, N, I\) or \(T, I\) with I = 3"),
        (nn.GRU(3, 2, batch_first=True), (0, 4, 3), r"expected \(N, T, I\)"),
        (nn.TransformerEncoderLayer(4, 2, 3), (2, 3), r"E = 4 and one N, got shape \(2, 3\)"),
        (nn.MaxPool2d(3), (1, 1, 2, 2), r"max_pool2d: got x of shape \(1, 1, 2, 2\)"),
        (nn.AdaptiveAvgPool2d((1, 2, 3)), (1, 1, 2, 2), r"got output_size=\(1, 2, 3\)"),
        (nn.AdaptiveMaxPool1d(2), (1, 1, 2, 2), "expected 3 axes"),
        (nn.Residual(nn.Linear(3, 2)), (1, 3), r"expected a branch of shape \(1, 3\)"),
    ],
)
def test_wrong_shapes_name_the_path(layer: nn.Module, shape: tuple[int, ...], message: str) -> None:
    model = nn.Sequential(nn.Identity(), nn.ModuleDict({"inner": layer})["inner"])
    with pytest.raises(LayerShapeError, match=r"^1\b.*: .*" + message):
        model(np.ones(shape))


def test_states_and_masks_of_wrong_shapes() -> None:
    rnn, attention = nn.RNN(2, 3, 2), nn.MultiheadAttention(4, 2)
    with pytest.raises(LayerShapeError, match=r"state of shape \(2, 5, 3\), got \(1, 5, 3\)"):
        rnn(normal(4, 5, 2), normal(1, 5, 3))
    with pytest.raises(LayerShapeError, match=r"state of shape \(2, 3\), got \(1, 3\)"):
        rnn(normal(4, 2), normal(1, 3))
    x = normal(3, 2, 4)
    with pytest.raises(LayerShapeError, match=r"attn_mask of shape \(3, 3\) or \(4, 3, 3\)"):
        attention(x, x, x, attn_mask=np.zeros((2, 3)))
    with pytest.raises(LayerShapeError, match=r"boolean key_padding_mask of shape \(2, 3\)"):
        attention(x, x, x, np.zeros((2, 3)))
    with pytest.raises(LayerShapeError, match="a value for each key"):
        attention(x, x, x[:2])
    with pytest.raises(ShapeError, match=r"\(\.\.\., S, E\)"):
        F.scaled_dot_product_attention(x, x[..., :2], x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.GroupNorm(3, 4), "got 4 channels; expected a multiple of 3"),
        (lambda: nn.LayerNorm(()), "empty normalized_shape"),
        (lambda: nn.LayerNorm((2, 0)), "normalized_shape=0"),
        (lambda: nn.BatchNorm1d(0), "num_features=0"),
        (lambda: nn.Conv2d(3, 4, 2, groups=2), "got 3 and 4 channels; expected multiples of"),
        (lambda: nn.Conv2d(3, 4, 2, padding_mode="mirror"), "one of zeros, reflect, replicate"),
        (lambda: nn.ConvTranspose1d(0, 4, 2), "in_channels=0"),
        (lambda: nn.RNN(2, 3, nonlinearity="sigmoid"), "expected 'tanh' or 'relu'"),
        (lambda: nn.LSTM(2, 3, dropout=1.2), "got p=1.2"),
        (lambda: nn.MultiheadAttention(4, 3), "embed_dim=4; expected a multiple of num_heads=3"),
        (lambda: nn.MLP([2, 2, 1], norm="group"), "expected None or one of batch, layer, rms"),
        (lambda: nn.MLP([2, 2, 1], init="best"), "initialize_: got the method 'best'"),
        (lambda: nn.MLP([2, 2, 1], dropout=2), "got p=2"),
    ],
)
def test_settings_that_mean_nothing(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make()
