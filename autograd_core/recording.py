"""The code that records one operation: written for it when it is first used.

What has to be done for a call depends on the operation alone: which parameters are operands, what
its rules read, whether it may return a view. So that no call has to find this out again, the
function that records an operation is generated, straight on, with the operation's own signature.
What is rare (tracing, Tensors among settings or in containers, ``out=``) is handed to a general
function, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_core.primitive import Primitive


def recorder_of(primitive: Primitive, engine: dict[str, Any]) -> Callable[..., Any]:
    """The function that records an operation; ``engine`` holds what its code calls, by name."""
    names = {f"_{name}": value for name, value in engine.items()}
    names |= {"_primitive": primitive, **primitive.defaults}
    code = compile(source(primitive), f"{__file__}: {primitive.name}", "exec")
    exec(code, names)
    recorder: Callable[..., Any] = names["record"]
    return recorder


def source(primitive: Primitive) -> str:
    r"""The code of a recorder as text.

    >>> from autograd_core.primitive import REGISTRY
    >>> exponential = REGISTRY[np.exp]
    >>> exponential.resolve()
    >>> print("\n".join(source(exponential).splitlines()[:4]))
    def record(x):
        _recording = _mode.recording
        if _recording is not True and _mode.tracer is not None:
            return _general(_primitive, _primitive.bind(x, ))
    """
    lines = "\n    ".join(statements(primitive))
    return f"def record({primitive.signature}):\n    {lines}\n"


def statements(primitive: Primitive) -> Iterator[str]:
    """The statements of a recorder; all names but those of parameters begin with underscores."""
    parameters = primitive.parameters
    row = "".join(f"{name}, " for name in parameters)
    elementwise = isinstance(primitive.forward, np.ufunc)
    general = f"return _general(_primitive, {'_primitive.bind' if elementwise else ''}({row}))"
    if primitive.sequence or primitive.multiple or not primitive.rules:
        yield general
        return
    operands = [parameters[slot] for slot in primitive.operand_slots]

    # Settings are plain, and there is somebody who records.
    unusual = ["_recording is not True and _mode.tracer is not None"]
    for slot, name in enumerate(parameters):
        if slot == primitive.out_slot:
            unusual.append(f"{name} is not None")
        elif name not in operands:
            unusual.append(f"type({name}) in _HOLDERS and _tensors_in({name})")
    yield "_recording = _mode.recording"
    yield f"if {' or '.join(unusual)}:"
    yield f"    {general}"

    # Arrays and Nodes of the operands.
    for k, name in enumerate(operands):
        yield f"if type({name}) is _Tensor:"
        yield f"    _array_{k} = {name}._array"
        yield f"    _node_{k} = {name}._node"
        yield f"elif type({name}) in _HOLDERS:"
        yield f"    {general}"
        yield "else:"
        yield f"    _array_{k} = {name}"
        yield f"    _node_{k} = None"
    arrays = {name: f"_array_{k}" for k, name in enumerate(operands)}
    passed = ", ".join(arrays.get(name, name) for name in parameters)
    yield f"_out = _primitive.replay({passed})"
    untracked = " and ".join(f"_node_{k} is None" for k in range(len(operands)))
    yield f"if {untracked} or not _recording:"
    wrapped = "_wrap(_out)" if elementwise else f"_untracked(_primitive, {parameters[0]}, _out)"
    yield f"    return {wrapped}"
    yield "_result = _new(_Tensor)"
    yield "_result._array = _out = _out if type(_out) is _ndarray else _as_array(_out)"
    yield "_result._version = None"
    if not elementwise:
        yield "if _out.dtype.kind not in 'fc':"
        yield "    _result._node = None"
        yield "    return _result"

    # What the rules of the tracked operands read, and the versions it has.
    def condition(slot: int) -> str:
        """When a slot is kept, as an expression."""
        readers = [k for k, keeps in enumerate(primitive.keeps) if slot in keeps]
        if len(readers) == len(operands):
            return "True"
        return " or ".join(f"_node_{k} is not None" for k in readers) or "False"

    def kept(slot: int, value: str) -> str:
        """A value, or None if no rule that may run reads it."""
        when = condition(slot)
        return {"True": value, "False": "None"}.get(when, f"{value} if {when} else None")

    slots = [
        kept(slot, arrays[name]) if name in arrays else name for slot, name in enumerate(parameters)
    ]
    slots.append(kept(len(parameters), "_out"))
    for slot in primitive.shape_slots:
        name = parameters[slot]
        array = arrays[name]
        slots.append(f"{array}.shape if type({name}) is _Tensor else _shape_of({array})")
    yield "_result._node = _node = _Node()"
    yield "_node.primitive = _primitive"
    yield f"_node.sources = ({''.join(f'_node_{k}, ' for k in range(len(operands)))})"
    yield f"_node.slots = ({', '.join(slots)},)"
    yield "_node.versions = None"
    for k, name in enumerate(operands):
        when = condition(primitive.operand_slots[k])
        if when == "False":
            continue
        # Recorded values are never written to; leaves and untracked Tensors have a version.
        yield f"if type({name}) is _Tensor and ({when}):"
        yield f"    _cell = {name}._version if _node_{k} is not None else {name}.version"
        yield "    if _cell is not None:"
        yield "        _node.versions = (*(_node.versions or ()), (_cell, _cell[0]))"
    yield "_node.shape = _out.shape"
    yield "_node.dtype = _out.dtype"
    yield "_node.number = _next_number()"
    yield "_node.notes = None"
    yield "if _recording is not True:"
    yield "    _recording.recorded(_node, _out)"
    yield "return _result"
