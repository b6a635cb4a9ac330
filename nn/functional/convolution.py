"""Convolutions of ``autograd_core.convolution`` with a bias, in PyTorch's order of arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core import convolution
from autograd_core.convolution import PerAxis


def biased(convolve: Callable[..., Any], x: Any, w: Any, bias: Any, **settings: Any) -> Any:
    """A convolution, plus one number for each channel of its result."""
    result = convolve(x, w, **settings)
    return result if bias is None else result + bias.reshape(-1, *(1,) * (w.ndim - 2))


def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: PerAxis = 1,
    padding: PerAxis | str = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Any:
    """Correlate x (N, C, L) with weight (O, C/groups, K): (N, O, count); see ``conv2d``."""
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return biased(convolution.conv1d, x, weight, bias, **settings)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: PerAxis = 1,
    padding: PerAxis | str = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Any:
    """Correlate x (N, C, H, W) with weight (O, C/groups, K, L), and add bias (O,).

    Settings and errors are those of ``autograd_core.convolution.conv2d``.

    >>> import numpy as np
    >>> conv2d(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)), np.ones(1))
    array([[[[5.]]]])
    """
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return biased(convolution.conv2d, x, weight, bias, **settings)


def conv3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: PerAxis = 1,
    padding: PerAxis | str = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Any:
    """Correlate x (N, C, D, H, W) with weight (O, C/groups, K, L, M); see ``conv2d``."""
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return biased(convolution.conv3d, x, weight, bias, **settings)


def conv_transpose1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> Any:
    """Spread x (N, C, L) with weight (C, O/groups, K); see ``conv_transpose2d``."""
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    settings["output_padding"] = output_padding
    return biased(convolution.conv_transpose1d, x, weight, bias, **settings)


def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> Any:
    """Spread x (N, C, H, W) with weight (C, O/groups, K, L), and add bias (O,).

    Settings and errors are those of ``autograd_core.convolution.conv_transpose2d``.

    >>> import numpy as np
    >>> conv_transpose2d(np.ones((1, 1, 1, 1)), np.ones((1, 1, 2, 2)), np.ones(1))
    array([[[[2., 2.],
             [2., 2.]]]])
    """
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    settings["output_padding"] = output_padding
    return biased(convolution.conv_transpose2d, x, weight, bias, **settings)


def conv_transpose3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> Any:
    """Spread x (N, C, D, H, W) with weight (C, O/groups, K, L, M); see ``conv_transpose2d``."""
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    settings["output_padding"] = output_padding
    return biased(convolution.conv_transpose3d, x, weight, bias, **settings)
