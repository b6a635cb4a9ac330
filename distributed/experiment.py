"""One training run: data split three ways, a network in the data's units, training, the test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

import nn
from distributed.communicator import Communicator
from distributed.config import DATASETS, OPTIMIZERS, TrainConfig
from distributed.errors import UsageError
from distributed.strategy import OverRanks
from nn.data import Standardize, Table, read_table, split_indices
from nn.metrics import Metric
from nn.progress import ProgressBar
from nn.training import Loss

# Of all samples for the test, which nothing learns from or is chosen by; of the others for
# validation.
TEST_PART = 0.2
VALIDATION_PART = 0.1

# Samples judged at once: large enough for speed, small enough for memory.
JUDGED_AT_ONCE = 1024


@dataclass
class Experiment:
    """What a configuration asks for, made and ready to train: the same on every rank."""

    config: TrainConfig
    table: Table
    model: nn.Standardized
    optimizer: nn.Optimizer
    loss: Loss
    metric: Metric
    train: nn.DataLoader
    validation: nn.DataLoader
    test: nn.DataLoader

    def __str__(self) -> str:
        target = f"{len(self.table.classes)} classes" if self.table.classes else "regression"
        sizes = "-".join(map(str, layer_sizes(self.config, self.table)))
        return (
            f"{Path(self.config.data).name}: {self.train.samples:,} samples to train on, "
            f"{self.validation.samples:,} to validate, {self.test.samples:,} to test; {target}\n"
            f"model: {sizes} {self.config.activation}, "
            f"{self.parameters:,} parameters in {self.config.dtype}"
        )

    @property
    def parameters(self) -> int:
        """The number of trained parameters."""
        return sum(parameter.size for parameter in self.model.parameters())


@dataclass
class Outcome:
    """How a run went: what was reported of each epoch, the test, and the seconds it took."""

    history: nn.History
    test: dict[str, float]
    seconds: float


def read_data(config: TrainConfig) -> Table:
    """The data set of that name, or the table in that file."""
    if config.data in DATASETS:
        return DATASETS[config.data]()
    if not Path(config.data).exists():
        raise UsageError(
            f"{config.data}: no such file; expected {' or '.join(DATASETS)}, "
            "a CSV table or an .npz file with x and y"
        )
    if Path(config.data).suffix == ".npz" and config.target is not None:
        raise UsageError("--target names a column of a CSV table; an .npz file has its target in y")
    return read_table(config.data, config.target, config.task)


def layer_sizes(config: TrainConfig, table: Table) -> list[int]:
    """The sizes of the network's layers, from the columns of x to the outputs."""
    return [len(table.features), *config.hidden, table.outputs]


def prepare(config: TrainConfig) -> Experiment:
    """Read the data and make everything a run needs.

    The seed fixes, independently of each other, the test part, the validation part, the initial
    parameters and the order of the samples.
    """
    table = read_data(config)
    x, y = table.x, table.y
    classes = y if table.classes else None
    seeds = np.random.SeedSequence(config.seed).generate_state(4).tolist()
    test_seed, validation_seed, model_seed, order_seed = seeds

    rest, test = split_indices(len(x), TEST_PART, seed=test_seed, stratify=classes)
    train, validation = split_indices(
        len(rest),
        VALIDATION_PART,
        seed=validation_seed,
        stratify=None if classes is None else classes[rest],
    )
    train, validation = rest[train], rest[validation]

    outputs = None if table.classes else Standardize.fit(y[train])
    sizes = layer_sizes(config, table)
    network = nn.MLP(sizes, config.activation, seed=model_seed, dtype=config.dtype)
    model = nn.Standardized(network, Standardize.fit(x[train]), outputs)
    make_optimizer, _ = OPTIMIZERS[config.optimizer]
    return Experiment(
        config,
        table,
        model,
        make_optimizer(model.parameters(), lr=config.lr, weight_decay=config.weight_decay),
        nn.functional.cross_entropy if outputs is None else scaled_mse_loss(outputs),
        nn.metrics.accuracy if outputs is None else nn.metrics.r2,
        nn.DataLoader(
            x[train], y[train], batch_size=config.batch_size, shuffle=True, seed=order_seed
        ),
        nn.DataLoader(x[validation], y[validation], batch_size=JUDGED_AT_ONCE),
        nn.DataLoader(x[test], y[test], batch_size=JUDGED_AT_ONCE),
    )


def scaled_mse_loss(outputs: Standardize) -> Loss:
    """Mean squared error in standard deviations of the target, whatever its unit."""
    return lambda y, target: nn.functional.mse_loss(y / outputs.scale, target / outputs.scale)


def run(experiment: Experiment, communicator: Communicator, progress: bool = True) -> Outcome:
    """Train over all ranks, then judge the model once by the test part."""
    strategy = OverRanks(communicator)
    start = perf_counter()
    history = nn.fit(
        experiment.model,
        experiment.train,
        loss=experiment.loss,
        optimizer=experiment.optimizer,
        epochs=experiment.config.epochs,
        validation=experiment.validation,
        metrics=[experiment.metric],
        callbacks=[ProgressBar()] if progress and strategy.is_main else [],
        strategy=strategy,
        compile=None if experiment.config.compile else False,
    )
    test = nn.evaluate(
        experiment.model,
        experiment.test,
        loss=experiment.loss,
        metrics=[experiment.metric],
        strategy=strategy,
    )
    return Outcome(history, test, perf_counter() - start)
