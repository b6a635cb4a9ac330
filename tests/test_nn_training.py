"""The training loop: histories, validation, divergence, and ranks played by a strategy."""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import nn
from nn import functional as F
from nn import metrics
from nn.callbacks import Callback, Progress
from nn.errors import DivergedError, OptionError
from nn.training import fit


def line(n: int = 64, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    x = np.linspace(-1, 1, n, dtype=dtype).reshape(-1, 1)
    return x, 2 * x + 1


@dataclass
class Recorder(Callback):
    """Writes down what it is told."""

    events: list[str] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    stop_after: int = 10**9

    def on_start(self, progress: Progress) -> None:
        self.events.append("start")

    def on_step(self, progress: Progress) -> None:
        self.events.append(f"step {progress.step}")
        self.losses.append(progress.loss)

    def on_epoch(self, progress: Progress) -> None:
        self.events.append(f"epoch {progress.epoch}")
        progress.stop = progress.epoch >= self.stop_after

    def on_end(self, progress: Progress) -> None:
        self.events.append("end")


def run(**options: Any) -> tuple[nn.Module, nn.History]:
    x, y = line()
    model = nn.MLP([1, 8, 1], "tanh", seed=0, dtype=np.float64)
    settings: dict[str, Any] = {"epochs": 3, "optimizer": nn.Adam(model.parameters(), lr=0.01)}
    loader = nn.DataLoader(x, y, batch_size=20, shuffle=True, seed=0)
    return model, fit(model, loader, loss=F.mse_loss, **settings | options)


def test_fit_is_the_loop_one_would_write() -> None:
    model, history = run()
    x, y = line()
    other = nn.MLP([1, 8, 1], "tanh", seed=0, dtype=np.float64)
    optimizer = nn.Adam(other.parameters(), lr=0.01)
    loader = nn.DataLoader(x, y, batch_size=20, shuffle=True, seed=0)
    losses = []
    for _ in range(3):
        total = 0.0
        for inputs, targets in loader:
            loss = F.mse_loss(other(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(inputs)
        losses.append(total / 64)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-14)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, other.state_dict()[name])


def test_history_and_its_csv() -> None:
    x, y = line(10)
    _, history = run(validation=nn.DataLoader(x, y, batch_size=4), metrics=[metrics.r2])
    assert len(history) == 3 and history.columns == ["epoch", "loss", "val_loss", "val_r2"]
    heading, *lines = history.to_csv().splitlines()
    assert heading == "epoch,loss,val_loss,val_r2"
    for row, text in zip(history.rows, lines, strict=True):
        assert [float(cell) for cell in text.split(",")] == list(row.values())


def test_validation_is_exact_for_uneven_batches_and_leaves_the_mode() -> None:
    x, y = line(10)
    model = nn.MLP([1, 8, 1], "tanh", seed=0, dtype=np.float64)
    found = nn.evaluate(
        model, nn.DataLoader(x, y, batch_size=4), loss=F.mse_loss, metrics=[metrics.r2]
    )
    assert found["loss"] == pytest.approx(np.mean((model(x).data - y) ** 2), rel=1e-14)
    residual = ((model(x).data - y) ** 2).sum()
    assert found["r2"] == pytest.approx(1 - residual / ((y - y.mean()) ** 2).sum())
    assert all(module.training for module in model.modules())
    nn.evaluate(model.eval(), nn.DataLoader(x, y), loss=F.mse_loss)
    model.train()[1].eval()
    nn.evaluate(model, nn.DataLoader(x, y), loss=F.mse_loss)
    assert [module.training for module in model] == [True, False, True]
    assert all(p.grad is None for p in model.parameters())


def test_callbacks_hear_everything_and_can_stop() -> None:
    recorder = Recorder(stop_after=2)
    _, history = run(callbacks=[recorder], epochs=5)
    steps = [f"step {k}" for k in range(1, 9)]
    assert recorder.events == ["start", *steps[:4], "epoch 1", *steps[4:], "epoch 2", "end"]
    assert len(history) == 2
    weights = [20, 20, 20, 4]
    assert history["loss"][0] == pytest.approx(np.average(recorder.losses[:4], weights=weights))


# -- ranks -----------------------------------------------------------------------------------------


class OneOf:
    """A strategy that notes the sums of its shard, and makes up those of the others."""

    is_main = False

    def __init__(self, shard: tuple[int, int]) -> None:
        self.shard = shard
        self.seen: list[np.ndarray] = []

    def prepare(self, model: nn.Module, optimizer: nn.Optimizer) -> nn.Module:
        return model

    def reduce_sum(self, values: np.ndarray) -> np.ndarray:
        self.seen.append(values)
        return np.ones_like(values)


def test_shards_add_up_to_the_whole() -> None:
    x, y = line(11)
    model = nn.MLP([1, 4, 1], seed=0, dtype=np.float64)
    loader = nn.DataLoader(x, y, batch_size=5)
    whole = OneOf((0, 1))
    nn.evaluate(model, loader, loss=F.mse_loss, metrics=[metrics.r2], strategy=whole)
    for size in (2, 3, 7):
        parts = [OneOf((rank, size)) for rank in range(size)]
        for part in parts:
            nn.evaluate(model, loader, loss=F.mse_loss, metrics=[metrics.r2], strategy=part)
        for k, total in enumerate(whole.seen):
            np.testing.assert_allclose(sum(part.seen[k] for part in parts), total, rtol=1e-13)


# -- divergence ------------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops_before_the_step() -> None:
    x, y = line(8)
    x[5] = np.inf
    model = nn.Linear(1, 1, dtype=np.float64, rng=np.random.default_rng(0))
    before = model.state_dict()
    recorder = Recorder()
    with pytest.raises(DivergedError) as caught:
        fit(
            model,
            nn.DataLoader(x, y, batch_size=2),
            loss=F.mse_loss,
            optimizer=nn.SGD(model.parameters(), lr=0.0),
            epochs=1,
            callbacks=[recorder],
        )
    assert "diverged at step 3 (epoch 1) with loss inf" in str(caught.value)
    assert "the first gradient that is not finite is that of weight" in str(caught.value)
    assert recorder.events[-1] == "end"
    assert all((array == before[name]).all() for name, array in model.state_dict().items())


def test_divergence_names_the_parameter_that_went_first() -> None:
    x, y = line()
    model = nn.MLP([1, 4, 1], "tanh", seed=0)
    model[2].bias.data[0] = np.nan
    with pytest.raises(DivergedError, match=r"the first parameter that is not finite is 2\.bias"):
        fit(
            model,
            nn.DataLoader(x, y),
            loss=F.mse_loss,
            optimizer=nn.SGD(model.parameters()),
            epochs=1,
        )


def test_a_learning_rate_far_too_high_is_reported_and_the_model_stays_finite() -> None:
    x, y = line(dtype=np.float32)
    model = nn.MLP([1, 8, 1], "relu", seed=0)
    with pytest.raises(DivergedError, match="lower the learning rate"):
        fit(
            model,
            nn.DataLoader(x, y, batch_size=8),
            loss=F.mse_loss,
            optimizer=nn.SGD(model.parameters(), lr=1e6),
            epochs=50,
        )
    assert all(np.isfinite(array).all() for array in model.state_dict().values())


# -- callbacks that step in ------------------------------------------------------------------------


def progress_with(model: nn.Module, losses: list[float]) -> Progress:
    return Progress(
        model,
        nn.SGD(model.parameters()),
        99,
        1,
        history=nn.History([{"epoch": k, "val_loss": loss} for k, loss in enumerate(losses, 1)]),
    )


@pytest.mark.parametrize(
    ("losses", "options", "stops_after"),
    [
        ([3, 2, 1, 2, 2, 2], {"patience": 2}, 5),
        ([3, 2, 1, 2, 0.5, 2, 2, 2], {"patience": 3}, 8),
        ([3, 2.95, 2.9, 2.85], {"patience": 2, "min_delta": 0.1}, 3),
        ([1, 2, 3, 2, 1], {"patience": 2, "mode": "max"}, 5),
        ([np.nan, np.nan, 1], {"patience": 2}, 2),
        ([5, 4, 3], {"patience": 1}, None),
    ],
)
def test_early_stopping(losses: list[float], options: dict[str, Any], stops_after: int) -> None:
    stopping = nn.EarlyStopping(**options)
    model = nn.Linear(1, 1)
    for epoch in range(1, len(losses) + 1):
        progress = progress_with(model, losses[:epoch])
        stopping.on_epoch(progress)
        assert progress.stop == (epoch == stops_after)
        if progress.stop:
            return
    assert stops_after is None


def test_the_best_weights_come_back() -> None:
    best: dict[str, Any] = {}

    class Noise(Callback):
        def on_epoch(self, progress: Progress) -> None:
            if progress.epoch == 3:
                best.update(progress.model.state_dict())
            if progress.epoch >= 3:
                for parameter in progress.model.parameters():
                    parameter.data += 1.0

    x, y = line(20)
    keeper = nn.BestWeights()
    model, history = run(
        epochs=6, validation=nn.DataLoader(x, y), callbacks=[keeper, Noise(), nn.EarlyStopping()]
    )
    assert int(np.argmin(history["val_loss"])) == 2
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, best[name])
        np.testing.assert_array_equal(keeper.weights[name], array)


def test_a_schedule_steps_as_often_as_it_is_told_to() -> None:
    class Count:
        def __init__(self) -> None:
            self.seen: list[Any] = []

        def step(self, *values: Any) -> None:
            self.seen.append(values)

        def state_dict(self) -> dict[str, Any]:
            return {}

        def load_state_dict(self, state: Any) -> None:
            pass

    epochs, steps, watching = Count(), Count(), Count()
    _, history = run(
        callbacks=[
            nn.Scheduled(epochs),
            nn.Scheduled(steps, "step"),
            nn.Scheduled(watching, monitor="loss"),
        ]
    )
    assert (len(epochs.seen), len(steps.seen)) == (3, 12)
    assert watching.seen == [(loss,) for loss in history["loss"]]


def test_gradients_can_be_changed_before_the_step() -> None:
    class Freeze(Callback):
        def on_gradients(self, progress: Progress) -> None:
            for parameter in progress.model.parameters():
                assert np.isfinite(parameter.grad).all()
                parameter.grad = np.zeros(parameter.shape)

    model, _ = run(callbacks=[Freeze()])
    for name, array in nn.MLP([1, 8, 1], "tanh", seed=0, dtype=np.float64).state_dict().items():
        np.testing.assert_array_equal(model.state_dict()[name], array)


def test_gradients_are_clipped_before_the_step() -> None:
    norms: list[float] = []

    class Norm(Callback):
        def on_gradients(self, progress: Progress) -> None:
            norms.append(nn.grad_norm(progress.model.parameters()))

    run(callbacks=[Norm()])
    largest, norms[:] = max(norms), []
    run(callbacks=[nn.ClipGradients(largest / 9), Norm()])
    assert max(norms) <= largest / 9 < largest
    seen: list[float] = []

    class Largest(Callback):
        def on_gradients(self, progress: Progress) -> None:
            seen.append(max(np.abs(p.grad).max() for p in progress.model.parameters()))

    run(callbacks=[nn.ClipGradients(max_value=1e-3), Largest()])
    assert max(seen) == 1e-3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (nn.ClipGradients, "got no limit"),
        (lambda: nn.EarlyStopping(patience=0), "patience=0"),
        (lambda: nn.EarlyStopping(mode="low"), "mode='low'; expected 'min' or 'max'"),
        (lambda: nn.Scheduled(None, "day"), "every='day'"),
        (lambda: nn.Scheduled(None, "step", monitor="loss"), "expected every='epoch'"),
        (
            lambda: run(callbacks=[nn.BestWeights("val_f1")]),
            "'val_f1'; expected one of epoch, loss",
        ),
        (lambda: run(checkpoint_every=0), "checkpoint_every=0"),
    ],
)
def test_callback_options_that_mean_nothing(make: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make()


def test_json_lines_of_the_history() -> None:
    history = nn.History([{"epoch": 1, "loss": 0.1}, {"epoch": 2, "loss": float("inf")}])
    rows = [json.loads(line) for line in history.to_jsonl().splitlines()]
    assert rows == [{"epoch": 1, "loss": 0.1}, {"epoch": 2, "loss": None}]
