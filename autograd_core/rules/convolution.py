"""Convolution and its two gradients.

The three operations of ``conv`` are three views of one form, the sum of g · conv(x, w): ``conv`` is
its derivative by g, ``conv_transpose`` by x and ``conv_weight`` by w. So each is the gradient of
the others, and derivatives of every order stay among them.

All windows are copied side by side, and a convolution is a product of matrices then (im2col; K.
Chellapilla et al., "High performance convolutional neural networks for document processing", 2006).
There is one product for each row of the images, small enough for the cache. Where outputs are few
the copies cost more than the product, and loops read the windows where they lie
(``convolution_rows``). Results are views with the order of ``convolution_layout`` in memory;
elementwise operations and pooling keep it, so that usually nothing has to be rearranged.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.primitive import call, operation
from autograd_core.rules.convolution_layout import LIMIT, layout_of, padded_array
from autograd_core.rules.convolution_rows import LONG, Loops, knows, reads_in_place
from autograd_core.rules.windows import Sizes, Windows


def weights(w: Any, groups: int) -> Any:
    """The matrices (groups, outputs, inputs · kernel) of a weight."""
    return w.reshape(groups, len(w) // groups, math.prod(w.shape[1:]))


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
        return loops.correlate(x, w, shape)
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
            loops.add_columns(columns, seen, (len(seen), len(w), *counts))
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
    in_place = reads_in_place(loops, groups, y.shape, y, x)
    if in_place and loops.rows(y.shape).width >= LONG:
        loops.correlate_weight(y, x, result)
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
