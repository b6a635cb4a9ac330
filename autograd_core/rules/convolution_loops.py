"""Convolutions as loops for numba to compile: windows are read where they lie, without copies.

Arrays are flat. A ``row`` is what lies along the last spatial axis of one channel, the samples of a
batch included where they lie innermost; ``sizes`` tells how far apart rows, channels and batches
are (``convolution.Rows``). The innermost loops run along rows, whose elements are multiplied with
the same weight. Positions are made unsigned, so that numba need not look for negative ones.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from autograd_core.compiler.machine import instructions
from autograd_core.compiler.vector_math import Precision

Loop = Callable[..., None]
Maker = Callable[[Precision], Loop]


@cache
def correlate(taps: int) -> Maker:
    """Makes a loop that adds up ``taps`` weights along the rows at once, for two outputs."""

    def make(p: Precision) -> Loop:
        muladd, position, zero = instructions().muladd, np.uint64, p.real(0)

        def loop(x: Any, w: Any, y: Any, sizes: Any) -> None:
            batches, rows, outputs, channels, kernel, width = sizes[:6]
            stride, dilation, step, x_batch, x_row, x_channel = sizes[6:12]
            y_batch, y_row, y_channel = sizes[12:15]
            filters = kernel * taps
            for b in range(batches):
                for r in range(rows):
                    for o in range(0, outputs, 2):
                        other = min(o + 1, outputs - 1)
                        to_first = b * y_batch + r * y_row + o * y_channel
                        to_second = b * y_batch + r * y_row + other * y_channel
                        for i in range(width):
                            y[position(to_first + i)] = zero
                            y[position(to_second + i)] = zero
                        for c in range(channels):
                            for k in range(kernel):
                                row = r * stride + k * dilation
                                from_x = b * x_batch + row * x_row + c * x_channel
                                w_first = (o * channels + c) * filters + k * taps
                                w_second = (other * channels + c) * filters + k * taps
                                for i in range(width):
                                    first = y[position(to_first + i)]
                                    second = y[position(to_second + i)]
                                    for tap in range(taps):
                                        seen = x[position(from_x + i + tap * step)]
                                        first = muladd(w[position(w_first + tap)], seen, first)
                                        second = muladd(w[position(w_second + tap)], seen, second)
                                    y[position(to_first + i)] = first
                                    y[position(to_second + i)] = second

        return loop

    return make


def correlate_weight(p: Precision) -> Loop:
    """A loop that adds up products along the rows, for four weights of two outputs at once."""
    plus_product, position, zero = instructions().plus_product, np.uint64, p.real(0)

    def loop(y: Any, x: Any, w: Any, sizes: Any) -> None:
        batches, rows, outputs, channels, kernel, width = sizes[:6]
        stride, dilation, step, x_batch, x_row, x_channel = sizes[6:12]
        y_batch, y_row, y_channel, taps = sizes[12:16]
        filters = channels * kernel * taps
        seen = np.empty(filters + 3, np.int64)  # where the elements are that a weight meets
        sums = np.empty((2, 4), w.dtype)
        for b in range(batches):
            for r in range(rows):
                for c in range(channels):
                    for k in range(kernel):
                        row = b * x_batch + (r * stride + k * dilation) * x_row + c * x_channel
                        for tap in range(taps):
                            seen[(c * kernel + k) * taps + tap] = row + tap * step
                seen[filters:] = seen[filters - 1]
                for o in range(0, outputs, 2):
                    y0 = b * y_batch + r * y_row + o * y_channel
                    y1 = y0 + (y_channel if o + 1 < outputs else 0)
                    for first in range(0, filters, 4):
                        x0, x1 = seen[first], seen[first + 1]
                        x2, x3 = seen[first + 2], seen[first + 3]
                        a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = zero
                        for i in range(width):
                            g, h = y[position(y0 + i)], y[position(y1 + i)]
                            v0, v1 = x[position(x0 + i)], x[position(x1 + i)]
                            v2, v3 = x[position(x2 + i)], x[position(x3 + i)]
                            a0, b0 = plus_product(a0, g, v0), plus_product(b0, h, v0)
                            a1, b1 = plus_product(a1, g, v1), plus_product(b1, h, v1)
                            a2, b2 = plus_product(a2, g, v2), plus_product(b2, h, v2)
                            a3, b3 = plus_product(a3, g, v3), plus_product(b3, h, v3)
                        sums[0, 0], sums[0, 1], sums[0, 2], sums[0, 3] = a0, a1, a2, a3
                        sums[1, 0], sums[1, 1], sums[1, 2], sums[1, 3] = b0, b1, b2, b3
                        for output in range(o, min(o + 2, outputs)):
                            for place in range(first, min(first + 4, filters)):
                                w[output * filters + place] += sums[output - o, place - first]

    return loop


def add_columns(p: Precision) -> Loop:
    """A loop that adds columns of a matrix, windows side by side, to where they came from."""
    position = np.uint64

    def loop(columns: Any, x: Any, sizes: Any) -> None:
        batches, rows, channels, kernel, taps, count, width, jump = sizes[:8]
        stride, dilation, step, x_batch, x_row, x_channel = sizes[8:14]
        from_batch, from_row, from_filter = sizes[14:17]
        for b in range(batches):
            for r in range(rows):
                for c in range(channels):
                    for k in range(kernel):
                        row = b * x_batch + (r * stride + k * dilation) * x_row + c * x_channel
                        for tap in range(taps):
                            filter = (c * kernel + k) * taps + tap
                            start = b * from_batch + r * from_row + filter * from_filter
                            for n in range(count):
                                seen = start + n * width
                                target = row + tap * step + n * jump
                                for i in range(width):
                                    x[position(target + i)] += columns[position(seen + i)]

    return loop
