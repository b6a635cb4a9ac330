"""Summaries count what layers do, and diagnoses tell what is wrong with gradients."""

from typing import Any

import numpy as np
import pytest

import nn
from autograd_core.random import default
from nn import functional as F
from nn.statistics import diagnose
from nn.summary import summary

# -- summary ---------------------------------------------------------------------------------------

# Counts by hand: layer, inputs, output shape, multiply-adds.
COUNTS: list[tuple[nn.Module, tuple[Any, ...], tuple[int, ...], int]] = [
    (nn.Linear(5, 3), ((2, 4, 5),), (2, 4, 3), 2 * 4 * 5 * 3),
    (nn.Conv2d(2, 6, 3), ((1, 2, 8, 8),), (1, 6, 6, 6), 36 * 6 * 2 * 9),
    (nn.Conv2d(4, 6, 3, groups=2), ((1, 4, 8, 8),), (1, 6, 6, 6), 36 * 6 * 2 * 9),
    (nn.ConvTranspose1d(2, 3, 4), ((1, 2, 5),), (1, 3, 8), 5 * 2 * 3 * 4),
    (nn.LSTM(3, 5, batch_first=True), ((2, 7, 3),), (2, 7, 5), 14 * 4 * 5 * (3 + 5)),
    (nn.Embedding(9, 4), (np.zeros((2, 3), int),), (2, 3, 4), 0),
    (nn.ReLU(), ((2, 3),), (2, 3), 0),
]


@pytest.mark.parametrize(("layer", "inputs", "shape", "count"), COUNTS, ids=repr)
def test_layers(
    layer: nn.Module, inputs: tuple[Any, ...], shape: tuple[int, ...], count: int
) -> None:
    (row,) = summary(layer, *inputs).rows
    assert row.shape == shape and row.multiply_adds == count
    assert row.parameters == sum(p.size for p in layer.parameters())


@pytest.mark.parametrize("batch_first", [False, True])
def test_attention(batch_first: bool) -> None:
    layer = nn.MultiheadAttention(8, 2, batch_first=batch_first)
    x = np.zeros((3, 5, 8) if batch_first else (5, 3, 8), np.float32)
    table = summary(layer, x, x, x)
    scores_and_means = 2 * 3 * 5 * 5 * 8
    assert table.multiply_adds == 4 * (3 * 5 * 8 * 8) + scores_and_means
    assert table.parameters == sum(p.size for p in layer.parameters())
    assert sum(row.parameters for row in table.rows) == table.parameters


def test_a_model_in_a_table() -> None:
    shared = nn.Linear(4, 4)
    model = nn.Sequential(shared, nn.Tanh(), shared, nn.Residual(nn.Linear(4, 4)))
    model[3].requires_grad_(False)
    table = model.summary(np.zeros((2, 4), np.float32))
    assert table.parameters == 40 and table.trainable == 20
    assert [row.multiply_adds for row in table.rows] == [64, 0, 0, 32]
    text = str(table)
    assert "3.branch Linear" in text and text.endswith("20 parameters are frozen")
    assert all("forward" not in vars(module) for module in model.modules())
    assert all(module.training for module in model.modules())


def test_an_error_leaves_the_model_as_it_was() -> None:
    model = nn.MLP([3, 4, 1])
    with pytest.raises(ValueError, match="0: expected last axis 3, got 2"):
        summary(model, (1, 2))
    assert all("forward" not in vars(module) for module in model.modules())


# -- diagnosis -------------------------------------------------------------------------------------


X = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
Y = X[:, :1] * X[:, 1:2]


def deep(activation: str, scale: float = 1.0) -> nn.Module:
    model = nn.MLP([4] + [32] * 14 + [1], activation, seed=0)
    for parameter in model.parameters():
        parameter.data *= scale
    return model


def kinds(model: nn.Module) -> list[str]:
    return [finding.split(":")[0] for finding in diagnose(model, X, Y, F.mse_loss).findings]


def test_deep_sigmoids_lose_a_quarter_at_least_at_every_layer() -> None:
    found = diagnose(deep("sigmoid"), X, Y, F.mse_loss)
    assert found.findings[0].startswith("vanishing: of the gradient at 28 (Linear)")
    signals = [layer.signal for layer in found.layers if layer.kind == "Linear"]
    assert signals == sorted(signals) and len(signals) == 15
    assert "vanishing" in str(found)


def test_each_illness_has_its_name() -> None:
    assert kinds(deep("tanh")) == [] and kinds(deep("relu")) == ["dead"]
    assert kinds(deep("identity", 2.0)) == ["exploding"]
    assert kinds(deep("identity", 0.3)) == ["vanishing"]
    assert kinds(deep("identity", 1e30)) == ["exploding"]
    assert str(diagnose(deep("tanh"), X, Y, F.mse_loss)).endswith("healthy")


def test_dead_units_are_counted() -> None:
    model = nn.MLP([4, 16, 8, 1], "relu", seed=0)
    model[0].bias.data[:5] = -100
    found = diagnose(model, X, Y, F.mse_loss)
    assert found.findings == [
        "dead: 5 of 24 units are zero for every sample and learn nothing, 5 of 16 in 1 (ReLU); "
        "lower the learning rate, or use a leaky activation"
    ]
    model[2].bias.data[:] = -1e4
    assert kinds(model) == ["dead"]  # and not vanishing, though nothing arrives
    images = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 1))
    images[0].bias.data[:] = [-100, 100, -100]
    x = np.random.default_rng(0).normal(size=(5, 1, 8, 8)).astype(np.float32)
    (layer,) = (v for v in diagnose(images, x, x[:, 0, :1, 0], F.mse_loss).layers if v.units)
    assert (layer.dead, layer.units) == (2, 3)


def test_statistics_are_those_of_the_arrays_and_nothing_changes() -> None:
    model = nn.MLP([4, 6, 1], "tanh", norm="batch", dropout=0.5, seed=0)
    before, generator = model.state_dict(), default().bit_generator.state
    draws = [m.rng.bit_generator.state for m in model if isinstance(m, nn.Dropout)]
    layers = {layer.path: layer for layer in diagnose(model, X, Y, F.mse_loss).layers}
    assert draws == [m.rng.bit_generator.state for m in model if isinstance(m, nn.Dropout)]
    assert default().bit_generator.state == generator
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert all(p.grad is None for p in model.parameters())
    output = model[0](X).data
    assert layers["0"].mean == pytest.approx(output.mean()) and layers["0"].std == pytest.approx(
        output.std()
    )
    F.mse_loss(model(X), Y).backward()
    for path in ("0", "4"):
        gradient = np.asarray(model[int(path)].weight.grad)
        assert layers[path].gradient == pytest.approx(np.sqrt((gradient**2).mean()), rel=1e-5)
