"""Pooling: sums over windows with weights, and their transpose.

Average pooling is a sum; the gradient of maximum pooling is spread over the elements of a window
that attain its maximum, evenly if there are several. Both are linear in the cotangent, and one is
the gradient of the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.kernels import are_alike, machine_code, whole
from autograd_core.memory import aligned
from autograd_core.primitive import call, operation
from autograd_core.rules.convolution import draw_windows
from autograd_core.rules.windows import Sizes, Windows


def masked(values: Any, masks: Any) -> Callable[[Any, int], Any]:
    """A function that puts zeros where the k-th mask does not hold; without masks, none."""
    if masks is None:
        return lambda part, k: part
    if np.isfinite(values).all():
        return lambda part, k: part * masks[k]  # three times as fast as np.where
    return lambda part, k: np.where(masks[k], part, 0)


def lying_like(values: Any, masks: Any) -> Any:
    """The same values in the order in memory of masks, so that loops over both run straight."""
    if (
        masks is None
        or np.argsort(values.strides).tolist() == np.argsort(masks[0].strides).tolist()
    ):
        return values
    result = np.empty_like(masks[0], values.dtype)
    result[...] = values
    return result


# -- samples ---------------------------------------------------------------------------------------


def gather_sample(d: Any) -> Any:
    """An array, masks or none, and windows."""
    windows, spatial = draw_windows(d, d.integer(1, 3))
    x = d.array((d.integer(1, 2), d.integer(1, 2), *spatial))
    shape = (*x.shape[:2], *windows.count(spatial))
    masks = [d.rng.random(shape) < 0.5 for _ in range(math.prod(windows.kernel))]
    return call(x, masks if d.boolean() else None, windows)


def scatter_sample(d: Any) -> Any:
    """What a gather results in."""
    (x, masks, windows), _ = gather_sample(d)
    y = d.array((*x.shape[:2], *windows.count(x.shape[2:])))
    return call(y, masks, windows, x.shape[2:])


def max_pool_sample(d: Any) -> Any:
    """An array and windows, none of them entirely in the padding."""
    drawn, spatial = draw_windows(d, d.integer(1, 3))
    padding = tuple((k // 2, (k - 1) // 2) for k in drawn.kernel)
    windows = Windows(drawn.kernel, drawn.stride, padding, drawn.dilation)
    return call(d.array((d.integer(1, 2), 1, *[size + 2 for size in spatial])), windows)


# -- operations ------------------------------------------------------------------------------------


def gather_x(g: Any, masks: Any, windows: Windows, x_shape: Sizes) -> Any:
    """Each cotangent goes to the elements of its window."""
    return scatter(g, masks, windows, x_shape[2:])


def scatter_y(g: Any, masks: Any, windows: Windows) -> Any:
    """Each cotangent comes from the elements of its window."""
    return gather(g, masks, windows)


@operation(gather_sample, x=gather_x)
def gather(x: Any, masks: Any, windows: Windows) -> Any:
    """Sums over the windows of x (N, C, *spatial): (N, C, *count).

    ``masks``, one array (N, C, *count) for each kernel element, say what counts; None: all.
    """
    padded, counts = windows.pad(x), windows.count(x.shape[2:])
    where = masked(x, masks)
    result = np.zeros_like(x, shape=(*x.shape[:2], *counts))
    for k, (_, slab) in enumerate(windows.slices(counts)):
        result += where(padded[slab], k)
    return result


@operation(scatter_sample, y=scatter_y)
def scatter(y: Any, masks: Any, windows: Windows, spatial: Sizes) -> Any:
    """Add y (N, C, *count) to the elements of its windows in an array (N, C, *spatial)."""
    windows.check(y.shape[2:], windows.count(spatial))
    y = lying_like(y, masks)
    where = masked(y, masks)
    result = np.zeros_like(y, shape=(*y.shape[:2], *windows.padded(spatial)))
    for k, (_, slab) in enumerate(windows.slices(y.shape[2:])):
        if windows.overlap:
            result[slab] += where(y, k)
        else:
            result[slab] = where(y, k)
    return result[windows.inside(spatial)]


@operation()
def maxima(x: Any, out: Any, windows: Windows) -> Any:
    """Masks of the elements as large as the maximum of their window, then how many these are."""
    padded = windows.pad(x, lowest(x.dtype))
    masks = [padded[slab] == out for _, slab in windows.slices(out.shape[2:])]
    if padded is not x:  # the padding is no maximum, even where nothing is larger
        real = windows.pad(np.ones_like(x, bool, shape=(1, 1, *x.shape[2:])))
        for mask, (_, slab) in zip(masks, windows.slices(out.shape[2:]), strict=True):
            np.logical_and(mask, real[slab], out=mask)
    number: Any = np.zeros_like(masks[0], np.uint8 if len(masks) < 256 else np.intp)
    for mask in masks:
        number += mask.view(np.uint8)
    np.maximum(number, 1, out=number)  # NaN equals nothing
    return [*masks, number.astype(x.dtype)]


def to_maxima_sample(d: Any) -> Any:
    """What maximum pooling takes and results in, and what windows give."""
    (x, windows), _ = max_pool_sample(d)
    out = max_pool(x, windows)
    return call(d.array(out.shape), x, out, windows)


def from_maxima_sample(d: Any) -> Any:
    """What maximum pooling takes and results in, and an array like the first."""
    (x, windows), _ = max_pool_sample(d)
    return call(d.array(x.shape), x, max_pool(x, windows), windows)


def to_maxima_y(g: Any, x: Any, largest: Any, windows: Windows) -> Any:
    """Each window gets what its maxima have."""
    return from_maxima(g, x, largest, windows)


def from_maxima_x(g: Any, y: Any, largest: Any, windows: Windows) -> Any:
    """Each window gives to its maxima."""
    return to_maxima(g, y, largest, windows)


@operation(to_maxima_sample, y=to_maxima_y)
@whole
def to_maxima(y: Any, x: Any, largest: Any, windows: Windows) -> Any:
    """Split y, one number for each window of x, evenly between the maxima of the window.

    ``largest`` are the maxima of the windows.
    """
    nest = nest_of(x) if knows(windows, y, x, largest) else None
    if nest is None:
        *masks, number = maxima(x, largest, windows)
        return scatter(y / number, masks, windows, x.shape[2:])
    result = empty_like(x, nest)
    result[...] = 0
    arrays = [nest.view(each) for each in (y, x, largest, result)]
    count = np.empty(arrays[0].shape[-1], x.dtype)
    run_loop("spread_to_maxima", windows, *arrays, count)
    return result


@operation(from_maxima_sample, x=from_maxima_x)
def from_maxima(x: Any, y: Any, largest: Any, windows: Windows) -> Any:
    """For each window the mean of x over the maxima of y in the window: to_maxima transposed."""
    windows.check(x.shape, y.shape)
    *masks, number = maxima(y, largest, windows)
    return gather(x, masks, windows) / number


@operation(view=True)
def constant(x: Any) -> Any:
    """The same values, through which no gradient flows: where maxima lie is piecewise constant."""
    return x


def max_pool_x(g: Any, x: Any, out: Any, windows: Windows) -> Any:
    """Split each cotangent evenly between the maxima of its window."""
    return to_maxima(g, constant(x), constant(out), windows)


@operation(max_pool_sample, x=max_pool_x)
@whole
def max_pool(x: Any, windows: Windows) -> Any:
    """The largest elements of the windows of x (N, C, *spatial): (N, C, *count)."""
    nest = nest_of(x) if knows(windows, x) else None
    if nest is not None:
        result = empty_like(x, nest, (*x.shape[:2], *windows.count(x.shape[2:])))
        run_loop("max_pool", windows, nest.view(x), nest.view(result))
        return result
    padded = windows.pad(x, lowest(x.dtype))
    first, *rest = (padded[slab] for _, slab in windows.slices(windows.count(x.shape[2:])))
    result = first.copy(order="K")
    for part in rest:
        np.maximum(result, part, out=result)
    return result


def lowest(dtype: Any) -> Any:
    """What no element of a dtype lies below."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


# -- in machine code -------------------------------------------------------------------------------

# Orders of the axes (N, C, H, W) in memory in which loops run along an axis that is not spatial:
# samples innermost, as convolutions leave them, and channels innermost.
ORDERS = ((2, 1, 3, 0), (0, 2, 3, 1))
# The shortest such axis that loops are worth it for.
SHORTEST = 16


@dataclass(frozen=True, slots=True)
class Nest:
    """Arrays (N, C, H, W) whose axes lie in an ``order`` in memory, the outermost first."""

    order: Sizes

    def view(self, x: Any) -> Any:
        """The array as (outer, H, middle, W, inner), contiguous; a copy if it lies otherwise."""
        lengths = [x.shape[k] for k in self.order]
        height, width = self.order.index(2), self.order.index(3)
        between = lengths[height + 1 : width]
        parts = lengths[:height], lengths[height : height + 1], between, lengths[width:][:1]
        shape = [*map(math.prod, parts), math.prod(lengths[width + 1 :])]
        return np.ascontiguousarray(x.transpose(self.order)).reshape(shape)


def nest_of(x: Any) -> Nest | None:
    """How an array lies in memory, if loops can run along it."""
    for order in ORDERS:
        if x.shape[order[-1]] >= SHORTEST and x.transpose(order).flags.c_contiguous:
            return Nest(order)
    return None


def empty_like(x: Any, nest: Nest, shape: Sizes | None = None) -> Any:
    """An uninitialized array in the order of a nest, of the shape of x or another."""
    lengths = [(shape or x.shape)[k] for k in nest.order]
    elements = aligned(math.prod(lengths), x.dtype)
    return elements.reshape(lengths).transpose(np.argsort(nest.order))


def knows(windows: Windows, *arrays: Any) -> bool:
    """Whether there are loops for windows and arrays, and they are worth it."""
    return len(windows.kernel) == 2 and are_alike(*arrays)


def run_loop(name: str, windows: Windows, *arrays: Any) -> None:
    """Run a loop of ``pooling_loops``."""
    from autograd_core.rules import pooling_loops

    before = [pair[0] for pair in windows.padding]
    sizes = np.array([*windows.kernel, *windows.stride, *before, *windows.dilation])
    dimensions = [array.ndim for array in arrays]
    loop = machine_code(getattr(pooling_loops, name), arrays[0].dtype, *dimensions, sizes=True)
    loop(*arrays, sizes)
