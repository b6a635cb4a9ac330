"""Where the time goes: every operation timed, forward and backward, while a block runs.

An operation's NumPy call is ``Primitive.replay``. While a profile is open in some thread, that
attribute is looked up through ``Timed``, which puts a clock around the call; when the last one is
closed the attribute is itself again, so that nobody pays who does not look. The backward pass is
told by a Recorder. Spans that lie in one another (operations recorded by a rule, a checkpoint's
second forward pass) count their own time only: the parts add up to the whole.
"""

from __future__ import annotations

import json
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from time import perf_counter_ns
from typing import Any, NamedTuple, Self

import numpy as np

from autograd_core.errors import ProfileError
from autograd_core.graph import OUTPUT, Node, Recorder
from autograd_core.primitive import Primitive

Shapes = tuple[tuple[int, ...], ...]

# Rows for what is no operation: backward passes between their operations, and everything else.
WALK = "(walk through the graph)"
OUTSIDE = "(outside of operations)"

# In a trace every lane is a thread of its own, with a number that viewers keep in 32 bits. The
# numbers of real threads do not get as far as this.
BACKWARD_LANE = 2**30


class Event(NamedTuple):
    """One call of an operation, or one backward pass.

    ``phase`` is "forward" or "backward"; ``start`` and ``duration`` are nanoseconds, counted from
    the first opening of the profile; ``own`` is the duration without the events inside it.
    ``shapes``: forward those of the operands, backward that of the cotangent; ``bytes``: of the
    results, backward of all gradients the rules returned. Views count in full.
    """

    name: str
    phase: str
    start: int
    duration: int
    own: int
    shapes: Shapes
    bytes: int


class Operation(NamedTuple):
    """A row of the table: all calls of an operation in one phase (and of one group of shapes).

    ``total`` is in seconds and without operations called inside; ``share`` is total over the time
    the profile was open. ``shapes`` is None if they are not told apart.
    """

    name: str
    phase: str
    shapes: Shapes | None
    calls: int
    total: float
    share: float
    bytes: int

    @property
    def mean(self) -> float:
        """Seconds a call."""
        return self.total / self.calls if self.calls else 0.0


class Span:
    """An event that has not ended."""

    __slots__ = ("bytes", "inside", "name", "shapes", "start")

    def __init__(self, name: str, shapes: Shapes = ()) -> None:
        self.name = name
        self.shapes = shapes
        self.bytes = 0
        self.inside = 0
        self.start = perf_counter_ns()


class profile(Recorder):
    """Time every operation in the block, forward and backward, in this thread.

    Untracked operations and those under ``no_grad`` count too. A backward row is the operation's
    rules and the adding up and handing on of what they return, hooks of leaves included. May be
    opened again: what it saw adds up. Raises ProfileError if it is open already.

    >>> from autograd_core import Tensor
    >>> x = Tensor(np.ones(3), requires_grad=True)
    >>> with profile() as seen:
    ...     np.tanh(x * x).sum().backward()
    >>> sorted((row.name, row.phase, row.calls) for row in seen.operations)[:2]
    [('multiply', 'backward', 1), ('multiply', 'forward', 1)]
    """

    def __init__(self) -> None:
        super().__init__()
        self._before_now = 0
        self.thread = 0
        self._open: list[Span] = []
        self._closed: list[tuple[Any, ...]] = []  # events to be: naming their parts can wait
        self._opened: int | None = None
        self._origin = 0

    def __enter__(self) -> Self:
        if self._opened is not None:
            raise ProfileError("profile: this profile is open already; make another one")
        self.thread = threading.get_native_id()
        super().__enter__()
        watch(self)
        self._opened = perf_counter_ns()
        self._origin = self._origin or self._opened
        return self

    def __exit__(self, *exception: object) -> None:
        self._before_now = self.elapsed
        self._opened = None
        unwatch(self)
        super().__exit__(*exception)

    # -- what is seen ------------------------------------------------------------------------------

    def call(self, primitive: Primitive, function: Callable[..., Any], *args: Any) -> Any:
        """Call the function of an operation with a clock around it."""
        span = Span(primitive.name, shapes_of(args))
        self._open.append(span)
        try:
            out = function(*args)
            span.bytes = bytes_of(out)
        finally:
            self._close("forward")
        return out

    def entered(self) -> None:
        """Begin a backward pass."""
        self._open.append(Span(WALK))

    def walking(self, node: Node) -> None:
        """Begin the backward part of an operation, and with it end that of the one before."""
        self._end_operation()
        if node.primitive is not OUTPUT:  # which only hands on
            shapes = node.shape if node.primitive.multiple else (node.shape,)
            self._open.append(Span(node.primitive.name, shapes))

    def pulled(self, node: Node, source: Node, gradient: Any) -> None:
        """Count the bytes of a gradient."""
        self._open[-1].bytes += bytes_of(gradient)

    def left(self) -> None:
        """End a backward pass and the operation it was at."""
        self._end_operation()
        self._close("backward")

    def _end_operation(self) -> None:
        if self._open[-1].name != WALK:
            self._close("backward")

    def _close(self, phase: str) -> None:
        span = self._open.pop()
        duration = perf_counter_ns() - span.start
        if self._open:
            self._open[-1].inside += duration
        start, own = span.start - self._origin, duration - span.inside
        self._closed.append((span.name, phase, start, duration, own, span.shapes, span.bytes))

    # -- what is told ------------------------------------------------------------------------------

    @property
    def elapsed(self) -> int:
        """Nanoseconds the profile was open."""
        now = 0 if self._opened is None else perf_counter_ns() - self._opened
        return self._before_now + now

    @property
    def events(self) -> list[Event]:
        """Every call, in the order they ended."""
        return list(map(Event._make, self._closed))

    @property
    def operations(self) -> list[Operation]:
        """A row for each operation and phase, the largest total first."""
        return self.rows()

    def rows(self, group_by_shape: bool = False) -> list[Operation]:
        """A row for each operation and phase, and shapes if asked for; the largest total first."""
        groups: defaultdict[Any, list[Event]] = defaultdict(list)
        for event in self.events:
            if event.name != WALK:
                groups[event.name, event.phase, event.shapes if group_by_shape else None].append(
                    event
                )
        rows = [self._row(events, *key) for key, events in groups.items()]
        return sorted(rows, key=lambda row: row.total, reverse=True)

    def remainder(self) -> list[Operation]:
        """Rows for what was no operation.

        First backward passes between their operations (collecting, sorting and freeing the graph,
        and calling back); then everything else: Python, recording, NumPy on plain arrays.
        """
        events = self.events
        walks = [event for event in events if event.name == WALK]
        rest = self.elapsed - sum(event.own for event in events)
        outside = Event(OUTSIDE, "", 0, rest, rest, (), 0)
        return [
            self._row(walks, WALK, "backward", None),
            self._row([outside], OUTSIDE, "", None)._replace(calls=0),
        ]

    def _row(
        self, events: Sequence[Event], name: str, phase: str, shapes: Shapes | None
    ) -> Operation:
        own = sum(event.own for event in events)
        return Operation(
            name,
            phase,
            shapes,
            calls=len(events),
            total=own / 1e9,
            share=own / self.elapsed if self.elapsed else 0.0,
            bytes=sum(event.bytes for event in events),
        )

    def table(self, sort: str = "total", group_by_shape: bool = False) -> str:
        """The operations as text, largest first by "total", "calls", "mean", "bytes"; or by "name".

        Below stand the rows of ``remainder`` and the time the profile was open.
        """
        if sort not in ORDERS:
            raise ProfileError(f"profile: got sort={sort!r}; expected one of {', '.join(ORDERS)}")
        rows = sorted(self.rows(group_by_shape), key=ORDERS[sort])
        whole = Operation("total", "", None, 0, self.elapsed / 1e9, 1.0, 0)
        header = ("operation", "phase", "calls", "total", "mean", "share", "bytes", "shapes")
        blocks = [[header], map(cells, rows), map(cells, self.remainder()), [cells(whole)]]
        columns = 8 if group_by_shape else 7
        return laid_out([[row[:columns] for row in block] for block in blocks])

    def trace(self) -> dict[str, Any]:
        """The events in the Trace Event Format: complete events ("X"), times in microseconds.

        The two phases are lanes of their own, below one process; forward has the thread's number.
        https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
        """
        lanes = {"forward": self.thread, "backward": self.thread + BACKWARD_LANE}
        place: dict[str, Any] = {"pid": os.getpid()}
        named = [
            {"ph": "M", "name": name, **place, "tid": lane, "args": argument}
            for k, (phase, lane) in enumerate(lanes.items())
            for name, argument in (
                ("thread_name", {"name": f"{phase} (thread {self.thread})"}),
                ("thread_sort_index", {"sort_index": k}),
            )
        ]
        timed = [
            {
                "ph": "X",
                "name": "backward pass" if event.name == WALK else event.name,
                "cat": event.phase,
                "ts": event.start / 1e3,
                "dur": event.duration / 1e3,
                **place,
                "tid": lanes[event.phase],
                "args": {"shapes": event.shapes, "bytes": event.bytes},
            }
            for event in sorted(self.events, key=lambda event: (event.start, -event.duration))
        ]
        return {"traceEvents": named + timed, "displayTimeUnit": "ms"}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trace as JSON, for chrome://tracing and https://ui.perfetto.dev."""
        Path(path).write_text(json.dumps(self.trace()), encoding="utf-8")


# -- the clock around NumPy ------------------------------------------------------------------------


class Watchers(threading.local):
    """The profiles that are open in this thread, the outermost first."""

    profiles: tuple[profile, ...] = ()


class Timed:
    """Stands in for the attribute ``Primitive.replay``: what is called there is timed."""

    def __get__(self, primitive: Primitive, owner: type) -> Callable[..., Any]:
        function = REPLAY.__get__(primitive, owner)
        for watcher in reversed(watchers.profiles):
            function = partial(watcher.call, primitive, function)
        return function

    def __set__(self, primitive: Primitive, function: Callable[..., Any]) -> None:
        REPLAY.__set__(primitive, function)


watchers = Watchers()
REPLAY: Any = vars(Primitive)["replay"]

# All profiles that are open in any thread, and what guards the attribute.
watching: list[profile] = []
switching = threading.Lock()


def watch(watcher: profile) -> None:
    """Let a profile time what this thread computes."""
    watchers.profiles = (*watchers.profiles, watcher)
    with switching:
        watching.append(watcher)
        Primitive.replay = Timed()  # type: ignore[assignment, misc]


def unwatch(watcher: profile) -> None:
    """Undo ``watch``."""
    watchers.profiles = tuple(other for other in watchers.profiles if other is not watcher)
    with switching:
        watching.remove(watcher)
        if not watching:
            Primitive.replay = REPLAY  # type: ignore[misc]


def shapes_of(values: Iterable[Any]) -> Shapes:
    """The shapes of the arrays and NumPy scalars among values, also inside lists and tuples."""
    shapes: list[tuple[int, ...]] = []
    for value in values:
        if type(value) is np.ndarray:
            shapes.append(value.shape)
        elif isinstance(value, (list, tuple)):
            shapes.extend(shapes_of(value))
        elif hasattr(value, "nbytes"):
            shapes.append(value.shape)
    return tuple(shapes)


def bytes_of(value: Any) -> int:
    """The bytes of an array, or of several."""
    if isinstance(value, (list, tuple)):
        return sum(map(bytes_of, value))
    count: int = getattr(value, "nbytes", 0)
    return count


# -- the table -------------------------------------------------------------------------------------

ORDERS: dict[str, Callable[[Operation], Any]] = {
    "total": lambda row: -row.total,
    "calls": lambda row: -row.calls,
    "mean": lambda row: -row.mean,
    "bytes": lambda row: -row.bytes,
    "name": lambda row: (row.name, row.phase),
}


def cells(row: Operation) -> tuple[str, ...]:
    """A row of the table as text."""
    return (
        row.name,
        row.phase,
        f"{row.calls:,}" if row.calls else "",
        duration(row.total),
        duration(row.mean) if row.calls else "",
        f"{row.share:.1%}",
        size(row.bytes) if row.bytes else "",
        " ".join(str(shape).replace(" ", "") for shape in row.shapes or ()),
    )


def duration(seconds: float) -> str:
    """Seconds with three digits and a fitting unit.

    >>> duration(0.0123456)
    '12.3 ms'
    """
    return in_units(seconds * 1e6, 1000, ("µs", "ms", "s"))


def size(count: int) -> str:
    """Bytes with three digits and a fitting unit.

    >>> size(123_456_789)
    '118 MiB'
    """
    return in_units(count, 1024, ("B", "KiB", "MiB", "GiB"))


def in_units(number: float, step: int, units: Sequence[str]) -> str:
    """A number in the largest of the units, each ``step`` times the one before, it is one of."""
    *small, largest = units
    for unit in small:
        if abs(number) < step * 0.9995:
            return f"{number:#.3g}".rstrip(".") + f" {unit}"
        number /= step
    return f"{number:,.1f} {largest}"


def laid_out(blocks: list[list[tuple[str, ...]]]) -> str:
    """Rows as text, a rule between blocks: numbers to the right, names and shapes to the left."""
    widths = [max(map(len, column)) for column in zip(*chain(*blocks), strict=True)]
    ruler = "\n" + "  ".join("-" * width for width in widths) + "\n"
    sides = ["<", "<", ">", ">", ">", ">", ">", "<"]
    return ruler.join(
        "\n".join(
            "  ".join(
                f"{cell:{side}{width}}"
                for cell, side, width in zip(row, sides, widths, strict=False)
            ).rstrip()
            for row in block
        )
        for block in blocks
    )
