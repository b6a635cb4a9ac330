"""Trace: what a function computes and changes, written down while it runs on traced arrays.

A ``TracedArray`` is an array of another library, as far as the engine is concerned: it speaks
NumPy's protocols, so forward passes, gradient rules and plain NumPy all run on it unchanged, and
every call becomes an ``Instruction``. Nothing that lives outside is changed meanwhile: writes,
gradients, optimizer steps and random draws become instructions too, and happen when a program runs.
"""

from __future__ import annotations

import copy
import mmap
import operator
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from autograd_core.anomaly import user_line
from autograd_core.compiler import state
from autograd_core.compiler.ir import VIEWS, Instruction, Kind, Value, forward_of, name_of, named
from autograd_core.containers import flatten, map_leaves
from autograd_core.errors import TraceError
from autograd_core.graph import Leaf, Node, Recorder, mode, next_number
from autograd_core.kernels import suits
from autograd_core.primitive import REGISTRY
from autograd_core.rules.indexing import gather, getitem, setitem
from autograd_core.tensor import Tensor, tensors_in, wrap

# -- traced arrays ---------------------------------------------------------------------------------

# Attributes that depend on shape, dtype and layout alone.
LAYOUT = frozenset({"nbytes", "itemsize", "strides", "flags", "base", "device", "ndim", "size"})
# Methods that write into the array, and methods that turn it into something else.
WRITING = frozenset(
    {"fill", "itemset", "partition", "put", "resize", "setfield", "setflags", "sort"}
)
LEAVING = frozenset(
    {"item", "tolist", "tobytes", "tofile", "dump", "dumps", "data", "ctypes", "flat"}
)
# Functions of what arrays are like, not of their values.
ABOUT_LAYOUT: frozenset[Any] = frozenset(
    {
        np.shape,
        np.ndim,
        np.size,
        np.result_type,
        np.common_type,
        np.can_cast,
        np.may_share_memory,
        np.shares_memory,
        np.iscomplexobj,
        np.isrealobj,
    }
)
# Functions whose result has another shape for other values.
SHAPED_BY_VALUES: frozenset[Any] = frozenset(
    {
        *(np.nonzero, np.flatnonzero, np.argwhere, np.extract, np.compress, named("nonzero")),
        *(np.unique, np.unique_values, np.unique_counts, np.unique_inverse, np.unique_all),
        *(np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d, named("compress")),
        *(np.delete, np.trim_zeros),
    }
)
# Functions of an array and counts, whose result is as long as the counts add up to.
REPEATING: frozenset[Any] = frozenset({np.repeat, named("repeat")})
# Functions of an array and an index, whose result has another shape for another mask.
SELECTING: frozenset[Any] = frozenset({operator.getitem, getitem, gather})
# Functions whose result is the same whatever the values.
CONSTANT: frozenset[Any] = frozenset(
    {
        np.zeros_like,
        np.ones_like,
        np.empty_like,
        np.zeros,
        np.ones,
        np.empty,
        np.full,
        np.eye,
        np.identity,
        np.arange,
    }
)


class TracedArray(NDArrayOperatorsMixin):
    """An array while a function is traced: an example of its values, and the Value it stands for.

    It computes like an array and records what is computed. What would turn it into a number, a
    truth value or another array raises TraceError: the result would be frozen into the program.
    """

    __slots__ = ("__weakref__", "example", "trace", "value")

    def __init__(self, trace: Trace, value: Value, example: Any) -> None:
        self.trace = trace
        self.value = value
        self.example = example

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return self.example.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
        return self.example.dtype

    def __getattr__(self, name: str) -> Any:
        if name in LAYOUT:
            return getattr(self.example, name)
        if name in VIEWS:
            return self.trace.call(VIEWS[name], self)
        if name in LEAVING:
            raise frozen(f".{name}")
        if name in WRITING:
            raise TraceError(f"compile: .{name} writes into an array; compute a new one instead")
        if name.startswith("__"):
            raise AttributeError(name)
        if not hasattr(np.ndarray, name):
            raise AttributeError(f"arrays have no attribute {name!r}")
        return partial(self.trace.call, named(name), self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(type(value) is Tensor for value in inputs):
            return NotImplemented  # Tensors compute with what they are given
        (out,) = kwargs.pop("out", (None,))
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if method == "at" or not (out is None or self.trace.may_write(out)):
            raise TraceError(
                f"compile: {ufunc.__name__} writes into an array that others may see, or that the "
                "program does not know; compute a new array instead"
            )
        result = self.trace.call(function, *inputs, **kwargs)
        return result if out is None else out.become(result)

    def become(self, result: TracedArray) -> TracedArray:
        """Stand for another array from now on, as one that was written into does."""
        if result.shape != self.shape:
            raise TraceError(
                f"compile: got a result of shape {result.shape} for an array of shape {self.shape}"
            )
        if result.dtype != self.dtype:
            result = self.trace.call(named("astype"), result, self.dtype)
        self.value, self.example = result.value, result.example
        return self

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        tensors = tensors_in((args, kwargs))
        if tensors:
            return tensors[0].__array_function__(function, types, args, kwargs)
        primitive = REGISTRY.get(function)
        if primitive is not None and primitive.forward is not function:  # one of our own
            if not primitive.ready:
                primitive.resolve()
            return self.trace.run(primitive.replay, primitive.bind(*args, **kwargs))
        return self.trace.call(function, *args, **kwargs)

    def __getitem__(self, index: Any) -> Any:
        return self.trace.call(operator.getitem, self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TraceError("compile: x[i] = v writes into an array; use np.where, or a Tensor")

    def __len__(self) -> int:
        return len(self.example)

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    def __copy__(self) -> Any:
        return self.trace.call(named("copy"), self)

    def __repr__(self) -> str:
        return f"<traced {self.dtype} {self.shape}>"

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise frozen("np.asarray()")

    def __bool__(self) -> bool:
        raise TraceError(
            f"compile: the program would depend on the truth of an array ({user_line()}); use "
            "np.where, np.maximum or the like, or leave this branch out of the compiled function"
        )

    def __float__(self) -> float:
        raise frozen("float()")

    def __int__(self) -> int:
        raise frozen("int()")

    def __format__(self, spec: str) -> str:
        raise frozen("format()")

    def __complex__(self) -> complex:
        raise frozen("complex()")

    def __index__(self) -> int:
        raise frozen("using it as a Python index")

    def __hash__(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return object.__hash__(self)


def frozen(what: str) -> TraceError:
    """The error of who asks a traced array for its values."""
    return TraceError(
        f"compile: {what} of a traced array would freeze its value into the program "
        f"({user_line()}); compute with the array itself, or return it and look at it outside"
    )


# -- the trace -------------------------------------------------------------------------------------


# Examples of at least so many bytes are not kept in a lean trace.
LARGE = 2**17


# Reading private memory that was never written to takes none; shared memory would.
PRIVATE: dict[str, Any] = (
    {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
)


class NeedsValues(Exception):
    """A function failed on an example without values; it may not, on one with values."""


def without_values(array: Any) -> Any:
    """An array of the same layout, in memory that takes none until it is written to: all zeros."""
    if not isinstance(array, np.ndarray) or array.nbytes < LARGE or min(array.strides) < 0:
        return array
    reach = sum((n - 1) * step for n, step in zip(array.shape, array.strides, strict=True))
    memory = mmap.mmap(-1, reach + array.itemsize, **PRIVATE)  # a view may have gaps
    return np.ndarray(array.shape, array.dtype, memory, strides=array.strides)


class Trace:
    """The instructions of one run of a function, and what they rely on.

    ``captured`` pairs Tensors from outside with the array and the Node they had; ``gradients``
    says of leaves whose gradient was added to whether they had one before. A program is right as
    long as all that is so. ``step`` tells which forward functions a loop can do as one step, if
    loops will be made: those are noted as one call each.
    A ``lean`` trace does not keep the values of large examples, only their layout in memory, and
    raises NeedsValues where a function cannot do without.
    """

    def __init__(self, step: Callable[[Any], bool] | None = None, lean: bool = False) -> None:
        self.step = step
        self.lean = lean
        self.instructions: list[Instruction] = []
        self.inputs: list[Value] = []
        self.captured: list[tuple[Tensor, Any, Node | None]] = []
        self.conditions: list[tuple[Any, str, Any]] = []
        self.began_with: dict[Leaf, bool] = {}
        self.closed = False
        self.start = next_number()  # leaves with a smaller number were there before
        self._numbers = iter(range(10**9))
        self._external: dict[int, Value] = {}
        self._constants: set[Value] = set()
        self._shown: set[Value] = set()  # owners of memory that have views
        self._stand_ins: dict[int, tuple[Tensor, Tensor]] = {}
        self._gradients: dict[Leaf, Any] = {}
        self._unsure: set[Leaf] = set()  # only a run knows whether these have a gradient
        self._generators: dict[int, Any] = {}

    # -- what the engine and traced arrays ask for -------------------------------------------------

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function on the examples, and write the call down."""
        if is_shaped_by_values(forward_of(function), args):
            raise TraceError(
                f"compile: the shape of what {name_of(function)} returns depends on values "
                f"({user_line()}); use np.where with one result for each element"
            )
        if self.closed:
            raise TraceError(
                "compile: an array of a traced call was used after the call; return it from the "
                "compiled function instead of storing it"
            )
        examples = map_leaves(example_of, (args, kwargs))
        try:
            with np.errstate(all="ignore"):
                result = function(*examples[0], **examples[1])
        except Exception as error:
            if self.lean:
                raise NeedsValues(name_of(function)) from error
            raise
        if function in ABOUT_LAYOUT:
            return result
        operands = arrays_in((args, kwargs))
        same = self._constants.issuperset(operand.value for operand in operands)
        if function in CONSTANT or (same and isinstance(result, np.ndarray)):
            return self.constant(result, operands)
        return self.write_down(function, args, kwargs, result)

    def constant(self, array: Any, operands: Sequence[TracedArray]) -> TracedArray:
        """An array that is the same in every run, and known only to the trace."""
        value = Value(next(self._numbers), array, owner_of(array, operands), array)
        if value.owner is not value:
            self._shown.add(value.owner)
        self._constants.add(value)
        return TracedArray(self, value, array)

    def write_down(
        self,
        function: Callable[..., Any],
        args: Any,
        kwargs: Any,
        result: Any,
        kind: Kind = Kind.PURE,
    ) -> Any:
        """Note a call that gave a result, and return traced arrays in place of that."""
        multiple = isinstance(result, (tuple, list))
        parts = list(result) if multiple else [result]
        if not all(isinstance(part, (np.ndarray, np.generic)) for part in parts):
            raise TraceError(
                f"compile: {name_of(function)} returned {type(result).__name__}, which depends on "
                f"values ({user_line()}); expected arrays; call it outside of the compiled function"
            )
        arrays: list[TracedArray] = []

        def as_operand(leaf: Any) -> Any:
            if not isinstance(leaf, (np.ndarray, TracedArray)):
                return leaf
            arrays.append(leaf if isinstance(leaf, TracedArray) else self.capture(leaf))
            return arrays[-1].value

        args, kwargs = map_leaves(as_operand, (args, kwargs))
        outputs = tuple(Value(next(self._numbers), part, owner_of(part, arrays)) for part in parts)
        self._shown.update(value.owner for value in outputs if value.owner is not value)
        if self.lean:
            parts = [
                without_values(part) if value.owner is value else part
                for part, value in zip(parts, outputs, strict=True)
            ]
        self.note(Instruction(function, args, kwargs, outputs, kind, multiple))
        traced = [
            TracedArray(self, value, part) for value, part in zip(outputs, parts, strict=True)
        ]
        if not multiple:
            return traced[0]
        return type(result)(*traced) if hasattr(result, "_fields") else type(result)(traced)

    def note(self, instruction: Instruction) -> None:
        """Write an instruction down, with the line of the user's program it comes from."""
        instruction.line = user_line()
        self.instructions.append(instruction)

    def capture(self, array: Any) -> TracedArray:
        """An array from outside, which the program reads anew each time."""
        value = self._external.get(id(array))
        if value is None:
            value = self._external[id(array)] = Value(next(self._numbers), array, array=array)
        return TracedArray(self, value, array)

    def add_input(self, array: Any) -> TracedArray:
        """An array that every run gets another one for."""
        self.inputs.append(Value(next(self._numbers), array))
        return TracedArray(self, self.inputs[-1], array)

    def stand_in(self, value: Any) -> Any:
        """A Tensor whose array is traced, at the same place in the graph; also in containers."""
        kind = type(value)
        if kind is list or kind is tuple or kind is dict:
            return map_leaves(self.stand_in, value)
        if kind is not Tensor or type(value._array) is TracedArray:
            return value
        known = self._stand_ins.get(id(value))
        if known is None:
            traced = wrap(self.capture(value._array), value._node)
            traced._version = value._version if value._node is not None else value.version
            known = self._stand_ins[id(value)] = (value, traced)
            self.captured.append((value, value._array, value._node))
        elif known[1]._node is not value._node or (
            self.capture(value._array).value is not self.value_of(known[1]._array)
        ):
            raise TraceError(
                "compile: a Tensor began or ceased to require a gradient, or moved into the flat "
                f"buffer, after the traced function had used it ({user_line()}); freeze parameters "
                "and make optimizers outside of the compiled function"
            )
        return known[1]

    def run(self, function: Callable[..., Any], row: Sequence[Any]) -> Any:
        """Trace into a forward function, or note the call as a whole if it cannot be traced."""
        forward = forward_of(function)
        if getattr(forward, "whole", False) or (self.step is not None and self.step(function)):
            return self.call(function, *row)
        before = len(self.instructions)
        try:
            return function(*row)
        except Exception:  # NumPy wraps TraceErrors; whatever else it was, the call raises it again
            del self.instructions[before:]
            return self.call(function, *row)

    def kernel(
        self, run: Callable[..., Any], function: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """Trace into a function, or note a call of what runs it as loops, where those suit it."""
        examples = [example_of(value) for value in (*args, *kwargs.values())]
        if self.step is None and suits(*examples):
            return self.call(run, *args, **kwargs)
        return function(*args, **kwargs)

    def may_write(self, array: Any) -> bool:
        """Whether an array was made in the trace, and no other shows its elements."""
        if not isinstance(array, TracedArray):
            return False
        value = array.value
        outside = value in self.inputs or (value.array is not None and value not in self._constants)
        return value.owner is value and not outside and value not in self._shown

    def rely_on(self, owner: Any, name: str) -> None:
        """The program is right as long as an attribute has the value it has now."""
        self.conditions.append((owner, name, getattr(owner, name)))

    # -- changes of state --------------------------------------------------------------------------

    def assign(self, tensor: Any, index: Any, value: Any) -> None:
        """Write into a Tensor from outside; one that was made in the trace becomes another."""
        array = tensor._array
        if self.may_write(array):
            array.become(self.call(setitem.__wrapped__, array, index, value))  # type: ignore[attr-defined]
            return
        if isinstance(array, TracedArray):
            raise TraceError(
                f"compile: a Tensor of the traced call is written in place ({user_line()}); "
                "compute a new one, as x = x + v does"
            )
        index, value = map_leaves(self.value_of, (index, value))
        target = self.stand_in(tensor)._array.value
        self.note(Instruction(state.write, (target, index, value), kind=Kind.WRITE))

    def accumulate(self, leaf: Leaf, gradient: Any) -> None:
        """Add to the gradient of a leaf; of one from outside, when the program runs."""
        unsure = leaf in self._unsure
        self._unsure.discard(leaf)
        before = None if unsure else self.gradient_of(leaf)
        gradient = self.as_traced(gradient)
        if leaf.number > self.start:
            leaf.grad = gradient if before is None else before + gradient
            return
        function = state.write_gradient if before is None else state.add_gradient
        if unsure:
            function = state.accumulate_gradient
        owner = None if leaf.target is None else self.capture(leaf.target).value
        stored = Value(next(self._numbers), gradient.example, owner)
        self.note(Instruction(function, (leaf, gradient.value), outputs=(stored,), kind=Kind.STORE))
        leaf.grad = TracedArray(self, stored, gradient.example)

    def as_traced(self, array: Any) -> TracedArray:
        """An array as a traced one."""
        return array if isinstance(array, TracedArray) else self.capture(np.asarray(array))

    def gradient_of(self, leaf: Leaf) -> Any:
        """The gradient a leaf has at this point of the traced function."""
        if leaf.number > self.start:
            return leaf.grad
        if leaf in self._unsure:
            raise TraceError(
                f"compile: .grad is read ({user_line()}) where only a run knows whether the "
                "parameter has a gradient, since other ranks may have given it one; read it after "
                "the compiled function"
            )
        if leaf not in self._gradients:
            self._gradients[leaf] = leaf.grad
            self.began_with[leaf] = leaf.grad is not None
            if leaf.grad is not None:
                owner = None if leaf.target is None else self.capture(leaf.target).value
                value = Value(next(self._numbers), leaf.grad, owner)
                self.note(
                    Instruction(state.gradient_of, (leaf,), outputs=(value,), kind=Kind.STORE)
                )
                leaf.grad = TracedArray(self, value, leaf.grad)
        return leaf.grad

    def clear(self, leaves: Iterable[Leaf | None]) -> None:
        """Forget gradients: here for the rest of the trace, and when the program runs."""
        cleared = [leaf for leaf in leaves if leaf is not None]
        for leaf in cleared:
            if leaf.number < self.start:
                self._gradients.setdefault(leaf, leaf.grad)
            leaf.grad = None
        self._unsure.difference_update(cleared)
        self.note(Instruction(state.forget, (cleared,), kind=Kind.CLEAR))

    def may_have_written(self, leaves: Iterable[Leaf | None]) -> None:
        """Note that leaves without a gradient may have got one, which only a run can tell."""
        for leaf in leaves:
            if leaf is not None and (leaf not in self._gradients or leaf.grad is None):
                self._gradients.setdefault(leaf, leaf.grad)
                self._unsure.add(leaf)

    def draw(self, sample: Callable[[Any], Any], generator: Any) -> Any:
        """Draw when the program runs; here from a copy, so that the generator stays as it is."""
        twin = self._generators.setdefault(id(generator), copy.deepcopy(generator))
        return self.write_down(sample, (generator,), {}, sample(twin), Kind.DRAW)

    def effect(
        self, function: Callable[..., Any], args: Any, kwargs: Any, *, changes: bool, like: Any
    ) -> Any:
        """Call a function when the program runs; what it returns then is like ``like``."""
        args, kwargs = map_leaves(repeatable, (args, kwargs))
        kind = Kind.EFFECT if changes else Kind.CHECK
        if like is not None:
            return self.write_down(function, args, kwargs, like, kind)
        args, kwargs = map_leaves(self.value_of, (args, kwargs))
        self.note(Instruction(function, args, kwargs, kind=kind))
        return None

    def value_of(self, leaf: Any) -> Any:
        """The Value of an array; anything else as it is."""
        if isinstance(leaf, TracedArray):
            return leaf.value
        return self.capture(leaf).value if isinstance(leaf, np.ndarray) else leaf

    # -- beginning and end -------------------------------------------------------------------------

    @contextmanager
    def tracing(self) -> Iterator[None]:
        """Have this thread's Tensors traced for a while; gradients are as before afterwards."""
        before = (mode.recording, mode.recorder, mode.tracer)
        # Recording must not be plainly True: then nobody looks for a tracer.
        mode.recorder = Recorder()
        mode.recording = mode.recorder if mode.recording else False
        mode.tracer = self
        try:
            yield
        finally:
            mode.recording, mode.recorder, mode.tracer = before
            for leaf, gradient in self._gradients.items():
                leaf.grad = gradient
            self.closed = True
            self.forget_temporaries()

    def forget_temporaries(self) -> None:
        """Let go of the Tensors that only the traced function itself held: they cannot change."""
        self._stand_ins.clear()
        held = [(weakref.ref(tensor), array, node) for tensor, array, node in self.captured]
        self.captured.clear()
        for reference, array, node in held:
            tensor = reference()
            if tensor is not None:
                self.captured.append((tensor, array, node))


def arrays_in(container: Any) -> list[TracedArray]:
    """Every traced array in nested containers."""
    leaves, _ = flatten(container)
    return [leaf for leaf in leaves if isinstance(leaf, TracedArray)]


def is_shaped_by_values(function: Any, args: Sequence[Any]) -> bool:
    """Whether a call returns another shape for other values."""
    if function in SELECTING:
        return selects(args[1])
    if function in REPEATING:
        return any(isinstance(arg, TracedArray) for arg in args[1:])
    return function in SHAPED_BY_VALUES or (function is np.where and len(args) == 1)


def selects(index: Any) -> bool:
    """Whether a traced mask is part of an index."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, TracedArray) and part.dtype == bool for part in parts)


def example_of(leaf: Any) -> Any:
    """The example of a traced array; anything else as it is."""
    return leaf.example if isinstance(leaf, TracedArray) else leaf


def repeatable(leaf: Any) -> Any:
    """An argument of an effect as every run can pass it: arrays of traced Tensors, no iterators."""
    if isinstance(leaf, Iterator):
        return list(leaf)
    array: Any = leaf._array if type(leaf) is Tensor else None
    return array if isinstance(array, TracedArray) else leaf


def owner_of(result: Any, operands: Sequence[TracedArray]) -> Value | None:
    """The Value whose memory a result shows, if it does not have its own."""
    for operand in operands:
        if result is operand.example or (
            result.base is not None and np.may_share_memory(result, operand.example)
        ):
            return operand.value.owner
    return None
