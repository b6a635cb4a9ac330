"""Fourier transforms of the array API standard: NumPy's functions, and frequencies as Tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.tensor import Tensor

NUMPY = "fft fftn fftshift hfft ifft ifftn ifftshift ihfft irfft irfftn rfft rfftn"

globals().update({name: getattr(np.fft, name) for name in NUMPY.split()})


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies that ``fft`` of ``n`` samples at distance ``d`` returns, in cycles a unit.

    >>> fftfreq(4, d=0.25)
    Tensor([ 0.,  1., -2., -1.])
    """
    return Tensor(np.fft.fftfreq(n, d, device=device).astype(dtype or np.float64, copy=False))


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies that ``rfft`` of ``n`` samples at distance ``d`` returns, in cycles a unit.

    >>> rfftfreq(4, d=0.25)
    Tensor([0., 1., 2.])
    """
    return Tensor(np.fft.rfftfreq(n, d, device=device).astype(dtype or np.float64, copy=False))


def __dir__() -> list[str]:
    return [*NUMPY.split(), "fftfreq", "rfftfreq"]


if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
