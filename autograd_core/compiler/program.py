"""Program: the instructions of a trace as straight-line Python, and when it may be run."""

from __future__ import annotations

import keyword
import operator
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.compiler.differentiable import attach
from autograd_core.compiler.fuse import Kernel
from autograd_core.compiler.ir import VIEWS, Instruction, Kind, Method, Value, name_of
from autograd_core.compiler.passes import Draft, last_uses
from autograd_core.compiler.trace import Trace
from autograd_core.graph import Node, backward
from autograd_core.tensor import wrap

if TYPE_CHECKING:
    from autograd_core.compiler.compiled import TracedCall

VIEW_NAMES: dict[Any, str] = {getter: name for name, getter in VIEWS.items()}

# Arrays of at least so many bytes are let go of as soon as they are not needed any more.
LARGE = 2**16


class Names:
    """Names for the objects a program refers to, each object once."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._taken: dict[str, int] = {}

    def of(self, thing: Any, wish: str) -> str:
        """The name of an object; like the wish, if it has none yet."""
        known = self._names.get(id(thing))
        if known is not None:
            return known
        base = re.sub(r"\W+", "_", wish).strip("_") or "function"
        number = self._taken[base] = self._taken.get(base, 0) + 1
        # Locals are called v1, v2, ...; nothing else may be.
        plain = number == 1 and not keyword.iskeyword(base) and not re.fullmatch(r"v\d+", base)
        name = base if plain else f"{base}_{number}"
        self.objects[name] = thing
        self._names[id(thing)] = name
        return name


class Writer:
    """Turns instructions into lines of Python."""

    def __init__(self, draft: Draft, names: Names) -> None:
        self.draft = draft
        self.names = names
        self.views: dict[Any, Any] = {}
        self.kernels: dict[str, Kernel] = {}

    def lines(self) -> list[str]:
        """One line for each instruction, and where large arrays are let go of."""
        uses = last_uses(self.draft)
        dying: dict[int, list[Value]] = {}
        for instruction in self.draft.instructions:
            for value in instruction.outputs:
                own = value.owner is value and value not in instruction.out
                if own and value.nbytes >= LARGE:
                    dying.setdefault(uses[value], []).append(value)
        lines = []
        for k, instruction in enumerate(self.draft.instructions):
            if isinstance(instruction.function, Kernel):
                lines += self.kernel(instruction)
            else:
                lines.append(self.line(instruction))
            if k in dying and k + 1 < len(self.draft.instructions):
                lines.append("del " + ", ".join(map(self.expression, dying[k])))
        return lines

    def kernel(self, instruction: Instruction) -> list[str]:
        """A kernel's call, and before it the arrays that it writes."""
        kernel: Any = instruction.function
        name = self.names.of(kernel.run, kernel.__name__)
        self.kernels[name] = kernel
        lines = [
            f"{self.expression(output)} = {self.place(output, instruction.out.get(output))}"
            for output in instruction.outputs
        ]
        arrays = [
            self.laid_out(value, kernel.layout(kind), instruction.out.get(value, value.array))
            for value, kind in zip(
                (*instruction.args, *instruction.outputs), kernel.kinds, strict=True
            )
        ]
        return [*lines, f"{name}({', '.join(arrays)})"]

    def place(self, output: Value, out: Any) -> str:
        """Where a kernel puts a result: where it is told to, or in a new array."""
        if type(out) is Value:
            return self.expression(out)
        if out is not None:
            return self.names.of(out, "buffer")
        empty = self.names.of(np.empty, "empty")
        order = output.order or ()
        shape = tuple(output.shape[axis] for axis in order)
        array = f"{empty}({self.expression(shape)}, {self.expression(output.dtype)})"
        return array + transposition(tuple(np.argsort(order).tolist()))

    def laid_out(self, value: Value, layout: tuple[int, ...], array: Any) -> str:
        """A Value in the shape that a kernel takes it in; of a known array, a view made now."""
        order = value.order or ()
        if isinstance(array, np.ndarray):
            if array.shape != layout or not value.contiguous:
                view = array.transpose(order).reshape(layout)
                array = self.views.setdefault((id(array), layout), view)
            return self.names.of(array, "a")
        text = self.expression(value)
        if value.contiguous and value.shape == layout:
            return text
        shape = self.expression(layout)
        if value.shape:
            return f"{text}{transposition(order)}.reshape({shape})"
        return f"{self.names.of(np.reshape, 'reshape')}({self.expression(value)}, {shape})"

    def line(self, instruction: Instruction) -> str:
        """An instruction as a statement."""
        args = instruction.args
        if instruction.kind is Kind.WRITE:
            array, index, value = map(self.expression, args)
            return f"{array}[{index}] = {value}"
        if instruction.kind is Kind.CLEAR:
            name = self.names.of(instruction.function, "forget")
            return f"{name}({self.names.of(args[0], 'leaves')})"
        if instruction.kind is Kind.PLACED:
            leaf, target = self.names.of(args[0], "leaf"), self.names.of(args[0].target, "target")
            return f"{self.expression(instruction.outputs[0])} = {leaf}.grad = {target}"
        call = self.call(instruction)
        if not instruction.outputs:
            return call
        targets = ", ".join(map(self.expression, instruction.outputs))
        if instruction.multiple and len(instruction.outputs) == 1:
            targets += ","
        return f"{targets} = {call}"

    def call(self, instruction: Instruction) -> str:
        """The right side of an instruction."""
        function, args = instruction.function, instruction.args
        if function in VIEW_NAMES:
            return f"{self.expression(args[0])}.{VIEW_NAMES[function]}"
        if function is operator.getitem:
            return f"{self.expression(args[0])}[{self.index(args[1])}]"
        written = [self.expression(arg) for arg in args]
        written += [f"{key}={self.expression(value)}" for key, value in instruction.kwargs.items()]
        for out in instruction.out.values():
            place = self.expression(out) if type(out) is Value else self.names.of(out, "buffer")
            # Positional where possible: keywords cost more than small sums.
            positional = takes_positional_out(function) and not instruction.kwargs
            written.append(place if positional else f"out={place}")
        if isinstance(function, Method):
            return f"{written[0]}.{name_of(function)}({', '.join(written[1:])})"
        owner = getattr(function, "__self__", None)
        wish = name_of(function)
        if isinstance(owner, np.ufunc):
            wish = f"{owner.__name__}_{wish}"
        return f"{self.names.of(function, wish)}({', '.join(written)})"

    def index(self, index: Any) -> str:
        """An index as it stands between brackets."""
        parts = index if isinstance(index, tuple) else (index,)
        text = ", ".join(map(self.index_part, parts))
        return f"{text}," if isinstance(index, tuple) and len(parts) == 1 else text or "()"

    def index_part(self, part: Any) -> str:
        """One axis of an index."""
        if isinstance(part, slice):
            ends = (part.start, part.stop, part.step)
            if all(end is None or type(end) is int for end in ends):
                start, stop, step = ("" if end is None else str(end) for end in ends)
                return f"{start}:{stop}" + (f":{step}" if step else "")
        return "..." if part is ... else self.expression(part)

    def expression(self, value: Any) -> str:
        """A Value, number or container as an expression."""
        kind = type(value)
        if kind is Value:
            if value.array is not None:
                return self.names.of(value.array, f"a{value.number}")
            return f"v{value.number}" if value.number >= 0 else f"s{-value.number}"
        if value is None or kind in (int, bool, str) or (kind is float and np.isfinite(value)):
            return repr(value)
        if kind is tuple:
            inner = ", ".join(map(self.expression, value))
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        if kind is list:
            return f"[{', '.join(map(self.expression, value))}]"
        if kind is dict:
            pairs = [f"{key!r}: {self.expression(item)}" for key, item in value.items()]
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            inner = ", ".join(map(self.expression, value))
            return f"{self.names.of(kind, kind.__name__)}({inner})"
        return self.names.of(value, wish_of(value))


def transposition(order: tuple[int, ...]) -> str:
    """The call that puts axes in an order, as text."""
    return "" if order == tuple(range(len(order))) else f".transpose({order})"


def takes_positional_out(function: Any) -> bool:
    """Whether the result's place may come behind the operands without its name.

    NumPy 2.4 deprecates that for maximum and minimum, which users call with three operands.
    """
    return isinstance(function, np.ufunc) and function not in (np.maximum, np.minimum)


def wish_of(value: Any) -> str:
    """A name for an object that tells what it is."""
    if isinstance(value, np.dtype):
        return value.name
    return f"c_{value:g}" if isinstance(value, np.floating) else name_of(value)


class Output:
    """A Tensor or array to be returned: its Value, and whether it goes into a Tensor.

    What NumPy returns as a number is an array of no axes here, as in Tensors.
    One that can be differentiated has a ``name``, by which the program returns it once more.
    """

    def __init__(self, array: Any, *, in_tensor: bool) -> None:
        self.value: Value = array.value
        self.in_tensor = in_tensor
        self.name: str | None = None

    def written(self, writer: Writer) -> str:
        """The expression that makes it."""
        value = writer.expression(self.value)
        if self.in_tensor:
            return f"wrap({value})"
        return value if self.value.shape else f"asarray({value})"


class Program:
    """A compiled call: Python code that computes and changes what the traced one did.

    ``valid()`` tells whether all it relies on is still so: the Tensors it captured show the same
    arrays, leaves have or have not gradients as before, modules are in the same mode.
    """

    def __init__(self, traced: TracedCall, forward: Draft, backward: Draft) -> None:
        self.traced = traced
        self.running = False
        self.report = forward.report
        # Whether gradients flow to or from what is outside, so that running it is not enough.
        self.joins_graph = bool(traced.alive or traced.inner)
        names = Names()
        writers = [Writer(forward, names)]
        source, self.run = write_program("program", writers[0], self.returned(writers[0]))
        sources = [source]
        if traced.alive:
            writers.append(Writer(backward, names))
            last = [f"return {writers[1].expression(tuple(backward.results))}"]
            source, self.pull_back = write_program("pull_back", writers[1], last)
            sources.append(source)
        for writer in writers:
            sources += [kernel.source(name) for name, kernel in writer.kernels.items()]
        self.source = "\n\n".join(sources)
        self.valid = guard(traced.trace)

    def returned(self, writer: Writer) -> list[str]:
        """The last lines: what the call returns, and what joins it to the graph."""
        result = returned(writer, self.traced.result)
        if not self.joins_graph:
            return [f"return {result}"]
        alive = self.traced.alive
        lines = [f"{output.name} = {output.written(writer)}" for output in alive]
        tensors = "".join(f"{output.name}, " for output in alive)
        inner = writer.expression(tuple(self.traced.inner.values()))
        residuals = writer.expression(tuple(writer.draft.residuals))
        return [*lines, f"return {result}, ({tensors}), {inner}, {residuals}"]

    def record(
        self, arrays: Sequence[Any], nodes: Sequence[Node], again: Callable[[], list[Node]]
    ) -> Any:
        """Run the program, hand gradients to tracked arguments, and put results into the graph."""
        traced = self.traced
        result, alive, inner, residuals = self.run(*arrays)
        for k, gradient in zip(traced.inner, inner, strict=True):
            unconjugated = np.conj(gradient) if gradient.dtype.kind == "c" else gradient
            backward([(nodes[k], unconjugated)])
        if alive:
            arguments: dict[Node, Node] = dict(zip(traced.arguments, nodes, strict=True))
            sources = tuple(arguments.get(leaf, leaf) for leaf in traced.gradients)
            captured = [tensor for tensor, _, node in traced.trace.captured if node in sources]
            attach(alive, residuals, self.pull_back, sources, captured, again)
        return result


def returned(writer: Writer, result: Any) -> str:
    """The expression a program returns."""
    if isinstance(result, Output):
        return result.name or result.written(writer)
    if isinstance(result, dict):
        pairs = [f"{key!r}: {returned(writer, item)}" for key, item in result.items()]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(result, (list, tuple)):
        inner = "".join(f"{returned(writer, item)}, " for item in result)
        if hasattr(type(result), "_fields"):
            return f"{writer.names.of(type(result), type(result).__name__)}({inner})"
        return f"[{inner}]" if isinstance(result, list) else f"({inner})"
    return writer.expression(result)


def write_program(name: str, writer: Writer, last: Sequence[str]) -> tuple[str, Callable[..., Any]]:
    """The source of a function with a draft's instructions, and the function."""
    writer.names.objects.update(wrap=wrap, asarray=np.asanyarray)
    parameters = ", ".join(map(writer.expression, writer.draft.inputs))
    body = "".join(f"    {line}\n" for line in (*writer.lines(), *last))
    source = f"def {name}({parameters}):\n{body}"
    return source, define(source, writer.names.objects, name)


def define(source: str, objects: dict[str, Any], name: str) -> Callable[..., Any]:
    """The function that some source defines, with objects as its globals."""
    exec(compile(source, f"<compiled {name}>", "exec"), objects)
    function: Callable[..., Any] = objects[name]
    return function


def guard(trace: Trace) -> Callable[[], bool]:
    """A function that tells whether what a trace relied on is still so."""
    names = Names()
    terms = []
    for tensor, array, node in trace.captured:
        name = names.of(tensor, "t")
        terms.append(f"{name}._array is {names.of(array, 'a')}")
        terms.append(f"{name}._node is {names.of(node, 'n')}")
    for owner, attribute, value in trace.conditions:
        terms.append(f"{names.of(owner, 'o')}.{attribute} is {names.of(value, 'x')}")
    for leaf, had in trace.began_with.items():
        terms.append(f"{names.of(leaf, 'l')}.grad is {'not ' if had else ''}None")
    source = f"def valid():\n    return {' and '.join(terms) or 'True'}\n"
    return define(source, names.objects, "valid")
