"""compile: a function that is traced once for each kind of call, and replayed from then on."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar, overload

import numpy as np

from autograd_core.compiler.differentiable import is_alive, trace_backward
from autograd_core.compiler.fuse import fuse
from autograd_core.compiler.ir import Kind, Value, exactly
from autograd_core.compiler.memory import place_gradients, reuse
from autograd_core.compiler.passes import (
    Draft,
    Pass,
    forget_less,
    hoist,
    lower,
    prune,
    run_passes,
    share,
    simplify,
)
from autograd_core.compiler.program import Output, Program
from autograd_core.compiler.recompute import recompute
from autograd_core.compiler.steps import is_step
from autograd_core.compiler.trace import NeedsValues, Trace, TracedArray
from autograd_core.compiler.verify import check_repeatable
from autograd_core.containers import flatten, rebuild_sequence
from autograd_core.errors import TraceError
from autograd_core.graph import Leaf, Node, mode, recording
from autograd_core.kernels import is_available
from autograd_core.memory import give_back
from autograd_core.tensor import Tensor, as_array, wrap

P = ParamSpec("P")
R = TypeVar("R")

# How many kinds of calls a compiled function keeps programs for, unless told otherwise.
CACHE_SIZE = 32


# Over forward and backward together, and then over each: what is left out need not be placed.
WHOLE = (lower, simplify, share, prune, forget_less, hoist)
PLACING = (place_gradients, reuse)


class Entry:
    """A program in the cache, and whether a second trace has shown that it can be repeated."""

    __slots__ = ("program", "verified")

    def __init__(self, program: Program, verified: bool) -> None:
        self.program = program
        self.verified = verified


class Cache(threading.local):
    """The programs of a thread: their buffers are its own."""

    def __init__(self) -> None:
        self.entries: OrderedDict[Any, list[Entry]] = OrderedDict()
        self.latest: Program | None = None


class Compiled(Generic[P, R]):
    """A function as ``compile`` returns it: called like the original.

    ``source()`` shows the program of the latest call, ``explain()`` what each pass did to it.
    """

    # Whether programs keep buffers for their results between calls.
    keeps = True

    def __init__(
        self, function: Callable[P, R], fuse: bool | None, cache_size: int, verify: bool
    ) -> None:
        update_wrapper(self, function)
        self.function = function
        self.fuse = is_available() if fuse is None else fuse
        self.cache_size = cache_size
        self.verify = verify
        self._cache = Cache()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Replay the program of this kind of call; trace it first if there is none yet."""
        if mode.tracer is not None or mode.recorder is not None:
            return self.function(*args, **kwargs)  # part of a larger trace, or watched
        return self.replay(*args, **kwargs)

    def replay(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The same, whoever watches: what traces the caller does not see inside."""
        call = Call(bool(mode.recording))
        for arg in args:
            call.add(arg)
        if kwargs:
            call.add(kwargs)
        program = self._program(tuple(call.key), args, kwargs)
        if program.running:  # called by an effect of its own run, whose buffers are in use
            return self.function(*args, **kwargs)
        program.running = True
        try:
            with np.errstate(all="ignore"):
                if not program.joins_graph:
                    return program.run(*call.arrays)
                return program.record(call.arrays, call.nodes, lambda: self._again(args, kwargs))
        finally:
            program.running = False

    def _program(self, key: Any, args: Any, kwargs: Any) -> Program:
        """The program of a kind of call, from the cache or new."""
        cache = self._cache
        for entry in cache.entries.get(key, ()):
            if entry.program.valid():
                if not entry.verified:
                    check_repeatable(entry.program.traced.trace, self._trace(args, kwargs).trace)
                    entry.verified = True
                    give_back()
                cache.entries.move_to_end(key)
                cache.latest = entry.program
                return entry.program
        program = cache.latest = build(self._trace(args, kwargs), self.keeps)
        give_back()  # tracing, and numba's compiler, needed memory that runs do not
        others = cache.entries.pop(key, [])[: self.cache_size - 1]
        cache.entries[key] = [Entry(program, not self.verify), *others]
        while len(cache.entries) > self.cache_size:
            cache.entries.popitem(last=False)
        return program

    def _trace(self, args: Any, kwargs: Any) -> TracedCall:
        """Run the function on traced arrays, and the backward pass of what it returns.

        Large examples are done without, unless a function turns out to need their values.
        """
        try:
            return self._trace_once(args, kwargs, lean=True)
        except NeedsValues:
            return self._trace_once(args, kwargs, lean=False)

    def _trace_once(self, args: Any, kwargs: Any, lean: bool) -> TracedCall:
        """Trace a call, with or without the values of large examples."""
        trace = Trace(is_step if self.fuse else None, lean)
        call = TracedCall(trace, self.fuse)
        with trace.tracing():
            traced_args, traced_kwargs = call.argument((args, kwargs))
            function: Callable[..., Any] = self.function
            call.finish(function(*traced_args, **traced_kwargs))
        return call

    def _again(self, args: Any, kwargs: Any) -> list[Node]:
        """The Nodes of the differentiable results of the function itself, called once more."""
        if any(each.kind is not Kind.PURE for each in self._latest().traced.trace.instructions):
            raise TraceError(
                "compile: a gradient through a compiled call cannot be differentiated again if the "
                "call changes state or draws random numbers; compile the derivative itself"
            )
        function: Callable[..., Any] = self.function
        with recording(True):
            leaves, _ = flatten(function(*args, **kwargs))
        return [leaf.node for leaf in leaves if isinstance(leaf, Tensor) and leaf.node is not None]

    def _latest(self) -> Program:
        """The program of the latest call in this thread."""
        if self._cache.latest is None:
            raise TraceError("compile: the function has not been called yet; call it first")
        return self._cache.latest

    def source(self) -> str:
        """The program of the latest call in this thread, as Python."""
        return self._latest().source

    def explain(self) -> str:
        """What each pass did to the program of the latest call in this thread, a line each."""
        return "\n".join(self._latest().report)


class Call:
    """The arguments of a call: what a program depends on, and what it is run with."""

    __slots__ = ("arrays", "key", "nodes")

    def __init__(self, recording: bool) -> None:
        self.key: list[Any] = [recording]
        self.arrays: list[Any] = []
        self.nodes: list[Node] = []

    def add(self, value: Any) -> None:
        """Take an argument apart: arrays by their layout, containers by their shape."""
        kind = type(value)
        if kind is Tensor:
            array, node = value._array, value._node
            self.key += (Tensor, array.shape, array.strides, array.dtype, node is None)
            self.arrays.append(array)
            if node is not None:
                self.nodes.append(node)
        elif kind is np.ndarray:
            self.key += (np.ndarray, value.shape, value.strides, value.dtype)
            self.arrays.append(value)
        elif kind is list or kind is tuple:
            self.key += (kind, len(value))
            for item in value:
                self.add(item)
        elif kind is dict:
            self.key += (dict, *value)
            for item in value.values():
                self.add(item)
        else:
            self.key += exactly(value) if is_hashable(value) else (kind, Itself(value))


class Itself:
    """A value that equals itself alone, and lives as long as what is remembered of it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Itself) and other.value is self.value


def is_hashable(value: Any) -> bool:
    """Whether a value can be compared with those of other calls."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


class TracedCall:
    """A trace of one call: its arguments, what it returned, and how that is differentiated.

    ``result`` has Outputs where arrays will stand; ``alive`` are those that can be differentiated,
    ``gradients`` the Values of the gradients of everything behind them, by the leaves. Leaves of
    ``arguments`` stand for tracked arguments, in order.
    """

    def __init__(self, trace: Trace, fuse: bool) -> None:
        self.trace = trace
        self.fuse = fuse
        self.arguments: list[Leaf] = []
        self.result: Any = None
        self.alive: list[Output] = []
        self.gradients: dict[Node, Value] = {}
        self.inner: dict[int, Value] = {}
        self.inputs = self.forward = 0

    def argument(self, value: Any) -> Any:
        """An argument as the traced function gets it."""
        kind = type(value)
        if kind is Tensor:
            traced = wrap(self.trace.add_input(value._array))
            if value._node is not None:
                traced._node = Leaf(value.shape, value.dtype)
                self.arguments.append(traced._node)
            return traced
        if kind is np.ndarray:
            return self.trace.add_input(value)
        if kind is list or kind is tuple:
            return kind([self.argument(item) for item in value])
        if kind is dict:
            return {key: self.argument(item) for key, item in value.items()}
        return value

    def finish(self, result: Any) -> None:
        """Take over what the function returned, and trace its backward pass."""
        tensors: list[Tensor] = []
        self.result = self.output(result, tensors)
        self.inputs, self.forward = len(self.trace.inputs), len(self.trace.instructions)
        self.inner = {
            k: self.trace.value_of(leaf.grad)
            for k, leaf in enumerate(self.arguments)
            if leaf.grad is not None
        }
        for leaf, gradient in trace_backward(self.trace, tensors).items():
            if leaf in self.arguments or leaf.number < self.trace.start:
                self.gradients[leaf] = self.trace.value_of(as_array(gradient))

    def output(self, result: Any, tensors: list[Tensor]) -> Any:
        """A part of the result with Outputs in it; Tensors that are alive join the list."""
        kind = type(result)
        if kind is Tensor and isinstance(result._array, TracedArray):
            output = Output(result._array, in_tensor=True)
            if is_alive(result):
                output.name = f"t{len(tensors)}"
                tensors.append(result)
                self.alive.append(output)
            return output
        if isinstance(result, TracedArray):
            return Output(result, in_tensor=False)
        if isinstance(result, dict):
            return {key: self.output(item, tensors) for key, item in result.items()}
        if isinstance(result, (list, tuple)):
            items = [self.output(item, tensors) for item in result]
            return rebuild_sequence(result, items)
        return result


def outputs_in(result: Any) -> list[Output]:
    """All Outputs in a result."""
    if isinstance(result, Output):
        return [result]
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        return [output for item in result for output in outputs_in(item)]
    return []


def build(call: TracedCall, keeps: bool) -> Program:
    """The program of a trace, after all passes; its backward pass is another one."""
    trace = call.trace
    results = [output.value for output in outputs_in(call.result)]
    gradients = [*call.gradients.values(), *call.inner.values()]
    draft = Draft(
        [copy.copy(each) for each in trace.instructions], trace.inputs, results + gradients
    )
    draft.report.append(f"trace: {len(draft.instructions)} operations")
    for instruction in draft.instructions[call.forward :]:
        instruction.backward = True
    run_passes(draft, WHOLE)
    final = dict(zip(results + gradients, draft.results, strict=True))
    for output in outputs_in(call.result):
        output.value = final[output.value]
    call.gradients = {leaf: final[value] for leaf, value in call.gradients.items()}
    call.inner = {k: final[value] for k, value in call.inner.items()}
    first, second = split(draft, call)
    passes: tuple[Pass, ...] = (recompute, fuse, prune) if call.fuse else ()
    passes += PLACING if keeps else ()
    for part in (first, second):
        run_passes(part, passes)
    return Program(call, first, second)


def split(draft: Draft, call: TracedCall) -> tuple[Draft, Draft]:
    """The forward part of a draft, which also returns what the backward part needs of it."""
    before = [each for each in draft.instructions if not each.backward]
    after = [each for each in draft.instructions if each.backward]
    gradients = list(call.gradients.values())
    known = {*draft.inputs[: call.inputs], *(v for each in before for v in each.outputs)}
    used = [*(v for each in after for v in each.operands), *gradients]
    residuals = list(dict.fromkeys(value for value in used if value in known))
    results = [output.value for output in outputs_in(call.result)]
    first = Draft(before, draft.inputs[: call.inputs], [*results, *call.inner.values(), *residuals])
    first.residuals = residuals
    first.report = draft.report
    second = Draft(after, [*residuals, *draft.inputs[call.inputs :]], gradients)
    return first, second


@overload
def compile(
    function: Callable[P, R], *, fuse: bool | None = ..., cache_size: int = ..., verify: bool = ...
) -> Compiled[P, R]: ...
@overload
def compile(
    *, fuse: bool | None = ..., cache_size: int = ..., verify: bool = ...
) -> Callable[[Callable[P, R]], Compiled[P, R]]: ...
def compile(
    function: Callable[P, R] | None = None,
    *,
    fuse: bool | None = None,
    cache_size: int = CACHE_SIZE,
    verify: bool = True,
) -> Any:
    """Trace a function once for each kind of call, and replay what it computed from then on.

    Arguments and results are arrays and Tensors, in lists, tuples and dicts too; other arguments
    are settings. A kind of call is the shapes, dtypes and strides of arrays, the values of
    settings, and whether Tensors are tracked and operations recorded; the ``cache_size`` kinds
    used last are kept, in each thread. Arrays and Tensors from outside are read anew in each run,
    results are memory of their own and differentiable as those of the function are.

    Backward passes, optimizer steps, random draws and other changes of state are part of the
    program: nothing changes while it is traced, everything does when it runs, in the same order.
    Other functions that change something are known by ``autograd_core.effects.effect``.

    What would freeze values, such as a branch on them or ``float(x)``, raises TraceError with the
    line and the way out. With ``verify`` the second call of each kind traces again, and raises
    TraceError if it would do something else. What the function raises is raised, perhaps when it
    is traced. Inside ``profile()`` and ``detect_anomaly()`` the function itself is called.

    Results are the function's to the bit with ``fuse=False``. Fused, elementwise operations run
    as loops that numba compiles, which round differently; None is True where numba is installed.

    >>> @compile(fuse=False)
    ... def double(x):
    ...     return 2 * x
    >>> double(np.array([1.0, 2.0]))
    array([2., 4.])
    >>> print(double.source(), end="")
    def program(v0):
        v1 = multiply(2, v0)
        return v1
    """

    def decorate(function: Callable[P, R]) -> Compiled[P, R]:
        return Compiled(function, fuse, cache_size, verify)

    return decorate if function is None else decorate(function)
