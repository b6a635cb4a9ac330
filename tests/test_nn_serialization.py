"""Files of arrays: what is saved is loaded, to the bit, and never half of it."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

import nn
from nn.errors import StateError
from nn.serialization import write_atomically

arrays = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.tuples(
        st.sampled_from([(), (0,), (3,), (2, 3)]), st.sampled_from(["f4", "f8", "i8", "u1", "?"])
    ),
    min_size=1,
    max_size=4,
)


@given(arrays)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, kinds: dict[str, tuple]) -> None:  # type: ignore[type-arg]
    rng = np.random.default_rng(0)
    state = {name: np.array(rng.normal(size=s) * 9).astype(d) for name, (s, d) in kinds.items()}
    path = tmp_path_factory.mktemp("state") / "state.safetensors"
    nn.save(state, path)
    loaded = nn.load(path)
    assert loaded.keys() == state.keys()
    for name, array in state.items():
        assert loaded[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[name], array)


def test_model_round_trip_and_equal_bytes(tmp_path: Path) -> None:
    model = nn.MLP([3, 4, 2], seed=0)
    state, metadata = model.state_dict(), {"note": "größer", "by": "x", "at": "y"}
    nn.save(state, tmp_path / "a", metadata)
    nn.save(dict(reversed(state.items())), tmp_path / "b", dict(reversed(metadata.items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with safe_open(tmp_path / "a", "numpy") as file:
        assert file.metadata() == metadata
    other = nn.MLP([3, 4, 2], seed=1)
    other.load_state_dict(nn.load(tmp_path / "a"))
    for name, array in other.state_dict().items():
        np.testing.assert_array_equal(array, model.state_dict()[name])


def test_views_and_fortran_arrays_are_saved_as_their_values(tmp_path: Path) -> None:
    array = np.arange(12.0).reshape(3, 4)
    state = {"t": array.T, "f": np.asfortranarray(array), "s": array[::2, ::-1]}
    nn.save(state, tmp_path / "state")
    for name, loaded in nn.load(tmp_path / "state").items():
        np.testing.assert_array_equal(loaded, state[name])


def test_broken_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "state"
    nn.save({"w": np.ones(100)}, path)
    whole = path.read_bytes()
    for content in (b"", b"\x80\x04K\x01.", whole[:20], whole[:-1], b"\xff" * 8 + whole[8:]):
        path.write_bytes(content)
        with pytest.raises(StateError, match="not a complete safetensors file"):
            nn.load(path)
    with pytest.raises(FileNotFoundError):
        nn.load(tmp_path / "missing")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_crash_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "state"
    write_atomically(path, b"old")

    def crash(*_: object) -> None:
        raise OSError("disk on fire")

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", crash)
    else:
        monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(OSError, match="disk on fire"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_content_is_on_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, order = tmp_path / "state", []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("fsync"), fsync(fd)))
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (order.append("replace"), replace(self, to))
    )
    write_atomically(path, b"new")
    assert order == ["fsync", "replace", "fsync"] and path.read_bytes() == b"new"


def test_files_get_the_permissions_of_new_files(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_atomically(tmp_path / "state", b"")
    assert (tmp_path / "state").stat().st_mode == (tmp_path / "plain").stat().st_mode


# -- from PyTorch ----------------------------------------------------------------------------------

REFERENCE = Path(__file__).parent / "reference"


class Network(nn.Module):
    """The architecture of reference/make_state_dict.py."""

    def __init__(self) -> None:
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.PReLU(4),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 3, stride=2, bias=False),
            nn.GroupNorm(2, 8),
            nn.GELU(),
        )
        self.rnn = nn.LSTM(8, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.block = nn.TransformerEncoderLayer(12, 3, 24, batch_first=True)
        self.head = nn.Sequential(nn.LayerNorm(12), nn.Linear(12, 5), nn.LogSoftmax(-1))

    def forward(self, x: Any) -> Any:
        x = self.features(x)
        x, _ = self.rnn(np.swapaxes(x.reshape(*x.shape[:2], -1), 1, 2))
        return self.head(self.block(x).mean(axis=1))


def test_a_pytorch_state_dict_gives_the_same_outputs() -> None:
    frozen = json.loads((REFERENCE / "state_dict.json").read_text())
    model = Network().eval()
    model.load_state_dict(nn.load(REFERENCE / "state_dict.safetensors"))
    output = model(np.array(frozen["x"], np.float32)).data
    assert output.dtype == np.float32
    np.testing.assert_allclose(output, frozen["y"], rtol=0, atol=1e-6)


def test_another_architecture_is_told_every_name_that_does_not_fit() -> None:
    state = nn.load(REFERENCE / "state_dict.safetensors")
    model = Network()
    model.head = nn.Sequential(nn.LayerNorm(12), nn.Linear(12, 4), nn.Linear(4, 5))
    before = model.state_dict()
    with pytest.raises(StateError) as caught:
        model.load_state_dict(state)
    for part in (
        "missing: head.2.weight, head.2.bias",
        "head.1.weight (got (5, 12), expected (4, 12))",
    ):
        assert part in str(caught.value)
    assert all((array == before[name]).all() for name, array in model.state_dict().items())
