"""Fourier transforms along several axes, and Hermitian ones, made of the four in rules/fft.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core.composites.refusals import refuse_out
from autograd_core.errors import ShapeError
from autograd_core.rules.fft import SWAPPED, Norm
from autograd_core.tensor import composite

# Lengths and axes, as the transforms of one axis take them.
Steps = list[tuple[int | None, int]]
LAST_TWO = (-2, -1)


def steps(name: str, a: Any, s: Sequence[int] | None, axes: Sequence[int] | None) -> Steps:
    """The transforms of one axis that one of several axes is made of."""
    if axes is None:
        axes = range(-(a.ndim if s is None else len(s)), 0)
    if s is None:
        return [(None, axis) for axis in axes]
    if len(s) != len(axes):
        raise ShapeError(f"{name}: got {len(s)} lengths s and {len(axes)} axes; expected as many")
    return [
        (a.shape[axis] if length == -1 else length, axis)
        for length, axis in zip(s, axes, strict=True)
    ]


def over_axes(a: Any, transform: Callable[..., Any], plan: Steps, norm: Norm) -> Any:
    """One transform after the other."""
    for length, axis in plan:
        a = transform(a, length, axis, norm)
    return a


@composite(np.fft.fftn)
def fftn(a: Any, s: Any = None, axes: Any = None, norm: Norm = None, out: Any = None) -> Any:
    """The transform along several axes, by default all."""
    refuse_out("fftn", out)
    return over_axes(a, np.fft.fft, steps("fftn", a, s, axes)[::-1], norm)


@composite(np.fft.ifftn)
def ifftn(a: Any, s: Any = None, axes: Any = None, norm: Norm = None, out: Any = None) -> Any:
    """The inverse of ``fftn``."""
    refuse_out("ifftn", out)
    return over_axes(a, np.fft.ifft, steps("ifftn", a, s, axes)[::-1], norm)


@composite(np.fft.rfftn)
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Norm = None, out: Any = None) -> Any:
    """The transform of real numbers: half of the frequencies along the last axis."""
    refuse_out("rfftn", out)
    *plan, (length, axis) = steps("rfftn", a, s, axes)
    return over_axes(np.fft.rfft(a, length, axis, norm), np.fft.fft, plan[::-1], norm)


@composite(np.fft.irfftn)
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Norm = None, out: Any = None) -> Any:
    """The inverse of ``rfftn``."""
    refuse_out("irfftn", out)
    *plan, (length, axis) = steps("irfftn", a, s, axes)
    return np.fft.irfft(over_axes(a, np.fft.ifft, plan, norm), length, axis, norm)


def over_two(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same transform along the last two axes, unless others are named."""

    def transform(
        a: Any, s: Any = None, axes: Any = LAST_TWO, norm: Norm = None, out: Any = None
    ) -> Any:
        return function(a, s, axes, norm, out=out)

    return transform


composite(np.fft.fft2)(over_two(fftn))
composite(np.fft.ifft2)(over_two(ifftn))
composite(np.fft.rfft2)(over_two(rfftn))
composite(np.fft.irfft2)(over_two(irfftn))


@composite(np.fft.hfft)
def hfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: Any = None) -> Any:
    """The transform of a signal with Hermitian symmetry: real frequencies."""
    refuse_out("hfft", out)
    return np.fft.irfft(np.conj(a), n, axis, SWAPPED[norm])


@composite(np.fft.ihfft)
def ihfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: Any = None) -> Any:
    """The inverse of ``hfft``."""
    refuse_out("ihfft", out)
    return np.conj(np.fft.rfft(a, n, axis, SWAPPED[norm]))


def middle(x: Any, axes: Any) -> tuple[Sequence[int], list[int]]:
    """The axes to shift, and half their lengths."""
    axes = range(x.ndim) if axes is None else [axes] if np.ndim(axes) == 0 else axes
    return axes, [x.shape[axis] // 2 for axis in axes]


@composite(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Any:
    """The zero frequency moved to the middle."""
    axes, halves = middle(x, axes)
    return np.roll(x, halves, axes)


@composite(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Any:
    """The inverse of ``fftshift``."""
    axes, halves = middle(x, axes)
    return np.roll(x, [-half for half in halves], axes)
