"""Convolutions in machine code: when loops are used, and what they are told of the arrays.

Loops read windows where they lie, along rows of memory, instead of copying them side by side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from autograd_core.kernels import are_alike, machine_code
from autograd_core.memory import aligned
from autograd_core.rules.convolution_layout import Layout
from autograd_core.rules.windows import Sizes, Windows

# Up to how many outputs windows are read where they lie: copies pay off with more.
FEW = 32
# The shortest rows worth a sum of products.
LONG = 256
# The longest row of a kernel, which is one piece of straight-line code.
MOST_TAPS = 32


class Rows(NamedTuple):
    """Where the rows of an array lie: how far apart those of batches, places and channels are.

    A row is what lies along the last spatial axis of a channel, with all samples if those lie
    innermost; ``step`` is how far apart its elements are.
    """

    batches: int
    rows: int
    channels: int
    width: int
    batch: int
    row: int
    channel: int
    step: int


@dataclass(frozen=True, slots=True)
class Loops:
    """The loops of ``convolution_loops``, for windows over arrays in a layout."""

    windows: Windows
    layout: Layout

    def axes(self) -> tuple[Sizes, Sizes, Sizes]:
        """Kernel, strides and dilations, each along places and along rows."""
        axes = zip(self.windows.kernel, self.windows.stride, self.windows.dilation, strict=True)
        pairs = [*axes]
        if len(pairs) == 1:
            pairs.insert(1 if self.layout.order[0] else 0, (1, 1, 1))
        kernels, strides, dilations = zip(*pairs, strict=True)
        return kernels, strides, dilations

    def rows(self, shape: Sizes) -> Rows:
        """The rows of an array (N, C, *spatial) with one or two spatial axes."""
        n, channels, *spatial = shape
        if self.layout.order[0] == 0:
            (length, *rows) = reversed(spatial)
            plane = math.prod(spatial)
            places = math.prod(rows)
            return Rows(n, places, channels, length, channels * plane, length, plane, 1)
        width = n * math.prod(spatial[1:])
        return Rows(1, spatial[0], channels, width, 0, channels * width, width, n)

    def flat(self, x: Any) -> Any:
        """An array with its padding, as it lies in memory."""
        if not any(map(any, self.windows.padding)):
            return self.layout.matrices(x, 1).reshape(-1)
        shape = (*x.shape[:2], *self.windows.padded(x.shape[2:]))
        elements = aligned(math.prod(shape), x.dtype)
        elements[:] = 0
        self.layout.array(elements, shape)[self.windows.inside(x.shape[2:])] = x
        return elements

    def correlation(self, x: Sizes, y: Sizes) -> Any:
        """What ``correlate`` and ``correlate_weight`` are told about arrays of these shapes."""
        (kernel, taps), (stride, _), (dilation, gap) = self.axes()
        inputs = self.rows((*x[:2], *self.windows.padded(x[2:])))
        outputs = self.rows(y)
        counts = outputs.batches, outputs.rows, outputs.channels, inputs.channels, kernel
        places = outputs.width, stride, dilation, gap * inputs.step, *inputs[4:7]
        return np.array([*counts, *places, *outputs[4:7], taps])

    def spreading(self, x: Sizes, y: Sizes) -> Any:
        """What ``add_columns`` is told about arrays of these shapes."""
        (kernel, taps), (stride, jump), (dilation, gap) = self.axes()
        target, rows = self.rows(x), self.rows(y)
        filters = target.channels * kernel * taps
        positions = rows.rows * rows.width if rows.batch else rows.width
        count, width = (1, rows.width) if jump == 1 else (rows.width // rows.step, rows.step)
        columns = filters * positions, rows.width, positions
        if not rows.batch:
            columns = 0, filters * positions, positions
        counts = rows.batches, rows.rows, target.channels, kernel, taps, count, width
        places = jump * target.step, stride, dilation, gap * target.step, *target[4:7]
        return np.array([*counts, *places, *columns])

    def correlate(self, x: Any, w: Any, shape: Sizes) -> Any:
        """``convolution.conv``, with a result of a shape."""
        result = aligned(math.prod(shape), x.dtype)
        (_, taps), _, _ = self.axes()
        sizes = self.correlation(x.shape, shape)
        loop(loops().correlate(taps), self.flat(x), w.reshape(-1), result, sizes)
        return self.layout.array(result, shape)

    def correlate_weight(self, y: Any, x: Any, result: Any) -> None:
        """``convolution.conv_weight``, added to a result."""
        sizes = self.correlation(x.shape, y.shape)
        flat = self.layout.matrices(y, 1).reshape(-1)
        loop(loops().correlate_weight, flat, self.flat(x), result.reshape(-1), sizes)

    def add_columns(self, columns: Any, x: Any, outputs: Sizes) -> None:
        """Add windows side by side, of outputs of a shape, to the array they came from."""
        sizes = self.spreading(x.shape, outputs)
        flat = self.layout.matrices(x, 1).reshape(-1)
        loop(loops().add_columns, columns.reshape(-1), flat, sizes)


def loops() -> Any:
    """The module of the loops, which needs the compiler."""
    from autograd_core.rules import convolution_loops

    return convolution_loops


def loop(make: Any, *arrays: Any) -> None:
    """Run a loop over vectors and sizes; those it writes to have no gaps."""
    *vectors, sizes = arrays
    code = machine_code(make, vectors[0].dtype, *(1,) * len(vectors), sizes=True)
    code(*map(np.ascontiguousarray, vectors), sizes)


def knows(loops: Loops, groups: int, *arrays: Any) -> bool:
    """Whether there are loops for these windows and arrays."""
    return groups == 1 and len(loops.windows.kernel) <= 2 and are_alike(*arrays)


def reads_in_place(loops: Loops, groups: int, y: Sizes, *arrays: Any) -> bool:
    """Whether to read windows where they lie, instead of copying them side by side.

    Copies pay off with many outputs, and are none for kernels of one element.
    """
    if y[1] > FEW or not knows(loops, groups, *arrays):
        return False
    (_, taps), (_, stride), _ = loops.axes()
    return stride == 1 and taps <= MOST_TAPS and math.prod(loops.windows.kernel) > 1
