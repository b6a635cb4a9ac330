"""How ``nn.fit`` spreads over ranks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from distributed.communicator import Communicator
from distributed.data_parallel import DataParallel
from nn.module import Module
from nn.optim import Optimizer


class OverRanks:
    """A strategy for ``nn.fit``: each rank learns from its shard of every batch.

    >>> from distributed import SingleProcess
    >>> OverRanks(SingleProcess()).shard
    (0, 1)
    """

    def __init__(self, communicator: Communicator) -> None:
        self.communicator = communicator
        self.shard = (communicator.rank, communicator.size)
        self.is_main = communicator.rank == 0

    def prepare(self, model: Module, optimizer: Optimizer) -> Module:
        """The model, starting from rank 0's parameters and reducing its gradients."""
        return DataParallel(model, self.communicator)

    def reduce_sum(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The elementwise sum over all ranks."""
        total = values.copy()
        self.communicator.allreduce(total)
        return total
