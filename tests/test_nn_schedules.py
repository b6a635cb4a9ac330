"""Schedules against PyTorch and closed forms, combined, resumed; the learning-rate range finder."""

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
from autograd_core import manual_seed
from nn import schedules
from nn.errors import DivergedError, OptionError, StateError
from nn.lr_finder import LRCurve
from nn.schedules import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

FROZEN = json.loads(Path(__file__).with_name("reference").joinpath("schedules.json").read_text())


def optimizer(*lrs: float, make: Callable[..., nn.Optimizer] = nn.SGD, **options: Any) -> Any:
    return make([{"params": nn.Parameter(1.0), "lr": lr} for lr in lrs or (1.0,)], **options)


def rates(schedule: Any, steps: int) -> list[float]:
    seen = schedule.get_last_lr()[:1]
    for _ in range(steps):
        schedule.step()
        seen += schedule.get_last_lr()[:1]
    return seen


# -- against PyTorch -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    FROZEN["cases"],
    ids=lambda c: (
        f"{c['schedule']}-{c['optimizer'][0]}-{c['options']}-{[p[0] for p in c['parts']]}"
    ),
)
def test_rates_and_momenta_are_pytorchs(case: dict[str, Any]) -> None:
    name, options = case["optimizer"]
    target = optimizer(*FROZEN["lrs"], make=getattr(nn, name), **options)
    parts = [getattr(schedules, part)(target, **settings) for part, settings in case["parts"]]
    made: list[Any] = parts
    if case["schedule"] == "SequentialLR":
        made = [SequentialLR(target, parts, **case["options"])]
    elif case["schedule"] == "ChainedScheduler":
        made = [ChainedScheduler(parts)]
    elif case["schedule"]:
        made = [getattr(schedules, case["schedule"])(target, **case["options"])]

    def settings() -> list[list[float]]:
        return [
            [group["lr"], group["betas"][0] if "betas" in group else group["momentum"]]
            for group in target.param_groups
        ]

    metrics = iter(FROZEN["metrics"])
    seen = [settings()]
    for _ in range(len(case["seen"]) - 1):
        for schedule in made:
            schedule.step(*([next(metrics)] if case["schedule"] == "ReduceLROnPlateau" else []))
        seen.append(settings())
    np.testing.assert_allclose(seen, case["seen"], rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("name", FROZEN["signatures"])
def test_options_and_defaults_are_pytorchs(name: str) -> None:
    ours = [
        [option.name, None if option.default is option.empty else option.default]
        for option in inspect.signature(getattr(schedules, name)).parameters.values()
    ]
    theirs = FROZEN["signatures"][name]
    assert ours[: len(theirs)] == theirs


# -- closed forms ----------------------------------------------------------------------------------


def test_lambdas_are_per_group_and_factors_of_the_first_rate() -> None:
    target = optimizer(1.0, 2.0)
    schedule = LambdaLR(target, [lambda t: 0.5**t, lambda t: 1 / (1 + t)])
    for t in range(5):
        assert schedule.get_last_lr() == [0.5**t, 2 / (1 + t)]
        schedule.step()


def test_ends_are_exact() -> None:
    for make in (
        lambda o: CosineAnnealingLR(o, 5, eta_min=0.03),
        lambda o: LinearLR(o, 1.0, 0.3, total_iters=5),
    ):
        seen = rates(make(optimizer(0.1)), 5)
        assert seen[0] == 0.1 and seen[-1] == pytest.approx(0.03, rel=1e-15)


def test_warm_restarts_can_be_stepped_within_epochs() -> None:
    schedule = CosineAnnealingWarmRestarts(optimizer(), T_0=2, T_mult=2)
    for epoch, share in ((0.5, 0.25), (1.5, 0.75), (2.0, 0), (4.0, 0.5), (5.99, 3.99 / 4), (6, 0)):
        schedule.step(epoch)
        assert schedule.get_last_lr()[0] == pytest.approx((1 + np.cos(np.pi * share)) / 2)


@given(st.integers(1, 60), st.floats(0, 1), st.booleans(), st.sampled_from(["cos", "linear"]))
def test_one_cycle_rises_falls_and_ends_where_it_should(
    steps: int, rise: float, three: bool, anneal: Any
) -> None:
    target = optimizer(momentum=0.9)
    schedule = OneCycleLR(
        target, 1.0, steps, pct_start=rise, anneal_strategy=anneal, three_phase=three
    )
    seen, momenta = schedule.get_last_lr(), [target.param_groups[0]["momentum"]]
    for _ in range(steps):
        schedule.step()
        seen += schedule.get_last_lr()
        momenta.append(target.param_groups[0]["momentum"])
    assert max(seen) <= 1 + 1e-12 and min(seen) >= 1 / 25 / 1e4 * (1 - 1e-12)
    assert min(momenta) >= 0.85 - 1e-12 and max(momenta) <= 0.95 + 1e-12
    peak = int(np.argmax(seen))
    assert (np.diff(seen[: peak + 1]) >= -1e-12).all() and (np.diff(seen[peak:]) <= 1e-12).all()
    assert seen[-1] == seen[-2]  # the last step has no batch to follow
    with pytest.raises(OptionError, match=f"got step {steps + 1} of {steps}"):
        schedule.step()


def test_one_cycle_moves_the_momentum_of_every_optimizer_that_has_one() -> None:
    moving = optimizer(make=nn.Momentum)
    OneCycleLR(moving, 1.0, 10)
    assert moving.param_groups[0]["beta"] == 0.95
    adam = optimizer(make=nn.AdamW)
    OneCycleLR(adam, 1.0, 10)
    assert adam.param_groups[0]["betas"] == (0.95, 0.999)
    with pytest.raises(OptionError, match="Adagrad has no momentum to cycle"):
        OneCycleLR(optimizer(make=nn.Adagrad), 1.0, 10)
    OneCycleLR(optimizer(make=nn.Adagrad), 1.0, 10, cycle_momentum=False)


def test_plateau_lowers_after_patience_and_no_lower_than_allowed() -> None:
    target = optimizer(1.0, 0.2)
    schedule = ReduceLROnPlateau(target, factor=0.5, patience=1, min_lr=[0.3, 0.0])
    seen = []
    for loss in (3.0, 2.0, np.nan, 2.0, 2.5, 1.0, 1.5, 1.5, 1.5, 1.5):
        schedule.step(loss)
        seen.append(schedule.get_last_lr()[0])
    assert seen == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3]
    assert schedule.get_last_lr()[1] == pytest.approx(0.2 / 8)


# -- several at once -------------------------------------------------------------------------------


@given(st.integers(1, 9), st.floats(0.5, 0.99), st.permutations(["step", "exponential", "lambda"]))
def test_schedules_of_one_optimizer_multiply_in_any_order(
    size: int, gamma: float, order: list[str]
) -> None:
    make: dict[str, Callable[[Any], LRScheduler]] = {
        "step": lambda o: StepLR(o, size, gamma=0.5),
        "exponential": lambda o: ExponentialLR(o, gamma),
        "lambda": lambda o: LambdaLR(o, lambda t: 1 / (1 + t)),
    }
    apart = optimizer(0.3)
    parts = [make[name](apart) for name in order]
    target = optimizer(0.3)
    together = ChainedScheduler([make[name](target) for name in order])
    for t in range(12):
        expected = 0.3 * 0.5 ** (t // size) * gamma**t / (1 + t)
        assert apart.param_groups[0]["lr"] == pytest.approx(expected)
        assert together.get_last_lr()[0] == pytest.approx(expected)
        for part in parts:
            part.step()
        together.step()


def test_a_rate_changed_by_hand_stays_changed() -> None:
    target = optimizer(1.0)
    schedule = ExponentialLR(target, 0.5)
    schedule.step()
    target.param_groups[0]["lr"] *= 10
    schedule.step()
    assert schedule.get_last_lr() == [2.5]


def test_rates_come_back_from_zero() -> None:
    schedule = CosineAnnealingLR(optimizer(), T_max=3)
    assert rates(schedule, 6)[-1] == pytest.approx(1)
    assert rates(LambdaLR(optimizer(), lambda t: float(t % 2)), 3) == [0, 1, 0, 1]


def test_combinations_of_combinations() -> None:
    target = optimizer(1.0)
    warm = LinearLR(target, 0.5, total_iters=2)
    both = ChainedScheduler([ExponentialLR(target, 0.5), ConstantLR(target, 0.1, total_iters=1)])
    schedule = SequentialLR(target, [warm, both, StepLR(target, 1)], milestones=[2, 4])
    assert rates(schedule, 5) == pytest.approx([0.5, 0.75, 0.1, 0.5, 1, 0.1])


def test_sequences_carry_momenta() -> None:
    target = optimizer(1.0, momentum=0.5)
    parts = [ConstantLR(target, 0.5, total_iters=9), OneCycleLR(target, 1.0, 10)]
    schedule = SequentialLR(target, parts, milestones=[3])
    for _ in range(3):
        schedule.step()
    assert target.param_groups[0]["momentum"] == 0.95
    chained = ChainedScheduler([OneCycleLR(optimizer(momentum=0.5), 1.0, 10)])
    chained.step()
    assert chained.optimizer.param_groups[0]["momentum"] < 0.95


# -- resuming --------------------------------------------------------------------------------------

MAKERS: dict[str, Callable[[Any], LRScheduler]] = {
    "lambda": lambda o: LambdaLR(o, lambda t: 1 / (1 + t)),
    "step": lambda o: StepLR(o, 2, 0.3),
    "multi-step": lambda o: MultiStepLR(o, [2, 5], 0.3),
    "exponential": lambda o: ExponentialLR(o, 0.7),
    "constant": lambda o: ConstantLR(o, 0.3, 4),
    "linear": lambda o: LinearLR(o, 0.1, total_iters=6),
    "cosine": lambda o: CosineAnnealingLR(o, 5, 0.01),
    "restarts": lambda o: CosineAnnealingWarmRestarts(o, 2, 2),
    "one cycle": lambda o: OneCycleLR(o, 1.0, 12),
    "chained": lambda o: ChainedScheduler([StepLR(o, 2, 0.3), LinearLR(o, 0.1)]),
    "sequential": lambda o: SequentialLR(o, [LinearLR(o, 0.1), ExponentialLR(o, 0.7)], [4]),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_resumed_schedule_goes_on_bit_for_bit(name: str) -> None:
    target = optimizer(0.1, 0.3, momentum=0.9)
    schedule = MAKERS[name](target)
    rates(schedule, 4)
    states = json.loads(json.dumps([schedule.state_dict(), target.state_dict()["param_groups"]]))
    expected = [(schedule.step(), schedule.get_last_lr(), momenta(target)) for _ in range(6)]

    other = optimizer(0.1, 0.3, momentum=0.9)
    resumed = MAKERS[name](other)
    other.load_state_dict({"state": {}, "param_groups": states[1]})
    resumed.load_state_dict(states[0])
    assert [(resumed.step(), resumed.get_last_lr(), momenta(other)) for _ in range(6)] == expected


def momenta(target: nn.Optimizer) -> list[float]:
    return [group["momentum"] for group in target.param_groups]


def test_last_epoch_goes_on_from_a_loaded_optimizer() -> None:
    target = optimizer(0.1)
    seen = rates(CosineAnnealingLR(target, 7), 6)
    other = optimizer(0.5)
    state = target.state_dict()
    state["param_groups"][0]["lr"] = seen[3]
    other.load_state_dict(state)
    assert rates(CosineAnnealingLR(other, 7, last_epoch=3), 2) == seen[4:7]
    with pytest.raises(OptionError, match="was not scheduled before"):
        CosineAnnealingLR(optimizer(0.5), 7, last_epoch=3)


def test_a_resumed_plateau_goes_on() -> None:
    metrics = [3, 2, 2, 2, 2, 1, 1, 1, 1]
    target = optimizer()
    schedule = ReduceLROnPlateau(target, patience=1, cooldown=1)
    for metric in metrics[:4]:
        schedule.step(metric)
    other = optimizer(target.param_groups[0]["lr"])
    resumed = ReduceLROnPlateau(other, patience=1, cooldown=1)
    resumed.load_state_dict(schedule.state_dict())
    for metric in metrics[4:]:
        schedule.step(metric)
        resumed.step(metric)
        assert schedule.get_last_lr() == resumed.get_last_lr()
    with pytest.raises(StateError, match="it has no best, num_bad_epochs"):
        resumed.load_state_dict({"last_epoch": 3, "cooldown_counter": 0})


def test_states_that_do_not_fit() -> None:
    schedule = StepLR(optimizer(1.0, 2.0), 2)
    with pytest.raises(StateError, match=r"this StepLR; it has no base_lrs"):
        schedule.load_state_dict({"last_epoch": 4})
    with pytest.raises(StateError, match=r"it is of 1 groups of parameters, not 2"):
        schedule.load_state_dict(StepLR(optimizer(), 2).state_dict())
    assert schedule.last_epoch == 0


# -- what means nothing ----------------------------------------------------------------------------


def bad_options() -> Iterator[tuple[Callable[[Any], Any], str]]:
    yield lambda o: StepLR(o, 0), "StepLR: got step_size=0"
    yield lambda o: ConstantLR(o, 1.5), r"ConstantLR: got factor=1\.5"
    yield lambda o: LinearLR(o, 0.0), r"LinearLR: got start_factor=0\.0"
    yield lambda o: LinearLR(o, end_factor=2), "LinearLR: got end_factor=2"
    yield lambda o: LinearLR(o, total_iters=0), "LinearLR: got total_iters=0"
    yield lambda o: CosineAnnealingLR(o, 0), "got T_max=0"
    yield lambda o: CosineAnnealingWarmRestarts(o, 0), "got T_0=0"
    yield lambda o: CosineAnnealingWarmRestarts(o, 3, 0.5), r"got T_mult=0\.5"
    yield lambda o: OneCycleLR(o, 1.0), "got total_steps=0; expected a positive number, or epochs"
    yield lambda o: OneCycleLR(o, 1.0, 9, pct_start=2), "got pct_start=2"
    yield lambda o: OneCycleLR(o, 1.0, 9, anneal_strategy="up"), "'cos' or 'linear'"
    yield lambda o: OneCycleLR(o, [1.0, 2.0], 9), "expected one number, or 1, one for each group"
    yield lambda o: LambdaLR(o, [abs, abs]), "LambdaLR: .* one function, or 1"
    yield lambda o: ReduceLROnPlateau(o, "least"), "got mode='least'"
    yield lambda o: ReduceLROnPlateau(o, factor=1.0), r"got factor=1\.0"
    yield lambda o: ReduceLROnPlateau(o, threshold_mode="no"), "'rel' or 'abs'"
    yield lambda o: ChainedScheduler([]), "ChainedScheduler: got no schedules"
    yield lambda o: ChainedScheduler([StepLR(o, 1), StepLR(optimizer(), 1)]), "of one optimizer"
    yield lambda o: ChainedScheduler([ReduceLROnPlateau(o)]), "nothing but the epoch"
    yield lambda o: SequentialLR(o, [StepLR(o, 1), StepLR(o, 2)], [3, 5]), "one fewer than the 2"
    yield lambda o: SequentialLR(o, [StepLR(o, 1)] * 3, [5, 3]), "rising epochs"
    yield lambda o: StepLR(nn.Linear(1, 1), 2), "got Linear to schedule; expected an optimizer"


@pytest.mark.parametrize(("make", "message"), list(bad_options()))
def test_options_that_mean_nothing(make: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make(optimizer(momentum=0.5))


# -- the learning-rate range finder ----------------------------------------------------------------


def problem(seed: int = 0) -> tuple[nn.Module, nn.Optimizer, nn.DataLoader]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(64, 3))
    model = nn.Sequential(nn.Linear(3, 8, rng=rng, dtype=np.float64), nn.Tanh(), nn.Dropout(0.1))
    model.head = nn.Linear(8, 1, rng=rng, dtype=np.float64)
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loader = nn.DataLoader(x, x.sum(axis=1, keepdims=True), batch_size=16, shuffle=True)
    return model, optimizer, loader


def train(model: nn.Module, optimizer: nn.Optimizer, loader: nn.DataLoader) -> None:
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()


def test_the_finder_leaves_no_trace() -> None:
    states = []
    for search in (False, True):
        manual_seed(1)
        model, optimizer, loader = problem()
        train(model, optimizer, loader)
        if search:
            nn.lr_find(model, loader, loss=nn.functional.mse_loss, optimizer=optimizer)
            assert all(parameter.grad is None for parameter in model.parameters())
            assert all(module.training for module in model.modules())
            assert optimizer.param_groups[0]["lr"] == 0.1
        train(model, optimizer, loader)
        states.append(model.state_dict())
    for name, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][name])


def test_the_finder_suggests_a_rate_that_trains() -> None:
    model, optimizer, loader = problem()
    curve = nn.lr_find(model, loader, loss=nn.functional.mse_loss, optimizer=optimizer, high=100.0)
    assert 1e-3 < curve.suggestion < 1
    assert len(curve.rates) == len(curve.losses) == len(curve.smoothed) < 100
    ratios = np.array(curve.rates[1:]) / curve.rates[:-1]
    np.testing.assert_allclose(ratios, (100 / 1e-7) ** (1 / 99))
    assert curve.smoothed[0] == curve.losses[0]
    optimizer.param_groups[0]["lr"] = curve.suggestion
    before = nn.evaluate(model, loader, loss=nn.functional.mse_loss)["loss"]
    for _ in range(5):
        train(model, optimizer, loader)
    assert nn.evaluate(model, loader, loss=nn.functional.mse_loss)["loss"] < before / 2


def test_the_suggestion_is_the_steepest_descent_before_the_lowest_loss() -> None:
    smoothed = [5.0, 4.9, 4.0, 1.0, 0.5, 0.4, 3.0, 0.5]
    curve = LRCurve([10.0**k for k in range(8)], smoothed, smoothed)
    assert curve.suggestion == 100
    assert LRCurve([0.1, 0.2], [1.0, 0.5], [1.0, 0.5]).suggestion == 0.2


def test_the_finder_keeps_the_ratios_of_groups() -> None:
    a, b = nn.Parameter(np.ones(1)), nn.Parameter(np.ones(1))
    optimizer = nn.SGD([{"params": a, "lr": 0.1}, {"params": b, "lr": 0.02}])

    class Sum(nn.Module):
        def __init__(self) -> None:
            self.a, self.b = a, b

        def forward(self, x: Any) -> Any:
            return self.a * x + self.b

    seen = []

    def loss(output: Any, y: Any) -> Any:
        seen.append([group["lr"] for group in optimizer.param_groups])
        return nn.functional.mse_loss(output, y)

    nn.lr_find(Sum(), [(np.ones(1), np.ones(1))], loss=loss, optimizer=optimizer, steps=5)
    np.testing.assert_allclose([low / high for high, low in seen], 0.2)


def test_searches_that_cannot_be() -> None:
    model, optimizer, loader = problem()
    find: Any = lambda **options: nn.lr_find(  # noqa: E731
        model,
        options.pop("batches", loader),
        loss=options.pop("loss", nn.functional.mse_loss),
        optimizer=optimizer,
        **options,
    )
    before = model.state_dict()
    for options in ({"low": 0.0}, {"low": 2.0, "high": 1.0}, {"steps": 1}, {"smoothing": 1.0}):
        with pytest.raises(OptionError, match="expected 0 < low < high"):
            find(**options)
    with pytest.raises(OptionError, match="got no batches in pass 1"):
        find(batches=[])
    with pytest.raises(OptionError, match="got no batches in pass 2"):
        find(batches=iter([(np.ones((1, 3)), np.ones((1, 1)))]))
    with pytest.raises(DivergedError, match="after 0 steps at the learning rate 1e-07"):
        find(loss=lambda output, y: nn.functional.mse_loss(output, y) * np.nan)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
