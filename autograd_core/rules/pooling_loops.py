"""Maximum pooling as loops for numba to compile.

Arrays are seen as (outer, H, middle, W, inner), as they lie in memory: with all samples innermost
or with channels innermost the loops run along those, otherwise inner is 1. ``sizes`` are kernel,
strides, padding and dilations, each for both spatial axes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.compiler.machine import instructions
from autograd_core.compiler.vector_math import Precision

Loop = Callable[..., None]


def max_pool(p: Precision) -> Loop:
    """A loop that keeps the largest elements of windows; NaN is larger than all."""
    larger, lowest = instructions().larger, p.real(-np.inf)

    def loop(x: Any, out: Any, sizes: Any) -> None:
        rows, columns, down, right, top, left, row_gap, column_gap = sizes
        outer, height, middle, width, inner = out.shape
        for o in range(outer):
            for h in range(height):
                for m in range(middle):
                    for w in range(width):
                        for i in range(inner):
                            out[o, h, m, w, i] = lowest
                        for r in range(rows):
                            y = h * down - top + r * row_gap
                            if y < 0 or y >= x.shape[1]:
                                continue
                            for c in range(columns):
                                z = w * right - left + c * column_gap
                                if z < 0 or z >= x.shape[3]:
                                    continue
                                row = np.uint64(y)
                                column = np.uint64(z)
                                for i in range(inner):
                                    out[o, h, m, w, i] = larger(
                                        out[o, h, m, w, i], x[o, row, m, column, i]
                                    )

    return loop


def spread_to_maxima(p: Precision) -> Loop:
    """A loop that adds what windows give to their maxima; ``count`` has inner elements.

    Windows are visited backwards, so that an element gets its parts in the order of the kernel.
    """
    zero, one = p.real(0), p.real(1)

    def loop(g: Any, x: Any, out: Any, result: Any, count: Any, sizes: Any) -> None:
        rows, columns, down, right, top, left, row_gap, column_gap = sizes
        outer, height, middle, width, inner = out.shape
        for o in range(outer):
            for h in range(height - 1, -1, -1):
                for m in range(middle):
                    for w in range(width - 1, -1, -1):
                        a, b = np.uint64(h), np.uint64(w)
                        for i in range(inner):
                            count[i] = zero
                        for spreading in (False, True):
                            for r in range(rows):
                                y = h * down - top + r * row_gap
                                for c in range(columns):
                                    z = w * right - left + c * column_gap
                                    if y < 0 or y >= x.shape[1] or z < 0 or z >= x.shape[3]:
                                        continue
                                    row, column = np.uint64(y), np.uint64(z)
                                    for i in range(inner):
                                        most = x[o, row, m, column, i] == out[o, a, m, b, i]
                                        if spreading:
                                            share = count[i] if most else zero
                                            result[o, row, m, column, i] += share
                                        else:
                                            count[i] += one if most else zero
                            if not spreading:
                                for i in range(inner):
                                    count[i] = g[o, a, m, b, i] / max(count[i], one)

    return loop
