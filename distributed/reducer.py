"""Reducer: what every rank does with its flat gradients when a backward pass has ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core import Tensor
from distributed.communicator import Communicator
from distributed.errors import RankError
from nn.optim.optimizer import neighbours
from nn.parameters import ParameterBuffer, buffers_of


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours in a flat buffer that are sent together: parameters ``first`` to ``last``."""

    buffer: ParameterBuffer
    first: int
    last: int

    @property
    def where(self) -> slice:
        """The part of the buffer's arrays that the parameters occupy."""
        spans = self.buffer.spans
        return slice(spans[self.first].start, spans[self.last].stop)

    @property
    def gradients(self) -> npt.NDArray[Any]:
        """The gradients of the parameters, end to end."""
        return self.buffer.gradients[self.where]

    @property
    def written(self) -> list[bool]:
        """Which of the parameters have a gradient on this rank."""
        return self.buffer.written()[self.first : self.last + 1]


class Reducer:
    """Weighted means of gradients over ranks, in place in the flat buffer.

    The parameters move into the flat buffer unless they live in one. What else lives there (the
    parameters of another model that shares the optimizer) is not sent.
    """

    def __init__(self, parameters: Iterable[Tensor], communicator: Communicator) -> None:
        self.communicator = communicator
        parameters = list(parameters)
        self.runs = [
            Run(buffer, first, last)
            for buffer in buffers_of(parameters)
            for first, last in neighbours(
                sorted(buffer.index[id(p)] for p in parameters if id(p) in buffer.index)
            )
        ]

    def broadcast(self) -> None:
        """Give the parameters of every rank the values they have on rank 0."""
        for run in self.runs:
            self.communicator.broadcast(run.buffer.values[run.where])
            for parameter in run.buffer.parameters[run.first : run.last + 1]:
                parameter.version[0] += 1

    def find_leaves(self) -> None:
        """Give leaves that are new, of parameters frozen for a while, their place in the buffer."""
        for run in self.runs:
            run.buffer.leaves()

    def reduce(self, weight: float) -> None:
        """Replace gradients gᵣ of ranks with weights wᵣ by Σ wᵣ gᵣ / Σ wᵣ on every rank.

        A parameter that has no gradient on this rank counts as zero; it gets one if it has one
        anywhere, so that all ranks step alike. Raises RankError, on all ranks, if no weight is
        positive.
        """
        # Weight first, then who has gradients: everyone must know both before sending those.
        facts = np.array([weight, *(flag for run in self.runs for flag in run.written)], float)
        self.communicator.allreduce(facts)
        total, used = facts[0], facts[1:]
        if not total > 0:
            raise RankError(
                f"backward: the weights of all ranks add up to {total}; "
                "expected at least one rank with samples"
            )
        offset = 0
        for run in self.runs:
            gradients = run.gradients
            if weight == 0:
                # Multiplying by 0 would keep the NaN that a mean over no samples is.
                gradients[...] = 0
            else:
                run.buffer.zero_unwritten()
                gradients *= weight / float(total)
            self.communicator.allreduce(gradients)
            count = len(run.written)
            run.buffer.mark_written(run.first + k for k in range(count) if used[offset + k])
            offset += count
