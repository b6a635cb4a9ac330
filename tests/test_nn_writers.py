"""Writers get the history, row by row; without their library they say what to install."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import nn
from autograd_core.errors import MissingExtraError
from nn.writers import TensorBoardWriter, WandbWriter


def fit(writer: nn.Callback) -> nn.History:
    x = np.linspace(-1, 1, 20, dtype=np.float32)[:, None]
    model = nn.Linear(1, 1)
    return nn.fit(
        model,
        nn.DataLoader(x, x, batch_size=10),
        loss=nn.functional.mse_loss,
        optimizer=nn.SGD(model.parameters(), lr=0.1),
        epochs=3,
        validation=nn.DataLoader(x, x),
        callbacks=[writer],
    )


@pytest.mark.parametrize(
    ("library", "make"),
    [("tensorboard", lambda: TensorBoardWriter("runs")), ("wandb", WandbWriter)],
)
def test_without_its_library(library: str, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=f'pip install "autograd-core.{library}."'):
        make()


def test_wandb_gets_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    run = SimpleNamespace(
        log=lambda row, step: seen.append((step, row)), finish=lambda: seen.append("finished")
    )
    fake = SimpleNamespace(init=lambda **options: seen.append(options) or run)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    history = fit(WandbWriter(project="lines", mode="offline"))
    rows = [(2 * row["epoch"], row) for row in history.rows]
    assert seen == [{"project": "lines", "mode": "offline"}, *rows, "finished"]


@pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="needs the extra tensorboard"
)
@pytest.mark.filterwarnings("ignore")  # of the libraries TensorBoard brings
def test_tensorboard_reads_every_row(tmp_path: Path) -> None:
    history = fit(TensorBoardWriter(tmp_path))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert sorted(events.Tags()["scalars"]) == sorted(history.columns)
    for name in history.columns:
        scalars = events.Scalars(name)
        assert [event.step for event in scalars] == [2, 4, 6]
        np.testing.assert_allclose([event.value for event in scalars], history[name], rtol=1e-6)
