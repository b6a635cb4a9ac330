"""Tensor: an array and its place in the graph. What computes with Tensors records Nodes."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, Self, final

import numpy as np

from autograd_core.assignment import FROZEN, Assignable, check_writable
from autograd_core.errors import (
    DtypeError,
    GraphError,
    MissingRuleError,
    MutationError,
    ShapeError,
    TrackedValueError,
)
from autograd_core.graph import (
    LEAF,
    OUTPUT,
    Leaf,
    Node,
    Recorder,
    Tracer,
    backward,
    cast,
    clear_gradients,
    mode,
    new_node,
    next_number,
    note,
)
from autograd_core.interop import Interchange
from autograd_core.methods import ArrayMethods
from autograd_core.primitive import RECORDED, REGISTRY, Primitive
from autograd_core.recording import recorder_of
from autograd_core.rules import indexing, late

if TYPE_CHECKING:
    import numpy.typing as npt  # a millisecond that running takes no use of

# Operations with an operator of their own.
ADD = REGISTRY[np.add]
SUBTRACT = REGISTRY[np.subtract]
MULTIPLY = REGISTRY[np.multiply]
DIVIDE = REGISTRY[np.divide]
POWER = REGISTRY[np.power]
NEGATIVE = REGISTRY[np.negative]
ABSOLUTE = REGISTRY[np.absolute]
MATMUL = REGISTRY[np.matmul]
GETITEM = REGISTRY[indexing.getitem]
GATHER = REGISTRY[indexing.gather]

# Functions that make arrays from settings alone; with like=Tensor they make untracked Tensors.
CREATION: frozenset[Any] = frozenset(
    {np.zeros, np.ones, np.empty, np.full, np.arange, np.eye, np.identity}
)

# What ufunc.reduce, .accumulate and their kin do, by name; and calls of one ufunc along axes.
UFUNC_METHODS: dict[str | tuple[Any, str], Callable[..., Any]] = {}

# Held while a Tensor gets its version cell.
making_cell = threading.Lock()

P = ParamSpec("P")

_new = object.__new__
_ndarray = np.ndarray

# Functions made of other operations: they run as they are and what they call records.
COMPOSITES: dict[Callable[..., Any], Callable[..., Any]] = {}

# How reductions run when the value they start from is tracked too.
STARTED: dict[Callable[..., Any], Callable[..., Any]] = {}


@final
class Tensor(ArrayMethods, Assignable, Interchange):
    """An array that remembers how it was computed.

    ``Tensor(array)`` shares the array (``tensor(data)`` copies). With ``requires_grad=True`` it is
    a leaf: ``backward()`` on anything computed from it writes ``.grad``. All of NumPy's functions
    and operators take Tensors. Only floating and complex dtypes can require gradients.

    >>> x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ("__weakref__", "_array", "_node", "_version")

    _array: npt.NDArray[Any]
    _node: Node | None
    # The version cell counts writes into the array. Only leaves and untracked Tensors have one
    # (made when first needed); recorded values are never written to.
    _version: list[int] | None

    def __init__(self, array: npt.ArrayLike, requires_grad: bool = False) -> None:
        self._version = None
        if type(array) is Tensor:
            array = array.detach()
            self._version, array = array._version, array._array
        self._array = as_array(array)
        if self._array.dtype == object:
            raise DtypeError(
                f"Tensor: got {type(array).__name__} that NumPy can only hold as objects; "
                "expected numbers; use np.stack to join Tensors"
            )
        self._node = None
        if requires_grad:
            self.requires_grad = True

    # -- the array ----------------------------------------------------------------------------

    @property
    def data(self) -> npt.NDArray[Any]:
        """The array itself. Assigning copies values in, keeping shape and dtype."""
        if mode.recording is not True and mode.tracer is not None:
            return mode.tracer.stand_in(self)._array
        return self._array

    @data.setter
    def data(self, value: npt.ArrayLike) -> None:
        self.assign(value)

    def assign(self, value: npt.ArrayLike, index: Any = ...) -> None:
        """Write values in place; backward passes that need the old ones will raise."""
        check_writable(self, "assign")
        array = value.data if isinstance(value, Tensor) else as_array(value)
        if index is ... and array.shape != self._array.shape:
            raise ShapeError(
                f"assign: got values of shape {array.shape}; expected {self._array.shape}; "
                "make a new Tensor to change the shape"
            )
        if mode.tracer is not None:
            mode.tracer.assign(self, index, array)
        else:
            self._array[index] = array
        self.version[0] += 1

    @property
    def version(self) -> list[int]:
        """The cell that counts writes into this array, shared by untracked views of it.

        Behind the count stands whose cell it was: another Tensor's, if this one is a view.
        """
        cell = self._version
        if cell is None:
            with making_cell:  # threads that share a Tensor must share its cell
                cell = self._version = self._version or [0, id(self)]
        return cell

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return self._array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
        return self._array.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._array.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._array.size

    @property
    def nbytes(self) -> int:
        """The bytes the elements take."""
        return self._array.nbytes

    @property
    def itemsize(self) -> int:
        """The bytes one element takes."""
        return self._array.itemsize

    def numel(self) -> int:
        """The number of elements, for those used to the method."""
        return self._array.size

    def item(self, *index: Any) -> Any:
        """The one element (or the one at ``index``) as a Python number."""
        return self.data.item(*index)

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self.data.tolist()

    def numpy(self) -> npt.NDArray[Any]:
        """The array of an untracked Tensor; a tracked one says to ``detach()`` first."""
        return self.__array__()

    # -- the graph ----------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this Tensor. Setting it makes or unmakes a leaf."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if wanted == (self._node is not None):
            return
        if not wanted:
            if self._node is not None and self._node.primitive is not LEAF:
                raise GraphError(
                    "requires_grad: this Tensor was recorded by an operation and cannot stop "
                    "requiring a gradient; use .detach()"
                )
            self._node = None
        else:
            if self._array.dtype.kind not in "fc":
                raise DtypeError(
                    f"requires_grad: got dtype {self._array.dtype}; only floating and complex "
                    "Tensors can require gradients; use .astype(float)"
                )
            self._node = Leaf(self._array.shape, self._array.dtype)
            self._version = self.version

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set ``requires_grad`` and return the Tensor itself."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no operation recorded this Tensor: it is untracked, or gradients end here."""
        return self._node is None or self._node.primitive is LEAF

    @property
    def node(self) -> Node | None:
        """The Node that recorded this Tensor; a Leaf for leaves, None if it is untracked."""
        return self._node

    @property
    def leaf(self) -> Leaf:
        """The Leaf that accumulates this Tensor's gradient; raises if it is not a leaf."""
        if isinstance(self._node, Leaf):
            return self._node
        raise GraphError(
            "leaf: this Tensor accumulates no gradient; make it with requires_grad=True, "
            "or call retain_grad() on a recorded one"
        )

    @property
    def grad(self) -> npt.NDArray[Any] | None:
        """The accumulated gradient, None until a backward pass wrote one.

        A live array: the next backward pass adds to it. Assigning copies values in; None clears.
        """
        node = self._node
        if isinstance(node, Leaf):
            return node.grad if mode.tracer is None else mode.tracer.gradient_of(node)
        return node.notes.get("grad") if node is not None and node.notes is not None else None

    @grad.setter
    def grad(self, value: npt.ArrayLike | None) -> None:
        if value is None and not isinstance(self._node, Leaf):
            if self._node is not None and self._node.notes is not None:
                self._node.notes.pop("grad", None)
            return
        leaf = self.leaf
        if value is None:
            clear_gradients([leaf])
            return
        array = value.data if isinstance(value, Tensor) else as_array(value)
        if array.shape != self.shape:
            raise ShapeError(
                f"grad: got an array of shape {array.shape}; expected the Tensor's {self.shape}"
            )
        if mode.tracer is not None:
            mode.tracer.clear([leaf])
            mode.tracer.accumulate(leaf, array.astype(self.dtype))
        else:
            leaf.write(array.astype(self.dtype))

    def retain_grad(self) -> None:
        """Keep the gradient of a recorded Tensor in ``.grad`` too, as leaves do."""
        node = self._node
        if node is None:
            raise GraphError("retain_grad: this Tensor is untracked; make it from a leaf")
        if node.primitive is LEAF or "grad" in (node.notes or {}):
            return

        def keep(gradient: Any) -> None:
            assert node.notes is not None
            before = node.notes["grad"]
            node.notes["grad"] = np.array(gradient) if before is None else before + gradient

        note(node, "hooks", keep)
        assert node.notes is not None
        node.notes["grad"] = None

    def register_hook(self, hook: Callable[[Any], Any]) -> Callable[[], None]:
        """Call ``hook(gradient)`` in every backward pass; what it returns replaces the gradient.

        Returns a function that removes the hook.

        >>> x = Tensor(np.array(3.0), requires_grad=True)
        >>> remove = x.register_hook(lambda g: 10 * g)
        >>> (x * 2).backward()
        >>> float(x.grad)
        20.0
        """
        if self._node is None:
            raise GraphError("register_hook: this Tensor is untracked and gets no gradient")
        return note(self._node, "hooks", hook)

    def register_post_accumulate_hook(self, hook: Callable[[Tensor], None]) -> Callable[[], None]:
        """Call ``hook(self)`` each time a backward pass has finished this leaf's ``.grad``."""
        return note(self.leaf, "accumulated", lambda: hook(self))

    def detach(self) -> Tensor:
        """The same array, out of the graph; a write through it still counts as one."""
        result = wrap(self._array)
        result._version = self.version if self.is_leaf else FROZEN
        return result

    def backward(
        self, gradient: npt.ArrayLike | None = None, *, retain_graph: bool = False
    ) -> None:
        """Accumulate the gradients of this Tensor into the ``.grad`` of every leaf behind it.

        ``gradient`` is the cotangent to start from, shaped like the Tensor; a Tensor with one
        element starts from 1. The graph is freed on the way unless ``retain_graph``.

        >>> x = Tensor(np.array(3.0), requires_grad=True)
        >>> (x * x).backward()
        >>> float(x.grad)
        6.0
        """
        if self._node is None:
            raise GraphError(
                "backward: this Tensor depends on nothing that requires a gradient; make the "
                "leaves with requires_grad=True and compute it outside no_grad()"
            )
        seed = seed_like(self, gradient)
        if gradient is not None and mode.tracer is None:
            seed = seed.copy()  # it may be a gradient itself, which is about to be written
        backward([(self._node, seed)], retain=retain_graph)

    # -- values, not references -----------------------------------------------------------------

    def __array__(
        self, dtype: npt.DTypeLike | None = None, *, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        if self._node is not None:
            raise TrackedValueError(
                "numpy: this Tensor is tracked, and an array would lose its graph; use .detach() "
                "(or .item() for one number), and np.stack to join Tensors"
            )
        return np.array(self.data, dtype=dtype, copy=copy)

    def _scalar(self, kind: str) -> Any:
        if self._node is not None:
            raise TrackedValueError(
                f"{kind}: this Tensor is tracked, and a number would lose its graph; "
                "use .item() for the value, or .detach()"
            )
        return self.data

    def __float__(self) -> float:
        return float(self._scalar("float"))

    def __int__(self) -> int:
        return int(self._scalar("int"))

    def __complex__(self) -> complex:
        return complex(self._scalar("complex"))

    def __index__(self) -> int:
        return int(self._scalar("index").__index__())

    def __bool__(self) -> bool:
        return bool(self.data)

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        text = np.array2string(self._array, separator=", ", prefix="Tensor(")
        if self._array.dtype not in (np.float64, np.int64, np.bool_, np.complex128):
            text += f", dtype={self._array.dtype}"
        if self._node is None:
            return f"Tensor({text})"
        if self._node.primitive is LEAF:
            return f"Tensor({text}, requires_grad=True)"
        return f"Tensor({text}, from={self._node.primitive.label})"

    def __format__(self, spec: str) -> str:
        return format(self._array.item() if self._array.ndim == 0 else self._array, spec)

    __hash__ = object.__hash__

    # -- NumPy's protocols ------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        primitive = REGISTRY.get(ufunc)
        if method != "__call__":
            return UFUNC_METHODS[method](ufunc, *inputs, **kwargs)
        if primitive is None and (primitive := late(ufunc)) is None:
            return without_rule(ufunc, inputs, kwargs)
        if kwargs:
            return record_with_keywords(primitive, inputs, kwargs)
        return primitive.record(*inputs)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        primitive = REGISTRY.get(function)
        if primitive is not None:
            return primitive.record(*args, **kwargs)
        composite = COMPOSITES.get(function)
        if composite is not None:
            return composite(*args, **kwargs)
        if function in CREATION:
            return wrap(function(*args, like=self.data, **kwargs))
        return without_rule(function, args, kwargs)

    # -- operators --------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Tensor:
        return ADD.record(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return ADD.record(other, self)

    def __sub__(self, other: Any) -> Tensor:
        return SUBTRACT.record(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return SUBTRACT.record(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return MULTIPLY.record(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return MULTIPLY.record(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return DIVIDE.record(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return DIVIDE.record(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return POWER.record(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return POWER.record(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return MATMUL.record(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return MATMUL.record(other, self)

    def __neg__(self) -> Tensor:
        return NEGATIVE.record(self)

    def __abs__(self) -> Tensor:
        return ABSOLUTE.record(self)

    def __getitem__(self, index: Any) -> Tensor:
        if is_basic(index):
            return GETITEM.record(self, index)
        return GATHER.record(self, index)


# What a basic index is made of; anything else (arrays, lists, masks, booleans) is advanced.
BASIC = frozenset({int, slice, type(None), type(...)})


def is_basic(index: Any) -> bool:
    """Whether an index makes a view: integers, slices, ellipses and new axes alone do."""
    if type(index) is tuple:
        return all(type(part) in BASIC or isinstance(part, np.integer) for part in index)
    return type(index) in BASIC or isinstance(index, np.integer)


def wrap(array: Any, node: Node | None = None) -> Tensor:
    """A Tensor around an array, with its place in the graph."""
    tensor = _new(Tensor)
    tensor._array = array if type(array) is _ndarray else as_array(array)
    tensor._node = node
    tensor._version = None
    return tensor


def as_array(values: Any) -> Any:
    """The values as an array whose operators mean what NumPy's functions do.

    Arrays of another library, which speak NumPy's protocol, stay what they are.
    """
    if hasattr(values, "__array_function__") and not isinstance(values, _ndarray):
        return values
    array = np.asanyarray(values)
    kind: Any = type(array)
    if kind is not _ndarray and kind.__mul__ is not _ndarray.__mul__:
        raise DtypeError(
            f"Tensor: got a {kind.__name__}, whose operators do not mean what those of arrays do; "
            "expected an ndarray; use np.asarray (of masked ones, .filled() or .data)"
        )
    return array


def as_tensor(values: Any) -> Tensor:
    """The values as a Tensor: themselves if they are one."""
    return values if type(values) is Tensor else Tensor(values)


def untracked_version(tensor: Tensor) -> list[int] | None:
    """The version cell of an untracked Tensor, made now; None for a recorded one."""
    return tensor.version if tensor._node is None else None


def share_version(owner: Tensor, views: Any) -> None:
    """Let writes through what was made of an array count as writes into it, if they would be."""
    for view in tensors_in(views):
        if np.may_share_memory(view._array, owner._array):
            view._version = owner.version if owner.is_leaf else FROZEN


def untracked(primitive: Primitive, operand: Any, result: Any) -> Any:
    """What an operation returned as Tensors without a graph."""
    wrapped = wrap_all(result)
    if primitive.view:
        for owner in tensors_in(operand):
            share_version(owner, wrapped)
    return wrapped


def record(primitive: Primitive, *args: Any, **kwargs: Any) -> Any:
    """Compute any operation, and make a Node if the gradient of an operand is wanted."""
    return primitive.record(*args, **kwargs)


def record_row(primitive: Primitive, row: tuple[Any, ...]) -> Any:
    """Record a call given its row, whatever is in it: what the recorders leave to others."""
    if primitive.sequence:
        (slot,) = primitive.operand_slots
        if type(row[slot]) is Tensor:
            items: Any = list(row[slot])
            row = (*row[:slot], items, *row[slot + 1 :])
    recording, replay = mode.recording, primitive.replay
    if recording is not True and (tracer := mode.tracer) is not None:
        row = tuple(map(tracer.stand_in, row))
        replay = partial(run_traced, tracer, replay)
    arrays, tracked = [], []
    for slot, value in enumerate(row):
        kind = type(value)
        if kind is Tensor:
            arrays.append(value._array)
            if value._node is not None:
                tracked.append(slot)
        elif kind is list or kind is tuple or kind is dict:
            arrays.append(unwrap(value))
            if is_tracked(value):
                tracked.append(slot)
        else:
            arrays.append(value)
    if not (tracked and recording and primitive.rules):
        return untracked(primitive, row[0], replay(*arrays))
    started = STARTED.get(primitive.forward)
    if started is not None and primitive.operand_slots != tuple(tracked):
        return started(**dict(zip(primitive.parameters, row, strict=True)))
    refuse_lost_gradients(primitive, row, tracked)
    result = replay(*arrays)
    operand_slots = primitive.operand_slots
    operands = (
        row[operand_slots[0]] if primitive.sequence else [row[slot] for slot in operand_slots]
    )
    sources = tuple([item._node if type(item) is Tensor else None for item in operands])
    keep = primitive.kept(tuple(tracked))
    slots = (
        *[array if slot in keep else None for slot, array in enumerate(arrays)],
        result if len(arrays) in keep else None,
        *[shape_of(arrays[slot]) for slot in primitive.shape_slots],
    )
    if primitive.multiple:
        shapes = tuple(np.shape(part) for part in result)
        node = new_node(primitive, sources, slots, shapes, tuple(part.dtype for part in result))
        wrapped = rebuild(result, [output_of(node, k, part) for k, part in enumerate(result)])
    else:
        wrapped = tensor = wrap(result)
        node = new_node(primitive, sources, slots, tensor._array.shape, tensor._array.dtype)
        if node.dtype.kind in "fc":
            tensor._node = node
    for slot in keep:
        if slot < len(row):
            for tensor in tensors_in(row[slot]):
                if cell := tensor._version or untracked_version(tensor):
                    node.versions = (*(node.versions or ()), (cell, cell[0]))
    if recording is not True:
        recording.recorded(node, result)
    return wrapped


def run_traced(tracer: Tracer, function: Callable[..., Any], *row: Any) -> Any:
    """Call a forward function as a tracer wants it."""
    return tracer.run(function, row)


def record_with_keywords(
    primitive: Primitive, operands: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """Compute a ufunc called with the keywords of ufuncs; those that write in place are refused."""
    name = primitive.name
    if keywords.get("out") is not None:
        raise MutationError(
            f"{name}: out= cannot be recorded, Tensors are values; leave it away and use the result"
        )
    if keywords.get("where", True) is not True:
        raise MissingRuleError(
            f"{name}: where= without out= leaves elements uninitialised; use np.where on the result"
        )
    along = UFUNC_METHODS.get((primitive.forward, "__call__"))
    if along is not None and not keywords.keys().isdisjoint(("axis", "axes", "keepdims")):
        return along(*operands, **keywords)
    primitive.resolve()
    called = copy.copy(primitive)
    called.forward = called.replay = partial(primitive.forward, **keywords)
    return record_row(called, called.bind(*operands))


def composite(function: Callable[..., Any]) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Register how a NumPy function is made of operations that have rules.

    >>> @composite(np.fliplr)
    ... def fliplr(m):
    ...     return m[:, ::-1]
    """

    def decorate(made_of: Callable[P, Any]) -> Callable[P, Any]:
        COMPOSITES[function] = made_of
        return made_of

    return decorate


def output_of(node: Node, index: int, array: Any) -> Tensor:
    """One result of an operation that has several, as a Tensor with a Node of its own."""
    tensor = wrap(array)
    if tensor._array.dtype.kind not in "fc":
        return tensor
    slots = (node, index, None)
    part = new_node(OUTPUT, (node,), slots, tensor._array.shape, tensor._array.dtype)
    tensor._node = part
    return tensor


def lift(node: Node) -> tuple[Any, ...]:
    """What a Node saved, as the Tensors it was: rules that compute with them record a graph."""
    primitive = node.primitive
    row = list(node.slots)
    if primitive.sequence:
        (slot,) = primitive.operand_slots
        if row[slot] is not None:
            row[slot] = [
                item if source is None else wrap(item, source)
                for item, source in zip(row[slot], node.sources, strict=True)
            ]
    else:
        for slot, source in zip(primitive.operand_slots, node.sources, strict=False):
            if source is not None and row[slot] is not None:
                row[slot] = wrap(row[slot], source)
    result = len(primitive.parameters)
    if row[result] is not None:
        out = row[result]
        row[result] = (
            rebuild(out, [output_of(node, k, part) for k, part in enumerate(out)])
            if primitive.multiple
            else wrap(out, node)
        )
    return tuple(row)


def unwrap(value: Any) -> Any:
    """A value with every Tensor in it (also inside lists and tuples) replaced by its array."""
    kind = type(value)
    if kind is Tensor:
        return value.data
    if kind is list or kind is tuple:
        return kind([unwrap(item) for item in value])
    if kind is dict:
        return {key: unwrap(item) for key, item in value.items()}
    return value


def tensors_in(value: Any) -> list[Tensor]:
    """Every Tensor in a value, also inside lists, tuples and dicts."""
    kind = type(value)
    if kind is Tensor:
        return [value]
    if kind is dict:
        value = value.values()
    elif kind is not list and kind is not tuple:
        return []
    return [tensor for item in value for tensor in tensors_in(item)]


def is_tracked(value: Any) -> bool:
    """Whether a Tensor in the value requires a gradient."""
    kind = type(value)
    if kind is Tensor:
        return value._node is not None
    if kind is list or kind is tuple or kind is dict:
        return any(tensor._node is not None for tensor in tensors_in(value))
    return False


def wrap_all(result: Any) -> Any:
    """Arrays and NumPy scalars in a result as untracked Tensors."""
    if isinstance(result, (np.ndarray, np.generic)) or hasattr(result, "__array_function__"):
        return wrap(result)
    if isinstance(result, (tuple, list)):
        return rebuild(result, [wrap_all(part) for part in result])
    return result


def rebuild(like: Any, parts: list[Any]) -> Any:
    """The parts in a list, tuple or named tuple like the given one."""
    kind = type(like)
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)


def shape_of(value: Any) -> Any:
    """The shape of an array; of a sequence of arrays, a tuple of their shapes."""
    if isinstance(value, (list, tuple)) and any(hasattr(part, "shape") for part in value):
        return tuple(np.shape(part) for part in value)
    return np.shape(value)


def refuse_lost_gradients(primitive: Primitive, row: tuple[Any, ...], tracked: list[int]) -> None:
    """Raise if a tracked Tensor stands where the operation has no rule for it."""
    for slot in tracked:
        if slot not in primitive.operand_slots:
            raise MissingRuleError(
                f"{primitive.name}: no gradient flows to the parameter "
                f"{primitive.parameters[slot]!r}, and it is tracked; pass it .detach()ed"
            )
        joined = row[slot] if primitive.sequence else [row[slot]]
        if any(type(item) is not Tensor and is_tracked(item) for item in joined):
            raise TrackedValueError(
                f"{primitive.name}: got a {type(row[slot]).__name__} of tracked Tensors for "
                f"{primitive.parameters[slot]!r}; join them with np.stack"
            )
    if primitive.out_slot is not None and row[primitive.out_slot] is not None:
        raise MutationError(
            f"{primitive.name}: out= cannot be recorded, Tensors are values; "
            "leave it away and use the result"
        )


def without_rule(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Run a function the engine has no rule for: on untracked Tensors only."""
    if mode.recording and (is_tracked(tuple(args)) or is_tracked(dict(kwargs))):
        name = getattr(function, "__name__", repr(function))
        place = f"np.{name}" if hasattr(np, name) else name
        raise MissingRuleError(
            f"{name}: no gradient rule is known for this function, and an operand is "
            f"tracked; .detach() it, or add a rule with autograd_core.define({place}, ...)"
        )
    return wrap_all(function(*unwrap(tuple(args)), **unwrap(dict(kwargs))))


# What holds Tensors, or is one.
HOLDERS = frozenset({Tensor, list, tuple, dict})

ENGINE = {
    "mode": mode,
    "new": _new,
    "ndarray": _ndarray,
    "next_number": next_number,
    "as_array": as_array,
    "general": record_row,
    "shape_of": shape_of,
    "tensors_in": tensors_in,
    "untracked": untracked,
    "wrap": wrap,
    "HOLDERS": HOLDERS,
    "Node": Node,
    "Tensor": Tensor,
}


def specialise(primitive: Primitive) -> Callable[..., Any]:
    """The function that records an operation, made when it is first called."""
    primitive.resolve()
    return recorder_of(primitive, ENGINE)


Primitive.specialise = staticmethod(specialise)
RECORDED.add(Tensor)


def seed_like(tensor: Tensor, gradient: Any, *, conjugate: bool = True) -> Any:
    """The vector a pass starts from, shaped and typed as the Tensor is.

    Cotangents are conjugated, as rules expect them; tangents are not.
    """
    array = tensor._array
    if gradient is None:
        if array.size != 1:
            raise ShapeError(
                f"backward: got a Tensor of shape {array.shape}; expected one element, or the "
                "cotangent to start from; reduce it (y.sum()) or pass backward(gradient)"
            )
        if array.dtype.kind == "c" and conjugate:
            raise DtypeError(
                "backward: got a complex Tensor, which has no gradient to start from; take .real, "
                ".imag or abs of it, or pass backward(gradient)"
            )
        # One element: as many axes of length 1. (np.ones takes five times as long.)
        return np.array(1, array.dtype, ndmin=array.ndim)
    if not isinstance(gradient, Tensor):
        gradient = as_array(gradient)
    if gradient.shape != array.shape:
        raise ShapeError(
            f"backward: got a cotangent of shape {gradient.shape}; expected {array.shape}, "
            "the shape of the Tensor it starts from"
        )
    if conjugate and gradient.dtype.kind == "c":
        gradient = np.conj(gradient)
    return gradient if gradient.dtype == array.dtype else cast(gradient, array.dtype)


def tensor(
    data: npt.ArrayLike, dtype: npt.DTypeLike | None = None, requires_grad: bool = False
) -> Tensor:
    """Make a Tensor from a copy of the data.

    >>> tensor([1, 2], dtype=np.float32)
    Tensor([1., 2.], dtype=float32)
    """
    source = data.detach()._array if isinstance(data, Tensor) else data
    return Tensor(np.array(source, dtype=dtype), requires_grad=requires_grad)


class no_grad(ContextDecorator):
    """Compute without recording, in this thread: a context manager and a decorator.

    >>> x = Tensor(np.array(2.0), requires_grad=True)
    >>> with no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    _enabled = False

    def __init__(self) -> None:
        self._before: list[bool | Recorder] = []

    def __enter__(self) -> Self:
        self._before.append(mode.recording)
        mode.recording = (mode.recorder or True) if self._enabled else False
        return self

    def __exit__(self, *exception: object) -> None:
        mode.recording = self._before.pop()

    def _recreate_cm(self) -> Self:
        return type(self)()  # a decorated function may run in several threads at once


class enable_grad(no_grad):
    """Record again inside ``no_grad``."""

    _enabled = True
