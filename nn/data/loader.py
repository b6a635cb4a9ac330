"""DataLoader: samples in batches, the same for one seed and epoch on any number of ranks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy.typing as npt

from autograd_core import Tensor
from nn.data.dataset import ArrayDataset, Dataset
from nn.data.prefetch import prefetched
from nn.data.samplers import Sampler, SequentialSampler, ShuffledSampler
from nn.errors import DataError, OptionError, StateError


class DataLoader:
    """Cut a Dataset, or arrays along their first axis, into batches; iterating runs one epoch.

    Yields tuples of Tensors, one for each array. With ``shuffle`` the order of epoch e is a
    permutation drawn from (``seed``, e); a ``sampler`` chooses another. ``drop_last`` leaves out a
    last batch that is not full. ``prefetch`` batches are made ahead in a thread.

    ``shard=(rank, size)``: the batches are the same for every size, and each rank gets a
    contiguous part of every one, of n * rank // size to n * (rank + 1) // size of n samples:
    parts differ by at most one sample and may be empty, and no sample is left out or repeated.

    ``state_dict`` tells the position, in mid-epoch too; the first iteration after
    ``load_state_dict`` goes on from there.

    >>> import numpy as np
    >>> for x, y in DataLoader(np.arange(6.0).reshape(3, 2), np.array([0, 1, 0]), batch_size=2):
    ...     print(x.shape, y.tolist())
    (2, 2) [0, 1]
    (1, 2) [0]
    """

    def __init__(
        self,
        *data: Dataset | npt.ArrayLike,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        sampler: Sampler | None = None,
        prefetch: int = 0,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        self.dataset = dataset_of(data)
        if batch_size < 1:
            raise OptionError(f"DataLoader: got batch_size={batch_size}; expected at least 1")
        if prefetch < 0:
            raise OptionError(f"DataLoader: got prefetch={prefetch}; expected at least 0")
        rank, size = shard
        if not 0 <= rank < size:
            raise OptionError(f"DataLoader: got shard={shard}; expected (rank, size), rank < size")
        if sampler is not None and shuffle:
            raise OptionError("DataLoader: got shuffle=True and a sampler; expected one of them")
        samples = len(self.dataset)
        if sampler is None:
            sampler = ShuffledSampler(samples, seed) if shuffle else SequentialSampler(samples)
        self.sampler = sampler
        self.samples = len(sampler)
        self.batch_size = batch_size
        self.seed = seed
        self.drop_last = drop_last
        self.prefetch = prefetch
        self.shard = shard
        self.epoch = 0
        self.position = 0
        self.resuming = False
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
        """Run the next epoch, or the rest of one after ``load_state_dict``."""
        if not self.resuming:
            self.epoch += 1
            self.position = 0
        self.resuming = False
        return self.counted(self.batches(self.epoch - 1, first=self.position))

    def counted(self, batches: Iterator[tuple[Tensor, ...]]) -> Iterator[tuple[Tensor, ...]]:
        """The batches, each counted when it is handed out."""
        for batch in batches:
            self.position += 1
            yield batch

    def batches(
        self, epoch: int, shard: tuple[int, int] | None = None, *, first: int = 0
    ) -> Iterator[tuple[Tensor, ...]]:
        """Batches of any epoch (the first is 0), or a rank's part of each, from ``first`` on."""
        made = self.make(epoch, self.shard if shard is None else shard, first)
        return prefetched(made, self.prefetch) if self.prefetch else made

    def make(self, epoch: int, shard: tuple[int, int], first: int) -> Iterator[tuple[Tensor, ...]]:
        """Make batches one by one."""
        rank, size = shard
        order = self.sampler.order(epoch)
        for start in range(first * self.batch_size, self.samples, self.batch_size):
            count = min(self.batch_size, self.samples - start)
            if count < self.batch_size and self.drop_last:
                return
            part = order[start + count * rank // size : start + count * (rank + 1) // size]
            yield tuple(map(Tensor, self.dataset.take(part)))

    # -- state -------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, int]:
        """The epochs begun, and the batches handed out in the last of them."""
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on from there at the next iteration; StateError if there is no such position."""
        epoch, position = state["epoch"], state["position"]
        if not (epoch >= 0 and 0 <= position <= len(self)):
            raise StateError(
                f"DataLoader: got batch {position} of epoch {epoch}; expected at most {len(self)}"
            )
        self.epoch, self.position = epoch, position
        self.resuming = 0 < position < len(self)


def dataset_of(data: tuple[Dataset | npt.ArrayLike, ...]) -> Dataset:
    """One Dataset as it is, arrays as one."""
    datasets = [item for item in data if isinstance(item, Dataset)]
    if not datasets:
        return ArrayDataset(*data)  # type: ignore[arg-type]
    if len(data) > 1:
        raise DataError("DataLoader: got a Dataset and more; expected one Dataset, or arrays")
    if not len(datasets[0]):
        raise DataError("DataLoader: got an empty dataset; expected at least one sample")
    return datasets[0]
