"""DataLoader: arrays in batches, the same for one seed and epoch on any number of ranks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core import Tensor, tensor
from nn.errors import DataError, OptionError


class DataLoader:
    """Cut arrays into batches along their first axis; iterating runs one epoch.

    Yields tuples of Tensors, one for each array. With ``shuffle`` the order of epoch e is a
    permutation drawn from (``seed``, e). ``drop_last`` leaves out a last batch that is not full.

    ``shard=(rank, size)``: the batches are the same for every size, and each rank gets a
    contiguous part of every one, of n * rank // size to n * (rank + 1) // size of n samples:
    parts differ by at most one sample and may be empty, and no sample is left out or repeated.

    >>> for x, y in DataLoader(np.arange(6.0).reshape(3, 2), np.array([0, 1, 0]), batch_size=2):
    ...     print(x.shape, y.tolist())
    (2, 2) [0, 1]
    (1, 2) [0]
    """

    def __init__(
        self,
        *arrays: npt.ArrayLike,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        self.arrays = tuple(
            array.detach().data if isinstance(array, Tensor) else np.asarray(array)
            for array in arrays
        )
        lengths = [len(array) if array.ndim else 0 for array in self.arrays]
        if not lengths or 0 in lengths:
            raise DataError("DataLoader: got an empty dataset; expected at least one sample")
        if len(set(lengths)) > 1:
            raise DataError(
                f"DataLoader: got arrays of {' and '.join(map(str, lengths))} samples; "
                "expected as many in each"
            )
        if batch_size < 1:
            raise OptionError(f"DataLoader: got batch_size={batch_size}; expected at least 1")
        rank, size = shard
        if not 0 <= rank < size:
            raise OptionError(f"DataLoader: got shard={shard}; expected (rank, size), rank < size")
        self.samples = lengths[0]
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.shard = shard
        self.epoch = 0
        if not len(self):
            raise DataError(
                f"DataLoader: got {self.samples} samples for batches of {batch_size} and "
                "drop_last=True, which leaves no batch; use a smaller batch_size"
            )

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        batches, rest = divmod(self.samples, self.batch_size)
        return batches + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """Run the next epoch."""
        self.epoch += 1
        return self.batches(self.epoch - 1)

    def batches(
        self, epoch: int, shard: tuple[int, int] | None = None
    ) -> Iterator[tuple[Tensor, ...]]:
        """The batches of any epoch (the first is 0), or a rank's part of each of them."""
        rank, size = self.shard if shard is None else shard
        order = self.order(epoch)
        for number in range(len(self)):
            first = number * self.batch_size
            count = min(self.batch_size, self.samples - first)
            part = slice(first + count * rank // size, first + count * (rank + 1) // size)
            chosen: Any = part if order is None else order[part]
            # Copies, so that what is done to a batch is not done to the data.
            yield tuple(tensor(array[chosen]) for array in self.arrays)

    def order(self, epoch: int) -> npt.NDArray[np.int64] | None:
        """The order of the samples in an epoch; None: as they come."""
        if not self.shuffle:
            return None
        return np.random.default_rng([self.seed, epoch]).permutation(self.samples)
