"""Standardization: every column with mean 0 and standard deviation 1 on the training part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Standardize:
    """(x - mean) / scale, column by column; ``inverse`` undoes it.

    ``fit`` takes mean and standard deviation of the training part only, so that nothing of the
    validation part leaks into training. A constant column keeps scale 1. The dtype of x is kept.

    >>> standardize = Standardize.fit(np.array([[0.0, 5.0], [2.0, 5.0]]))
    >>> standardize(np.array([[4.0, 6.0]]))
    array([[3., 1.]])
    """

    mean: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]

    @classmethod
    def fit(cls, x: npt.NDArray[Any]) -> Self:
        """Take the statistics of the rows of x, in float64."""
        scale = x.std(axis=0, dtype=np.float64)
        mean = x.mean(axis=0, dtype=np.float64)
        # Rounding leaves a constant column of large numbers with a tiny deviation.
        constant = scale <= 1e-12 * np.abs(mean)
        return cls(mean, np.where(constant, 1.0, scale))

    def __call__(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Standardize the rows of x."""
        return ((x - self.mean) / self.scale).astype(x.dtype)

    def inverse(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Bring standardized rows back to the original units."""
        return (x * self.scale + self.mean).astype(x.dtype)
