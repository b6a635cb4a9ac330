"""Convolution and its two gradients.

The three operations of ``conv`` are three views of one form, the sum of g · conv(x, w): ``conv`` is
its derivative by g, ``conv_transpose`` by x and ``conv_weight`` by w. So each is the gradient of
the others, and derivatives of every order stay among them.

All windows are copied side by side, and a convolution is a product of matrices then (im2col; K.
Chellapilla et al., "High performance convolutional neural networks for document processing", 2006).
There is one product for each row of the images, small enough for the cache, and the samples of a
batch lie innermost in memory (as in A. Krizhevsky's cuda-convnet): whatever stride and kernel are,
numbers that are used together lie together. Results are views with this order in memory;
elementwise operations and pooling keep it, so that usually nothing has to be rearranged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from autograd_core.kernels import machine_code, suits
from autograd_core.memory import aligned
from autograd_core.primitive import call, operation
from autograd_core.rules.windows import Sizes, Windows

# From how many samples on they may lie innermost; fewer would make short loops.
BATCH = 16
# About how many elements are copied side by side at once.
LIMIT = 2**20


@dataclass(frozen=True, slots=True)
class Layout:
    """How arrays (N, C, *spatial) lie in memory: ``order`` are their axes, the outermost first.

    There is one matrix for each place along the outermost axis.
    """

    order: Sizes

    def matrices(self, x: Any, groups: int) -> Any:
        """An array as matrices (places, groups, channels in a group, positions)."""
        places, channels, *inside = (x.shape[k] for k in self.order)
        matrices = (places, groups, channels // groups, math.prod(inside))
        return x.transpose(self.order).reshape(matrices)

    def array(self, elements: Any, shape: Sizes) -> Any:
        """The array of a shape that has these elements in the order of memory."""
        return elements.reshape([shape[k] for k in self.order]).transpose(np.argsort(self.order))

    def columns(self, padded: Any, windows: Windows, groups: int) -> Any:
        """All windows side by side: (places, groups, channels · kernel, positions)."""
        view = windows.view(padded)
        dims = len(windows.kernel)
        place, _, *inside = (k + dims if k >= 2 else k for k in self.order)
        inner = padded.shape[1] // groups * math.prod(windows.kernel)
        shape = (view.shape[place], groups, inner, math.prod(view.shape[k] for k in inside))
        return view.transpose(place, 1, *range(2, 2 + dims), *inside).reshape(shape)

    def parts(self, padded: Any, windows: Windows) -> Iterator[tuple[slice, Any]]:
        """Slices of the places that fit into the cache, and the part of the array each looks at."""
        counts = windows.positions(padded.shape[2:])
        places = (len(padded), 0, *counts)[self.order[0]]
        columns = math.prod((len(padded), padded.shape[1], *windows.kernel, *counts))
        size = max(1, LIMIT * places // max(1, columns))
        for k in range(0, places, size):
            part = slice(k, min(k + size, places))
            if self.order[0] == 0:
                yield part, padded[part]
            else:
                step, span = windows.stride[0], windows.dilation[0] * (windows.kernel[0] - 1)
                yield part, padded[:, :, k * step : (part.stop - 1) * step + span + 1]


def layout_of(samples: int, spatial: Sizes) -> Layout:
    """Samples lie innermost if they are many and the images narrow; outermost otherwise."""
    axes = range(3, len(spatial) + 2)
    innermost = samples >= max(BATCH, spatial[-1])
    return Layout((2, 1, *axes, 0) if innermost else (0, 1, 2, *axes))


def weights(w: Any, groups: int) -> Any:
    """The matrices (groups, outputs, inputs · kernel) of a weight."""
    return w.reshape(groups, len(w) // groups, math.prod(w.shape[1:]))


def padded_array(x: Any, windows: Windows, layout: Layout) -> Any:
    """An array in the order of a layout, with its padding."""
    return windows.pad(layout.array(layout.matrices(x, 1), x.shape))


# -- in machine code -------------------------------------------------------------------------------

# Up to how many outputs windows are read where they lie: copies pay off with more.
FEW = 32
# The shortest rows worth a sum of products.
LONG = 256


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
    """What loops need to know of windows over arrays in a layout; see ``convolution_loops``."""

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


def knows(loops: Loops, groups: int, *arrays: Any) -> bool:
    """Whether there are loops for these windows and arrays."""
    return groups == 1 and len(loops.windows.kernel) <= 2 and suits(*arrays)


def reads_in_place(loops: Loops, groups: int, y: Sizes, *arrays: Any) -> bool:
    """Whether to read windows where they lie, instead of copying them side by side.

    Copies pay off with many outputs, and are none for kernels of one element.
    """
    one = math.prod(loops.windows.kernel) == 1
    steps = loops.axes()[1]
    return y[1] <= FEW and not one and steps[1] == 1 and knows(loops, groups, *arrays)


def loop_of(make: Any, dtype: np.dtype[Any], arrays: int) -> Callable[..., None]:
    """A loop of ``convolution_loops`` over so many vectors, and sizes."""
    return machine_code(make, dtype, *(1,) * arrays, sizes=True)


# -- samples ---------------------------------------------------------------------------------------


def draw_windows(d: Any, dims: int) -> tuple[Windows, Sizes]:
    """Windows of any kind, and lengths of spatial axes where at least one lies."""
    kernel = tuple(d.integer(1, 2 if dims > 1 else 3) for _ in range(dims))
    stride = tuple(d.integer(1, 2) for _ in range(dims))
    dilation = tuple(d.integer(1, 2) for _ in range(dims))
    padding = tuple((d.integer(0, 1), d.integer(0, 1)) for _ in range(dims))
    spans = zip(kernel, dilation, padding, strict=True)
    spatial = tuple(
        max(1, k * a - a + 1 - sum(pair)) + d.integer(0, 2 if dims < 3 else 1)
        for k, a, pair in spans
    )
    return Windows(kernel, stride, padding, dilation), spatial


def conv_operands(d: Any) -> tuple[Any, Any, Any, Windows, int]:
    """Operands x, w, g of the form, the windows and the number of groups."""
    windows, spatial = draw_windows(d, d.integer(1, 3))
    n, groups, inputs, outputs = d.integer(1, 2), d.integer(1, 2), d.integer(1, 2), d.integer(1, 2)
    x = d.array((n, groups * inputs, *spatial))
    w = d.array((groups * outputs, inputs, *windows.kernel))
    g = d.array((n, groups * outputs, *windows.count(spatial)))
    return x, w, g, windows, groups


def conv_sample(d: Any) -> Any:
    """Arrays and weights."""
    x, w, _, windows, groups = conv_operands(d)
    return call(x, w, windows, groups)


def conv_transpose_sample(d: Any) -> Any:
    """Arrays of outputs and weights."""
    x, w, g, windows, groups = conv_operands(d)
    return call(g, w, windows, groups, x.shape[2:])


def conv_weight_sample(d: Any) -> Any:
    """Arrays of outputs and of inputs."""
    x, _, g, windows, groups = conv_operands(d)
    return call(g, x, windows, groups)


# -- the three operations --------------------------------------------------------------------------


def conv_x(g: Any, w: Any, windows: Windows, groups: int, x_shape: Sizes) -> Any:
    """Spread the cotangent over the windows."""
    return conv_transpose(g, w, windows, groups, x_shape[2:])


def conv_w(g: Any, x: Any, windows: Windows, groups: int) -> Any:
    """Correlate the cotangent with the array."""
    return conv_weight(g, x, windows, groups)


def transpose_y(g: Any, w: Any, windows: Windows, groups: int) -> Any:
    """The convolution that was transposed."""
    return conv(g, w, windows, groups)


def transpose_w(g: Any, y: Any, windows: Windows, groups: int) -> Any:
    """As for the convolution, with array and cotangent in each other's place."""
    return conv_weight(y, g, windows, groups)


def weight_y(g: Any, x: Any, windows: Windows, groups: int) -> Any:
    """Convolve with the cotangent, which is shaped like a weight."""
    return conv(x, g, windows, groups)


def weight_x(g: Any, y: Any, windows: Windows, groups: int, x_shape: Sizes) -> Any:
    """Spread with the cotangent, which is shaped like a weight."""
    return conv_transpose(y, g, windows, groups, x_shape[2:])


@operation(conv_sample, x=conv_x, w=conv_w)
def conv(x: Any, w: Any, windows: Windows, groups: int) -> Any:
    """Correlate x (N, C, *spatial) with w (O, C/groups, *kernel): (N, O, *count)."""
    windows.check((w.shape[1] * groups, *w.shape[2:]), (x.shape[1], *windows.kernel))
    layout = layout_of(len(x), x.shape[2:])
    shape = (len(x), len(w), *windows.count(x.shape[2:]))
    loops = Loops(windows, layout)
    if reads_in_place(loops, groups, shape, x, w):
        from autograd_core.rules.convolution_loops import correlate

        elements = aligned(math.prod(shape), x.dtype)
        loop = loop_of(correlate(loops.axes()[0][1]), x.dtype, 3)
        loop(loops.flat(x), w.reshape(-1), elements, loops.correlation(x.shape, shape))
        return layout.array(elements, shape)
    result = layout.array(np.empty(math.prod(shape), np.result_type(x, w), like=x), shape)
    matrices, padded = layout.matrices(result, groups), padded_array(x, windows, layout)
    for part, seen in layout.parts(padded, windows):
        columns = layout.columns(seen, windows, groups)
        np.matmul(weights(w, groups), columns, out=matrices[part])
    return result


@operation(conv_transpose_sample, y=transpose_y, w=transpose_w)
def conv_transpose(y: Any, w: Any, windows: Windows, groups: int, spatial: Sizes) -> Any:
    """Spread y (N, O, *count) over windows of an array (N, C, *spatial), and add them up."""
    windows.check(w.shape[2:], windows.kernel)
    windows.check(y.shape[1:], (len(w), *windows.count(spatial)))
    layout = layout_of(len(y), spatial)
    channels = w.shape[1] * groups
    shape = (len(y), channels, *windows.padded(spatial))
    result = layout.array(np.zeros(math.prod(shape), np.result_type(y, w), like=y), shape)
    matrices = layout.matrices(y, groups)
    loops = Loops(windows, layout)
    adds = knows(loops, groups, y, w)
    for part, seen in layout.parts(result, windows):
        counts = windows.positions(seen.shape[2:])
        columns = weights(w, groups).mT @ matrices[part]
        if adds:
            from autograd_core.rules.convolution_loops import add_columns

            loop = loop_of(add_columns, y.dtype, 2)
            sizes = loops.spreading(seen.shape, (len(seen), len(w), *counts))
            loop(columns.reshape(-1), layout.matrices(seen, 1).reshape(-1), sizes)
            continue
        inner = channels * math.prod(windows.kernel)
        columns = layout.array(columns, (len(seen), inner, *counts))
        columns = columns.reshape(len(seen), channels, *windows.kernel, *counts)
        for place, slab in windows.slices(counts):
            seen[slab] += columns[:, :, *place]
    return result[windows.inside(spatial)]


@operation(conv_weight_sample, y=weight_y, x=weight_x)
def conv_weight(y: Any, x: Any, windows: Windows, groups: int) -> Any:
    """Correlate x (N, C, *spatial) with y (N, O, *count): (O, C/groups, *kernel)."""
    windows.check((len(y), *y.shape[2:]), (len(x), *windows.count(x.shape[2:])))
    layout = layout_of(len(x), x.shape[2:])
    shape = (y.shape[1], x.shape[1] // groups, *windows.kernel)
    result = np.zeros(shape, np.result_type(y, x), like=y)
    loops = Loops(windows, layout)
    long = loops.rows(y.shape).width >= LONG
    if long and reads_in_place(loops, groups, y.shape, y, x):
        from autograd_core.rules.convolution_loops import correlate_weight

        loop = loop_of(correlate_weight, x.dtype, 3)
        flat = layout.matrices(y, 1).reshape(-1)
        loop(flat, loops.flat(x), result.reshape(-1), loops.correlation(x.shape, y.shape))
        return result
    total, matrices = weights(result, groups), layout.matrices(y, groups)
    for part, seen in layout.parts(padded_array(x, windows, layout), windows):
        columns = layout.columns(seen, windows, groups)
        if len(columns) * result.size <= LIMIT:
            total += np.add.reduce(columns @ matrices[part].mT, axis=0).mT
        else:
            for inputs, outputs in zip(columns, matrices[part], strict=True):
                total += outputs @ inputs.mT
    return result
