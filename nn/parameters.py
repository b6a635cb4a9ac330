"""The flat buffer: all parameters of a dtype in one array, and all their gradients in another.

Backward writes gradients there, MPI reduces slices of it, an optimizer updates runs of it in one
pass. It is made once for a set of parameters and found again by whoever asks for the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from autograd_core import Tensor
from autograd_core.effects import refuse
from autograd_core.errors import DtypeError, GraphError
from autograd_core.graph import Leaf


class ParameterBuffer:
    """Parameters of one dtype laid end to end, the last registered first.

    ``values`` and ``gradients`` are the arrays; parameter k is ``parameters[k]`` and occupies
    ``spans[k]`` of both. Its ``.data`` is a view of the one, its ``.grad``, once written, of the
    other. In the order of the buffer, gradients become ready roughly from front to back.
    """

    values: npt.NDArray[Any]
    gradients: npt.NDArray[Any]

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters = tuple(reversed(parameters))
        stops = list(accumulate(parameter.size for parameter in self.parameters))
        self.spans = [slice(a, b) for a, b in zip([0, *stops], stops, strict=False)]
        dtype = self.parameters[0].dtype
        self.values = np.empty(stops[-1], dtype)
        self.gradients = np.zeros(stops[-1], dtype)
        self.index = {id(parameter): k for k, parameter in enumerate(self.parameters)}
        for parameter, span in zip(self.parameters, self.spans, strict=True):
            view = self.values[span].reshape(parameter.shape)
            view[...] = parameter.data
            parameter._array = view
        self._nodes: list[Leaf | None] = [None] * len(self.parameters)
        self.leaves()
        BUFFERS[id(self.values)] = self

    def leaves(self) -> list[Leaf | None]:
        """The leaves of the parameters, in the order of the buffer; None for a frozen one."""
        nodes: list[Any] = [parameter._node for parameter in self.parameters]
        if nodes != self._nodes:
            # First call, or a parameter was frozen and unfrozen, which gave it a new leaf.
            for before, node, parameter, span in zip(
                self._nodes, nodes, self.parameters, self.spans, strict=True
            ):
                if node is not None and node is not before:
                    node.target = self.gradients[span].reshape(parameter.shape)
                    if node.grad is not None:
                        node.write(node.grad)
            self._nodes = nodes
        return self._nodes

    def written(self) -> list[bool]:
        """Which parameters have a gradient now, in the order of the buffer."""
        return [leaf is not None and leaf.grad is not None for leaf in self.leaves()]

    def written_gradients(self) -> list[npt.NDArray[Any]]:
        """The gradients there are now, in the order of the buffer."""
        return [leaf.grad for leaf in self.leaves() if leaf is not None and leaf.grad is not None]

    def zero_unwritten(self) -> None:
        """Zero the gradients of parameters that have none, for sums over the whole buffer."""
        for span, written in zip(self.spans, self.written(), strict=True):
            if not written:
                self.gradients[span] = 0

    def mark_written(self, indices: Iterable[int]) -> None:
        """Make what stands in the buffer the gradients of these parameters."""
        leaves = self.leaves()
        for k in indices:
            leaf = leaves[k]
            if leaf is not None:
                leaf.grad = leaf.target

    def holds(self, parameter: Tensor) -> bool:
        """Whether a parameter lives here."""
        return parameter._array.base is self.values and id(parameter) in self.index


# Every living buffer by the identity of its values, which parameters have as base of their array.
BUFFERS: WeakValueDictionary[int, ParameterBuffer] = WeakValueDictionary()


def buffer_of(parameter: Tensor) -> ParameterBuffer | None:
    """The buffer a parameter lives in."""
    buffer = BUFFERS.get(id(parameter.data.base))
    return buffer if buffer is not None and buffer.holds(parameter) else None


def buffers_of(parameters: Iterable[Tensor]) -> list[ParameterBuffer]:
    """The buffers the parameters live in; those that live in none move into a new one per dtype.

    Raises GraphError for a Tensor that was recorded, DtypeError for one that is not real floating.

    >>> weight = Tensor(np.ones((2, 3)), requires_grad=True)
    >>> (buffer,) = buffers_of([weight])
    >>> buffer.values[0] = 7.0
    >>> weight
    Tensor([[7., 1., 1.],
            [1., 1., 1.]], requires_grad=True)
    """
    homes: dict[int, ParameterBuffer | None] = {}
    homeless: dict[np.dtype[Any], dict[int, Tensor]] = {}
    home: ParameterBuffer | None = None
    for parameter in parameters:
        # Most live where the one before does; one that lives in a buffer was checked on its way in.
        if home is None or not home.holds(parameter):
            home = buffer_of(parameter)
            if home is None:
                refuse("parameters move into a flat buffer", "make an optimizer of them outside")
                check_parameter(parameter)
                homeless.setdefault(parameter.dtype, {})[id(parameter)] = parameter
        homes[id(parameter)] = home
    for alike in homeless.values():
        homes.update(dict.fromkeys(alike, ParameterBuffer(list(alike.values()))))
    return [buffer for buffer in dict.fromkeys(homes.values()) if buffer is not None]


def check_parameter(parameter: Tensor) -> None:
    """Raise unless a Tensor can be a parameter."""
    if not parameter.is_leaf:
        raise GraphError(
            "parameters: got a Tensor that an operation recorded; expected leaves, which "
            "nn.Parameter makes"
        )
    if parameter.dtype.kind != "f":
        raise DtypeError(
            f"parameters: got dtype {parameter.dtype}; expected real floating parameters"
        )
