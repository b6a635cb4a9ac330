"""Training by compiled programs: the bits of training as it is written, or training as written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import Tensor
from autograd_core.errors import TraceError
from nn import functional as F
from nn import learner
from nn.callbacks import Callback, Progress
from nn.learner import TRACES


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the modules of this file count as the library's own."""
    monkeypatch.setattr(learner, "OWN", (*learner.OWN, __name__))


Outcome = tuple[list[dict[str, float]], dict[str, Any], list[str | None]]


class Plain(nn.Module):
    """A module that is not the library's own."""

    def __init__(self) -> None:
        self.inner = normed()

    def forward(self, x: Any) -> Any:
        return self.inner(x)


class Watch(Callback):
    """Notes how each step was run, and what may step in with the step's number."""

    def __init__(self, step_in: Callable[[Progress], None] = lambda progress: None) -> None:
        self.reasons: list[str | None] = []
        self.step_in = step_in

    def on_gradients(self, progress: Progress) -> None:
        self.reasons.append(progress.why_eager)

    def on_step(self, progress: Progress) -> None:
        self.step_in(progress)


def data(samples: int = 37, classes: int = 3) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(samples, 6)).astype(np.float32), rng.integers(0, classes, samples)


def normed(momentum: float | None = 0.1) -> nn.Module:
    rngs = map(np.random.default_rng, range(4))
    return nn.Sequential(
        nn.Linear(6, 8, rng=next(rngs)),
        nn.BatchNorm1d(8, momentum=momentum),
        nn.ReLU(),
        nn.Dropout(0.3, rng=next(rngs)),
        nn.Linear(8, 3, rng=next(rngs)),
    )


def train(
    compile: bool | None,
    make: Callable[[], nn.Module] = normed,
    optimizer: Callable[[Any], nn.Optimizer] = lambda p: nn.Adam(p, lr=0.01, fused=False),
    callbacks: Callable[[nn.Optimizer], list[Callback]] = lambda optimizer: [],
    loss: Any = F.cross_entropy,
    step_in: Callable[[Progress], None] = lambda progress: None,
    **options: Any,
) -> Outcome:
    """Train in uneven batches; the history, the state, and why each step was run eagerly."""
    x, y = data()
    model = make()
    steps = optimizer(model.parameters())
    watch = Watch(step_in)
    ag.manual_seed(5)
    settings: dict[str, Any] = {"epochs": 3, "callbacks": [*callbacks(steps), watch]}
    history = nn.fit(
        model,
        nn.DataLoader(x, y, batch_size=10, shuffle=True, seed=0),
        loss=loss,
        optimizer=steps,
        compile=compile,
        **settings | options,
    )
    return history.rows, model.state_dict(), watch.reasons


def same_bits(**settings: Any) -> Outcome:
    """Training compiled and as written ends with the same bits."""
    eager = train(False, **settings)
    assert set(eager[2]) == {"compile=False"}
    for compile in (None, True):
        compiled = train(compile, **settings)
        np.testing.assert_equal(compiled[:2], eager[:2])
        assert set(compiled[2]) == {None}
    return eager


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"make": lambda: normed(momentum=None)},
        {"make": lambda: nn.MLP([6, 8, 3], "tanh", seed=0)},
        {"make": lambda: nn.Sequential(nn.Dropout(0.2), nn.Linear(6, 3, rng=RNG(0)))},
        {"make": lambda: nn.MLP([6, 300, 3], "relu", seed=0)},
        {"optimizer": lambda p: nn.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-2)},
        {"callbacks": lambda o: [nn.Scheduled(nn.CosineAnnealingLR(o, 12), "step")]},
        {"callbacks": lambda o: [nn.Scheduled(nn.StepLR(o, 1))]},
        {"callbacks": lambda o: [nn.ClipGradients(max_norm=0.1)]},
        {"callbacks": lambda o: [nn.ClipGradients(max_value=1e-3)]},
        {"loss": nn.CrossEntropyLoss(np.array([1.0, 2.0, 0.5], np.float32), label_smoothing=0.1)},
        {"loss": lambda output, y: F.cross_entropy(output, y) + 1e-3 * (output**2).mean()},
    ],
    ids=lambda settings: "-".join(settings) or "plain",
)
def test_compiled_training_is_the_same_to_the_bit(settings: dict[str, Any]) -> None:
    x, y = data(12)
    same_bits(**settings, validation=nn.DataLoader(x, y, batch_size=5))


RNG = np.random.default_rng


def test_values_that_only_large_arrays_lack_are_no_reason_to_give_up() -> None:
    def loss(output: Any, y: Any) -> Any:
        well_conditioned = np.eye(200) + 1e-3 * output.sum()  # singular where it is all zeros
        return F.cross_entropy(output, y) + np.linalg.inv(well_conditioned).mean()

    same_bits(loss=loss, epochs=1)


def test_what_callbacks_change_is_taken_in() -> None:
    def step_in(progress: Progress) -> None:
        model, k = progress.model, progress.step
        if k == 3:
            model[3].p = 0.7
        if k == 4:
            model[0].requires_grad_(False)
        if k == 6:
            model[0].requires_grad_(True)
        if k == 7:
            model[1].eval()
        if k == 8:
            model[4].weight.assign(np.zeros((3, 8)))
        if k == 9:
            progress.optimizer.param_groups[0]["lr"] = 0.1

    same_bits(step_in=step_in)


class Shared(nn.Module):
    """A parameter used twice, and one that is not used at all."""

    def __init__(self) -> None:
        self.inner = nn.Linear(6, 6, rng=np.random.default_rng(0))
        self.last = nn.Linear(6, 3, rng=np.random.default_rng(1))
        self.unused = nn.Linear(6, 3, rng=np.random.default_rng(2))

    def forward(self, x: Any) -> Any:
        return self.last(np.tanh(self.inner(np.tanh(self.inner(x)))))


@pytest.mark.usefixtures("trusted")
def test_gradients_that_add_up_and_parameters_without() -> None:
    _, state, _ = same_bits(make=Shared)
    np.testing.assert_array_equal(state["unused.weight"], Shared().unused.weight.data)


def test_an_interrupted_training_goes_on_to_the_bit_whatever_runs_it(tmp_path: Path) -> None:
    class Interrupt(Exception):
        pass

    def interrupt(progress: Progress) -> None:
        if progress.step == 7:
            raise Interrupt

    expected = train(False)
    for first, second in ((True, True), (True, False), (False, True)):
        path = tmp_path / f"{first} {second}"
        options: dict[str, Any] = {"checkpoint": path, "checkpoint_every": 3}
        with pytest.raises(Interrupt):
            train(first, step_in=interrupt, **options)
        rows, state, _ = train(second, **options)
        np.testing.assert_equal((rows, state), expected[:2])


# -- what cannot be compiled -----------------------------------------------------------------------


class Branching(nn.Module):
    """Looks at values, which no program can."""

    def __init__(self) -> None:
        self.inner = normed()

    def forward(self, x: Any) -> Any:
        y = self.inner(x)
        return y if y.sum() > 0 else 2 * y


class Keeping(Branching):
    """Keeps what it computed."""

    def forward(self, x: Any) -> Any:
        self.last = self.inner(x)
        return self.last


class Counting(Branching):
    """Computes something else each time it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = [0]

    def forward(self, x: Any) -> Any:
        self.calls[0] += 1
        return self.inner(x) * float(self.calls[0])


class Masked(Branching):
    """Looks at some of what it computed, more or less of it."""

    def forward(self, x: Any) -> Any:
        y = self.inner(x)
        return y - y[y > 0].mean()


class Outside(Branching):
    """Hands arrays to a library that knows nothing of traced ones."""

    def forward(self, x: Any) -> Any:
        if not isinstance(x.data, np.ndarray):
            raise TypeError("expected an array")
        return self.inner(x)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Branching, "truth of an array"),
        (Masked, r"shape of what \w+ returns"),
        (Keeping, r"Keeping\.forward sets an attribute"),
        (Outside, r"cannot be traced \(expected an array\)"),
    ],
)
def test_a_model_that_cannot_be_traced_trains_as_it_is_written(
    model: type[nn.Module], reason: str
) -> None:
    rows, state, reasons = train(None, make=model)
    np.testing.assert_equal((rows, state), train(False, make=model)[:2])
    with pytest.raises(TraceError, match=reason) as caught:
        train(True, make=model)
    assert set(reasons) == {str(caught.value)}


def test_modules_of_others_are_compiled_when_that_is_asked_for() -> None:
    rows, state, reasons = train(None, make=Plain)
    assert all("own" in str(reason) for reason in reasons)
    compiled = train(True, make=Plain)
    assert set(compiled[2]) == {None}
    np.testing.assert_equal(compiled[:2], (rows, state))


@pytest.mark.usefixtures("trusted")
def test_a_model_that_varies_is_found_out_at_the_second_step() -> None:
    _, _, reasons = train(None, make=Counting)
    assert reasons[0] is None
    assert all("varies from call to call" in str(reason) for reason in reasons[1:])
    with pytest.raises(TraceError, match="varies"):
        train(True, make=Counting)


def test_batches_of_ever_other_shapes_are_not_traced_for_ever() -> None:
    x, y = np.random.default_rng(0).normal(size=(1200, 6)).astype(np.float32), np.zeros(1200, int)

    class Growing:
        """Batches of 1, 2, 3, ... samples."""

        def __len__(self) -> int:
            return 48

        def batches(self, epoch: int, shard: Any, first: int = 0) -> Any:
            for k in range(first, 48):
                yield Tensor(x[: k + 1]), Tensor(y[: k + 1])

    def run(compile: bool | None) -> tuple[Any, list[str | None]]:
        model = nn.MLP([6, 4, 3], seed=0)
        watch = Watch()
        loader: Any = Growing()
        nn.fit(
            model,
            loader,
            loss=F.cross_entropy,
            optimizer=nn.SGD(model.parameters(), lr=0.1),
            epochs=4,
            callbacks=[watch],
            compile=compile,
        )
        return model.state_dict(), watch.reasons

    state, reasons = run(None)
    assert reasons[:TRACES] == [None] * TRACES
    assert "other shapes" in str(reasons[-1])
    np.testing.assert_equal(state, run(False)[0])
    assert set(run(True)[1]) == {None}


@pytest.mark.parametrize("compile", [None, True, False])
def test_mistakes_look_as_they_do_without_compiling(compile: bool | None) -> None:
    with pytest.raises(nn.errors.LayerShapeError, match=r"^2: expected last axis 9"):
        train(compile, make=lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(9, 3)))
    with pytest.raises(ZeroDivisionError):
        train(compile, loss=lambda output, y: F.cross_entropy(output, y) / (1 // 0))

    def spoil(progress: Progress) -> None:
        if progress.step == 6:
            progress.model[4].bias.data[...] = np.inf

    with pytest.raises(nn.errors.DivergedError, match=r"diverged at step 7 \(epoch 2\)"):
        train(compile, step_in=spoil)


@pytest.mark.parametrize("compile", [None, True, False])
def test_targets_are_checked_in_every_batch(compile: bool | None) -> None:
    x, y = data()
    y[-1] = 3
    model = normed()
    watch = Watch()
    with pytest.raises(nn.errors.TargetError, match="got the target 3; expected values from 0 to"):
        nn.fit(
            model,
            nn.DataLoader(x, y, batch_size=7),
            loss=F.cross_entropy,
            optimizer=nn.SGD(model.parameters(), lr=0.1),
            epochs=1,
            callbacks=[watch],
            compile=compile,
        )
    assert len(watch.reasons) == 5


def test_profiles_and_anomaly_mode_watch_the_step_itself() -> None:
    expected = train(False)
    with ag.profile() as seen:
        rows, state, _ = train(None)
    np.testing.assert_equal((rows, state), expected[:2])
    assert "linear" in seen.table()
    with ag.detect_anomaly():
        rows, state, _ = train(None)
    np.testing.assert_equal((rows, state), expected[:2])
