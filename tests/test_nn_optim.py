"""Optimizers against their formulas, against PyTorch, and over every layout of the flat buffer."""

import inspect
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
from autograd_core.errors import GraphError, MissingExtraError, MutationError
from nn.errors import OptionError, StateError
from nn.optim import fused
from nn.optim import optimizer as base
from nn.optim.line_search import CURVATURE, DECREASE, Point, strong_wolfe

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


def nesterov(theta: np.ndarray, gradients: Arrays) -> None:
    v = np.zeros_like(theta)
    for g in gradients:
        decayed = g + 0.2 * theta
        v = 0.9 * v + decayed
        theta -= 0.1 * (decayed + 0.9 * v)


def adam_with_decoupled_decay(theta: np.ndarray, gradients: Arrays) -> None:
    for t in range(len(gradients)):
        before = theta.copy()
        adam(theta, gradients[: t + 1])  # from scratch, for the last step alone
        last = theta.copy()
        theta[...] = before
        adam(theta, gradients[:t])
        step = last - theta
        theta[...] = (1 - 0.1 * 0.3) * before + step


def ascent_by_amsgrad(theta: np.ndarray, gradients: Arrays) -> None:
    m, v, most = np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        m = 0.5 * m - (1 - 0.5) * g
        v = 0.6 * v + (1 - 0.6) * g**2
        most = np.maximum(most, v)
        theta -= 0.1 * m / (1 - 0.5**t) / (np.sqrt(most / (1 - 0.6**t)) + 1e-8)


def rmsprop(theta: np.ndarray, gradients: Arrays) -> None:
    s = np.zeros_like(theta)
    for g in gradients:
        s = 0.9 * s + (1 - 0.9) * g**2
        theta -= 0.1 * g / (np.sqrt(s) + 1e-3)


def centered_rmsprop(theta: np.ndarray, gradients: Arrays) -> None:
    s, mean, b = np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta)
    for g in gradients:
        s = 0.9 * s + (1 - 0.9) * g**2
        mean = 0.9 * mean + (1 - 0.9) * g
        b = 0.5 * b + g / (np.sqrt(s - mean**2) + 1e-3)
        theta -= 0.1 * b


def adagrad(theta: np.ndarray, gradients: Arrays) -> None:
    s = np.full_like(theta, 0.5)
    for t, g in enumerate(gradients):
        s = s + g**2
        theta -= 0.1 / (1 + 0.2 * t) * g / (np.sqrt(s) + 1e-10)


def lion(theta: np.ndarray, gradients: Arrays) -> None:
    m = np.zeros_like(theta)
    for g in gradients:
        theta -= 0.1 * (np.sign(0.9 * m + (1 - 0.9) * g) + 0.3 * theta)
        m = 0.99 * m + (1 - 0.99) * g


Make = Callable[[Any], nn.Optimizer]
Formula = Callable[[np.ndarray, Arrays], None]
FORMULAS: list[tuple[Make, Formula]] = [
    (lambda p: nn.SGD(p, lr=0.1), gradient_descent),
    (lambda p: nn.SGD(p, lr=0.1, momentum=0.9), classical_momentum),
    (lambda p: nn.Momentum(p, lr=0.1, beta=0.9), moving_average),
    (
        lambda p: nn.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.2),
        nesterov,
    ),
    (lambda p: nn.Adam(p, lr=0.1), adam),
    (
        lambda p: nn.Adam(p, lr=0.1, betas=(0.5, 0.6), amsgrad=True, maximize=True),
        ascent_by_amsgrad,
    ),
    (lambda p: nn.AdamW(p, lr=0.1, weight_decay=0.3), adam_with_decoupled_decay),
    (lambda p: nn.RMSprop(p, lr=0.1, alpha=0.9, eps=1e-3), rmsprop),
    (
        lambda p: nn.RMSprop(p, lr=0.1, alpha=0.9, eps=1e-3, momentum=0.5, centered=True),
        centered_rmsprop,
    ),
    (
        lambda p: nn.Adagrad(p, lr=0.1, lr_decay=0.2, initial_accumulator_value=0.5),
        adagrad,
    ),
    (lambda p: nn.Lion(p, lr=0.1, weight_decay=0.3), lion),
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
    tolerance = {"float32": 5e-6, "float64": 1e-13}[case["dtype"]]
    compared = 0
    for step, gradients in enumerate(FROZEN["gradients"], start=1):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = np.array(gradient)
        optimizer.step()
        for parameter, expected in zip(parameters, case["after"].get(str(step), []), strict=False):
            np.testing.assert_allclose(parameter.data, expected, rtol=tolerance, atol=tolerance)
            compared += 1
    assert compared == 4 * len(parameters)


@pytest.mark.parametrize("name", FROZEN["signatures"])
def test_options_and_defaults_are_pytorchs(name: str) -> None:
    _, *options = inspect.signature(getattr(nn, name)).parameters.values()
    ours = [[option.name, option.default] for option in options]
    assert json.loads(json.dumps(ours)) == FROZEN["signatures"][name]


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
        (lambda p: nn.SGD([p], momentum=-0.5), "SGD: got momentum=-0.5"),
        (lambda p: nn.RMSprop([p], alpha=1.5), "RMSprop: got alpha=1.5"),
        (lambda p: nn.Adagrad([p], lr_decay=-1.0), "Adagrad: got lr_decay=-1.0"),
        (lambda p: nn.Lion([p], betas=(-0.1, 0.9)), r"Lion: got betas=\(-0.1, 0.9\)"),
        (lambda p: nn.Adam([{"params": p, "learning_rate": 1}]), "option 'learning_rate'"),
        (lambda p: nn.LBFGS([p], line_search_fn="wolfe"), "expected 'strong_wolfe' or None"),
        (lambda p: nn.LBFGS([p]).step(), r"LBFGS: step\(\) got no closure"),
        (lambda p: nn.LBFGS([{"params": p, "weight_decay": 0.1}]), "change the loss instead"),
        (lambda p: nn.LBFGS([p, nn.Parameter(np.ones(2, np.float32))]), "expected one"),
        (
            lambda p: nn.LBFGS([{"params": p}, {"params": nn.Parameter(np.ones(2))}]),
            "several groups",
        ),
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
        {"params": [number], "lr": lr, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}
        | {"amsgrad": False, "maximize": False}
        for number, lr in ((0, 1e-3), (1, 0.5))
    ]
    assert list(state["state"]) == [0] and state["state"][0]["step"] == 1
    np.testing.assert_allclose(state["state"][0]["exp_avg"], np.full((2, 3), 0.1))
    np.testing.assert_allclose(state["state"][0]["exp_avg_sq"], np.full((2, 3), 0.001))


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (nn.SGD, []),
        (lambda p: nn.SGD(p, momentum=0.9), ["momentum_buffer"]),
        (lambda p: nn.Adam(p, amsgrad=True), ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]),
        (nn.AdamW, ["exp_avg", "exp_avg_sq"]),
        (nn.RMSprop, ["square_avg"]),
        (lambda p: nn.RMSprop(p, momentum=0.5), ["square_avg", "momentum_buffer"]),
        (lambda p: nn.RMSprop(p, centered=True), ["square_avg", "grad_avg"]),
        (nn.Adagrad, ["sum"]),
        (nn.Lion, ["exp_avg"]),
    ],
)
def test_only_state_that_is_used_is_saved(make: Make, names: list[str]) -> None:
    (parameter,) = parameters_like([np.ones(2)])
    optimizer = make([parameter])
    steps(optimizer, [parameter], 2, seed=0)
    state = optimizer.state_dict()
    assert list(state["state"][0]) == ["step", *names]
    other = make(parameters_like([np.ones(2)]))
    other.load_state_dict(state)
    assert repr(other.state_dict()) == repr(state)


def test_state_of_an_option_that_is_on_must_be_there() -> None:
    (parameter,) = parameters_like([np.ones(2)])
    plain = nn.SGD([parameter])
    steps(plain, [parameter], 1, seed=0)
    state = plain.state_dict()
    state["param_groups"][0]["momentum"] = 0.9
    with pytest.raises(StateError, match="no momentum_buffer of parameter 0"):
        nn.SGD(parameters_like([np.ones(2)])).load_state_dict(state)


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


def test_what_is_no_state_changes_nothing() -> None:
    (parameter,) = parameters_like([np.ones(2)])
    optimizer = nn.Adam([parameter])
    saved = optimizer.state_dict()
    with pytest.raises(StateError, match="has no 'param_groups'"):
        optimizer.load_state_dict({"state": {}})
    with pytest.raises(StateError, match=r"groups of \[\] parameters, not \[1\]"):
        optimizer.load_state_dict({"state": {0: {}}, "param_groups": []})
    spoiled = {**saved, "param_groups": [{**saved["param_groups"][0], "lr": float("nan")}]}
    with pytest.raises(OptionError, match="Adam: got lr=nan"):
        optimizer.load_state_dict(spoiled)
    assert repr(optimizer.state_dict()) == repr(saved)


# -- one compiled loop -----------------------------------------------------------------------------

FUSED: list[Callable[..., nn.Optimizer]] = [
    nn.SGD,
    lambda p, **k: nn.SGD(p, momentum=0.9, weight_decay=0.1, **k),
    lambda p, **k: nn.SGD(p, momentum=0.9, dampening=0.5, maximize=True, **k),
    lambda p, **k: nn.SGD(p, momentum=0.9, nesterov=True, **k),
    nn.Momentum,
    lambda p, **k: nn.Momentum(p, beta=0.5, weight_decay=0.1, maximize=True, **k),
    nn.Adam,
    lambda p, **k: nn.Adam(p, weight_decay=0.1, maximize=True, **k),
    lambda p, **k: nn.Adam(p, betas=(0.5, 0.6), amsgrad=True, **k),
    nn.AdamW,
    lambda p, **k: nn.AdamW(p, weight_decay=0.3, amsgrad=True, maximize=True, **k),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", FUSED)
def test_the_compiled_loop_computes_the_same_bits(
    make: Callable[..., nn.Optimizer], dtype: type
) -> None:
    pytest.importorskip("numba")
    trained = []
    for switch in (False, True):
        rng = np.random.default_rng(0)
        parameters = parameters_like([rng.normal(size=(7, 50)), rng.normal(size=33)], dtype)
        optimizer = make(parameters, lr=0.05, fused=switch)
        steps(optimizer, parameters, 5, seed=1)
        parameters[0].grad = None
        optimizer.step()
        state = [a for entry in optimizer.state_dict()["state"].values() for a in entry.values()]
        trained.append([*(parameter.data for parameter in parameters), *state])
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_loop_takes_over_when_compiling_pays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    calls = []
    monkeypatch.setattr(fused, "compiled", lambda loop: lambda *arrays: calls.append(len(calls)))
    monkeypatch.setattr(fused, "PAYS_OFF", 50)
    for dtype, expected in ((np.float32, 2), (np.float16, 0)):
        parameters = parameters_like([np.ones(20)], dtype)
        for choice, count in ((None, expected), (True, 2 * expected), (False, 0)):
            calls.clear()
            steps(nn.Adam(parameters, fused=choice), parameters, 4, seed=0)
            assert len(calls) == count
    calls.clear()
    monkeypatch.setattr(base, "is_available", lambda: False)
    steps(nn.Adam(parameters_like([np.ones(20)])), [], 4, seed=0)
    assert not calls


def test_without_numba_the_loop_is_an_error_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(module: str, extra: str) -> Any:
        raise MissingExtraError(f"{module} is missing, install {extra}")

    fused.compiled.cache_clear()
    monkeypatch.setattr(fused, "require", missing)
    parameters = parameters_like([np.ones(2)])
    with pytest.raises(MissingExtraError, match="numba is missing, install fast"):
        steps(nn.Adam(parameters, fused=True), parameters, 1, seed=0)


# -- closures and L-BFGS ---------------------------------------------------------------------------


def test_step_returns_what_the_closure_does() -> None:
    (x,) = parameters_like([np.array(3.0)])
    optimizer = nn.SGD([x], lr=0.25)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss: Tensor = x * x
        loss.backward()
        return loss

    assert [float(optimizer.step(closure).item()) for _ in range(2)] == [9, 2.25]
    assert optimizer.step() is None


def minimized(
    optimizer: nn.Optimizer, parameters: list[Tensor], seen: list[float]
) -> Callable[[], Tensor]:
    dtype = parameters[0].dtype
    center = np.array(FROZEN["loss"]["center"], dtype)
    matrix = np.array(FROZEN["loss"]["matrix"], dtype)

    def closure() -> Tensor:
        optimizer.zero_grad()
        x: Any = np.concatenate([parameter.reshape(-1) for parameter in parameters])
        loss = ((x - center) ** 2).sum() + 0.1 * ((matrix @ x) ** 4).sum()
        loss.backward()
        seen.append(loss.item())
        return loss

    return closure


@pytest.mark.parametrize("case", FROZEN["lbfgs"], ids=lambda c: f"{c['options']}-{c['dtype']}")
def test_lbfgs_goes_where_pytorch_goes(case: dict[str, Any]) -> None:
    parameters = parameters_like(FROZEN["initial"], case["dtype"])
    optimizer = nn.LBFGS(parameters, **case["options"])
    seen: list[float] = []
    closure = minimized(optimizer, parameters, seen)
    # In low precision a guessed curvature differs more than the numbers it is guessed from.
    tolerance = {"float32": 3e-2, "float64": 1e-9}[case["dtype"]]
    for after in case["after"]:
        assert optimizer.step(closure).item() == pytest.approx(after["loss"], rel=tolerance)
        for parameter, expected in zip(parameters, after["parameters"], strict=True):
            np.testing.assert_allclose(parameter.data, expected, rtol=tolerance, atol=tolerance)
        if case["dtype"] == "float64":
            assert len(seen) == after["evaluations"]
    assert seen[-1] < seen[0]


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_round_trip_continues_bit_for_bit(search: str | None) -> None:
    trained = []
    for interrupted in (False, True):
        parameters = parameters_like(FROZEN["initial"])
        options: Any = {"lr": 0.3, "max_iter": 3, "history_size": 4, "line_search_fn": search}
        optimizer = nn.LBFGS(parameters, **options)
        for _ in range(3):
            optimizer.step(minimized(optimizer, parameters, []))
        if interrupted:
            saved = optimizer.state_dict()
            parameters = parameters_like([parameter.data for parameter in parameters])
            optimizer = nn.LBFGS(parameters)
            optimizer.load_state_dict(saved)
        for _ in range(2):
            optimizer.step(minimized(optimizer, parameters, []))
        trained.append(np.concatenate([parameter.data.ravel() for parameter in parameters]))
    np.testing.assert_array_equal(*trained)


def test_lbfgs_refuses_the_history_of_others() -> None:
    parameters = parameters_like(FROZEN["initial"])
    optimizer = nn.LBFGS(parameters, max_iter=3)
    assert optimizer.state_dict()["state"] == {}
    optimizer.step(minimized(optimizer, parameters, []))
    saved = optimizer.state_dict()
    for spoil, message in (
        (lambda s: s.pop("ys"), "it has no ys"),
        (lambda s: s.update(d=np.ones(3)), r"d of shape \(3,\), not \(..., 12\)"),
    ):
        spoiled = {**saved, "state": {0: dict(saved["state"][0])}}
        spoil(spoiled["state"][0])
        with pytest.raises(StateError, match=message):
            optimizer.load_state_dict(spoiled)
    assert repr(optimizer.state_dict()) == repr(saved)
    fresh = nn.LBFGS(parameters_like(FROZEN["initial"])).state_dict()
    optimizer.load_state_dict(fresh)
    assert optimizer.state_dict()["state"] == {}


def test_lbfgs_solves_what_is_badly_conditioned() -> None:
    (x,) = parameters_like([np.array([-1.2, 1.0])])
    optimizer = nn.LBFGS([x], max_iter=60, max_eval=200, line_search_fn="strong_wolfe")

    def rosenbrock() -> Tensor:
        optimizer.zero_grad()
        loss: Tensor = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
        loss.backward()
        return loss

    optimizer.step(rosenbrock)
    np.testing.assert_allclose(x.data, [1, 1], rtol=1e-4)


def test_lbfgs_leaves_parameters_without_gradient_alone() -> None:
    used, unused = parameters_like([np.ones(2), np.ones(3)])
    optimizer = nn.LBFGS([used, unused], max_iter=3)

    def closure() -> float:
        optimizer.zero_grad()
        loss = (used * used).sum()
        loss.backward()
        return float(loss.item())

    assert optimizer.step(closure) == 2
    assert (unused.data == 1).all() and (abs(used.data) < 0.9).all()


@given(
    st.floats(-3, 3), st.floats(-3, 3), st.floats(0.01, 20), st.integers(0, 9), st.floats(0.1, 5)
)
def test_the_line_search_satisfies_the_strong_wolfe_conditions(
    a: float, b: float, t: float, seed: int, scale: float
) -> None:
    wave = np.random.default_rng(seed).normal(size=3)

    def evaluate(t: float) -> Point:
        # Bounded from below, with many minima.
        loss = 0.1 * (t - 4) ** 2 * scale + a * np.sin(2 * t + wave[0]) + b * np.cos(t + wave[1])
        slope = 0.2 * (t - 4) * scale + 2 * a * np.cos(2 * t + wave[0]) - b * np.sin(t + wave[1])
        return Point(t, float(loss), np.zeros(1), float(slope))

    start = evaluate(0.0)
    if start.slope >= -1e-3:
        return
    counted: list[float] = []

    def counting(t: float) -> Point:
        counted.append(t)
        return evaluate(t)

    point, tried = strong_wolfe(counting, start, t, 1.0, 50)
    assert tried == len(counted)
    assert point.loss <= start.loss + DECREASE * point.t * start.slope
    assert abs(point.slope) <= -CURVATURE * start.slope


def test_the_line_search_steps_back_from_what_is_no_number() -> None:
    def evaluate(t: float) -> Point:
        loss, slope = ((t - 1) ** 2, 2 * (t - 1)) if t < 1.5 else (np.nan, np.nan)
        return Point(t, loss, np.zeros(1), slope)

    point, _ = strong_wolfe(evaluate, evaluate(0.0), 100.0, 1.0, 25)
    assert point.loss < 1
