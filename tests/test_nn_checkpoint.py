"""Checkpoints: killed training goes on to the same bits, and a bad file changes nothing."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import nn
from autograd_core import manual_seed
from autograd_core.random import default
from nn.checkpoint import load_checkpoint, save_checkpoint
from nn.errors import StateError
from nn.serialization import load_nested, save, save_nested, with_metadata

# -- nested state ----------------------------------------------------------------------------------

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**130), 2**130)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | arrays(
        np.float32, st.sampled_from([(), (2,), (0, 3)]), elements=st.integers(-9, 9).map(float)
    )
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=4) | st.integers(0, 5), inner, max_size=3)
    ),
    max_leaves=8,
)


def same(a: Any, b: Any) -> bool:
    """Whether two trees are equal, with their types and to the bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return repr(a) == repr(b)


@given(tree=trees)
def test_nested_state_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, tree: Any
) -> None:
    path = tmp_path_factory.mktemp("nested") / "state"
    save_nested(tree, path)
    assert same(load_nested(path), tree)


def test_what_cannot_be_stored_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="got object at /a/0"):
        save_nested({"a": [object()]}, tmp_path / "state")
    assert not list(tmp_path.iterdir())


# -- a training to interrupt -----------------------------------------------------------------------


class Part:
    """A small training with everything in it that has a state."""

    def __init__(self, hidden: int = 8, batch_size: int = 10, dropout: int = 4) -> None:
        manual_seed(3)
        self.model = nn.Sequential(
            nn.Linear(2, hidden, rng=np.random.default_rng(0)),
            nn.BatchNorm1d(hidden),
            nn.Tanh(),
            nn.Dropout(0.2),
            nn.Dropout(0.2, rng=np.random.default_rng(dropout)),
            nn.Linear(hidden, 1, rng=np.random.default_rng(1)),
        )
        self.optimizer = nn.Adam(self.model.parameters(), lr=0.01)
        x = np.random.default_rng(2).normal(size=(45, 2)).astype(np.float32)
        y = x[:, :1] * x[:, 1:]
        self.data = nn.DataLoader(x, y, batch_size=batch_size, shuffle=True, seed=4, prefetch=1)
        self.validation = nn.DataLoader(x, y)
        self.callbacks = [
            nn.EarlyStopping(patience=20),
            nn.BestWeights(),
            nn.Scheduled(Decay(self.optimizer), "step"),
        ]

    def fit(self, epochs: int = 6, more: tuple[nn.Callback, ...] = (), **options: Any) -> str:
        """Train; what came of it, as text that tells every bit."""
        history = nn.fit(
            self.model,
            self.data,
            loss=nn.functional.mse_loss,
            optimizer=self.optimizer,
            epochs=epochs,
            validation=self.validation,
            callbacks=[*self.callbacks, *more],
            **options,
        )
        return f"{self.bits()} {history.rows}"

    def bits(self) -> str:
        """The state of everything."""
        parts = [
            self.model.state_dict(),
            self.optimizer.state_dict(),
            default().bit_generator.state,
        ]
        parts += [callback.state_dict() for callback in self.callbacks]
        parts += [self.model[4].rng.bit_generator.state]
        return text(parts)


def text(value: Any) -> str:
    if isinstance(value, dict):
        return str({key: text(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return str([text(item) for item in value])
    return value.tobytes().hex() if isinstance(value, np.ndarray) else repr(value)


class Decay:
    """A schedule as simple as possible."""

    def __init__(self, optimizer: nn.Optimizer) -> None:
        self.optimizer, self.steps = optimizer, 0

    def step(self, *args: Any) -> None:
        self.steps += 1
        self.optimizer.param_groups[0]["lr"] = 0.01 * 0.99**self.steps

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: Any) -> None:
        self.steps = state["steps"]


class Interrupt(nn.Callback):
    """Dies at a step."""

    def __init__(self, step: int, die: Callable[[], None]) -> None:
        self.step, self.die = step, die

    def on_step(self, progress: nn.Progress) -> None:
        if progress.step == self.step:
            self.die()


class Stopped(Exception):
    pass


def stop() -> None:
    raise Stopped


@pytest.mark.parametrize("every", [None, 1, 4])
@pytest.mark.parametrize("stops", [(7,), (1, 2, 15), (5, 10, 29)])
def test_interrupted_training_ends_with_the_same_bits(
    tmp_path: Path, every: int | None, stops: tuple[int, ...]
) -> None:
    whole = Part().fit()
    options: dict[str, Any] = {"checkpoint": tmp_path / "state", "checkpoint_every": every}
    for step in stops:
        with pytest.raises(Stopped):
            Part().fit(more=(Interrupt(step, stop),), **options)
    assert Part().fit(**options) == whole
    again = Part()
    assert again.fit(**options) == whole  # nothing is left to do
    assert again.fit(epochs=8, **options) == Part().fit(epochs=8)


SCRIPT = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from test_nn_checkpoint import Interrupt, Part
from nn import serialization

step, syncs = int(sys.argv[3]), int(sys.argv[4])

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

fsync = os.fsync
def count(descriptor):
    global syncs
    syncs -= 1
    fsync(descriptor) if syncs else die()
os.fsync = count

print(Part().fit(more=(Interrupt(step, die),), checkpoint=sys.argv[2], checkpoint_every=2))
"""


def test_killed_training_ends_with_the_same_bits(tmp_path: Path) -> None:
    rng = np.random.default_rng()
    kills = [(int(rng.integers(1, 31)), -1) for _ in range(3)]  # at a random step
    kills += [(-1, int(rng.integers(1, 9))) for _ in range(3)]  # in the midst of a write
    for step, syncs in [*kills, (-1, -1)]:
        options = [str(Path(__file__).parent), str(tmp_path / "state"), str(step), str(syncs)]
        command = [sys.executable, "-c", SCRIPT, *options]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        assert result.returncode in (0, -signal.SIGKILL), result.stderr
    assert result.returncode == 0, result.stderr
    assert result.stdout.rstrip() == Part().fit(), kills


def test_the_loss_goes_on_within_the_epoch(tmp_path: Path) -> None:
    seen: list[float] = []

    class Seen(nn.Callback):
        def on_step(self, progress: nn.Progress) -> None:
            seen.append(progress.loss)

    Part().fit(epochs=2, more=(Seen(),))
    whole, seen[:] = seen.copy(), []
    options: dict[str, Any] = {"checkpoint": tmp_path / "state", "checkpoint_every": 1}
    with pytest.raises(Stopped):
        Part().fit(epochs=2, more=(Seen(), Interrupt(4, stop)), **options)
    Part().fit(epochs=2, more=(Seen(),), **options)
    assert seen == whole[:4] + whole[3:]  # step 4 was not saved


# -- bad files -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "state"
    Part().fit(epochs=2, checkpoint=path)
    return path


def refused(path: Path, match: str, part: Part | None = None) -> None:
    part = part or Part()
    before = part.bits()
    with pytest.raises(StateError, match=match):
        part.fit(checkpoint=path)
    assert part.bits() == before


def test_truncated_and_corrupt_files(good: Path, tmp_path: Path) -> None:
    whole = good.read_bytes()
    path = tmp_path / "state"
    rng = np.random.default_rng(0)
    for cut in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        refused(path, "not a complete safetensors file")
    for place in rng.integers(len(whole), size=40).tolist():
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        refused(path, "not a complete safetensors|checksum|plain arrays|nested")


def test_files_of_other_trainings(good: Path, tmp_path: Path) -> None:
    refused(good, r"model\.0\.weight is float32\(8, 2\), expected float32\(9, 2\)", Part(hidden=9))
    refused(good, r"data\.batch_size is 10, expected 11", Part(batch_size=11))
    other = Part()
    other.optimizer = nn.SGD(other.model.parameters())
    refused(good, "optimizer is 'Adam', expected 'SGD'", other)
    other = Part()
    del other.callbacks[0]
    refused(good, "callbacks", other)
    save({"w": np.ones(3)}, tmp_path / "plain")
    refused(tmp_path / "plain", "plain arrays")
    save_nested([1, 2], tmp_path / "list")
    refused(tmp_path / "list", "no checkpoint of this training")


def set_at(path: str, value: Any) -> Callable[[Any], None]:
    def change(state: Any) -> None:
        *steps, last = (int(step) if step.isdigit() else step for step in path.split("/"))
        for step in steps:
            state = state[step]
        if value is None:
            del state[last]
        else:
            state[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        set_at("param_groups/0/lr", "1e-3"),
        set_at("param_groups/0/lr", float("nan")),
        set_at("param_groups/0/extra", 1),
        set_at("param_groups", 3),
        set_at("state", None),
        set_at("state", []),
        set_at("state/0/step", "many"),
        set_at("state/0/exp_avg", np.ones(3)),
        set_at("state/0/exp_avg", np.full((8, 2), "text").astype("S4").view(np.uint8)),
        set_at("progress/batch", 10**9),
        set_at("progress/step", -1),
        set_at("progress/model", 1),
        set_at("progress/stop", "yes"),
        set_at("history", [{"loss": "low"}]),
        set_at("history", 7),
        set_at("generators/default/state/state", -1),
        set_at("generators/default/state/state", 2**200),
        set_at("generators/default/bit_generator", "MT19937"),
        set_at("callbacks/0: EarlyStopping", {}),
        set_at("callbacks/1: BestWeights/weights", {"0.weight": np.ones(1)}),
        set_at("callbacks/1: BestWeights/weights", 5),
        set_at("callbacks/2: Scheduled/schedule", None),
        set_at("callbacks", None),
        set_at("model/0.weight", np.ones((8, 2))),
        set_at("model/0.weight", None),
        set_at("format", "autograd-core training checkpoint 99"),
    ],
)
def test_crafted_files(good: Path, tmp_path: Path, change: Callable[[Any], None]) -> None:
    state = load_nested(good)
    change(state)
    save_nested(state, tmp_path / "state")
    refused(tmp_path / "state", "no checkpoint of this training")


def test_crafted_headers(tmp_path: Path) -> None:
    path = tmp_path / "state"
    save({}, path)
    empty = path.read_bytes()
    from nn.serialization import digest

    for structure in (
        "[" * 100_000,
        '{"array": "x"}',
        '{"code": []}',
        "{}",
        "nonsense",
        "1" * 9999,
    ):
        metadata = {"structure": structure, "sha256": digest(structure, {})}
        path.write_bytes(with_metadata(empty, metadata))
        refused(path, "does not hold nested state|no checkpoint of this training")
    header = json.dumps({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}})
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode())
    refused(path, "not a complete safetensors file")
    path.write_bytes((2**63).to_bytes(8, "little") + b"{}")
    refused(path, "not a complete safetensors file")


def test_saving_and_loading_by_hand(good: Path, tmp_path: Path) -> None:
    part = Part()
    progress = nn.Progress(part.model, part.optimizer, 6, len(part.data))
    load_checkpoint(good, progress, part.data, part.callbacks)
    assert (progress.epoch, progress.step, len(progress.history)) == (2, 10, 2)
    save_checkpoint(tmp_path / "copy", progress, part.data, part.callbacks)
    assert (tmp_path / "copy").read_bytes() == good.read_bytes()


def test_a_failed_write_leaves_the_checkpoint_before(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state"
    shutil.copy(good, path)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        Part().fit(epochs=3, checkpoint=path)
    assert path.read_bytes() == good.read_bytes() and list(tmp_path.iterdir()) == [path]
