"""The training loop: epochs, validation, history. A strategy says how many ranks take part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from autograd_core import Tensor, no_grad
from nn.callbacks import Callback, Progress
from nn.checkpoint import load_checkpoint, save_checkpoint
from nn.data.loader import DataLoader
from nn.errors import DivergedError, check_positive
from nn.history import History
from nn.learner import Learner
from nn.metrics import Metric, Sums
from nn.module import Module
from nn.optim.optimizer import Optimizer

Loss = Callable[[Any, Any], Tensor]


class Strategy(Protocol):
    """How training spreads over ranks; by default, as ``OneProcess`` says, not at all."""

    @property
    def shard(self) -> tuple[int, int]:
        """This rank and the number of ranks, as ``DataLoader`` takes them."""
        ...

    @property
    def is_main(self) -> bool:
        """Whether this rank is the one that reports and writes files."""
        ...

    def prepare(self, model: Module, optimizer: Optimizer) -> Module:
        """Make all ranks start alike, and return what to call in training in place of the model.

        Backward passes of what it returns must leave the gradient of the mean over the global
        batch, whatever the shares of the ranks.
        """
        ...

    def reduce_sum(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The elementwise sum over all ranks, the same bits on each."""
        ...


class OneProcess:
    """Everything in this process."""

    shard = (0, 1)
    is_main = True

    def prepare(self, model: Module, optimizer: Optimizer) -> Module:
        """The model itself."""
        return model

    def reduce_sum(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The values themselves."""
        return values


def fit(
    model: Module,
    train: DataLoader,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    validation: DataLoader | None = None,
    metrics: Sequence[Metric] = (),
    callbacks: Sequence[Callback] = (),
    strategy: Strategy | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None,
    compile: bool | None = None,
) -> History:
    """Train a model for some epochs and return what was reported of each.

    ``loss(output, target)`` is a mean over samples. After every epoch the loss and the metrics of
    ``validation`` join the history as "val_loss" and "val_<metric>". Raises DivergedError, with
    the parameters as they were before the step, when loss or gradients stop being finite.

    ``checkpoint`` names a file to write after every epoch and, if given, ``checkpoint_every``
    steps. If it exists already, training goes on from there, to the bit as if it had never stopped;
    delete it to start anew. One that is broken or of another training raises StateError. (Over
    ranks, the main one writes, and all generators go on from its.) Needs the extra ``train``.

    Forward pass, loss and backward pass run as programs of ``autograd_core.compile``, which give
    the same bits in less time, when it is safe: for models of the library's own modules, until
    model or loss turn out to do what a program cannot repeat, such as to branch on values, or set
    attributes, or batches come in too many shapes. ``Progress.why_eager`` then tells callbacks the
    reason. ``compile=True`` compiles modules of yours too, which must not print, count in lists or
    read Python values from elsewhere that change (a program leaves that out without noticing), and
    raises TraceError where it cannot. ``compile=False`` never compiles.

    >>> import nn
    >>> x = np.linspace(-1, 1, 64, dtype=np.float32).reshape(-1, 1)
    >>> model = nn.Linear(1, 1, rng=np.random.default_rng(0))
    >>> history = fit(
    ...     model,
    ...     nn.DataLoader(x, 2 * x + 1, batch_size=16, shuffle=True),
    ...     loss=nn.functional.mse_loss,
    ...     optimizer=nn.SGD(model.parameters(), lr=0.1),
    ...     epochs=30,
    ... )
    >>> history["loss"][-1] < 1e-3
    True
    """
    if checkpoint_every is not None:
        check_positive("fit", checkpoint_every=checkpoint_every)
    strategy = strategy or OneProcess()
    progress = Progress(model, optimizer, epochs, len(train))
    if checkpoint is not None and Path(checkpoint).exists():
        load_checkpoint(checkpoint, progress, train, callbacks)
    learner = Learner(strategy.prepare(model, optimizer), loss, optimizer, compile)
    progress.why_eager = learner.why_eager

    def announce(event: str) -> None:
        for callback in callbacks:
            getattr(callback, event)(progress)

    def keep() -> None:
        if checkpoint is not None and strategy.is_main:
            save_checkpoint(checkpoint, progress, train, callbacks)

    def step(x: Tensor, y: Tensor) -> None:
        progress.step += 1
        with np.errstate(over="ignore", invalid="ignore"):  # reported better below
            total, samples = differentiate(learner, x, y, strategy, progress)
            announce("on_gradients")
            optimizer.step()
        progress.batch += 1
        progress.loss = total / samples
        progress.totals = (progress.totals[0] + total, progress.totals[1] + samples)
        announce("on_step")
        if checkpoint_every is not None and progress.step % checkpoint_every == 0:
            keep()

    def report() -> None:
        total, samples = progress.totals
        row = {"epoch": progress.epoch, "loss": total / samples}
        if validation is not None:
            found = evaluate(model, validation, loss=loss, metrics=metrics, strategy=strategy)
            row |= {f"val_{name}": value for name, value in found.items()}
        progress.history.rows.append(row)
        progress.batch, progress.totals = 0, (0.0, 0.0)
        announce("on_epoch")
        keep()

    announce("on_start")
    try:
        while len(progress.history) < epochs and not progress.stop:
            progress.epoch = len(progress.history) + 1
            model.train()
            for x, y in train.batches(progress.epoch - 1, strategy.shard, first=progress.batch):
                step(x, y)
            report()
    finally:
        announce("on_end")
    return progress.history


def differentiate(
    learner: Learner, x: Tensor, y: Tensor, strategy: Strategy, progress: Progress
) -> tuple[float, float]:
    """Give parameters the gradient of the global batch; its sum of losses, and its size."""
    value = learner(x, y)
    progress.why_eager = learner.why_eager
    samples = len(x)
    total, count = strategy.reduce_sum(np.array([value.item() * samples, samples])).tolist()
    if not (np.isfinite(total) and finite_gradients(progress.optimizer)):
        raise DivergedError(
            f"fit: diverged at step {progress.step} (epoch {progress.epoch}) with loss "
            f"{total / count:g}; {first_not_finite(progress.model)}; lower the learning rate, "
            "or look for extreme values in the data"
        )
    return total, count


def finite_gradients(optimizer: Optimizer) -> bool:
    """Whether all gradients are finite; a sum of squares tells in one pass, or says look closer."""
    return all(
        np.isfinite(np.dot(buffer.gradients, buffer.gradients))
        or all(np.isfinite(gradient).all() for gradient in buffer.written_gradients())
        for buffer in optimizer.buffers
    )


def first_not_finite(model: Module) -> str:
    """Name the first parameter, or else the first gradient, with an element that is not finite."""
    named = list(model.named_parameters())
    for name, parameter in named:
        if not np.isfinite(parameter.data).all():
            return f"the first parameter that is not finite is {name}"
    for name, parameter in named:
        if parameter.grad is not None and not np.isfinite(parameter.grad).all():
            return f"the first gradient that is not finite is that of {name}"
    return "all parameters and gradients are finite"


def evaluate(
    model: Module,
    data: DataLoader,
    *,
    loss: Loss | None = None,
    metrics: Iterable[Metric] = (),
    strategy: Strategy | None = None,
) -> dict[str, float]:
    """The loss and metrics of all the data, in evaluation mode, over all ranks exactly.

    >>> import nn
    >>> model = nn.Linear(1, 1)
    >>> data = nn.DataLoader(np.zeros((3, 1)), np.zeros((3, 1)))
    >>> list(evaluate(model, data, loss=nn.functional.mse_loss, metrics=[nn.metrics.r2]))
    ['loss', 'r2']
    """
    strategy = strategy or OneProcess()
    measured = list(metrics)
    if loss is not None:
        measured.insert(0, mean_of(loss))
    sums: list[npt.NDArray[np.float64]] | None = None
    with evaluating(model), no_grad():
        for x, y in data.batches(0, strategy.shard):
            output = model(x)
            added = [metric.add_up(output, y) for metric in measured]
            if sums is not None:
                joined = zip(measured, sums, added, strict=True)
                added = [metric.join(total, new) for metric, total, new in joined]
            sums = added
    assert sums is not None, "a DataLoader has at least one batch"
    return {
        metric.name: metric.value(reduced(metric, total, strategy))
        for metric, total in zip(measured, sums, strict=True)
    }


def reduced(metric: Metric, sums: Sums, strategy: Strategy) -> Sums:
    """The sums of all ranks together; rows of samples one rank after the other."""
    if not metric.by_sample:
        return strategy.reduce_sum(sums)
    rank, size = strategy.shard
    counts = np.zeros(size)
    counts[rank] = len(sums)
    stops = np.cumsum(strategy.reduce_sum(counts)).astype(np.int64)
    # Each rank fills in its own rows of what is zero elsewhere, so that the sum is all of them.
    rows = np.zeros((stops[-1], *sums.shape[1:]))
    rows[stops[rank] - len(sums) : stops[rank]] = sums
    return strategy.reduce_sum(rows)


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Evaluation mode for a while; every module then gets its own mode back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def mean_of(loss: Loss) -> Metric:
    """A loss, which is a mean over samples, as a metric."""

    def sums(output: npt.NDArray[Any], target: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        value = loss(Tensor(output), Tensor(target)).item()
        return np.array([value * len(target), len(target)])

    return Metric("loss", sums, lambda sums: float(sums[0] / sums[1]))
