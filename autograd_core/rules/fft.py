"""Rules of the one-dimensional Fourier transforms; the others are made of them.

A discrete Fourier matrix is symmetric, so a transform is its own transpose, but for cropping and
padding: where the forward pass crops the gradient is padded with zeros, and the other way round.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from autograd_core.primitive import call, define

Norm: TypeAlias = Literal["backward", "ortho", "forward"] | None

# The normalization of the other direction.
SWAPPED: dict[Norm, Norm] = {
    None: "forward",
    "backward": "forward",
    "ortho": "ortho",
    "forward": "backward",
}


def fit(x: Any, shape: tuple[int, ...], axis: int) -> Any:
    """Crop an axis, or pad it with zeros, to the length it has in a shape."""
    missing = shape[axis] - x.shape[axis]
    if missing > 0:
        widths = [(0, 0)] * len(shape)
        widths[axis] = (0, missing)
        return np.pad(x, widths)
    if missing < 0:
        return np.moveaxis(np.moveaxis(x, axis, 0)[:missing], 0, axis)
    return x


def fft_a(g: Any, a_shape: tuple[int, ...], axis: int, norm: Norm) -> Any:
    """The same transform of the cotangent."""
    return fit(np.fft.fft(g, axis=axis, norm=norm), a_shape, axis)


def ifft_a(g: Any, a_shape: tuple[int, ...], axis: int, norm: Norm) -> Any:
    """The same transform of the cotangent."""
    return fit(np.fft.ifft(g, axis=axis, norm=norm), a_shape, axis)


def rfft_a(g: Any, a_shape: tuple[int, ...], n: int | None, axis: int, norm: Norm) -> Any:
    """The full transform, where the frequencies that rfft leaves out have no cotangent."""
    length = a_shape[axis] if n is None else n
    return fit(np.fft.fft(g, length, axis, norm), a_shape, axis)


def irfft_a(g: Any, a_shape: tuple[int, ...], axis: int, norm: Norm) -> Any:
    """The half transform, twice wherever the forward pass used a frequency and its conjugate."""
    length = g.shape[axis]
    spectrum = np.conj(np.fft.rfft(g, axis=axis, norm=SWAPPED[norm]))
    number = np.arange(spectrum.shape[axis], like=g)
    paired = ((number > 0) & (2 * number < length)).astype(g.dtype)
    sides = [1] * len(a_shape)
    sides[axis] = -1
    return fit(spectrum * np.reshape(1 + paired, sides), a_shape, axis)


def transform_sample(d: Any) -> Any:
    """Any axis and normalization, cropped, padded or as it is."""
    a = d.array(d.shape(1, 2, 2, 5))
    n = d.choice([None, d.integer(2, 6)])
    return call(a, n, d.axis(a.ndim), d.choice([None, "backward", "ortho", "forward"]))


define(np.fft.fft, transform_sample, a=fft_a)
define(np.fft.ifft, transform_sample, a=ifft_a)
define(np.fft.rfft, transform_sample, a=rfft_a)
define(np.fft.irfft, transform_sample, a=irfft_a)
