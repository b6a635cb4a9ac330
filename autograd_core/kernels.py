"""Machine code for operations that NumPy has no single function for (the extra ``fast``).

Where numba is installed, some operations on large arrays run as loops that keep an element in
registers from its first step to its last: activations, normalizations, softmax, losses over
classes, recurrent cells, convolutions, pooling. Compiling a loop takes about a second, once in a
process, so small arrays stay with NumPy. Loops round differently from NumPy, in the last digits,
and raise no floating-point warnings; which of the two computes depends on shapes, dtypes and order
in memory, and on whether derivatives are recorded, so that equal calls give equal bits.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar

import numpy as np

from autograd_core.errors import require
from autograd_core.graph import mode

F = TypeVar("F", bound=Callable[..., Any])

VARIABLE = "AUTOGRAD_CORE_KERNELS"

# Elements of the smallest arrays that loops are compiled for.
LARGE = 2**15

DTYPES = frozenset({np.dtype(np.float32), np.dtype(np.float64)})


class Setting:
    """Whether loops are wanted."""

    enabled = os.environ.get(VARIABLE, "1") != "0"


def use_kernels(enabled: bool = True) -> bool:
    """Let large arrays go through compiled loops, or never; returns whether they will.

    They do by default where numba is installed; the environment variable
    ``AUTOGRAD_CORE_KERNELS=0`` prevents it. Programs that ``compile`` has made stay as they are.

    >>> use_kernels(False)
    False
    >>> use_kernels() == is_available()
    True
    """
    Setting.enabled = enabled
    return enabled and is_available()


@cache
def is_available() -> bool:
    """Whether numba is installed."""
    from importlib.util import find_spec

    return find_spec("numba") is not None


def suits(*args: Any) -> bool:
    """Whether a program of loops shall compute with these arguments.

    The first is a large array, and other arrays are of its dtype, integers or truth values.
    """
    first = args[0]
    return (
        type(first) is np.ndarray
        and first.size >= LARGE
        and first.dtype in DTYPES
        and Setting.enabled
        and is_available()
        and all(
            each.dtype == first.dtype or each.dtype.kind in "iub"
            if type(each) is np.ndarray
            else type(each) in SETTINGS
            for each in args
        )
    )


def are_alike(*arrays: Any) -> bool:
    """Whether a loop that knows one dtype shall compute with these arrays: they all have it."""
    return suits(*arrays) and all(each.dtype == arrays[0].dtype for each in arrays)


SETTINGS = frozenset({int, float, bool, str, tuple, type(None)})


def whole(function: F) -> F:
    """Mark a function of arrays as one that ``compile`` calls as it is, without looking inside."""
    function.whole = True  # type: ignore[attr-defined]
    return function


def kernel(function: F) -> F:
    """Make a function of arrays run as loops where those suit, made from what it is written in.

    The first argument is the array that decides. ``compile`` turns the function into loops, a
    program for each kind of call; functions that it traces with loops of its own take the
    function apart, others call it as a whole.

    >>> @kernel
    ... def hypotenuse(x, y):
    ...     return np.sqrt(x * x + y * y)
    >>> hypotenuse(np.array([3.0]), np.array([4.0]))
    array([5.])
    """

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if suits(*args, *kwargs.values()):
            return program_of(function)(*args, **kwargs)
        tracer = mode.tracer
        if tracer is None:
            return function(*args, **kwargs)
        return tracer.kernel(run, function, args, kwargs)

    return run  # type: ignore[return-value]


@cache
def program_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as ``compile`` replays it, with loops."""
    from autograd_core.compiler.compiled import Compiled

    compiled = Compiled(function, fuse=True, cache_size=64, verify=False)
    compiled.keeps = False  # there is one for each shape, and shapes may vary
    return compiled.replay


@cache
def machine_code(
    make: Callable[[Any], Callable[..., None]],
    dtype: np.dtype[Any],
    *dimensions: int,
    sizes: bool = False,
) -> Callable[..., None]:
    """A loop over C-contiguous arrays of a dtype, given the dimensions of each.

    With ``sizes`` its last argument is a vector of int64. ``make`` gets the constants of the dtype
    (``vector_math.Precision``) and returns the loop. Nothing is checked, and arrays must not
    overlap. Raises MissingExtraError without numba.
    """
    numba: Any = require("numba", "fast")
    from autograd_core.compiler.machine import COMPILING, entry_point
    from autograd_core.compiler.vector_math import PRECISIONS

    element = numba.from_dtype(dtype)
    types = tuple(numba.types.Array(element, count, "C") for count in dimensions)
    if sizes:
        types += (numba.types.Array(numba.int64, 1, "C"),)
    with COMPILING:
        code: Callable[..., None] = entry_point(make(PRECISIONS[dtype]), types)
    return code
