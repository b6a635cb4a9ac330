"""Convolutional layers and their transposes, in one, two and three dimensions."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from autograd_core.convolution import PerAxis, pads, per_axis
from autograd_core.errors import ShapeError
from nn import functional, init
from nn.errors import LayerShapeError, OptionError, check_positive
from nn.module import Module, Parameter

# PyTorch's padding modes by NumPy's names.
PADDING_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


class Kernels(Module):
    """What convolutions and their transposes share: weight, bias, checks."""

    dims: ClassVar[int]
    operation: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: PerAxis,
        stride: PerAxis,
        padding: PerAxis | str,
        dilation: PerAxis,
        groups: int,
        bias: bool,
        rng: np.random.Generator | None,
        dtype: npt.DTypeLike,
    ) -> None:
        name = type(self).__name__
        check_positive(name, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if in_channels % groups or out_channels % groups:
            raise OptionError(
                f"{name}: got {in_channels} and {out_channels} channels; expected multiples of "
                f"groups={groups}"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = per_axis(name, "kernel_size", self.dims, kernel_size, 1)
        self.stride = per_axis(name, "stride", self.dims, stride, 1)
        self.dilation = per_axis(name, "dilation", self.dims, dilation, 1)
        self.padding = pads(name, self.kernel_size, self.stride, padding, self.dilation)
        self.groups = groups
        self.weight = Parameter(np.empty(self.weight_shape(), dtype))
        init.kaiming_uniform_(self.weight, a=sqrt(5), rng=rng)
        self.bias = None
        if bias:
            bound = 1 / sqrt(init.fans(self.weight)[0])
            self.bias = init.uniform_(Parameter(np.empty(out_channels, dtype)), -bound, bound, rng)

    def weight_shape(self) -> tuple[int, ...]:
        """Two axes of channels, then the kernel's."""
        return (self.out_channels, self.in_channels // self.groups, *self.kernel_size)

    def apply(self, x: Any, **settings: Any) -> Any:
        """The operation, after a check of the channels; errors name the layer's path."""
        name, axes = type(self).__name__, x.ndim
        batch = axes == self.dims + 2
        if axes not in (self.dims + 1, self.dims + 2) or x.shape[int(batch)] != self.in_channels:
            raise LayerShapeError(
                name,
                f"expected {self.dims + 2} axes (N, C, *spatial), or {self.dims + 1} without N, "
                f"with C = {self.in_channels}, got shape {x.shape}",
            )
        shared = {"stride": self.stride, "dilation": self.dilation, "groups": self.groups}
        try:
            return type(self).operation(x, self.weight, self.bias, **shared, **settings)
        except ShapeError as error:
            raise LayerShapeError(name, str(error)) from None

    def extra_repr(self) -> str:
        """Sizes, and settings that are not the default."""
        defaults = {
            "stride": (1,) * self.dims,
            "padding": ((0, 0),) * self.dims,
            "dilation": (1,) * self.dims,
            "groups": 1,
        }
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        for name, default in defaults.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text + (", bias=False" if self.bias is None else "")


class Convolution(Kernels):
    """Correlation with learned kernels; see ``Conv2d``."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: PerAxis,
        stride: PerAxis = 1,
        padding: PerAxis | str = 0,
        dilation: PerAxis = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        rng: np.random.Generator | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        if padding_mode not in ("zeros", *PADDING_MODES):
            raise OptionError(
                f"{type(self).__name__}: got padding_mode={padding_mode!r}; expected one of "
                f"zeros, {', '.join(PADDING_MODES)}"
            )
        self.padding_mode = padding_mode
        sizes = in_channels, out_channels, kernel_size, stride, padding, dilation
        super().__init__(*sizes, groups, bias, rng, dtype)

    def forward(self, x: Any) -> Any:
        """Pad, correlate, add the bias."""
        before, after = zip(*self.padding, strict=True)
        inside = before if before == after and self.padding_mode == "zeros" else 0
        if inside == 0 and any(map(any, self.padding)):
            widths = ((0, 0),) * (x.ndim - self.dims) + self.padding
            x = np.pad(x, widths, mode=PADDING_MODES.get(self.padding_mode, "constant"))  # type: ignore[call-overload]
        return self.apply(x, padding=inside)


class Conv1d(Convolution):
    """``Conv2d`` for sequences (N, C, L)."""

    dims = 1
    operation = functional.conv1d


class Conv2d(Convolution):
    """Correlate images (N, C, H, W), or one without N, with learned kernels, and add a bias.

    ``weight`` is (out, in/groups, *kernel), ``bias`` (out,); both start uniform within ±1/√fan-in,
    as in PyTorch. ``padding`` is a number, one for each axis, "valid" or "same" (stride 1 only),
    and ``padding_mode`` what to pad with: "zeros", "reflect", "replicate" or "circular". Settings
    that do not fit raise OptionError or ShapeError, and inputs that do not, LayerShapeError.

    >>> Conv2d(3, 8, 3, stride=2, padding=1)(np.zeros((5, 3, 8, 8))).shape
    (5, 8, 4, 4)
    """

    dims = 2
    operation = functional.conv2d


class Conv3d(Convolution):
    """``Conv2d`` for volumes (N, C, D, H, W)."""

    dims = 3
    operation = functional.conv3d


class TransposedConvolution(Kernels):
    """The transpose of a convolution with learned kernels; see ``ConvTranspose2d``."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: PerAxis,
        stride: PerAxis = 1,
        padding: PerAxis = 0,
        output_padding: PerAxis = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: PerAxis = 1,
        *,
        rng: np.random.Generator | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.output_padding = output_padding
        sizes = in_channels, out_channels, kernel_size, stride, padding, dilation
        super().__init__(*sizes, groups, bias, rng, dtype)

    def weight_shape(self) -> tuple[int, ...]:
        """As of the convolution that is transposed."""
        return (self.in_channels, self.out_channels // self.groups, *self.kernel_size)

    def forward(self, x: Any) -> Any:
        """Spread, and add the bias."""
        padding = tuple(before for before, _ in self.padding)
        return self.apply(x, padding=padding, output_padding=self.output_padding)


class ConvTranspose1d(TransposedConvolution):
    """``ConvTranspose2d`` for sequences (N, C, L)."""

    dims = 1
    operation = functional.conv_transpose1d


class ConvTranspose2d(TransposedConvolution):
    """Spread images (N, C, H, W), or one without N, with learned kernels, and add a bias.

    The transpose of the ``Conv2d`` with the same settings, to which a stride leaves several input
    sizes: ``output_padding`` is how much larger than the smallest the result is. ``weight`` is
    (in, out/groups, *kernel). Errors are those of ``Conv2d``.

    >>> ConvTranspose2d(8, 3, 2, stride=2)(np.zeros((5, 8, 4, 4))).shape
    (5, 3, 8, 8)
    """

    dims = 2
    operation = functional.conv_transpose2d


class ConvTranspose3d(TransposedConvolution):
    """``ConvTranspose2d`` for volumes (N, C, D, H, W)."""

    dims = 3
    operation = functional.conv_transpose3d
