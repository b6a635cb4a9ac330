"""DataParallel: every rank computes a shard of each batch, and all step with the same gradient."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any
from weakref import WeakMethod

import numpy as np

from autograd_core import Tensor
from autograd_core.effects import effect
from autograd_core.errors import TraceError
from autograd_core.graph import mode, on_backward_end
from distributed.communicator import Communicator, world
from distributed.errors import RankError
from distributed.reducer import Reducer
from nn.module import Module


class DataParallel(Module):
    """A model whose gradients, after ``backward()``, are those of the mean over all ranks' samples.

    Rank 0's parameters and buffers are broadcast at the start. Every rank then runs the same loop
    over its shard of each batch (``nn.DataLoader(..., shard=(rank, size))``). When a backward pass
    ends, the gradients gᵣ of ranks with weights wᵣ become Σ wᵣ gᵣ / Σ wᵣ everywhere: for a loss
    that is a mean over samples, exactly the gradient of the mean over the whole batch, whatever
    the sizes of the shards. A rank without samples must still call forward and backward; it counts
    as zero whatever its loss was, and so does a parameter that a rank did not use.

    ``weight`` is set by each recorded forward pass, to the length of the first input's first axis.
    Assign another between forward and backward if the loss is a mean over something else, such as
    unmasked tokens. In a compiled step both happen whenever it runs. Names in state dicts are
    those of the model inside. ``communicator`` defaults to ``world()``. Raises RankError if the
    models differ in names, shapes or dtypes.

    >>> import nn
    >>> model = DataParallel(nn.MLP([2, 3, 1], seed=0))
    >>> loss = model(np.ones((4, 2))).sum()
    >>> model.weight
    4
    """

    def __init__(self, module: Module, communicator: Communicator | None = None) -> None:
        self.module = module
        self.communicator = world() if communicator is None else communicator
        self.weight = 0
        check_alike(module, self.communicator)
        self._watched = list(module.parameters())
        self._leaves: list[Any] = []
        self._reducer = Reducer(self._watched, self.communicator)
        self._reducer.broadcast()
        for buffer in module.buffers():
            values = np.ascontiguousarray(buffer.data)
            self.communicator.broadcast(values)
            buffer.assign(values)

    @property
    def weight(self) -> float:
        """What this rank's gradients count in the mean."""
        if mode.tracer is not None:
            raise TraceError(
                "DataParallel: .weight is read, which programs set when they run; compute with "
                "what it is set to, such as the length of the batch"
            )
        return self._weight

    @weight.setter
    def weight(self, value: float) -> None:
        self._set_weight(value)

    @effect()
    def _set_weight(self, value: float) -> None:
        self._weight = value

    def _walk(self, prefix: str) -> Iterator[tuple[str, Module]]:
        # Everything Module offers is based on this: parameters, state dict, train, eval.
        return self.module._walk(prefix)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Call the model inside on this rank's shard of the batch."""
        if mode.recording:
            first = inputs[0] if inputs else next(iter(options.values()))
            self.weight = len(first)
            if self.communicator.size > 1:
                self._watch()
        return self.module(*inputs, **options)

    def _watch(self) -> None:
        """Have every leaf ask for a reduction at the end of the backward pass that reaches it."""
        leaves = [parameter.node for parameter in self._watched]
        if leaves == self._leaves:
            return
        reduce = WeakMethod(self._reduce)

        def ask(_: Tensor) -> None:
            # Nothing is reduced for a wrapper that is gone, though its hooks are still there.
            if (living := reduce()) is not None:
                on_backward_end(living)

        for parameter, leaf in zip(self._watched, leaves, strict=True):
            # A parameter that was frozen and unfrozen has a new leaf.
            if leaf is not None and leaf not in self._leaves:
                parameter.register_post_accumulate_hook(ask)
        self._leaves = leaves
        self._reducer.find_leaves()

    def _reduce(self) -> None:
        self._exchange()
        if mode.tracer is not None:
            mode.tracer.may_have_written(self._leaves)

    @effect()
    def _exchange(self) -> None:
        self._reducer.reduce(self._weight)


def check_alike(module: Module, communicator: Communicator) -> None:
    """Raise RankError, on every rank, unless all models have the same names, shapes and dtypes."""
    lines = [
        f"{name} {tensor.dtype}{list(tensor.shape)}"
        for name, tensor in (*module.named_parameters(), *module.named_buffers())
    ]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    if len(set(communicator.allgather(digest))) == 1:
        return
    everyone = communicator.allgather(lines)
    rank = next(rank for rank, theirs in enumerate(everyone) if theirs != everyone[0])
    pairs = zip_longest(everyone[0], everyone[rank], fillvalue="nothing")
    expected, got = next(pair for pair in pairs if pair[0] != pair[1])
    raise RankError(
        f"DataParallel: the models differ: rank 0 has {expected} where rank {rank} has {got}; "
        "build the same model on every rank"
    )
