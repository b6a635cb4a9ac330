"""What programs are made of: Values, and the Instructions that compute them."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from typing import Any

import numpy as np


class Value:
    """An array that exists when a program runs, and what is known of it before.

    ``array`` is the array itself if it lives outside of the program (parameters, buffers, constants
    of the function): programs read it anew each time. ``owner`` is the Value whose memory this one
    shows, itself if it has its own; that of a Value outside is never the program's to write to.
    ``order`` are the axes as they lie in memory, the outermost first; None if there are gaps.
    """

    __slots__ = ("array", "contiguous", "dtype", "number", "order", "owner", "shape")

    def __init__(self, number: int, like: Any, owner: Value | None = None, array: Any = None):
        self.number = number
        self.shape: tuple[int, ...] = like.shape
        self.dtype: np.dtype[Any] = like.dtype
        self.contiguous: bool = like.flags.c_contiguous
        self.order = order_of(like)
        self.owner = owner or self
        self.array = array

    def __repr__(self) -> str:
        return f"v{self.number}"

    def twin(self, number: int) -> Value:
        """Another Value like this one, with memory of its own."""
        twin = copy.copy(self)
        twin.number, twin.owner, twin.array = number, twin, None
        return twin

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """The bytes the elements take."""
        return self.size * self.dtype.itemsize


def order_of(array: Any) -> tuple[int, ...] | None:
    """The axes as they lie in memory, the outermost first; None if elements have gaps between.

    >>> order_of(np.ones((2, 3, 4)).transpose(2, 0, 1))
    (1, 2, 0)
    """
    if array.flags.c_contiguous:
        return tuple(range(array.ndim))
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    return tuple(order) if array.transpose(order).flags.c_contiguous else None


def in_order_of(value: Value, memory: Any) -> Any:
    """Memory of a Value's size as an array whose elements lie as the Value's do.

    >>> memory = in_order_of(Value(0, np.ones((2, 3), order="F")), np.arange(6.0))
    >>> memory[:, 0]
    array([0., 1.])
    """
    order = value.order or range(len(value.shape))
    array = memory.view(value.dtype).reshape([value.shape[axis] for axis in order])
    return array.transpose(np.argsort(order))


class Kind(Enum):
    """What an instruction does besides computing, which decides what passes may do with it."""

    PURE = "pure"  # the same operands give the same result, and nothing changes
    DRAW = "draw"  # takes random numbers from a generator
    CHECK = "check"  # may raise
    WRITE = "write"  # writes operand 1 into operand 0, an array outside, at the index operand 2
    STORE = "store"  # reads, writes or adds to the gradient of a leaf
    PLACED = "placed"  # the same of an operand that lies where the gradient belongs
    CLEAR = "clear"  # forgets the gradients of leaves
    EFFECT = "effect"  # changes anything that lives outside


@dataclass(slots=True, eq=False)
class Instruction:
    """One call of a function: Values stand in ``args`` and ``kwargs`` where arrays will.

    ``outputs`` are the results: one, or as many as the function returns in a tuple or list.
    ``backward`` marks those of the backward pass that is traced with a call whose results are
    differentiable.
    ``out`` says where to put results: in an array, or in the memory of a Value that is done with.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    outputs: tuple[Value, ...] = ()
    kind: Kind = Kind.PURE
    multiple: bool = False
    line: str = ""
    backward: bool = False
    out: dict[Value, Any] = field(default_factory=dict)

    def __copy__(self) -> Instruction:
        """The same call, whose results can be put elsewhere."""
        return replace(self, out=dict(self.out))

    @property
    def operands(self) -> list[Value]:
        """All Values the instruction reads."""
        return list(values_in((self.args, self.kwargs)))


def values_in(container: Any) -> Iterator[Value]:
    """Every Value in nested containers, slices included."""
    kind = type(container)
    if kind is Value:
        yield container
    elif kind is list or kind is tuple:
        for item in container:
            yield from values_in(item)
    elif kind is dict:
        yield from values_in(list(container.values()))


# -- attributes and methods of arrays as functions ---------------------------------------------

# Attributes that make an array of the elements.
VIEWS = {name: operator.attrgetter(name) for name in ("T", "mT", "real", "imag")}


def exactly(value: Any) -> Any:
    """What tells a value from all others, also from those that equal it: 0.0 from -0.0, 1 from 1.0.

    >>> exactly(0.0) == exactly(-0.0), exactly(1) == exactly(1.0), exactly(2.5) == exactly(2.5)
    (False, False, True)
    """
    number = isinstance(value, (float, complex, np.generic))
    return type(value), repr(value) if number else value


class Method:
    """A method of arrays as a function; NumPy's scalars have them too."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, array: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the method of an array."""
        return getattr(array, self.__name__)(*args, **kwargs)


# The same object for the same name, so that calls can be compared.
named = cache(Method)


def name_of(function: Any) -> str:
    """What a function is called."""
    return getattr(function, "__name__", None) or type(function).__name__


def forward_of(function: Any) -> Any:
    """The function of an operation that the engine calls through another one."""
    if str(getattr(function, "__module__", "")).startswith("numpy"):  # it wraps others too
        return function
    return getattr(function, "__wrapped__", function)
