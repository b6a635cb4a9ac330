"""Optimizers against their formulas, against PyTorch, and over every layout of the flat buffer."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd_core import Tensor
from autograd_core.errors import GraphError, MutationError
from nn.errors import OptionError, StateError
from nn.optim import optimizer as base

FROZEN = json.loads(Path(__file__).with_name("reference").joinpath("optimizers.json").read_text())
Arrays = list[np.ndarray]


# -- the formulas, one parameter at a time ---------------------------------------------------------


def gradient_descent(theta: np.ndarray, gradients: Arrays) -> None:
    for g in gradients:
        theta -= 0.1 * g


def classical_momentum(theta: np.ndarray, gradients: Arrays) -> None:
    v = np.zeros_like(theta)
    for g in gradients:
        v = 0.9 * v + g
        theta -= 0.1 * v


def moving_average(theta: np.ndarray, gradients: Arrays) -> None:
    v = np.zeros_like(theta)
    for g in gradients:
        v = 0.9 * v + (1 - 0.9) * g
        theta -= 0.1 * v


def adam(theta: np.ndarray, gradients: Arrays) -> None:
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.999 * v + (1 - 0.999) * g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        theta -= 0.1 * m_hat / (np.sqrt(v_hat) + 1e-8)


Make = Callable[[Any], nn.Optimizer]
Formula = Callable[[np.ndarray, Arrays], None]
FORMULAS: list[tuple[Make, Formula]] = [
    (lambda p: nn.SGD(p, lr=0.1), gradient_descent),
    (lambda p: nn.SGD(p, lr=0.1, momentum=0.9), classical_momentum),
    (lambda p: nn.Momentum(p, lr=0.1, beta=0.9), moving_average),
    (lambda p: nn.Adam(p, lr=0.1), adam),
]
MAKERS = [make for make, _ in FORMULAS]
NAMES = [formula.__name__ for _, formula in FORMULAS]


def parameters_like(arrays: Any, dtype: Any = np.float64) -> list[Tensor]:
    return [nn.Parameter(array, dtype=dtype) for array in arrays]


@given(
    st.data(),
    st.lists(st.sampled_from([(), (1,), (3,), (2, 3), (0,)]), min_size=1, max_size=5),
)
@pytest.mark.parametrize(("make", "formula"), FORMULAS, ids=NAMES)
def test_formula_with_gradients_that_come_and_go(
    make: Make, formula: Formula, data: st.DataObject, shapes: list[tuple[int, ...]]
) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    initial = [rng.normal(size=shape) for shape in shapes]
    parameters = parameters_like(initial)
    optimizer = make(parameters)
    given_gradients: list[Arrays] = [[] for _ in shapes]
    for _ in range(4):
        optimizer.zero_grad()
        for parameter, seen in zip(parameters, given_gradients, strict=True):
            if data.draw(st.booleans()):
                seen.append(rng.normal(size=parameter.shape))
                parameter.grad = seen[-1]
        optimizer.step()
    for parameter, theta, seen in zip(parameters, initial, given_gradients, strict=True):
        formula(theta, seen)
        np.testing.assert_allclose(parameter.data, theta, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "case", FROZEN["cases"], ids=lambda c: f"{c['optimizer']}-{c['options']}-{c['dtype']}"
)
def test_same_steps_as_pytorch(case: dict[str, Any]) -> None:
    parameters = parameters_like(FROZEN["initial"], case["dtype"])
    optimizer = getattr(nn, case["optimizer"])(parameters, **case["options"])
    tolerance = {"float32": 2e-6, "float64": 1e-13}[case["dtype"]]
    compared = 0
    for step, gradients in enumerate(FROZEN["gradients"], start=1):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = np.array(gradient)
        optimizer.step()
        for parameter, expected in zip(parameters, case["after"].get(str(step), []), strict=False):
            np.testing.assert_allclose(parameter.data, expected, rtol=tolerance, atol=tolerance)
            compared += 1
    assert compared == 4 * len(parameters)


@pytest.mark.parametrize("make", MAKERS, ids=NAMES)
def test_blocks_change_no_bit(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def train() -> np.ndarray:
        rng = np.random.default_rng(0)
        parameters = parameters_like([rng.normal(size=(7, 5)), rng.normal(size=40)], np.float32)
        optimizer = make(parameters)
        for _ in range(3):
            for parameter in parameters:
                parameter.grad = rng.normal(size=parameter.shape)
            optimizer.step()
        return np.concatenate([parameter.data.ravel() for parameter in parameters])

    whole = train()
    monkeypatch.setattr(base, "BLOCK", 8)
    np.testing.assert_array_equal(train(), whole)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("make", MAKERS, ids=NAMES)
def test_dtype_stays(make: Make, dtype: type) -> None:
    (parameter,) = parameters_like([np.ones(3)], dtype)
    optimizer = make([parameter])
    optimizer.param_groups[0]["lr"] = np.float64(0.1)  # what NumPy would promote by
    parameter.grad = np.ones(3)
    optimizer.step()
    assert parameter.dtype == dtype
    assert all(array.dtype == dtype for array in optimizer.segments[0].state.values())


# -- groups and options ----------------------------------------------------------------------------


def test_groups_have_options_of_their_own() -> None:
    a, b, c = parameters_like([np.ones(2), np.ones(3), np.ones(1)])
    optimizer = nn.SGD([{"params": [a, c]}, {"params": b, "lr": 1.0}], lr=0.1)
    assert len(optimizer.buffers) == 1
    for parameter in (a, b, c):
        parameter.grad = np.ones(parameter.shape)
    optimizer.step()
    for parameter, expected in ((a, 0.9), (b, 0.0), (c, 0.9)):
        np.testing.assert_allclose(parameter.data, expected)
    optimizer.param_groups[0]["lr"] = 0.0
    optimizer.step()
    np.testing.assert_allclose(a.data, 0.9)
    np.testing.assert_allclose(b.data, -1.0)


def test_a_group_can_be_added() -> None:
    a, b = parameters_like([np.ones(2), np.ones(3)])
    optimizer = nn.Adam([a], lr=0.5)
    a.grad = np.ones(2)
    optimizer.step()
    optimizer.add_param_group({"params": [b], "lr": 0.25})
    b.grad = np.ones(3)
    optimizer.step()
    np.testing.assert_allclose(b.data, 0.75)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.25]


def test_both_dtypes_in_one_optimizer() -> None:
    a, b = nn.Parameter(np.ones(2, np.float32)), nn.Parameter(np.ones(2))
    optimizer = nn.Adam([a, b], lr=0.5)
    a.grad, b.grad = np.ones(2), np.ones(2)
    optimizer.step()
    assert [buffer.values.dtype for buffer in optimizer.buffers] == [np.float32, np.float64]
    np.testing.assert_allclose(a.data, 0.5, rtol=1e-6)
    np.testing.assert_allclose(b.data, 0.5, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: nn.SGD([]), "SGD: got no parameters"),
        (lambda p: nn.SGD([p, p]), "SGD: a parameter was given twice"),
        (lambda p: nn.SGD([{"params": p}, {"params": p}]), "SGD: a parameter was given twice"),
        (lambda p: nn.SGD([p], lr=-1.0), "SGD: got lr=-1.0"),
        (lambda p: nn.SGD([p], lr=float("nan")), "SGD: got lr=nan"),
        (lambda p: nn.SGD([p], nesterov=True), "nesterov needs a momentum"),
        (lambda p: nn.Adam([p], betas=(0.9, 1.0)), r"Adam: got betas=\(0.9, 1.0\)"),
        (lambda p: nn.Momentum([p], beta=1.0), "Momentum: got beta=1.0"),
        (lambda p: nn.Adam([p], weight_decay=-0.1), "Adam: got weight_decay=-0.1"),
    ],
)
def test_options_that_mean_nothing(make: Callable[[Tensor], Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make(nn.Parameter(np.ones(2)))


def test_what_was_recorded_is_no_parameter() -> None:
    with pytest.raises(GraphError, match="leaves"):
        nn.SGD([nn.Parameter(np.ones(2)) * 2])


# -- the graph -------------------------------------------------------------------------------------


def test_backward_after_step_raises() -> None:
    model = nn.Linear(2, 1)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    hidden = model(Tensor(np.ones((3, 2)), requires_grad=True))
    loss = hidden.sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(MutationError, match="written to"):
        loss.backward()


def test_only_what_was_written_is_stepped() -> None:
    used, unused = parameters_like([np.ones(2), np.ones(2)])
    optimizer = nn.Adam([used, unused], lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        (used * used).sum().backward()
        optimizer.step()
    assert (unused.data == 1).all() and (used.data < 1).all()
    assert unused.grad is None


# -- state -----------------------------------------------------------------------------------------


def steps(optimizer: nn.Optimizer, parameters: list[Tensor], count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        for parameter in parameters:
            parameter.grad = rng.normal(size=parameter.shape)
        optimizer.step()


@pytest.mark.parametrize("make", MAKERS, ids=NAMES)
def test_state_round_trip_continues_bit_for_bit(make: Make) -> None:
    shapes = [(2, 3), (4,), ()]
    parameters = parameters_like([np.ones(shape) for shape in shapes])
    optimizer = make(parameters)
    steps(optimizer, parameters, 3, seed=0)
    saved, values = optimizer.state_dict(), [parameter.data.copy() for parameter in parameters]
    steps(optimizer, parameters, 3, seed=1)

    others = parameters_like(values)
    other = make(others)
    other.param_groups[0]["lr"] = 7.0
    other.load_state_dict(saved)
    steps(other, others, 3, seed=1)
    for parameter, continued in zip(parameters, others, strict=True):
        np.testing.assert_array_equal(continued.data, parameter.data)


def test_state_is_kept_as_pytorch_names_it() -> None:
    a, b = parameters_like([np.ones((2, 3)), np.ones(4)])
    optimizer = nn.Adam([{"params": [a]}, {"params": [b], "lr": 0.5}])
    a.grad = np.ones((2, 3))
    optimizer.step()
    state = optimizer.state_dict()
    assert state["param_groups"] == [
        {"params": [0], "lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0},
        {"params": [1], "lr": 0.5, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0},
    ]
    assert list(state["state"]) == [0] and state["state"][0]["step"] == 1
    np.testing.assert_allclose(state["state"][0]["exp_avg"], np.full((2, 3), 0.1))
    np.testing.assert_allclose(state["state"][0]["exp_avg_sq"], np.full((2, 3), 0.001))


def misfits() -> Iterator[tuple[Callable[[dict[str, Any]], Any], str]]:
    yield lambda s: s["param_groups"][0].update(params=[0]), r"groups of \[1\] parameters"
    yield lambda s: s["param_groups"].append(s["param_groups"][0]), r"groups of \[2, 2\]"
    yield lambda s: s["state"][1].pop("exp_avg"), "no exp_avg of parameter 1"
    yield lambda s: s["state"][1].pop("step"), "no step of parameter 1"
    yield lambda s: s["state"][0].update(exp_avg=np.ones(3)), r"exp_avg of parameter 0 has shape"
    yield lambda s: s["state"].update({5: s["state"][0]}), "state of parameter 5"


@pytest.mark.parametrize(("spoil", "message"), list(misfits()))
def test_a_state_that_does_not_fit_changes_nothing(
    spoil: Callable[[dict[str, Any]], Any], message: str
) -> None:
    parameters = parameters_like([np.ones(2), np.ones(4)])
    optimizer = nn.Adam(parameters)
    steps(optimizer, parameters, 2, seed=0)
    spoiled = optimizer.state_dict()
    spoiled["state"][1]["exp_avg_sq"] *= 5
    spoil(spoiled)
    before = optimizer.state_dict()
    with pytest.raises(StateError, match=message):
        optimizer.load_state_dict(spoiled)
    assert repr(optimizer.state_dict()) == repr(before)
