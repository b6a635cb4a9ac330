"""Samplers: in which order, and how often, the samples of an epoch come."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from nn.data.dataset import Indices
from nn.errors import DataError, OptionError, check_positive


class Sampler(Protocol):
    """An order of samples for every epoch, the same whenever it is asked for."""

    def __len__(self) -> int:
        """The number of samples in an epoch."""
        ...

    def order(self, epoch: int) -> Indices:
        """The samples of an epoch (the first is 0) by their numbers."""
        ...


class SequentialSampler:
    """Samples as they come.

    >>> SequentialSampler(4).order(0)
    array([0, 1, 2, 3])
    """

    def __init__(self, samples: int) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return self.samples

    def order(self, epoch: int) -> Indices:
        """The numbers from 0."""
        return np.arange(self.samples)


class ShuffledSampler:
    """Every sample once, in an order drawn from (``seed``, epoch).

    >>> sorted(ShuffledSampler(4, seed=1).order(0).tolist())
    [0, 1, 2, 3]
    """

    def __init__(self, samples: int, seed: int = 0) -> None:
        self.samples = samples
        self.seed = seed

    def __len__(self) -> int:
        return self.samples

    def order(self, epoch: int) -> Indices:
        """A permutation."""
        return np.random.default_rng([self.seed, epoch]).permutation(self.samples)


class WeightedSampler:
    """Samples drawn with probabilities in proportion to ``weights``, as many as ``samples``.

    By default as many as there are weights, and with replacement. Weights of 1 / the size of a
    sample's class balance the classes. Raises OptionError for negative or no weights, or for more
    samples without replacement than have a weight above 0.

    >>> WeightedSampler([0.0, 1.0, 0.0]).order(0)
    array([1, 1, 1])
    """

    def __init__(
        self,
        weights: npt.ArrayLike,
        samples: int | None = None,
        *,
        replacement: bool = True,
        seed: int = 0,
    ) -> None:
        array = np.asarray(weights, np.float64)
        if array.ndim != 1 or not np.isfinite(array).all() or (array < 0).any() or not array.any():
            raise OptionError(
                "WeightedSampler: expected one weight of at least 0 for each sample, and not all 0"
            )
        self.probabilities = array / array.sum()
        self.samples = len(array) if samples is None else samples
        check_positive("WeightedSampler", samples=self.samples)
        possible = np.count_nonzero(self.probabilities)
        if not replacement and self.samples > possible:
            raise OptionError(
                f"WeightedSampler: got samples={self.samples} without replacement; expected at "
                f"most {possible}, as many as have a weight"
            )
        self.replacement = replacement
        self.seed = seed

    def __len__(self) -> int:
        return self.samples

    def order(self, epoch: int) -> Indices:
        """A draw of the epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        return rng.choice(
            len(self.probabilities), self.samples, self.replacement, self.probabilities
        )


class StratifiedSampler:
    """Every sample once, shuffled, with the classes spread evenly: every batch has its share.

    ``labels``: the class of each sample. Raises DataError if they are not one for each.

    >>> labels = np.array([0] * 6 + [1] * 3)
    >>> labels[StratifiedSampler(labels).order(0)].reshape(3, 3).sum(axis=1)
    array([1, 1, 1])
    """

    def __init__(self, labels: npt.ArrayLike, seed: int = 0) -> None:
        array = np.asarray(labels)
        if array.ndim != 1 or not len(array):
            raise DataError(
                f"StratifiedSampler: got labels of shape {array.shape}; expected the class of each "
                "sample, (n,)"
            )
        _, place = np.unique(array, return_inverse=True)
        self.members = [np.flatnonzero(place == k) for k in range(place.max() + 1)]
        self.seed = seed

    def __len__(self) -> int:
        return sum(map(len, self.members))

    def order(self, epoch: int) -> Indices:
        """Member k of a class of n comes at time (k + u) / n, with u drawn for each class."""
        rng = np.random.default_rng([self.seed, epoch])
        shuffled = [rng.permutation(members) for members in self.members]
        times = [(np.arange(len(members)) + rng.random()) / len(members) for members in shuffled]
        return np.concatenate(shuffled)[np.argsort(np.concatenate(times), kind="stable")]
