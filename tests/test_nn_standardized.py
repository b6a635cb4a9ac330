"""A network between the units of its data is the network between the conversions."""

import numpy as np
import pytest

import nn
from nn.data import Standardize


def regressor(x: np.ndarray, y: np.ndarray, dtype: str) -> nn.Standardized:
    network = nn.MLP([x.shape[1], 5, y.shape[1]], activation="tanh", seed=0, dtype=dtype)
    return nn.Standardized(network, Standardize.fit(x), Standardize.fit(y))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_conversions_surround_the_network(dtype: str) -> None:
    rng = np.random.default_rng(0)
    # Float32 cannot tell these numbers apart; their deviations it can.
    x = 1e9 + rng.normal(size=(50, 3))
    y = 5e6 + 10 * rng.normal(size=(50, 2))
    model = regressor(x, y, dtype)
    inputs, outputs = Standardize.fit(x), Standardize.fit(y)
    inside = model.network(inputs(x).astype(dtype)).detach().data
    assert inside.dtype == dtype and np.unique(inside).size == inside.size
    np.testing.assert_array_equal(model(x).detach().data, outputs.inverse(inside.astype(float)))


def test_statistics_are_saved_but_not_trained() -> None:
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6.0).reshape(6, 1)
    model, other = regressor(x, y, "float32"), regressor(3 * x, 2 * y, "float32")
    statistics = {"input_mean", "input_scale", "output_mean", "output_scale"}
    assert {name for name, _ in model.named_buffers()} == statistics
    assert all(name.startswith("network.") for name, _ in model.named_parameters())
    other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(other(x).detach().data, model(x).detach().data)


def test_gradients_pass_through_the_units_of_the_target() -> None:
    x, y = np.arange(12.0).reshape(6, 2), 100 * np.arange(6.0).reshape(6, 1)
    model = regressor(x, y, "float64")
    model(x).sum().backward()
    bias = model.network[-1].bias
    assert bias.grad.dtype == np.float64
    np.testing.assert_allclose(bias.grad, 6 * Standardize.fit(y).scale)
