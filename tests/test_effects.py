"""What changes state, inside compiled functions: at its place in every run, or a clear refusal."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import Tensor, checkpoint, compile
from autograd_core.effects import effect, untraced
from autograd_core.errors import TraceError

Make = Callable[[Callable[..., Any]], Callable[[], Any]]
X = np.random.default_rng(0).normal(size=(8, 5))


def same(make: Make, runs: int = 4) -> None:
    """What ``make`` returns gives the same bits, run after run, whether its step is compiled."""
    found = []
    for compiled in (False, True):
        ag.manual_seed(3)
        run = make(lambda step: compile(step, fuse=False) if compiled else step)  # noqa: B023
        found.append([run() for _ in range(runs)])
    np.testing.assert_equal(found[1], found[0])


def parts() -> tuple[nn.Module, nn.Optimizer]:
    model = nn.MLP([5, 4, 1], "tanh", seed=0, dtype=np.float64)
    return model, nn.SGD(model.parameters(), lr=0.1, momentum=0.9)


def learn(model: nn.Module, optimizer: nn.Optimizer) -> Any:
    optimizer.zero_grad()
    loss = (model(X) ** 2).mean()
    loss.backward()
    return loss


SCHEDULES: dict[str, Callable[[nn.Optimizer], Any]] = {
    "step": lambda optimizer: nn.StepLR(optimizer, 2),
    "cosine": lambda optimizer: nn.CosineAnnealingLR(optimizer, 5),
    "sequential": lambda optimizer: nn.SequentialLR(
        optimizer, [nn.LinearLR(optimizer), nn.ExponentialLR(optimizer, 0.5)], [2]
    ),
    "one cycle": lambda optimizer: nn.OneCycleLR(optimizer, 0.5, total_steps=6),
    "plateau": lambda optimizer: nn.ReduceLROnPlateau(optimizer, patience=0, threshold=0.3),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_step_in_every_run(name: str) -> None:
    def make(through: Any) -> Any:
        model, optimizer = parts()
        schedule = SCHEDULES[name](optimizer)

        def step() -> Any:
            loss = learn(model, optimizer)
            optimizer.step()
            schedule.step(*[loss.detach()] * (name == "plateau"))
            return loss

        run = through(step)
        return lambda: (run().item(), schedule.get_last_lr(), model.state_dict())

    same(make)


def test_states_are_loaded_in_every_run() -> None:
    def make(through: Any) -> Any:
        model, optimizer = parts()
        schedule = nn.StepLR(optimizer, 1)
        states = model.state_dict(), optimizer.state_dict(), schedule.state_dict()

        def restart() -> None:
            model.load_state_dict(states[0])
            optimizer.load_state_dict(states[1])
            schedule.load_state_dict(states[2])

        run = through(restart)

        def go() -> Any:
            for _ in range(2):
                learn(model, optimizer)
                optimizer.step()
                schedule.step()
            run()
            return model.state_dict(), optimizer.state_dict(), schedule.state_dict()

        return go

    same(make)


def test_a_moving_average_of_the_weights() -> None:
    def make(through: Any) -> Any:
        model, optimizer = parts()
        average, _ = parts()

        def step() -> None:
            learn(model, optimizer)
            optimizer.step()
            for mean, new in zip(average.parameters(), model.parameters(), strict=True):
                mean.assign(0.9 * mean.data + 0.1 * new.data)

        run = through(step)
        return lambda: (run(), average.state_dict())

    same(make)


@pytest.mark.parametrize("momentum", [None, 0.1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_running_statistics_of_all_batches(momentum: float | None, dtype: Any) -> None:
    def make(through: Any) -> Any:
        norm = nn.BatchNorm1d(5, momentum=momentum, dtype=dtype)
        rng = np.random.default_rng(0)
        run = through(norm)
        return lambda: (run(rng.normal(size=(4, 5)).astype(dtype)).data, norm.state_dict())

    same(make)


def test_the_closure_of_an_optimizer_is_part_of_the_step() -> None:
    def make(through: Any) -> Any:
        model, optimizer = parts()
        run = through(lambda: optimizer.step(lambda: learn(model, optimizer)))
        return lambda: (run().item(), model.state_dict())

    same(make)


def test_the_closure_of_lbfgs_can_be_compiled() -> None:
    def make(through: Any) -> Any:
        model, _ = parts()
        optimizer = nn.LBFGS(model.parameters(), max_iter=3, line_search_fn="strong_wolfe")
        run = through(lambda: learn(model, optimizer))
        return lambda: (optimizer.step(run).item(), model.state_dict())

    same(make)


@pytest.mark.parametrize("nested", [False, True])
def test_checkpoints_draw_what_they_drew(nested: bool) -> None:
    def make(through: Any) -> Any:
        model, optimizer = parts()
        drop = nn.Dropout(0.5)

        def layer(x: Any) -> Any:
            return drop(np.tanh(drop(x)))

        inner = checkpoint(layer) if nested else layer
        recomputed = checkpoint(lambda x: (model(drop(inner(drop(x)))) ** 2).mean())

        def step() -> Any:
            optimizer.zero_grad()
            loss = recomputed(drop(Tensor(X)))
            loss.backward()
            optimizer.step()
            return loss

        run = through(step)
        return lambda: (run().item(), model.state_dict())

    same(make)


def test_seeds_are_set_in_every_run() -> None:
    def make(through: Any) -> Any:
        drop = nn.Dropout(0.5)

        def step() -> Any:
            before = drop(X)
            ag.manual_seed(4)
            return before, drop(X)

        return through(step)

    same(make)


def test_gradients_that_are_assigned() -> None:
    def make(through: Any) -> Any:
        model, optimizer = parts()
        first, *others = model.parameters()

        def step() -> Any:
            loss = learn(model, optimizer)
            first.grad = np.ones(first.shape)
            for parameter in others:
                parameter.grad = 0.5 * parameter.grad  # type: ignore[operator]
            (first.sum() * 3).backward()
            optimizer.step()
            return loss

        run = through(step)
        return lambda: (run().item(), model.state_dict(), [p.grad for p in model.parameters()])

    same(make)


def test_modes_that_change_inside() -> None:
    def make(through: Any) -> Any:
        model = nn.Sequential(nn.Linear(5, 3, rng=np.random.default_rng(0)), nn.Dropout(0.5))

        def step() -> Any:
            quiet = model.eval()(X).data
            return quiet, model.train()(X).data

        run = through(step)
        return lambda: (run(), model.training)

    same(make)


# -- what is refused -------------------------------------------------------------------------------


def clipped_without_a_buffer() -> None:
    x = Tensor(np.ones(3), requires_grad=True)
    (x * x).sum().backward()
    nn.clip_grad_norm_([x], 1.0)


OPTIMIZER = parts()[1]
SCHEDULE = nn.StepLR(OPTIMIZER, 2)
LBFGS = nn.LBFGS(parts()[0].parameters())


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: LBFGS.step(lambda: 0.0), "compile the closure instead"),
        (OPTIMIZER.state_dict, "Optimizer.state_dict in a compiled function"),
        (lambda: OPTIMIZER.add_param_group({"params": []}), "outside"),
        (lambda: OPTIMIZER.param_groups[0].__setitem__("lr", 0.3), "'lr'. is set"),
        (SCHEDULE.get_last_lr, "read it outside"),
        (SCHEDULE.state_dict, "copy states outside"),
        (parts, "parameters move into a flat buffer"),
        (clipped_without_a_buffer, "parameters move into a flat buffer"),
        (untraced("do something else")(lambda: 0), "do something else"),
    ],
)
def test_what_a_program_could_not_repeat_says_so(function: Any, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        compile(function)()


def test_parameters_are_not_frozen_inside() -> None:
    model, _ = parts()

    def step(x: Any) -> Any:
        before = model(x)
        model.requires_grad_(False)
        return before + model(x)

    with pytest.raises(TraceError, match="freeze parameters"):
        compile(step)(X)


def test_effects_of_ones_own() -> None:
    seen: list[Any] = []

    @effect(like=np.float64(0))
    def note(value: Any) -> Any:
        seen.append(value)
        return np.float64(len(seen))

    run = compile(lambda x: note(x * 2) * 10)
    assert [float(run(np.array(float(k)))) for k in range(4)] == [10, 20, 30, 40]
    assert [float(value) for value in seen] == [0, 2, 4, 6]
