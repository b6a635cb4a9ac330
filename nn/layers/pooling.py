"""Pooling layers, in one, two and three dimensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from autograd_core.convolution import PerAxis
from autograd_core.errors import ShapeError
from nn import functional
from nn.errors import LayerShapeError
from nn.functional.pooling import OutputSize
from nn.module import Module


class Pooling(Module):
    """What pooling layers share: a function, its settings, errors that name the layer's path."""

    operation: ClassVar[Callable[..., Any]]
    settings: dict[str, Any]

    def forward(self, x: Any) -> Any:
        """See the function of ``nn.functional`` with the same name."""
        try:
            return type(self).operation(x, **self.settings)
        except ShapeError as error:
            raise LayerShapeError(type(self).__name__, str(error)) from None

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{name}={value}" for name, value in self.settings.items())


class MaxPool(Pooling):
    """The largest elements of windows; see ``MaxPool2d``."""

    def __init__(
        self,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        dilation: PerAxis = 1,
        ceil_mode: bool = False,
    ) -> None:
        self.settings = {
            "kernel_size": kernel_size,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "ceil_mode": ceil_mode,
        }


class MaxPool1d(MaxPool):
    """``MaxPool2d`` for sequences (N, C, L)."""

    operation = functional.max_pool1d


class MaxPool2d(MaxPool):
    """The largest elements of windows of images (N, C, H, W).

    Settings are those of ``autograd_core.pooling.max_pool2d``; shapes that do not fit raise
    LayerShapeError.

    >>> import numpy as np
    >>> MaxPool2d(2)(np.arange(16.0).reshape(1, 4, 4))
    array([[[ 5.,  7.],
            [13., 15.]]])
    """

    operation = functional.max_pool2d


class MaxPool3d(MaxPool):
    """``MaxPool2d`` for volumes (N, C, D, H, W)."""

    operation = functional.max_pool3d


class AvgPool(Pooling):
    """The means of windows; see ``AvgPool2d``."""

    def __init__(
        self,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.settings = {
            "kernel_size": kernel_size,
            "stride": stride,
            "padding": padding,
            "ceil_mode": ceil_mode,
            "count_include_pad": count_include_pad,
        }


class AvgPool1d(AvgPool):
    """``AvgPool2d`` for sequences (N, C, L)."""

    operation = functional.avg_pool1d


class AvgPool2d(AvgPool):
    """The means of windows of images (N, C, H, W).

    Settings are those of ``autograd_core.pooling.avg_pool2d``; shapes that do not fit raise
    LayerShapeError.

    >>> import numpy as np
    >>> AvgPool2d(2)(np.arange(16.0).reshape(1, 4, 4))
    array([[[ 2.5,  4.5],
            [10.5, 12.5]]])
    """

    operation = functional.avg_pool2d


class AvgPool3d(AvgPool):
    """``AvgPool2d`` for volumes (N, C, D, H, W)."""

    operation = functional.avg_pool3d


class AdaptivePool(Pooling):
    """Pooling to a size; see ``AdaptiveAvgPool2d``."""

    def __init__(self, output_size: OutputSize) -> None:
        self.settings = {"output_size": output_size}


class AdaptiveAvgPool1d(AdaptivePool):
    """``AdaptiveAvgPool2d`` for sequences (N, C, L)."""

    operation = functional.adaptive_avg_pool1d


class AdaptiveAvgPool2d(AdaptivePool):
    """Means over images (N, C, H, W) of any size such that the result has ``output_size``.

    A number, or one for each axis; None keeps a length. Shapes that do not fit raise
    LayerShapeError.

    >>> import numpy as np
    >>> AdaptiveAvgPool2d(1)(np.arange(9.0).reshape(1, 3, 3))
    array([[[4.]]])
    """

    operation = functional.adaptive_avg_pool2d


class AdaptiveAvgPool3d(AdaptivePool):
    """``AdaptiveAvgPool2d`` for volumes (N, C, D, H, W)."""

    operation = functional.adaptive_avg_pool3d


class AdaptiveMaxPool1d(AdaptivePool):
    """Maxima over sequences (N, C, L) to a size; see ``AdaptiveAvgPool2d``."""

    operation = functional.adaptive_max_pool1d


class AdaptiveMaxPool2d(AdaptivePool):
    """Maxima over images (N, C, H, W) to a size; see ``AdaptiveAvgPool2d``."""

    operation = functional.adaptive_max_pool2d


class AdaptiveMaxPool3d(AdaptivePool):
    """Maxima over volumes (N, C, D, H, W) to a size; see ``AdaptiveAvgPool2d``."""

    operation = functional.adaptive_max_pool3d
