"""Maximum and average pooling in one, two and three dimensions.

Arrays are (N, C, *spatial), or (C, *spatial) without a batch; parameters are PyTorch's.

>>> x = np.arange(16.0).reshape(1, 1, 4, 4)
>>> max_pool2d(x, 2)
array([[[[ 5.,  7.],
         [13., 15.]]]])
>>> avg_pool2d(x, 2)
array([[[[ 2.5,  4.5],
         [10.5, 12.5]]]])
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.convolution import PerAxis, batched, check_fit, per_axis
from autograd_core.errors import ShapeError
from autograd_core.rules import pooling
from autograd_core.rules.windows import Sizes, Windows


def max_pool1d(
    x: Any,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    dilation: PerAxis = 1,
    ceil_mode: bool = False,
) -> Any:
    """The largest elements of windows of x (N, C, L). Parameters are those of ``max_pool2d``."""
    return maximum("max_pool1d", 1, x, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(
    x: Any,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    dilation: PerAxis = 1,
    ceil_mode: bool = False,
) -> Any:
    """The largest elements of windows of x (N, C, H, W): (N, C, count, count).

    Windows start ``stride`` elements apart (default: the kernel's size, so that they do not
    overlap), and their elements lie ``dilation`` apart. ``padding`` (at most half the kernel) never
    is the maximum. With ``ceil_mode`` a window that begins inside but ends outside counts too.
    Equal maxima of a window share its gradient evenly.

    Raises ShapeError if the arguments do not fit each other.
    """
    return maximum("max_pool2d", 2, x, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d(
    x: Any,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    dilation: PerAxis = 1,
    ceil_mode: bool = False,
) -> Any:
    """The largest elements of windows of x (N, C, D, H, W). Parameters: see ``max_pool2d``."""
    return maximum("max_pool3d", 3, x, kernel_size, stride, padding, dilation, ceil_mode)


def avg_pool1d(
    x: Any,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The means of windows of x (N, C, L). Parameters are those of ``avg_pool2d``."""
    return average("avg_pool1d", 1, x, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    x: Any,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The means of windows of x (N, C, H, W): (N, C, count, count).

    Windows lie as in ``max_pool2d``. Zeros of the padding count as elements, unless
    ``count_include_pad`` is False; what ``ceil_mode`` adds beyond the padding never counts.

    Raises ShapeError if the arguments do not fit each other.
    """
    return average("avg_pool2d", 2, x, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool3d(
    x: Any,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The means of windows of x (N, C, D, H, W). Parameters: see ``avg_pool2d``."""
    return average("avg_pool3d", 3, x, kernel_size, stride, padding, ceil_mode, count_include_pad)


# -- in any number of dimensions -------------------------------------------------------------------


def maximum(
    name: str,
    dims: int,
    x: Any,
    kernel_size: PerAxis,
    stride: PerAxis | None,
    padding: PerAxis,
    dilation: PerAxis,
    ceil_mode: bool,
) -> Any:
    """Check the arguments of a maximum pooling, and compute it."""
    x, single = batched(name, dims, x)
    windows = pooling_windows(name, dims, x.shape, kernel_size, stride, padding, dilation)
    if ceil_mode:
        windows = reach_out(windows, x.shape[2:])
    check_fit(name, windows, x.shape)
    result = pooling.max_pool(x, windows)
    return result[0] if single else result


def average(
    name: str,
    dims: int,
    x: Any,
    kernel_size: PerAxis,
    stride: PerAxis | None,
    padding: PerAxis,
    ceil_mode: bool,
    count_include_pad: bool,
) -> Any:
    """Check the arguments of an average pooling, and compute it."""
    x, single = batched(name, dims, x)
    inside = pooling_windows(name, dims, x.shape, kernel_size, stride, padding, 1)
    windows = reach_out(inside, x.shape[2:]) if ceil_mode else inside
    check_fit(name, windows, x.shape)
    result = pooling.gather(x, None, windows)
    if windows == inside and (count_include_pad or not any(map(any, windows.padding))):
        result = result / math.prod(windows.kernel)
    else:
        result = result / counts(x, inside, windows, count_include_pad)
    return result[0] if single else result


def counts(x: Any, inside: Windows, windows: Windows, count_include_pad: bool) -> Any:
    """How many elements of each window count: (1, 1, *count)."""
    ones = np.ones_like(x, shape=(1, 1, *x.shape[2:]))
    if count_include_pad:
        ones = inside.pad(ones, 1)
        beyond = zip(windows.padding, inside.padding, strict=True)
        rest = tuple((0, ours[1] - theirs[1]) for ours, theirs in beyond)
        windows = Windows(windows.kernel, windows.stride, rest, windows.dilation)
    return pooling.gather(ones, None, windows)


def pooling_windows(
    name: str,
    dims: int,
    shape: Sizes,
    kernel_size: PerAxis,
    stride: PerAxis | None,
    padding: PerAxis,
    dilation: PerAxis,
) -> Windows:
    """The windows that the parameters describe."""
    kernel = per_axis(name, "kernel_size", dims, kernel_size, 1)
    zeros = per_axis(name, "padding", dims, padding, 0)
    if any(2 * p > k for p, k in zip(zeros, kernel, strict=True)):
        raise ShapeError(
            f"{name}: got padding={padding} for a kernel of {kernel}; expected at most half of it"
        )
    return Windows(
        kernel,
        kernel if stride is None else per_axis(name, "stride", dims, stride, 1),
        tuple((p, p) for p in zeros),
        per_axis(name, "dilation", dims, dilation, 1),
    )


def reach_out(windows: Windows, spatial: Sizes) -> Windows:
    """Windows with padding for one more at the end, where that one begins before the padding."""
    ends = []
    for (before, after), size, length, n, k, s, d in zip(
        windows.padding,
        spatial,
        windows.padded(spatial),
        windows.count(spatial),
        windows.kernel,
        windows.stride,
        windows.dilation,
        strict=True,
    ):
        missing = s * n + d * (k - 1) + 1 - length
        ends.append((before, after + missing if missing < s and s * n < before + size else after))
    return Windows(windows.kernel, windows.stride, tuple(ends), windows.dilation)
