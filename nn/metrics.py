"""Metrics: each is sums over samples and a number made of them, so that ranks can add them up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core import Tensor

Sums = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """A number that tells how good outputs are: ``value`` of the sum of ``sums`` over batches.

    Called with outputs and targets (arrays or Tensors) it gives the number.
    """

    name: str
    sums: Callable[[npt.NDArray[Any], npt.NDArray[Any]], Sums]
    value: Callable[[Sums], float]

    def __call__(self, output: Any, target: Any) -> float:
        """The metric of all the samples given."""
        return self.value(self.add_up(output, target))

    def add_up(self, output: Any, target: Any) -> Sums:
        """The sums of a batch; those of several batches may be added."""
        arrays = (
            item.detach().data if isinstance(item, Tensor) else np.asarray(item)
            for item in (output, target)
        )
        return self.sums(*arrays)


def hits(output: npt.NDArray[Any], target: npt.NDArray[Any]) -> Sums:
    """How many predictions are right, and how many there are."""
    if output.shape == target.shape:  # one logit for each of two classes
        predicted = output > 0
    else:
        predicted = output.argmax(axis=1)
    return np.array([(predicted == target).sum(), target.size], np.float64)


def deviations(output: npt.NDArray[Any], target: npt.NDArray[Any]) -> Sums:
    """For each column the squared residuals, the targets, their squares, and the count."""
    output, target = (
        array.reshape(len(array), prod(array.shape[1:])).astype(np.float64)
        for array in (output, target)
    )
    columns = [
        ((target - output) ** 2).sum(axis=0),
        target.sum(axis=0),
        (target**2).sum(axis=0),
        np.full(target.shape[1], len(target)),
    ]
    return np.stack(columns)


def explained(sums: Sums) -> float:
    """1 - residual / total sum of squares, the mean over columns."""
    residual, total, squares, count = sums
    variation = squares - total**2 / count
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.mean(1 - residual / variation))


def ratio(sums: Sums) -> float:
    """The first sum over the second."""
    return float(sums[0] / sums[1])


accuracy = Metric("accuracy", hits, ratio)
"""The share of samples whose largest output is the target class (or, for a single logit, whose sign
tells it): outputs (n, classes) and class indices (n,), or both of one shape."""

r2 = Metric("r2", deviations, explained)
"""The coefficient of determination R² = 1 - Σ(y - ŷ)² / Σ(y - ȳ)²: 1 is perfect, 0 no better than
the mean. Averaged over the columns of the target."""
