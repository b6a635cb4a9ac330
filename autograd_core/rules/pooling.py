"""Pooling: sums over windows with weights, and their transpose.

Average pooling is a sum; the gradient of maximum pooling is spread over the elements of a window
that attain its maximum, evenly if there are several. Both are linear in the cotangent, and one is
the gradient of the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

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
    number: Any = np.zeros_like(masks[0], np.uint8 if len(masks) < 256 else np.intp)
    for mask in masks:
        number += mask.view(np.uint8)
    np.maximum(number, 1, out=number)  # NaN equals nothing
    return [*masks, number.astype(x.dtype)]


def max_pool_x(g: Any, x: Any, out: Any, windows: Windows) -> Any:
    """Split each cotangent evenly between the maxima of its window."""
    *masks, number = maxima(x, out, windows)
    return scatter(g / number, masks, windows, x.shape[2:])


@operation(max_pool_sample, x=max_pool_x)
def max_pool(x: Any, windows: Windows) -> Any:
    """The largest elements of the windows of x (N, C, *spatial): (N, C, *count)."""
    padded = windows.pad(x, lowest(x.dtype))
    first, *rest = (padded[slab] for _, slab in windows.slices(windows.count(x.shape[2:])))
    result = first.copy(order="K")
    for part in rest:
        np.maximum(result, part, out=result)
    return result


def lowest(dtype: Any) -> Any:
    """What no element of a dtype lies below."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min
