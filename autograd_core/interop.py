"""How Tensors are copied, pickled and handed to other libraries."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

from autograd_core.errors import GraphError, TrackedValueError
from autograd_core.graph import Leaf, Node

if TYPE_CHECKING:
    import numpy.typing as npt

    from autograd_core.tensor import Tensor


class Interchange:
    """The protocols by which Python copies Tensors and other array libraries take them."""

    __slots__ = ()

    _array: npt.NDArray[Any]
    _node: Node | None
    _version: list[int] | None
    version: Any

    # -- copies ---------------------------------------------------------------------------------

    def __copy__(self) -> Tensor:
        """Another handle on the same array, at the same place in the graph."""
        from autograd_core.tensor import wrap

        other = wrap(self._array, self._node)
        other._version = self._version if is_recorded(self._node) else self.version
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        """An independent leaf or untracked Tensor with copies of the values and the gradient."""
        from autograd_core.tensor import tensor

        refuse_recorded("copy.deepcopy", self._node)
        other = tensor(self._array, requires_grad=self._node is not None)
        if isinstance(self._node, Leaf):
            other.grad = self._node.grad
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the values and whether they require a gradient; not the gradient itself."""
        refuse_recorded("pickle", self._node)
        return type(self), (self._array, self._node is not None)

    # -- other libraries --------------------------------------------------------------------------

    @property
    def device(self) -> Any:
        """Where the elements are: ``"cpu"`` for NumPy's arrays."""
        return self._array.device

    def to_device(self, device: Any, /, *, stream: Any = None) -> Self:
        """The Tensor itself: its array is on its only device; raises ValueError for another one."""
        self._array.to_device(device, stream=stream)
        return self

    def __array_namespace__(self, /, *, api_version: str | None = None) -> ModuleType:
        """The module ``autograd_core.array_api``; raises ValueError for versions NumPy lacks."""
        from autograd_core import array_api

        self._array.__array_namespace__(api_version=api_version)  # type: ignore[arg-type]
        return array_api

    def __dlpack__(
        self,
        /,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """Lend the array to another library; what that writes is not noticed here."""
        if self._node is not None:
            raise TrackedValueError(
                "dlpack: this Tensor is tracked, and another library would lose its graph; "
                "use .detach()"
            )
        return self._array.__dlpack__(
            stream=stream, max_version=max_version, dl_device=dl_device, copy=copy
        )

    def __dlpack_device__(self) -> tuple[Any, int]:
        """The kind and number of the device, as DLPack counts them."""
        return self._array.__dlpack_device__()


def is_recorded(node: Node | None) -> bool:
    """Whether an operation recorded the Node; a leaf's was made by hand."""
    return node is not None and not isinstance(node, Leaf)


def refuse_recorded(name: str, node: Node | None) -> None:
    """Raise for a Node whose graph a copy would lose."""
    if node is not None and is_recorded(node):
        raise GraphError(
            f"{name}: this Tensor was recorded by {node.primitive.label}, and its graph cannot be "
            "copied; expected a leaf or an untracked Tensor; use .detach()"
        )
