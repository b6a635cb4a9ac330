"""Matrices for testing rules: random, but far from singular, their singular values well apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


def shape(d: Any, *, max_batch: int = 1) -> tuple[int, ...]:
    """The shape of a stack of square matrices."""
    side = d.integer(1, 3)
    return (*d.shape(0, max_batch, 1, 2), side, side)


def spectrum(d: Any, batch: tuple[int, ...], count: int) -> Array:
    """Rows of positive numbers at least 0.4 apart, none close to zero."""
    values = 0.7 + 0.7 * np.arange(count) + d.rng.uniform(0, 0.3, (*batch, count))
    return np.asarray(d.rng.permuted(values, axis=-1))


def full_rank(d: Any, shape: tuple[int, ...]) -> Array:
    """Matrices with well separated singular values."""
    *batch, m, n = shape
    rank = min(m, n)
    u, _ = np.linalg.qr(d.rng.normal(size=(*batch, m, rank)))
    v, _ = np.linalg.qr(d.rng.normal(size=(*batch, n, rank)))
    return np.asarray((u * spectrum(d, tuple(batch), rank)[..., None, :]) @ v.mT)


def symmetric(d: Any, shape: tuple[int, ...], *, positive: bool) -> Array:
    """Symmetric matrices with eigenvalues well apart, all positive if asked for."""
    *batch, n, _ = shape
    v, _ = np.linalg.qr(d.rng.normal(size=shape))
    w = spectrum(d, tuple(batch), n)
    if not positive:
        w = w * d.rng.choice([-1.0, 1.0], w.shape)
    return np.asarray((v * w[..., None, :]) @ v.mT)


def diagonalizable(d: Any, shape: tuple[int, ...]) -> Array:
    """Matrices with real eigenvalues well apart, and eigenvectors far from parallel."""
    *batch, n, _ = shape
    v = full_rank(d, shape)
    return np.asarray((v * spectrum(d, tuple(batch), n)[..., None, :]) @ np.linalg.inv(v))
