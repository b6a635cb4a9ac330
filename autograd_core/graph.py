"""The graph: Nodes in the order they were recorded, and the walk back through them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from operator import attrgetter
from typing import Any, Protocol, Self

import numpy as np

from autograd_core.errors import GraphError, MutationError, ShapeError
from autograd_core.primitive import Primitive

# Numbers are handed out in order of creation, and operands exist before results: sorting by number
# is a topological order. `itertools.count` is atomic, so threads may record at once.
next_number = itertools.count().__next__
by_number = attrgetter("number")

# Below this many elements a new array is made faster than an old one is added to.
SMALL = 1000

FREED: tuple[Any, ...] = ("freed",)


class Recorder:
    """Somebody who looks on while operations are recorded and walked back, as anomaly mode does.

    A context manager: it looks on inside its block, in this thread, beside those that did before.
    """

    def __init__(self) -> None:
        self._before: list[tuple[bool | Recorder, Recorder | None]] = []

    def __enter__(self) -> Self:
        outer = mode.recorder
        mode.recorder = self if outer is None else Recorders(outer, self)
        self._before.append((mode.recording, outer))
        mode.recording = mode.recorder if mode.recording else False
        return self

    def __exit__(self, *exception: object) -> None:
        mode.recording, mode.recorder = self._before.pop()

    def recorded(self, node: Node, out: Any) -> None:
        """Look at a new Node and at what its operation returned."""

    def entered(self) -> None:
        """Notice that a backward pass begins."""

    def walking(self, node: Node) -> None:
        """Look at a Node just before its rules run."""

    def pulled(self, node: Node, source: Node, gradient: Any) -> None:
        """Look at the gradient that a rule of the Node returned for one of its sources."""

    def left(self) -> None:
        """Notice that the backward pass that began last has ended, perhaps by an exception."""


class Recorders(Recorder):
    """Several who look on, one after the other."""

    def __init__(self, *recorders: Recorder) -> None:
        self.recorders = recorders

    def recorded(self, node: Node, out: Any) -> None:
        """Let each look at a new Node."""
        for recorder in self.recorders:
            recorder.recorded(node, out)

    def entered(self) -> None:
        """Let each notice a backward pass."""
        for recorder in self.recorders:
            recorder.entered()

    def walking(self, node: Node) -> None:
        """Let each look at a Node before its rules run."""
        for recorder in self.recorders:
            recorder.walking(node)

    def pulled(self, node: Node, source: Node, gradient: Any) -> None:
        """Let each look at a gradient."""
        for recorder in self.recorders:
            recorder.pulled(node, source, gradient)

    def left(self) -> None:
        """Let each notice the end of a backward pass."""
        for recorder in self.recorders:
            recorder.left()


class Tracer(Protocol):
    """Somebody who writes down what a function computes and changes, as ``compile`` does.

    While a thread has one, Tensors compute with arrays of its kind, and changes of state are handed
    to it instead of being made.
    """

    def stand_in(self, value: Any) -> Any:
        """What takes the place of a Tensor, whose array is then known; other values stay."""

    def run(self, function: Callable[..., Any], row: Sequence[Any]) -> Any:
        """Call a forward function on arrays of the tracer's kind."""

    def kernel(
        self, run: Callable[..., Any], function: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """Note a call of ``run``, or trace the function it runs as loops."""

    def assign(self, tensor: Any, index: Any, value: Any) -> None:
        """Have ``tensor.data[index] = value`` done."""

    def accumulate(self, leaf: Leaf, gradient: Any) -> None:
        """Have a finished cotangent added to the gradient of a leaf."""

    def gradient_of(self, leaf: Leaf) -> Any:
        """The gradient a leaf has at this point."""

    def clear(self, leaves: Iterable[Leaf | None]) -> None:
        """Have the gradients of leaves forgotten."""

    def may_have_written(self, leaves: Iterable[Leaf | None]) -> None:
        """Note that leaves without a gradient may have got one, which only a run can tell."""

    def draw(self, sample: Callable[[Any], Any], generator: Any) -> Any:
        """Have random numbers drawn."""

    def rely_on(self, owner: Any, name: str) -> None:
        """Note that what follows depends on an attribute that may change between calls."""

    def effect(
        self, function: Callable[..., Any], args: Any, kwargs: Any, *, changes: bool, like: Any
    ) -> Any:
        """Have a function called that changes state, or only looks at values."""


class Mode(threading.local):
    """What recording does in this thread.

    ``recording`` is False, True, or (also true) the Recorder that looks on. With a ``tracer`` it is
    never True itself, so that the hot paths look for one only if it is not.
    """

    recording: bool | Recorder = True
    recorder: Recorder | None = None
    tracer: Tracer | None = None
    finishing: list[Callable[[], None]] | None = None


mode = Mode()


class Node:
    """One recorded operation.

    ``sources`` are the Nodes of the operands (None: no gradient wanted), ``slots`` the arrays and
    settings its rules need, ``versions`` pairs of (version cell, version seen) of the kept arrays
    that may be written to. ``shape`` and ``dtype`` describe the result (tuples of them when there
    are several), never the result itself: a Node does not keep its own output alive. ``notes``
    holds the rare extras: hooks, where it was recorded.
    """

    __slots__ = (
        "__weakref__",
        "dtype",
        "notes",
        "number",
        "primitive",
        "shape",
        "slots",
        "sources",
        "versions",
    )

    primitive: Primitive
    sources: tuple[Node | None, ...]
    slots: tuple[Any, ...]
    versions: tuple[tuple[list[int], int], ...] | None
    shape: Any
    dtype: Any
    number: int
    notes: dict[str, Any] | None

    def __repr__(self) -> str:
        return f"<node {self.number} {self.primitive.label} {self.dtype} {self.shape}>"


def new_node(
    primitive: Primitive, sources: tuple[Node | None, ...], slots: Any, shape: Any, dtype: Any
) -> Node:
    """A Node without versions or notes; the hot paths of recording set the same fields inline."""
    node = Node()
    node.primitive = primitive
    node.sources = sources
    node.slots = slots
    node.versions = None
    node.shape = shape
    node.dtype = dtype
    node.number = next_number()
    node.notes = None
    return node


def leaf() -> None:
    """Stand in for the forward function of leaves, which compute nothing."""


def output(results: tuple[Any, ...], index: int) -> Any:
    """One of several results, so that edges lead to Nodes and never to parts of them."""
    return results[index]


LEAF = Primitive(leaf)
OUTPUT = Primitive(output)
OUTPUT.irregular = True
OUTPUT.resolve()


class Leaf(Node):
    """Where a gradient ends: the Node of a Tensor made with ``requires_grad=True``.

    ``grad`` is None until written. ``target``, if set, is the array the gradient must land in: a
    slice of the flat buffer that optimizers and reducers share. ``lock`` lets backward passes of
    several threads end here.
    """

    __slots__ = ("grad", "lock", "target")

    grad: Any
    target: Any

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.primitive = LEAF
        self.sources = ()
        self.slots = ()
        self.versions = None
        self.shape = shape
        self.dtype = dtype
        self.number = next_number()
        self.notes = None
        self.grad = None
        self.target = None
        self.lock = threading.Lock()

    def write(self, gradient: Any) -> None:
        """Set the gradient to a copy of an array, in the flat buffer if there is a place there."""
        if self.target is None:
            self.grad = np.array(gradient)
        else:
            self.target[...] = gradient
            self.grad = self.target

    def may_compute(self, g: Any, slots: tuple[Any, ...]) -> bool:
        """Whether a rule may compute the gradient where it must land: nobody else looks at that."""
        target = self.target
        if target is None or self.grad is not None or self.dtype != g.dtype or g.dtype.kind == "c":
            return False
        if self.notes is not None and self.notes.get("hooks"):
            return False
        read = (g, *slots)
        return not any(type(a) is np.ndarray and np.may_share_memory(a, target) for a in read)

    def compute(self, place: Callable[..., Any], g: Any, slots: tuple[Any, ...]) -> None:
        """Have a rule compute the gradient where it must land, or add it to what has come there."""
        with self.lock:
            if self.grad is None:
                place(g, slots, self.target)
                self.grad = self.target
            else:
                self.grad += place(g, slots, np.empty_like(self.target))
        self.tell()

    def accumulate(self, gradient: Any) -> None:
        """Add a finished cotangent to ``grad``, between the hooks that come before and after."""
        if self.notes is not None:
            gradient = run_hooks(self, gradient)
        if gradient.dtype.kind == "c":
            gradient = np.conj(gradient)
        if mode.tracer is not None:
            mode.tracer.rely_on(self, "notes")
            mode.tracer.accumulate(self, gradient)
        else:
            with self.lock:
                if self.grad is None:
                    self.write(gradient)
                else:
                    self.grad += gradient
        self.tell()

    def tell(self) -> None:
        """Call the hooks that wait for the gradient."""
        if self.notes is not None:
            for hook in tuple(self.notes.get("accumulated", {}).values()):
                hook()


def clear_gradients(leaves: Iterable[Leaf | None]) -> None:
    """Forget the gradients of leaves; None among them is passed over."""
    if mode.tracer is not None:
        mode.tracer.clear(leaves)
        return
    for leaf in leaves:
        if leaf is not None:
            leaf.grad = None


def run_hooks(node: Node, cotangent: Any) -> Any:
    """Let the gradient hooks of a Node look at its cotangent, and replace it if they return one.

    Hooks see gradients in the convention of the API, so complex cotangents are conjugated for them.
    """
    hooks = tuple((node.notes or {}).get("hooks", {}).values())
    for hook in hooks:
        replaced = hook(np.conj(cotangent))
        if replaced is not None:
            if replaced.shape != node.shape:
                raise ShapeError(
                    f"hook: got a gradient of shape {replaced.shape} from a hook on a Tensor of "
                    f"shape {node.shape}; return the same shape, or None"
                )
            cotangent = cast(np.conj(replaced), node.dtype)
    return cotangent


def note(node: Node, kind: str, entry: Any) -> Callable[[], None]:
    """Attach a hook to a Node; the function returned takes it off again.

    The notes become another dict each time: programs that were traced with the old ones can tell.
    """
    key = next_number()
    notes = node.notes or {}
    node.notes = {**notes, kind: {**notes.get(kind, {}), key: entry}}

    def remove() -> None:
        notes = node.notes or {}
        left = {other: hook for other, hook in notes[kind].items() if other != key}
        node.notes = {**notes, kind: left}

    return remove


@contextmanager
def recording(enabled: bool) -> Iterator[None]:
    """Switch recording on or off in this thread for a while."""
    before = mode.recording
    mode.recording = (mode.recorder or True) if enabled else False
    try:
        yield
    finally:
        mode.recording = before


def on_backward_end(callback: Callable[[], None]) -> None:
    """Ask the running backward pass to call back once, when all its leaves are written."""
    if mode.finishing is None:
        raise GraphError("on_backward_end: no backward pass is running in this thread")
    if callback not in mode.finishing:
        mode.finishing.append(callback)


def reachable(
    roots: Iterable[Node], boundary: Collection[Node] = ()
) -> tuple[list[Node], dict[Node, int]]:
    """The operations behind the roots, newest first, and how many edges lead to each leaf.

    The walk does not go on behind Nodes of the boundary. Everything is checked here, before the
    first gradient is written.
    """
    edges: dict[Node, int] = {}
    operations = []
    seen = set(boundary)
    for root in dict.fromkeys(roots):
        if root.primitive is LEAF:
            edges[root] = 0
        elif root not in seen:
            operations.append(root)
    seen.update(operations)
    for node in operations:  # grows while it is walked
        if node.slots is FREED:
            raise GraphError(
                f"backward: the graph behind this {node.primitive.label} was freed by an earlier "
                "backward pass; pass retain_graph=True to that one, or compute the result again"
            )
        if node.versions is not None:
            for cell, version in node.versions:
                if cell[0] != version:
                    raise MutationError(
                        f"backward: an array that the gradient of {node.primitive.label} needs was "
                        f"written to after it was recorded (version {cell[0]}, recorded at "
                        f"{version}); write after backward, or compute from a copy"
                    )
        for source in node.sources:
            if source is None:
                continue
            if source.primitive is LEAF:
                edges[source] = edges.get(source, 0) + 1
            elif source not in seen:
                seen.add(source)
                operations.append(source)
    operations.sort(key=by_number, reverse=True)
    return operations, edges


def leading_to(operations: Sequence[Node], wanted: Collection[Node]) -> set[Node | None]:
    """The wanted Nodes, and those of the operations (newest first) that lead back to them."""
    useful: set[Node | None] = set(wanted)
    for node in reversed(operations):
        if not useful.isdisjoint(node.sources):
            useful.add(node)
    return useful


def backward(
    seeds: Sequence[tuple[Node, Any]],
    *,
    wanted: Collection[Node] | None = None,
    retain: bool = False,
    lift: Callable[[Node], tuple[Any, ...]] | None = None,
    boundary: Collection[Node] = (),
) -> dict[Node, Any]:
    """Walk from the seeded Nodes back to the leaves, newest Node first.

    ``seeds`` pairs Nodes with cotangents. Without ``wanted``, every leaf accumulates into its
    ``grad`` as soon as the last edge to it is done; with it, the cotangents of the wanted Nodes
    are returned and no leaf is touched. ``retain`` keeps what Nodes saved for another pass.
    ``lift`` makes Tensors of what a Node saved: then the rules record, and what they return can be
    differentiated again. The walk does not go on behind Nodes of the ``boundary``.
    """
    outer, recorded, recorder = mode.finishing, mode.recording, mode.recorder
    finishing: list[Callable[[], None]] = []
    if recorder is not None:
        recorder.entered()
    try:
        mode.finishing = finishing
        mode.recording = False if lift is None else recorder or True
        collected = walk(seeds, wanted, retain or lift is not None, lift, boundary)
        for callback in finishing:
            callback()
        return collected
    finally:
        mode.finishing, mode.recording = outer, recorded
        if recorder is not None:
            recorder.left()


def walk(
    seeds: Sequence[tuple[Node, Any]],
    wanted: Collection[Node] | None,
    retain: bool,
    lift: Callable[[Node], tuple[Any, ...]] | None,
    boundary: Collection[Node],
) -> dict[Node, Any]:
    """Do what ``backward`` says. The loop counts nanoseconds: all that is rare is called away."""
    operations, edges = reachable((node for node, _ in seeds), boundary)
    useful = None if wanted is None else leading_to(operations, wanted)
    recorder = mode.recorder
    watched = wanted is not None or lift is not None or recorder is not None
    collected: dict[Node, Any] = {}
    cotangents: dict[Node, Any] = {}
    # Nodes whose cotangent was added up here: only such an array may be added to in place.
    owned: set[Node] = set()
    for node, seed in seeds:
        cotangents[node] = cotangents[node] + seed if node in cotangents else seed
    for node in operations:
        primitive, sources, slots = node.primitive, node.sources, node.slots
        if not retain:
            node.slots = FREED
        g = cotangents.pop(node, None)
        if g is None:
            if wanted is None:
                for source in sources:
                    if source in edges:
                        cross_off(edges, source, cotangents)
            continue
        if node.notes is not None:
            g = run_hooks(node, g)
        if watched:
            if wanted is not None and node in wanted:
                collected[node] = g
            if recorder is not None:
                recorder.walking(node)
            if lift is not None:
                slots = lift(node)
        rules: Sequence[Any] = primitive.rules
        placed: Sequence[int] = ()
        if primitive.irregular:
            if primitive is OUTPUT:
                if useful is None or sources[0] in useful:
                    add_output(cotangents, slots[0], slots[1], g)
                continue
            if primitive.multiple:
                g = fill_missing(g, node)
            if primitive.sequence:
                rules = [partial(rules[0], i=i) for i in range(len(sources))]
            elif primitive.joint:
                parts = zip(sources, rules[0](g, slots), strict=True)
                rules = [partial(given, gradient) for _, gradient in parts]
            elif not watched and mode.tracer is None:
                placed = to_place(node, g, slots, edges, cotangents)
                sources = tuple(None if k in placed else s for k, s in enumerate(sources))
        # There are as many rules as operands: zip(strict=True) would take as long as recording.
        for source, rule in zip(sources, rules):  # noqa: B905
            if source is None or (watched and useful is not None and source not in useful):
                continue
            gradient = rule(g, slots)
            if watched and recorder is not None:
                recorder.pulled(node, source, gradient)
            if gradient.shape != source.shape:
                gradient = unbroadcast(gradient, source.shape, primitive)
            if gradient.dtype is not source.dtype and gradient.dtype != source.dtype:
                gradient = cast(gradient, source.dtype)
            before = cotangents.get(source)
            if before is None:
                cotangents[source] = gradient
            elif source in owned:
                before += gradient
            else:
                cotangents[source] = total = before + gradient
                # Adding in place saves memory, not time: on small arrays it costs more.
                if type(total) is np.ndarray and total.size > SMALL:
                    owned.add(source)
            if source.primitive is LEAF and wanted is None:
                cross_off(edges, source, cotangents)
        for k in placed:  # last: who waits for the gradient may change what other rules read
            edges[node.sources[k]] = 0  # type: ignore[index]
            node.sources[k].compute(primitive.places[k], g, slots)  # type: ignore[union-attr]
    for node, cotangent in cotangents.items():
        # What is left: leaves that were seeded themselves or are wanted, and the boundary.
        if wanted is None:
            node.accumulate(cotangent)  # type: ignore[attr-defined]
        elif node in wanted:
            collected[node] = run_hooks(node, cotangent)
    return collected


def to_place(
    node: Node, g: Any, slots: Any, edges: dict[Node, int], cotangents: dict[Node, Any]
) -> list[int]:
    """The operands whose whole gradient a rule can compute where it must land.

    It would be copied there otherwise: 33 MB for 8 million parameters, in each step.
    """
    places = enumerate(zip(node.sources, node.primitive.places, strict=True))
    return [
        k
        for k, (leaf, place) in places
        if place is not None
        and isinstance(leaf, Leaf)
        and edges[leaf] == 1
        and leaf not in cotangents
        and leaf.may_compute(g, slots)
    ]


def cross_off(edges: dict[Node, int], leaf: Any, cotangents: dict[Node, Any]) -> None:
    """Do away with an edge to a leaf, and hand it its gradient if that was the last one."""
    left = edges[leaf] = edges[leaf] - 1
    if not left and leaf in cotangents:
        leaf.accumulate(cotangents.pop(leaf))


def given(gradient: Any, g: Any, slots: Any) -> Any:
    """A rule whose gradient was computed before, together with those of the other operands."""
    return gradient


def add_output(cotangents: dict[Node, Any], operation: Node, index: int, g: Any) -> None:
    """Add the cotangent of one output to its place in the row of the operation it is of."""
    parts = cotangents.setdefault(operation, [None] * len(operation.shape))
    parts[index] = g if parts[index] is None else parts[index] + g


def fill_missing(parts: list[Any], node: Node) -> tuple[Any, ...]:
    """Cotangents of all outputs of a Node, zero where nothing depended on one."""
    known = next(part for part in parts if part is not None)
    return tuple(
        np.broadcast_to(np.zeros_like(known, dtype, shape=()), shape) if part is None else part
        for part, shape, dtype in zip(parts, node.shape, node.dtype, strict=True)
    )


def unbroadcast(gradient: Any, shape: tuple[int, ...], primitive: Primitive) -> Any:
    """Sum a gradient over the axes along which its operand was broadcast."""
    extra = gradient.ndim - len(shape)
    stretched = [axis + extra for axis, size in enumerate(shape) if size == 1]
    if extra < 0 or gradient.shape[extra:] != tuple(
        gradient.shape[axis + extra] if size == 1 else size for axis, size in enumerate(shape)
    ):
        raise ShapeError(
            f"backward: the rule of {primitive.name} returned a gradient of shape "
            f"{gradient.shape} for an operand of shape {shape}; a rule returns the operand's "
            "shape, or one the operand broadcasts to"
        )
    summed = np.add.reduce(gradient, axis=(*range(extra), *stretched), keepdims=True)
    return np.reshape(summed, shape)


def cast(gradient: Any, dtype: np.dtype[Any]) -> Any:
    """Bring a gradient to its operand's dtype; a real operand keeps the real part."""
    if gradient.dtype.kind == "c" and dtype.kind != "c":
        gradient = gradient.real
    return gradient.astype(dtype)
