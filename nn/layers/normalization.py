"""Normalization layers: over the batch, over the features, over groups of channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core import Tensor
from nn import functional
from nn.errors import LayerShapeError, OptionError, check_positive
from nn.functional.normalization import affine, per_channel, standardize
from nn.module import Module, Parameter


class BatchNorm(Module):
    """Mean 0 and variance 1 of every channel over the batch; see ``BatchNorm1d`` and ``2d``."""

    # The numbers of axes that inputs may have.
    ndims: tuple[int, ...]
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        check_positive(type(self).__name__, num_features=num_features)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.weight = Parameter(np.ones(num_features, dtype)) if affine else None
        self.bias = Parameter(np.zeros(num_features, dtype)) if affine else None
        self.running_mean = self.running_var = self.num_batches_tracked = None
        if track_running_stats:
            self.register_buffer("running_mean", np.zeros(num_features, dtype))
            self.register_buffer("running_var", np.ones(num_features, dtype))
            self.register_buffer("num_batches_tracked", np.array(0))

    def forward(self, x: Any) -> Any:
        """Normalize with the statistics of the batch in training, with the running ones else."""
        if x.ndim not in self.ndims or x.shape[1] != self.num_features:
            shapes = " or ".join(f"{ndim} axes" for ndim in self.ndims)
            raise LayerShapeError(
                type(self).__name__,
                f"expected {shapes} with {self.num_features} channels along axis 1, "
                f"got shape {x.shape}",
            )
        if not self.training and self.running_mean is not None:
            statistics = self.running_mean, self.running_var
            return functional.batch_norm(x, *statistics, self.weight, self.bias, self.eps)
        axes = (0, *range(2, x.ndim))
        count = math.prod(x.shape[axis] for axis in axes)
        if self.training and count < 2:
            raise LayerShapeError(
                type(self).__name__,
                f"expected more than one value per channel in training, got shape {x.shape}",
            )
        y, mean, var = standardize(x, axes, self.eps)
        if self.training:
            self.update(mean, var, count)
        return affine(y, per_channel(self.weight, x.ndim), per_channel(self.bias, x.ndim))

    def update(self, mean: Any, var: Any, count: int) -> None:
        """Move the running statistics towards those of a batch; the variance is unbiased."""
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.assign(self.num_batches_tracked.data + 1)
        step: Any = self.momentum
        if step is None:  # the mean of all batches
            step = (1 / self.num_batches_tracked.data).astype(self.running_mean.dtype)
        unbiased = values(var) * (count / (count - 1))
        for running, new in ((self.running_mean, values(mean)), (self.running_var, unbiased)):
            running.assign(running.data + step * (new.ravel() - running.data))

    def extra_repr(self) -> str:
        """Sizes and settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, track_running_stats={self.track_running_stats}"
        )


def values(x: Any) -> Any:
    """The plain array of what may be a Tensor."""
    return x.data if isinstance(x, Tensor) else x


class BatchNorm1d(BatchNorm):
    """Mean 0 and variance 1 of every channel over the batch, times ``weight`` plus ``bias``.

    Shapes: (N, C) or (N, C, L), unchanged. In training the statistics are those of the batch, and
    running ones follow them by ``momentum`` (None: the mean of all batches); in evaluation mode
    those are used, unless ``track_running_stats`` is False. Ioffe and Szegedy, "Batch
    Normalization" (2015). A wrong shape, or one value per channel in training, raises
    LayerShapeError.

    >>> BatchNorm1d(2, dtype=float)(np.array([[0.0, 1.0], [2.0, 5.0]])).data.round(3)
    array([[-1., -1.],
           [ 1.,  1.]])
    """

    ndims = (2, 3)


class BatchNorm2d(BatchNorm):
    """``BatchNorm1d`` for images (N, C, H, W): statistics over batch, rows and columns."""

    ndims = (4,)


class BatchNorm3d(BatchNorm):
    """``BatchNorm1d`` for volumes (N, C, D, H, W)."""

    ndims = (5,)


def as_shape(owner: str, normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    """A size or sizes as a shape."""
    whole = isinstance(normalized_shape, (int, np.integer))
    shape = (int(normalized_shape),) if whole else tuple(normalized_shape)  # type: ignore[arg-type]
    if not shape:
        raise OptionError(f"{owner}: got an empty normalized_shape; expected at least one size")
    for size in shape:
        check_positive(owner, normalized_shape=size)
    return shape


class LayerNorm(Module):
    """Mean 0 and variance 1 over the last axes, times ``weight`` plus ``bias`` of their shape.

    Ba et al., "Layer Normalization" (2016). A wrong shape raises LayerShapeError.

    >>> LayerNorm(2, eps=0.0, dtype=float)(np.array([[0.0, 2.0]])).data
    array([[-1.,  1.]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.normalized_shape = as_shape("LayerNorm", normalized_shape)
        self.eps = eps
        self.weight = self.bias = None
        if elementwise_affine:
            self.weight = Parameter(np.ones(self.normalized_shape, dtype))
            if bias:
                self.bias = Parameter(np.zeros(self.normalized_shape, dtype))

    def forward(self, x: Any) -> Any:
        """See ``functional.layer_norm``."""
        check_ending(self, x)
        return functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Shape and settings."""
        return f"{self.normalized_shape}, eps={self.eps}"


class RMSNorm(Module):
    """Root mean square 1 over the last axes, times ``weight`` of their shape.

    ε is that of the dtype by default, as in PyTorch. Zhang and Sennrich, "Root Mean Square Layer
    Normalization" (2019). A wrong shape raises LayerShapeError.

    >>> RMSNorm(2, dtype=float)(np.array([[3.0, -3.0]])).data.round(6)
    array([[ 1., -1.]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.normalized_shape = as_shape("RMSNorm", normalized_shape)
        self.eps = eps
        self.weight = None
        if elementwise_affine:
            self.weight = Parameter(np.ones(self.normalized_shape, dtype))

    def forward(self, x: Any) -> Any:
        """See ``functional.rms_norm``."""
        check_ending(self, x)
        return functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Shape and settings."""
        return f"{self.normalized_shape}, eps={self.eps}"


def check_ending(layer: LayerNorm | RMSNorm, x: Any) -> None:
    """Raise LayerShapeError unless the last axes are the ones to normalize."""
    shape = layer.normalized_shape
    if x.shape[-len(shape) :] != shape:
        wanted = f"last axis {shape[0]}" if len(shape) == 1 else f"last axes {shape}"
        raise LayerShapeError(type(layer).__name__, f"expected {wanted}, got shape {x.shape}")


class GroupNorm(Module):
    """Mean 0 and variance 1 over each group of channels of each sample, then weight and bias.

    Shapes: (N, C, *), unchanged; ``weight`` and ``bias`` (C,). Wu and He, "Group Normalization"
    (2018). Raises OptionError unless the groups divide the channels, and LayerShapeError for a
    wrong shape.

    >>> GroupNorm(2, 4, eps=0.0, dtype=float)(np.array([[0.0, 2.0, 5.0, 7.0]])).data
    array([[-1.,  1., -1.,  1.]])
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        check_positive("GroupNorm", num_groups=num_groups, num_channels=num_channels)
        if num_channels % num_groups:
            raise OptionError(
                f"GroupNorm: got {num_channels} channels; expected a multiple of {num_groups}"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.weight = Parameter(np.ones(num_channels, dtype)) if affine else None
        self.bias = Parameter(np.zeros(num_channels, dtype)) if affine else None

    def forward(self, x: Any) -> Any:
        """See ``functional.group_norm``."""
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise LayerShapeError(
                "GroupNorm",
                f"expected {self.num_channels} channels along axis 1, got shape {x.shape}",
            )
        return functional.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Sizes and settings."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}"
