"""The command ``autograd-core``: its options, its words, its exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NoReturn

import autograd_core
from autograd_core.errors import MissingExtraError, require
from distributed.check import CheckCommand
from distributed.communicator import Communicator, world
from distributed.config import DATASETS, DTYPES, OPTIMIZERS, TrainConfig
from distributed.errors import RankError, UsageError
from distributed.experiment import Experiment, prepare, run
from distributed.faults import agree
from distributed.launcher import read_launch
from distributed.run_folder import check_creatable, next_free, write_run
from nn.errors import DivergedError
from nn.layers.activation import ACTIVATIONS

DESCRIPTION = "Train neural networks with automatic differentiation for NumPy, and check gradients."

TRAIN = """\
Train a multilayer perceptron and leave a run folder: the model
(model.safetensors), its history (history.csv), curves of loss and quality
(curves.svg), the computational graph (graph.svg), everything needed to repeat
the run (config.json) and the outcome (summary.json). A fifth of the samples is
kept for a test at the end, a tenth of the others for validation. The same seed
gives the same model, bit for bit.
"""

CHECK = """\
Check gradients: of an operation registered with autograd_core.operation, or a
test decorated with property_gradcheck, named as module:function; or, with
--all, of every operation there is. What is wrong is shown with code that
reproduces it, and the exit status is 1.
"""

EXAMPLES = """\
examples:
  autograd-core train digits
  autograd-core train table.csv --target price --task regression --out runs/price
  mpiexec -n 2 autograd-core train digits --hidden 256,128 --epochs 50
"""


def sizes(text: str) -> tuple[int, ...]:
    """Whole numbers separated by commas.

    >>> sizes("128,64")
    (128, 64)
    """
    try:
        return tuple(int(size) for size in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"got {text!r}; expected sizes separated by commas, such as 128,64"
        ) from None


RATES = [f"{rate:g} for {name}" for name, (_, rate) in OPTIMIZERS.items()]

# The options that are fields of TrainConfig: how they are read and shown, and what they say.
OPTIONS: dict[str, tuple[Callable[[str], Any], str, str]] = {
    "target": (str, "COLUMN", "column of a CSV table that is to be predicted"),
    "task": (str, "TASK", "classification or regression; auto tells it from the target"),
    "hidden": (sizes, "SIZES", "sizes of the hidden layers"),
    "activation": (str, "NAME", f"activation of hidden layers: {', '.join(sorted(ACTIVATIONS))}"),
    "optimizer": (str, "NAME", f"one of {', '.join(OPTIMIZERS)}"),
    "lr": (float, "RATE", f"learning rate (default: {', '.join(RATES)})"),
    "batch_size": (int, "N", "samples in a step, over all ranks together"),
    "epochs": (int, "N", "passes over the training samples"),
    "seed": (int, "N", "fixes the split, the initial model and the order of samples"),
    "weight_decay": (float, "RATE", "L2 penalty, added to the gradient as RATE times the weight"),
    "dtype": (str, "NAME", f"what the network computes in: {' or '.join(DTYPES)}"),
}


@dataclass
class TrainCommand:
    """``autograd-core train`` as it was typed."""

    config: TrainConfig
    out: Path | None
    quiet: bool
    profile: Path | None = None

    @property
    def folder(self) -> Path:
        """The run folder: the one asked for, or the next free number of the data's name."""
        return self.out or next_free(Path("runs"), Path(self.config.data).stem)

    def run(self, communicator: Communicator) -> int:
        """Train as asked, and return the exit status; rank 0 speaks and writes."""
        is_main = communicator.rank == 0
        agree(communicator, lambda: check_output(self) if is_main else None)
        experiment = agree(communicator, lambda: prepare(self.config))
        graph = agree(communicator, lambda: draw_model(experiment) if is_main else "")
        if is_main and not self.quiet:
            print(f"{experiment}; ranks: {communicator.size}", flush=True)
        seen = autograd_core.profile()
        with seen if self.profile and is_main else nullcontext():
            outcome = run(experiment, communicator, progress=not self.quiet)
        if is_main:
            if self.profile:
                seen.save(self.profile)
                print(seen.table())
            folder = self.folder
            write_run(folder, experiment, outcome, graph, communicator.size)
            metric = experiment.metric.name
            print(
                f"test {metric} {outcome.test[metric]:.4f} (loss {outcome.test['loss']:.4f}) on "
                f"{experiment.test.samples:,} samples, after {outcome.seconds:.1f} s of training\n"
                f"run folder: {folder}"
            )
        return 0


class Parser(argparse.ArgumentParser):
    """A parser that leaves to ``main`` how a mistake is told to the user of many ranks."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(f"{message}; see {self.prog} --help")


def build_parser() -> Parser:
    """Everything ``--help`` shows."""
    as_written = argparse.RawDescriptionHelpFormatter
    parser = Parser("autograd-core", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {autograd_core.__version__}"
    )
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="command", required=True
    )
    train = commands.add_parser(
        "train",
        help="train a model on the digits or on your own table",
        description=TRAIN,
        epilog=EXAMPLES,
        formatter_class=as_written,
        allow_abbrev=False,
    )
    train.add_argument(
        "data",
        help=f"{', '.join(DATASETS)}, a CSV table with column names, or an .npz with x and y",
    )
    defaults = {field.name: field.default for field in fields(TrainConfig)}
    for name, (convert, metavar, text) in OPTIONS.items():
        default = defaults[name]
        shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
        train.add_argument(
            f"--{name.replace('_', '-')}",
            type=convert,
            metavar=metavar,
            default=default,
            help=text if shown is None else f"{text} (default: {shown})",
        )
    train.add_argument(
        "--no-compile",
        dest="compile",
        action="store_false",
        help="run steps as they are written, not as compiled programs: slower, the same bits",
    )
    train.add_argument(
        "--out", type=Path, metavar="DIR", help="new run folder (default: runs/<data>-<number>)"
    )
    train.add_argument(
        "--profile", type=Path, metavar="FILE", help="write where the time goes as a Chrome trace"
    )
    train.add_argument("--quiet", action="store_true", help="print nothing but the outcome")
    check = commands.add_parser(
        "check",
        help="check the gradients of operations against differences",
        description=CHECK,
        formatter_class=as_written,
        allow_abbrev=False,
    )
    check.add_argument(
        "target", nargs="?", metavar="module:function", help="an operation, or a property"
    )
    check.add_argument(
        "--all", dest="everything", action="store_true", help="every operation there is"
    )
    check.add_argument(
        "--examples",
        type=int,
        metavar="N",
        help="inputs drawn for each check (default: 20; 3 with --all)",
    )
    check.add_argument(
        "--seed", type=int, metavar="N", default=0, help="fixes the inputs (default: 0)"
    )
    return parser


def parse(arguments: Sequence[str] | None) -> TrainCommand | CheckCommand:
    """Read the command line; ``--help`` and ``--version`` print and exit."""
    # Only one rank of many shows the help.
    with (
        open(os.devnull, "w") as nowhere,
        redirect_stdout(sys.stdout if read_launch().rank == 0 else nowhere),
    ):
        options = vars(build_parser().parse_args(arguments))
    if options.pop("command") == "check":
        return CheckCommand(**options)
    apart = {name: options.pop(name) for name in ("out", "quiet", "profile")}
    return TrainCommand(TrainConfig(**options), **apart)


def check_output(command: TrainCommand) -> None:
    """Raise, before the work and not after it, if the run folder could not be written."""
    check_creatable(command.folder)
    if command.profile and not os.access(command.profile.parent, os.W_OK):
        raise UsageError(f"cannot write {command.profile}; expected a file in an existing folder")
    for library in (
        "safetensors.numpy",
        "matplotlib.figure",
        *(() if command.quiet else ("tqdm",)),
    ):
        require(library, "train")


def draw_model(experiment: Experiment) -> str:
    """The computational graph of the loss of one batch, as SVG."""
    x, y = next(experiment.train.batches(0))
    loss = experiment.loss(experiment.model(x), y)
    names = {buffer: name for name, buffer in experiment.model.named_buffers()} | {loss: "loss"}
    return autograd_core.draw(loss, model=experiment.model, names=names).svg()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 0, 2 if it was asked for what cannot be, otherwise 1.

    >>> main(["train", "digits", "--hidden", "0"])
    2
    """
    try:
        communicator = world()
        return agree(communicator, lambda: parse(arguments)).run(communicator)
    except (UsageError, MissingExtraError, RankError) as error:
        return complain(error, 2)
    except DivergedError as error:
        return complain(error, 1)
    except KeyboardInterrupt:
        return complain("interrupted", 130)


def complain(problem: object, status: int) -> int:
    """Tell the user what is wrong, once for all ranks, and return the exit status."""
    if read_launch().rank == 0:
        print(f"autograd-core: {problem}", file=sys.stderr, flush=True)
    return status
