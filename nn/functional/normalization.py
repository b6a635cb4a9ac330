"""Normalization: mean 0 and variance 1 over some axes, or only their second half."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core import operation
from autograd_core.errors import ShapeError
from autograd_core.kernels import kernel
from autograd_core.primitive import call
from nn.functional.sums import mean_over, mean_product_over

Axes = tuple[int, ...]


def over_some_axes(d: Any) -> Any:
    """An array, axes to normalize over with more than one element, and ε."""
    x = d.array(d.shape(min_dims=1, min_side=2))
    axes = d.axes(x.ndim)
    chosen = range(x.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
    return call(x, tuple(chosen), d.choice([1e-5, 0.1]))


def standardize_rule(g: Any, out: Any, axes: Axes, eps: float, x_shape: Axes) -> Any:
    """Remove from the cotangent what would change mean and scale.

    All but two terms have one number per group; those of mean and variance come for nothing.
    """
    g_out, g_mean, g_var = g
    y, _, var = out
    n = math.prod(x_shape[axis] for axis in axes)
    spread = var + eps
    scale = np.sqrt(spread)
    level = mean_over(g_out, axes) - g_mean * scale / n
    slope = mean_product_over(g_out, y, axes) - 2 * g_var * spread / n
    return (g_out - level - y * slope) / scale


@operation(over_some_axes, multiple=True, x=standardize_rule)
def standardize(x: Any, axes: Axes, eps: float = 1e-5) -> Any:
    """(x - mean) / √(variance + ε) over axes, the mean, and the variance (divided by n).

    Mean and variance keep the axes with length 1.

    >>> y, mean, variance = standardize(np.array([1.0, 3.0]), (0,), 0.0)
    >>> y, mean, variance
    (array([-1.,  1.]), array([2.]), array([1.]))
    """
    mean = mean_over(x, axes)
    y = x - mean
    var = mean_product_over(y, y, axes)
    y /= np.sqrt(var + eps)
    return y, mean, var


def over_last_axes(d: Any) -> Any:
    """An array, how many of its last axes, and ε."""
    x = d.array(d.shape(min_dims=1, min_side=2))
    return call(x, tuple(range(-d.integer(1, x.ndim), 0)), d.choice([1e-5, 0.1]))


def scale_rule(g: Any, x: Any, out: Any, axes: Axes, eps: float) -> Any:
    """Remove from the cotangent what would change the scale."""
    slope = mean_product_over(g, out, axes)
    return (g - out * slope) / np.sqrt(mean_product_over(x, x, axes) + eps)


@operation(over_last_axes, x=scale_rule)
def scale_to_one(x: Any, axes: Axes, eps: float) -> Any:
    """Divide by the root mean square over axes: x / √(mean x² + ε)."""
    return x / np.sqrt(mean_product_over(x, x, axes) + eps)


def affine(x: Any, weight: Any, bias: Any) -> Any:
    """Multiply by weight and add bias, where each may be None."""
    if weight is not None:
        x = x * weight
    return x if bias is None else x + bias


def last_axes(name: str, x: Any, shape: Axes) -> Axes:
    """The axes a normalized shape stands for; ShapeError unless the array ends like that."""
    if not shape or x.shape[-len(shape) :] != shape:
        raise ShapeError(f"{name}: got x of shape {x.shape}; expected it to end with {shape}")
    return tuple(range(-len(shape), 0))


def over_last_axes_with_parameters(d: Any) -> Any:
    """An array, scale and shift of its last axes, how many those are, and ε."""
    x = d.array(d.shape(min_dims=1, min_side=2))
    count = d.integer(1, x.ndim)
    shape = x.shape[-count:]
    axes = tuple(range(-count, 0))
    return call(x, d.array(shape), d.array(shape), axes, d.choice([1e-5, 0.1]))


@kernel
def layer_norm_rule(g: Any, x: Any, weight: Any, axes: Axes, eps: float) -> Any:
    """Normalize again, which is cheaper than to keep it; then as for ``standardize``."""
    out = standardize(x, axes, eps)
    others = tuple(range(x.ndim - len(axes)))
    g_x = standardize_rule((g * weight, 0, 0), out, axes, eps, x.shape)
    return g_x, (g * out[0]).sum(axis=others), g.sum(axis=others)


@operation(over_last_axes_with_parameters, joint=("x", "weight", "bias"), all_three=layer_norm_rule)
@kernel
def normalize_layer(x: Any, weight: Any, bias: Any, axes: Axes, eps: float) -> Any:
    """``layer_norm`` with both parameters."""
    return standardize(x, axes, eps)[0] * weight + bias


def layer_norm(
    x: Any, normalized_shape: Axes, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Mean 0 and variance 1 over the last axes, then times ``weight`` plus ``bias`` of their shape.

    Ba et al., "Layer Normalization" (2016). Raises ShapeError if x does not end with the shape.

    >>> layer_norm(np.array([[0.0, 2.0]]), (2,), eps=0.0)
    array([[-1.,  1.]])
    """
    shape = tuple(normalized_shape)
    axes = last_axes("layer_norm", x, shape)
    if weight is not None and bias is not None and weight.shape == bias.shape == shape:
        return normalize_layer(x, weight, bias, axes, eps)
    return affine(standardize(x, axes, eps)[0], weight, bias)


def rms_norm(x: Any, normalized_shape: Axes, weight: Any = None, eps: float | None = None) -> Any:
    """Root mean square 1 over the last axes, then times ``weight`` of their shape.

    ε is that of the dtype by default, as in PyTorch. Zhang and Sennrich, "Root Mean Square Layer
    Normalization" (2019). Raises ShapeError if x does not end with the shape.

    >>> rms_norm(np.array([[1.0, -1.0]]), (2,), np.array([1.0, 2.0])).round(6)
    array([[ 1., -2.]])
    """
    axes = last_axes("rms_norm", x, tuple(normalized_shape))
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    return affine(scale_to_one(x, axes, eps), weight, None)


def per_channel(values: Any, ndim: int) -> Any:
    """Numbers of channels, shaped to broadcast along axis 1 of an array; None stays None."""
    return None if values is None else values.reshape(-1, *(1,) * (ndim - 2))


def group_norm(
    x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Mean 0 and variance 1 over the channels of a group and all their places, in each sample.

    x (N, C, *), ``weight`` and ``bias`` (C,). Wu and He, "Group Normalization" (2018). Raises
    ShapeError unless the groups divide the channels.

    >>> group_norm(np.array([[0.0, 2.0, 5.0, 7.0]]), 2, eps=0.0)
    array([[-1.,  1., -1.,  1.]])
    """
    if x.ndim < 2 or x.shape[1] % num_groups:
        raise ShapeError(
            f"group_norm: got x of shape {x.shape}; expected (N, C, *) with C a multiple of "
            f"{num_groups}"
        )
    n, channels = x.shape[:2]
    size = channels // num_groups * math.prod(x.shape[2:])
    y = standardize(x.reshape(n, num_groups, size), (2,), eps)[0].reshape(x.shape)
    return affine(y, per_channel(weight, x.ndim), per_channel(bias, x.ndim))


def batch_norm(
    x: Any, mean: Any, var: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Normalize with known statistics of the channels, then times ``weight`` plus ``bias``.

    x (N, C, *), the others (C,). In training, ``nn.BatchNorm1d`` and ``2d`` take the statistics of
    the batch itself. Ioffe and Szegedy, "Batch Normalization" (2015).

    >>> batch_norm(np.array([[3.0]]), np.array([1.0]), np.array([4.0]), eps=0.0)
    array([[1.]])
    """
    scale = (1 if weight is None else weight) / np.sqrt(var + eps)
    mean, scale, bias = (per_channel(values, x.ndim) for values in (mean, scale, bias))
    return affine(x - mean, scale, bias)
