"""Datasets: what a DataLoader takes its samples from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core import Tensor
from nn.errors import DataError

Array = npt.NDArray[Any]
Indices = npt.NDArray[np.int64]


class Dataset:
    """Base of datasets: a length, and sample k as a tuple of arrays, alike in shape for every k.

    A subclass writes ``__len__`` and ``__getitem__``, and where many samples at once are faster
    than one by one, ``take``; that gives new arrays, since a batch may be written to. Loaders with
    ``prefetch`` call it from a thread.

    >>> class Squares(Dataset):
    ...     def __len__(self) -> int:
    ...         return 10
    ...
    ...     def __getitem__(self, index: int) -> tuple[Array, ...]:
    ...         return np.array([index]), np.array(index**2)
    >>> [array.shape for array in Squares().take(np.array([2, 3, 4]))]
    [(3, 1), (3,)]
    """

    def __len__(self) -> int:
        """The number of samples."""
        raise NotImplementedError(f"{type(self).__name__}: write __len__, the number of samples")

    def __getitem__(self, index: int) -> tuple[Array, ...]:
        """A sample."""
        raise NotImplementedError(f"{type(self).__name__}: write __getitem__, sample number index")

    def take(self, indices: Indices) -> tuple[Array, ...]:
        """Some samples, stacked along a new first axis. None at all have that axis of length 0."""
        samples = [self[int(index)] for index in indices] or [self[0]]
        stacked = (np.stack(column) for column in zip(*samples, strict=True))
        return tuple(column[: len(indices)] for column in stacked)


class ArrayDataset(Dataset):
    """Arrays that share their first axis. They are not copied, so they may be mapped from files.

    Raises DataError if there are none, if they are empty, or if their lengths differ.

    >>> ArrayDataset(np.arange(6.0).reshape(3, 2), [0, 1, 0])[1]
    (array([2., 3.]), array(1))
    """

    def __init__(self, *arrays: npt.ArrayLike) -> None:
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

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: int) -> tuple[Array, ...]:
        return tuple(np.asarray(array[index]) for array in self.arrays)

    def take(self, indices: Indices) -> tuple[Array, ...]:
        """Rows of every array."""
        return tuple(array[indices] for array in self.arrays)


class Subset(Dataset):
    """Some samples of a dataset, such as its training part.

    >>> Subset(ArrayDataset(np.arange(9)), [4, 8])[1]
    (array(8),)
    """

    def __init__(self, dataset: Dataset, indices: npt.ArrayLike) -> None:
        self.dataset = dataset
        self.indices = np.asarray(indices, np.int64)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> tuple[Array, ...]:
        return self.dataset[int(self.indices[index])]

    def take(self, indices: Indices) -> tuple[Array, ...]:
        """Those of the chosen ones."""
        return self.dataset.take(self.indices[indices])
