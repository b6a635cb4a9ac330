"""Convolutions in one, two and three dimensions, and their transposes.

As everywhere in machine learning they correlate: kernels are not flipped. Arrays are (N, C,
*spatial), or (C, *spatial) without a batch; the shapes of weights are PyTorch's.

>>> x, w = np.ones((1, 2, 5, 5)), np.ones((3, 2, 2, 2))
>>> conv2d(x, w, stride=2).shape
(1, 3, 2, 2)
>>> conv_transpose2d(conv2d(x, w, stride=2), w, stride=2, output_padding=1).shape
(1, 2, 5, 5)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.rules import convolution
from autograd_core.rules.windows import Sizes, Windows

# One number for all spatial axes, or one for each.
PerAxis: TypeAlias = int | Sequence[int]
Pairs = tuple[tuple[int, int], ...]


def conv1d(
    x: Any,
    w: Any,
    *,
    stride: PerAxis = 1,
    padding: PerAxis | str = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Any:
    """Correlate x (N, C, L) with kernels w (O, C/groups, K): (N, O, count).

    Parameters and errors are those of ``conv2d``.
    """
    return convolve("conv1d", 1, x, w, stride, padding, dilation, groups)


def conv2d(
    x: Any,
    w: Any,
    *,
    stride: PerAxis = 1,
    padding: PerAxis | str = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Any:
    """Correlate x (N, C, H, W) with kernels w (O, C/groups, K, L): (N, O, count, count).

    Along each axis windows start ``stride`` elements apart, and their elements lie ``dilation``
    apart. ``padding`` is how many zeros are put on both sides; "valid" is none, and "same" as many
    as keep the lengths (for stride 1 only; an odd one goes to the end). With ``groups`` the
    channels are split, and each group of outputs sees its own group of inputs.

    Raises ShapeError if the shapes do not fit, or the kernel is longer than the padded array.
    """
    return convolve("conv2d", 2, x, w, stride, padding, dilation, groups)


def conv3d(
    x: Any,
    w: Any,
    *,
    stride: PerAxis = 1,
    padding: PerAxis | str = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Any:
    """Correlate x (N, C, D, H, W) with kernels w (O, C/groups, K, L, M).

    Parameters and errors are those of ``conv2d``.
    """
    return convolve("conv3d", 3, x, w, stride, padding, dilation, groups)


def conv_transpose1d(
    x: Any,
    w: Any,
    *,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Any:
    """Spread x (N, C, L) with kernels w (C, O/groups, K): the transpose of ``conv1d``.

    Parameters and errors are those of ``conv_transpose2d``.
    """
    return spread("conv_transpose1d", 1, x, w, stride, padding, output_padding, dilation, groups)


def conv_transpose2d(
    x: Any,
    w: Any,
    *,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Any:
    """Spread x (N, C, H, W) with kernels w (C, O/groups, K, L): the transpose of ``conv2d``.

    The result is what a ``conv2d`` with the same parameters takes to an array like x: along each
    axis ``stride · (n - 1) + dilation · (k - 1) + 1 - 2 · padding`` elements, and
    ``output_padding`` more (less than the stride or the dilation), since several lengths lead to n.

    Raises ShapeError if the shapes do not fit.
    """
    return spread("conv_transpose2d", 2, x, w, stride, padding, output_padding, dilation, groups)


def conv_transpose3d(
    x: Any,
    w: Any,
    *,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Any:
    """Spread x (N, C, D, H, W) with kernels w (C, O/groups, K, L, M): the transpose of ``conv3d``.

    Parameters and errors are those of ``conv_transpose2d``.
    """
    return spread("conv_transpose3d", 3, x, w, stride, padding, output_padding, dilation, groups)


# -- in any number of dimensions -------------------------------------------------------------------


def convolve(
    name: str,
    dims: int,
    x: Any,
    w: Any,
    stride: PerAxis,
    padding: PerAxis | str,
    dilation: PerAxis,
    groups: int,
) -> Any:
    """Check the arguments of a convolution, and compute it."""
    x, single = batched(name, dims, x)
    check_weight(name, dims, w)
    if x.shape[1] != w.shape[1] * groups or w.shape[0] % groups:
        raise ShapeError(
            f"{name}: got x of shape {x.shape}, w of shape {w.shape} and groups={groups}; expected "
            "x.shape[1] == w.shape[1] * groups, and groups to divide w.shape[0]"
        )
    kernel = w.shape[2:]
    steps = per_axis(name, "stride", dims, stride, 1)
    gaps = per_axis(name, "dilation", dims, dilation, 1)
    windows = Windows(kernel, steps, pads(name, kernel, steps, padding, gaps), gaps)
    check_fit(name, windows, x.shape)
    result = convolution.conv(x, w, windows, groups)
    return result[0] if single else result


def spread(
    name: str,
    dims: int,
    x: Any,
    w: Any,
    stride: PerAxis,
    padding: PerAxis,
    output_padding: PerAxis,
    dilation: PerAxis,
    groups: int,
) -> Any:
    """Check the arguments of a transposed convolution, and compute it."""
    x, single = batched(name, dims, x)
    check_weight(name, dims, w)
    if x.shape[1] != w.shape[0] or w.shape[0] % groups:
        raise ShapeError(
            f"{name}: got x of shape {x.shape}, w of shape {w.shape} and groups={groups}; expected "
            "x.shape[1] == w.shape[0], and groups to divide it"
        )
    steps = per_axis(name, "stride", dims, stride, 1)
    zeros = per_axis(name, "padding", dims, padding, 0)
    extra = per_axis(name, "output_padding", dims, output_padding, 0)
    gaps = per_axis(name, "dilation", dims, dilation, 1)
    if any(e >= max(s, d) for e, s, d in zip(extra, steps, gaps, strict=True)):
        raise ShapeError(
            f"{name}: got output_padding={output_padding}; expected less than the stride {stride} "
            f"or the dilation {dilation}"
        )
    windows = Windows(w.shape[2:], steps, tuple((p, p) for p in zeros), gaps)
    axes = zip(x.shape[2:], w.shape[2:], steps, zeros, extra, gaps, strict=True)
    spatial = tuple(s * (n - 1) + d * (k - 1) + 1 - 2 * p + e for n, k, s, p, e, d in axes)
    if min(spatial) < 1:
        raise ShapeError(
            f"{name}: got x of shape {x.shape} and padding={padding}; that would leave a result of "
            f"shape {spatial}; expected less padding"
        )
    result = convolution.conv_transpose(x, w, windows, groups, spatial)
    return result[0] if single else result


def batched(name: str, dims: int, x: Any) -> tuple[Any, bool]:
    """The array with a batch axis, and whether it had none."""
    x = x if hasattr(x, "shape") else np.asarray(x)
    if x.ndim not in (dims + 1, dims + 2):
        raise ShapeError(
            f"{name}: got x of shape {x.shape}; expected {dims + 2} axes (N, C, *spatial), "
            f"or {dims + 1} without N"
        )
    return (x[None], True) if x.ndim == dims + 1 else (x, False)


def check_weight(name: str, dims: int, w: Any) -> None:
    """Raise unless a weight has the right number of axes."""
    if np.ndim(w) != dims + 2:
        raise ShapeError(
            f"{name}: got w of shape {np.shape(w)}; expected {dims + 2} axes: two of channels, "
            "then the kernel's"
        )


def check_fit(name: str, windows: Windows, shape: Sizes) -> None:
    """Raise unless at least one window fits."""
    if min(windows.count(shape[2:])) < 1:
        raise ShapeError(
            f"{name}: got x of shape {shape}, {windows.padded(shape[2:])} with padding; expected "
            f"room for a kernel of {windows.kernel} with dilation {windows.dilation}; pad more"
        )


def per_axis(name: str, parameter: str, dims: int, value: PerAxis, low: int) -> Sizes:
    """A parameter as one number for each spatial axis."""
    values = (value,) * dims if isinstance(value, (int, np.integer)) else tuple(value)
    if len(values) != dims or any(number < low for number in values):
        raise ShapeError(
            f"{name}: got {parameter}={value!r}; expected a number of at least {low}, "
            f"or {dims} of them"
        )
    return tuple(int(number) for number in values)


def pads(name: str, kernel: Sizes, stride: Sizes, padding: PerAxis | str, dilation: Sizes) -> Pairs:
    """Padding before and after each spatial axis."""
    if not isinstance(padding, str):
        return tuple((p, p) for p in per_axis(name, "padding", len(kernel), padding, 0))
    if padding not in ("valid", "same") or (padding == "same" and set(stride) != {1}):
        raise ShapeError(
            f"{name}: got padding={padding!r} with stride {stride}; expected numbers, 'valid', or "
            "'same' with stride 1"
        )
    spans = [d * (k - 1) if padding == "same" else 0 for k, d in zip(kernel, dilation, strict=True)]
    return tuple((span // 2, span - span // 2) for span in spans)
