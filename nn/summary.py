"""A table of a model: layers, output shapes, parameters, multiply-adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core import no_grad
from nn.layers.attention import MultiheadAttention
from nn.layers.convolution import Convolution, TransposedConvolution
from nn.layers.linear import Linear
from nn.layers.recurrent import Recurrent
from nn.module import Module
from nn.observe import first_of, observing
from nn.training import evaluating


@dataclass
class Row:
    """A layer: its path and class, the shape of its output, and its own numbers."""

    path: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """The layers of a model in the order they compute; printing it gives a table."""

    rows: list[Row]
    parameters: int
    trainable: int

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds of all layers."""
        return sum(row.multiply_adds for row in self.rows)

    def __str__(self) -> str:
        table = [("layer", "output shape", "parameters", "multiply-adds")]
        table += [
            (
                f"{row.path} {row.kind}".strip(),
                str(row.shape),
                f"{row.parameters:,}",
                f"{row.multiply_adds:,}",
            )
            for row in self.rows
        ]
        table.append(("total", "", f"{self.parameters:,}", f"{self.multiply_adds:,}"))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(
                [cells[0].ljust(widths[0]), cells[1].ljust(widths[1])]
                + [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
            )
            for cells in table
        ]
        rule = "-" * len(lines[0])
        frozen = self.parameters - self.trainable
        return "\n".join(
            [lines[0], rule, *lines[1:-1], rule, lines[-1]]
            + [f"{frozen:,} parameters are frozen"] * bool(frozen)
        )


def summary(model: Module, *inputs: Any) -> Summary:
    """Run a model once, in evaluation mode, and tell of its layers.

    ``inputs``: arrays, or shapes of zeros such as ``(1, 64)``. Multiply-adds are those of matrix
    products and convolutions. A layer that computes several times adds up; one that never does is
    not listed, but its parameters are in the total.

    >>> import nn
    >>> print(summary(nn.MLP([64, 32, 10]), (1, 64)))
    layer     output shape  parameters  multiply-adds
    -------------------------------------------------
    0 Linear  (1, 32)            2,080          2,048
    1 ReLU    (1, 32)                0              0
    2 Linear  (1, 10)              330            320
    -------------------------------------------------
    total                        2,410          2,368
    """
    rows: dict[str, Row] = {}

    def see(path: str, module: Module, given: tuple[Any, ...], output: Any) -> None:
        own = sum(parameter.size for parameter in module._parameters.values())
        if own or not list(module.children()):
            shape = first_of(output).shape
            row = rows.setdefault(path, Row(path, type(module).__name__, shape, own, 0))
            row.multiply_adds += multiply_adds(module, given, first_of(output))

    dtype = next((parameter.dtype for parameter in model.parameters()), np.float32)
    arrays = [np.zeros(item, dtype) if isinstance(item, tuple) else item for item in inputs]
    with evaluating(model), no_grad(), observing(model, see):
        model(*arrays)
    parameters = list(model.parameters())
    trainable = sum(parameter.size for parameter in parameters if parameter.requires_grad)
    return Summary(list(rows.values()), sum(p.size for p in parameters), trainable)


def multiply_adds(module: Any, inputs: tuple[Any, ...], output: Any) -> int:
    """How many products a layer adds up for one output."""
    for kind, count in COUNTS.items():
        if isinstance(module, kind):
            return int(count(module, inputs, output))
    return 0


def recurrent(module: Any, inputs: tuple[Any, ...], output: Any) -> int:
    """At every step of every sequence, all matrices."""
    steps = inputs[0].size // inputs[0].shape[-1]
    return steps * sum(p.size for p in module._parameters.values() if p.ndim > 1)


def attention(module: Any, inputs: tuple[Any, ...], output: Any) -> int:
    """The projections of queries, keys and values, the scores, and the means."""
    query, key = inputs[:2]
    keys = key.shape[1 if module.batch_first and key.ndim == 3 else 0]
    return sum(x.size for x in inputs[:3]) * module.embed_dim + 2 * query.size * keys


# Each element of a convolution's output is a sum over a kernel; each element of the input of a
# transposed one goes to as many outputs.
COUNTS: dict[type[Module], Callable[[Any, tuple[Any, ...], Any], int]] = {
    Linear: lambda module, inputs, output: output.size * module.in_features,
    Convolution: lambda module, inputs, output: output.size * module.weight[0].size,
    TransposedConvolution: lambda module, inputs, output: inputs[0].size * module.weight[0].size,
    Recurrent: recurrent,
    MultiheadAttention: attention,
}
