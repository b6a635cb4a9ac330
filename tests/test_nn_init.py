"""Initial values: their distributions, gains, shapes, seeds; what each activation starts from."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import Tensor, manual_seed
from nn import functional, init
from nn.errors import OptionError

PYTORCH = json.loads(Path(__file__).with_name("reference").joinpath("gains.json").read_text())
SAMPLES = 20_000


def empty(*shape: int, dtype: Any = np.float64) -> Tensor:
    return Tensor(np.full(shape, np.nan, dtype), requires_grad=True)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# Each with the mean and the standard deviation it promises for a weight of (100, 200).
SPREADS: list[tuple[Callable[..., Tensor], dict[str, Any], float, float]] = [
    (init.uniform_, {}, 0.5, np.sqrt(1 / 12)),
    (init.uniform_, {"a": -1.0, "b": 2.0}, 0.5, np.sqrt(9 / 12)),
    (init.normal_, {}, 0, 1),
    (init.normal_, {"mean": 3.0, "std": 0.5}, 3, 0.5),
    (init.trunc_normal_, {}, 0, 0.87962566),
    (init.trunc_normal_, {"std": 0.02}, 0, 0.02),
    (init.trunc_normal_, {"a": 0.0, "b": np.inf}, np.sqrt(2 / np.pi), np.sqrt(1 - 2 / np.pi)),
    (init.xavier_uniform_, {}, 0, np.sqrt(2 / 300)),
    (init.xavier_uniform_, {"gain": 5 / 3}, 0, 5 / 3 * np.sqrt(2 / 300)),
    (init.xavier_normal_, {"gain": 2.0}, 0, 2 * np.sqrt(2 / 300)),
    (init.kaiming_uniform_, {}, 0, np.sqrt(2 / 200)),
    (init.kaiming_uniform_, {"a": np.sqrt(5)}, 0, 1 / np.sqrt(3 * 200)),
    (init.kaiming_uniform_, {"mode": "fan_out", "nonlinearity": "relu"}, 0, np.sqrt(2 / 100)),
    (init.kaiming_normal_, {"nonlinearity": "tanh"}, 0, 5 / 3 / np.sqrt(200)),
    (init.kaiming_normal_, {"mode": "fan_out", "nonlinearity": "linear"}, 0, 1 / np.sqrt(100)),
    (init.orthogonal_, {"gain": 3.0}, 0, 3 / np.sqrt(200)),
]


@pytest.mark.parametrize(("fill", "options", "mean", "std"), SPREADS)
def test_mean_and_deviation_are_those_promised(
    fill: Callable[..., Tensor], options: dict[str, Any], mean: float, std: float
) -> None:
    weight = empty(100, 200)
    assert fill(weight, **options, rng=rng()) is weight
    assert weight.data.mean() == pytest.approx(mean, abs=4 * std / np.sqrt(SAMPLES))
    assert weight.data.std() == pytest.approx(std, rel=0.03)


@pytest.mark.parametrize(("fill", "options", "mean", "std"), SPREADS)
def test_seeds_and_dtypes_agree(
    fill: Callable[..., Tensor], options: dict[str, Any], mean: float, std: float
) -> None:
    double = fill(empty(6, 4), **options, rng=rng(3)).data
    single = fill(empty(6, 4, dtype=np.float32), **options, rng=rng(3)).data
    assert single.dtype == np.float32
    np.testing.assert_array_equal(double.astype(np.float32), single)
    manual_seed(7)
    common = fill(empty(6, 4), **options).data
    manual_seed(7)
    np.testing.assert_array_equal(fill(empty(6, 4), **options).data, common)
    assert (fill(empty(6, 4), **options).data != common).any()


def test_uniform_bounds_are_reached_but_not_passed() -> None:
    weight = init.kaiming_uniform_(empty(100, 200), rng=rng()).data
    bound = np.sqrt(6 / 200)
    assert 0.999 * bound < abs(weight).max() <= bound


def test_constants() -> None:
    assert (init.zeros_(empty(2, 3)).data == 0).all()
    assert (init.ones_(empty(2)).data == 1).all()
    assert (init.constant_(empty(3), -2.5).data == -2.5).all()


@given(st.floats(-3, 3), st.floats(0.1, 2), st.floats(-2, 1), st.floats(0.5, 3))
def test_truncation_keeps_to_its_bounds(mean: float, std: float, a: float, width: float) -> None:
    try:
        values = init.trunc_normal_(empty(200), mean, std, a, a + width, rng()).data
    except OptionError as error:
        assert "1 % of the distribution" in str(error)
        left = abs(np.random.default_rng(1).normal(mean, std, SAMPLES) - a - width / 2) < width / 2
        assert left.mean() < 0.02
    else:
        assert (a <= values).all() and (values <= a + width).all()


@given(st.integers(1, 6), st.lists(st.integers(1, 3), min_size=1, max_size=3), st.floats(0.1, 4))
def test_orthogonal_rows_or_columns(rows: int, others: list[int], gain: float) -> None:
    weight = init.orthogonal_(empty(rows, *others), gain, rng()).data.reshape(rows, -1)
    gram = weight @ weight.T if rows <= weight.shape[1] else weight.T @ weight
    np.testing.assert_allclose(gram, gain**2 * np.eye(len(gram)), atol=1e-10)


def test_orthogonal_is_uniform_over_reflections_too() -> None:
    signs = [np.sign(init.orthogonal_(empty(1, 1), rng=rng(k)).item()) for k in range(100)]
    assert abs(np.sum(signs)) < 40


def test_fans_count_the_receptive_field() -> None:
    assert init.fans(empty(8, 3)) == (3, 8)
    assert init.fans(empty(8, 3, 5, 2)) == (30, 80)
    init.kaiming_normal_(empty(0, 3)), init.xavier_uniform_(empty(0, 0))


# -- activations -----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", PYTORCH["gains"], ids=lambda case: str(case[:2]))
def test_gains_are_pytorchs(case: list[Any]) -> None:
    name, parameter, gain = case
    assert init.calculate_gain(name, parameter) == pytest.approx(gain, rel=1e-14)


OWN = sorted(init.GAINS.keys() - {case[0] for case in PYTORCH["gains"]} - {"log_softmax"})


@pytest.mark.parametrize("name", OWN)
def test_gains_pytorch_does_not_have_undo_what_the_activation_shrinks_by(name: str) -> None:
    z = np.linspace(-12, 12, 100_001)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    formulas: dict[str, Callable[[Any], Any]] = {
        "identity": lambda z: z,
        "elu": lambda z: np.where(z > 0, z, np.expm1(z)),
        "gelu_tanh": lambda z: z / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))),
        "gelu": lambda z: z * np.cumsum(density) * (z[1] - z[0]),
        "silu": lambda z: z * functional.sigmoid(z),
        "softplus": lambda z: np.logaddexp(0, z),
        "softmax": np.ones_like,  # a convention: it is no function of one number
    }
    second_moment = np.trapezoid(formulas[name](z) ** 2 * density, z)
    assert init.calculate_gain(name) == pytest.approx(second_moment**-0.5, rel=1e-3)


def test_leaky_gains_follow_the_slope() -> None:
    assert init.calculate_gain("leaky_relu") == pytest.approx(np.sqrt(2 / 1.0001))
    assert init.calculate_gain("prelu") == pytest.approx(np.sqrt(2 / 1.0625))
    assert init.calculate_gain("leaky_relu", 0) == pytest.approx(np.sqrt(2))


@pytest.mark.parametrize(
    ("activation", "std", "normal"),
    [
        ("relu", np.sqrt(2 / 200), False),
        ("gelu", 1.5335 / np.sqrt(200), False),
        ("tanh", 5 / 3 * np.sqrt(2 / 300), False),
        ("sigmoid", np.sqrt(2 / 300), False),
        ("identity", np.sqrt(2 / 300), False),
        ("selu", 1 / np.sqrt(200), True),
    ],
)
def test_each_activation_gets_what_suits_it(activation: str, std: float, normal: bool) -> None:
    weight = init.initialize_(empty(100, 200), activation, rng=rng()).data
    assert weight.std() == pytest.approx(std, rel=0.03)
    assert (abs(weight).max() > 2 * std) == normal


@pytest.mark.parametrize("method", init.METHODS)
def test_every_method_can_be_chosen_and_follows_the_gain(method: str) -> None:
    stds = [
        init.initialize_(empty(200, 200), activation, method, rng()).data.std()
        for activation in ("relu", "tanh")
    ]
    assert stds[0] == pytest.approx(np.sqrt(2 / 200), rel=0.03)
    assert stds[1] == pytest.approx(5 / 3 / np.sqrt(200), rel=0.03)


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "silu", "elu", "leaky_relu"])
def test_signals_neither_vanish_nor_explode_through_ten_layers(activation: str) -> None:
    function: Callable[[Any], Any] = {
        "relu": lambda z: np.maximum(z, 0),
        "tanh": np.tanh,
        "gelu": lambda z: z / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))),
        "silu": lambda z: z * functional.sigmoid(z),
        "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    }[activation]
    source = rng()
    x = source.normal(size=(300, 20))
    for _ in range(10):
        x = function(init.initialize_(empty(300, 300), activation, rng=source).data @ x)
    assert 0.2 < np.sqrt((x**2).mean()) < 5  # with gain 1, silu leaves 0.006


# -- what means nothing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: init.xavier_normal_(empty(3)), r"fans: got a tensor of shape \(3,\)"),
        (lambda: init.orthogonal_(empty(3)), "at least two axes"),
        (
            lambda: init.calculate_gain("swoosh"),
            "got 'swoosh'; expected one of elu, gelu",
        ),
        (lambda: init.initialize_(empty(2, 2), "relu", "best"), "the method 'best'; expected one"),
        (lambda: init.kaiming_normal_(empty(2, 2), mode="fan"), "got mode='fan'"),
        (lambda: init.trunc_normal_(empty(2), 0, 1, 5, 6), "got bounds 5 and 6 for mean 0"),
        (lambda: init.trunc_normal_(empty(2), 0, 1, 1, -1), "widen the bounds"),
    ],
)
def test_bad_input_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        call()


def test_signatures_are_pytorchs_with_rng_for_generator() -> None:
    for name, parameters in PYTORCH["signatures"].items():
        ours = list(inspect.signature(getattr(init, name)).parameters)
        assert ours == [
            "rng" if parameter == "generator" else parameter for parameter in parameters
        ]
