"""The folder of a training run: it appears complete or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core
import nn
from distributed.config import DATASETS
from distributed.curves import draw_curves
from distributed.errors import UsageError
from distributed.experiment import Experiment, Outcome, layer_sizes
from nn.data import Standardize


def next_free(parent: Path, name: str) -> Path:
    """The first of ``name-001``, ``name-002``, … that does not exist in the parent folder.

    >>> next_free(Path("/no/such/folder"), "digits").name
    'digits-001'
    """
    paths = (parent / f"{name}-{number:03d}" for number in count(1))
    return next(path for path in paths if not os.path.lexists(path))


def check_creatable(path: Path) -> None:
    """Raise UsageError unless the folder can be made; tries it, and leaves no trace."""
    if os.path.lexists(path):
        raise UsageError(f"{path} already exists; expected the name of a new folder for --out")
    with temporary_sibling(path):
        pass


@contextmanager
def temporary_sibling(path: Path) -> Iterator[Path]:
    """A folder beside ``path`` to fill and to rename to it; what was not renamed is removed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    created = [parent for parent in path.parents if not parent.exists()]
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.mkdir()
        except (FileExistsError, NotADirectoryError) as error:
            raise UsageError(f"cannot create the folder {path}: a file is in the way") from error
        except OSError as error:
            raise UsageError(f"cannot create the folder {path}: {error.strerror}") from error
        yield temporary
    finally:
        if temporary.exists():
            shutil.rmtree(temporary)
        for parent in created:
            if parent.exists() and not any(parent.iterdir()):
                parent.rmdir()


def write_run(path: Path, experiment: Experiment, outcome: Outcome, graph: str, ranks: int) -> None:
    """Write everything a run leaves, and only then give the folder its name."""
    metric = experiment.metric.name
    with temporary_sibling(path) as folder:
        nn.save(experiment.model.state_dict(), folder / "model.safetensors")
        (folder / "history.csv").write_text(outcome.history.to_csv())
        title = Path(experiment.config.data).name
        (folder / "curves.svg").write_bytes(draw_curves(outcome.history, metric, title))
        (folder / "graph.svg").write_text(graph, encoding="utf-8")
        write_json(folder / "config.json", describe(experiment, ranks))
        write_json(folder / "summary.json", summarize(experiment, outcome))
        folder.rename(path)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file for people to read."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def describe(experiment: Experiment, ranks: int) -> dict[str, Any]:
    """Everything needed to repeat a run and to use its model: options, data, network, versions."""
    config, table = experiment.config, experiment.table
    options = asdict(config)
    digest = hashlib.sha256(table.x.tobytes() + table.y.tobytes()).hexdigest()
    if config.data not in DATASETS:
        options["data"] = str(Path(config.data).resolve())
    return {
        "options": options,
        "ranks": ranks,
        "data": {
            "sha256": digest,
            "samples": len(table.x),
            "features": table.features,
            "classes": table.classes,
        },
        "network": {"sizes": layer_sizes(config, table), "activation": config.activation},
        "versions": {
            "autograd-core": autograd_core.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


def summarize(experiment: Experiment, outcome: Outcome) -> dict[str, Any]:
    """What came out of a run."""
    return {
        "test": outcome.test,
        "last_epoch": outcome.history.rows[-1],
        "samples": {
            part: getattr(experiment, part).samples for part in ("train", "validation", "test")
        },
        "parameters": experiment.parameters,
        "seconds": round(outcome.seconds, 3),
    }


def load_model(folder: str | Path) -> nn.Standardized:
    """The trained model of a run folder: it takes rows of raw columns.

    Classes are numbered as ``config.json`` lists them; regression gives the target's own units.
    """
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    sizes, activation = config["network"]["sizes"], config["network"]["activation"]
    network = nn.MLP(sizes, activation, seed=0, dtype=config["options"]["dtype"])
    inputs, outputs = (Standardize(np.zeros(n), np.ones(n)) for n in (sizes[0], sizes[-1]))
    model = nn.Standardized(network, inputs, None if config["data"]["classes"] else outputs)
    model.load_state_dict(nn.load(folder / "model.safetensors"))
    return model
