"""Writing to Tensors: ``x[i] = v``, ``x += v`` and their kin, with Tensors as values.

Who the target is decides what a write does:

* recorded, or a tracked value goes into it: the Tensor is rebound to a new recorded value of the
  same shape and dtype, and nothing else changes,
* untracked, and so is the value: the array is written in place, as NumPy does,
* a leaf that requires a gradient: an error, but under ``no_grad()`` the array is written in place,
* a view of another Tensor: an error, if the write would rebind it. NumPy would change both. But a
  view of memory that nothing else holds any more is a value like any other.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from autograd_core.errors import DtypeError, MutationError, ShapeError
from autograd_core.graph import LEAF, OUTPUT, Node, mode
from autograd_core.rules.indexing import setitem

# The version cell of untracked Tensors that share their array with a recorded one: nobody may
# write there.
FROZEN = [-1]


class Assignable:
    """Item assignment and in-place operators, for Tensor."""

    __slots__ = ()

    _array: Any
    _node: Node | None
    _version: list[int] | None
    data: Any
    assign: Callable[..., None]
    version: Any

    def __setitem__(self, index: Any, value: Any) -> None:
        if not rebinds(self, "x[i] = v", value):
            self.assign(value, () if index is ... else plain(index))
            return
        if is_view(self):
            raise MutationError(VIEW.format(name="x[i] = v", other="np.where or x.copy()"))
        if self._array.dtype.kind not in "fc":
            raise DtypeError(
                f"x[i] = v: the value is tracked, and a target of dtype {self._array.dtype} cannot "
                "carry gradients; make the target with x.astype(float)"
            )
        rebind(self, setitem(self, index, value))

    def __iadd__(self, other: Any) -> Any:
        return update(self, np.add, other)

    def __isub__(self, other: Any) -> Any:
        return update(self, np.subtract, other)

    def __imul__(self, other: Any) -> Any:
        return update(self, np.multiply, other)

    def __itruediv__(self, other: Any) -> Any:
        return update(self, np.divide, other)

    def __ifloordiv__(self, other: Any) -> Any:
        return update(self, np.floor_divide, other)

    def __imod__(self, other: Any) -> Any:
        return update(self, np.remainder, other)

    def __ipow__(self, other: Any) -> Any:
        return update(self, np.power, other)

    def __imatmul__(self, other: Any) -> Any:
        return update(self, np.matmul, other)

    def __iand__(self, other: Any) -> Any:
        return update(self, np.bitwise_and, other)

    def __ior__(self, other: Any) -> Any:
        return update(self, np.bitwise_or, other)

    def __ixor__(self, other: Any) -> Any:
        return update(self, np.bitwise_xor, other)

    def __ilshift__(self, other: Any) -> Any:
        return update(self, np.left_shift, other)

    def __irshift__(self, other: Any) -> Any:
        return update(self, np.right_shift, other)

    def fill(self, value: Any) -> None:
        """Set every element: ``x[...] = value``."""
        self[...] = value


VIEW = (
    "{name}: this Tensor is a view of another one; NumPy would change both, and a recorded value "
    "cannot change; write to the other Tensor, or use {other}"
)


def update(target: Any, ufunc: np.ufunc, value: Any) -> Any:
    """``target`` after ``target ufunc= value``: rebound, or written in place."""
    name = f"in-place {ufunc.__name__}"
    if not rebinds(target, name, value):
        check_writable(target, name)
        if mode.tracer is not None:
            mode.tracer.assign(target, ..., ufunc(target.data, plain(value)))
        else:
            ufunc(target._array, plain(value), out=target._array)
        target.version[0] += 1
        return target
    result = ufunc(target, value)
    if result.shape != target.shape:
        raise ShapeError(
            f"{name}: got a result of shape {result.shape} for a Tensor of shape {target.shape}; "
            "an in-place operation keeps the shape; use the operator without ="
        )
    if result.dtype != target.dtype:
        if not np.can_cast(result.dtype, target.dtype, "same_kind"):
            raise DtypeError(
                f"{name}: got a result of dtype {result.dtype} for a Tensor of dtype "
                f"{target.dtype}; an in-place operation keeps the dtype; "
                "use the operator without ="
            )
        result = result.astype(target.dtype)
    if not is_view(target):
        rebind(target, result)
        return target
    # `x[i] += v` hands over a view that nobody else holds, and then writes the result into x. (An
    # item of a list is held by the list.)
    probe = Probe()
    probe[0] += 0
    if sys.getrefcount(target) <= probe.references and goes_into_item(sys._getframe(2), target):
        return result
    raise MutationError(VIEW.format(name=name, other="the operator without ="))


def rebinds(target: Any, name: str, value: Any) -> bool:
    """Whether a write makes a new value of the target (or goes into its array: False)."""
    node = target._node
    if not mode.recording:
        return False
    if node is not None and node.primitive is LEAF:
        raise MutationError(
            f"{name}: this Tensor is a leaf that requires a gradient, and its value is what the "
            "gradient is taken at; write under no_grad(), or to a copy: x = x.copy()"
        )
    return node is not None or (isinstance(value, Assignable) and value._node is not None)


def check_writable(target: Any, name: str) -> None:
    """Raise if the target's array was recorded: such arrays are never written to."""
    if not target.is_leaf or target._version is FROZEN:
        raise MutationError(
            f"{name}: this array was recorded by an operation, and recorded values are never "
            "written to; write to a leaf, or to x.detach().copy()"
        )


def rebind(target: Any, result: Any) -> None:
    """Let a Tensor stand for another value from now on."""
    target._array, target._node, target._version = result._array, result._node, None


class Probe:
    """Stands in for a Tensor in ``x[i] += v``, to count the references a view made for it has."""

    references = 0

    def __getitem__(self, index: int) -> Probe:
        return Probe()

    def __setitem__(self, index: int, item: Probe) -> None:
        self.references = item.references

    def __iadd__(self, other: Any) -> Probe:
        return counted(self, np.add, other)


def counted(target: Probe, ufunc: np.ufunc, value: Any) -> Probe:
    """Count the references where ``update`` does."""
    target.references = sys.getrefcount(target)
    return target


# A view of memory that nothing else holds, to compare with.
ALONE = np.empty(1)[:]


def is_view(tensor: Any) -> bool:
    """Whether a Tensor may show the elements of another one, as slices and transposes do."""
    node, base = tensor._node, tensor._array.base
    if node is None:
        cell = tensor._version
        derived = cell is not None and cell[-1] != id(tensor)
    else:
        primitive = node.sources[0].primitive if node.primitive is OUTPUT else node.primitive
        derived = primitive.view and base is not None
    if not derived or type(base) is not np.ndarray or base.base is not None:
        return derived
    del base
    if node is None and sys.getrefcount(tensor._array) > sys.getrefcount(ALONE):
        return True  # a detached Tensor shares even the array
    return sys.getrefcount(tensor._array.base) > sys.getrefcount(ALONE.base)


def goes_into_item(frame: FrameType, view: Any) -> bool:
    """Whether the running statement is ``x[i] += v``: Python then writes the result back into x.

    The operator itself sees only the view ``x[i]``; what comes after it in the bytecode tells. So
    it does for ``x[i] = iadd(x[i], v)`` of two variables, as portable array code updates items.
    """
    running, loaded = "", list[str]()
    for instruction in dis.get_instructions(frame.f_code):
        name = instruction.opname
        if instruction.offset <= frame.f_lasti:
            running = name
            continue
        if name in ("SWAP", "CACHE") or (running == "PRECALL" and name == "CALL"):
            continue  # Python 3.11 runs these two as one
        if not name.startswith("LOAD_FAST"):
            stores = name in ("STORE_SUBSCR", "STORE_SLICE")
            return stores and (not loaded or is_item(frame.f_locals, loaded, view))
        names = instruction.argval
        loaded += [names] if isinstance(names, str) else names
    return False


def is_item(variables: dict[str, Any], names: list[str], view: Any) -> bool:
    """Whether the first variable's item at the second one is the view."""
    if len(names) != 2:
        return False
    container, index = (variables[name] for name in names)
    if not isinstance(container, Assignable):
        return False
    item, shown = (
        array.__array_interface__ for array in (container._array[plain(index)], view._array)
    )
    return all(item[key] == shown[key] for key in ("data", "shape", "strides", "typestr"))


def plain(value: Any) -> Any:
    """The arrays of Tensors, also inside an index."""
    if isinstance(value, Assignable):
        return value.data
    if isinstance(value, (tuple, list)):
        return type(value)(plain(part) for part in value)
    return value
