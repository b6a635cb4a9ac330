"""The ways an array can lie in memory, all of which an operation must take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def contiguous(array: Array) -> Array:
    """The array with its last axis the fastest."""
    return np.array(array, order="C")


def transposed(array: Array) -> Array:
    """The array with its first axis the fastest."""
    return np.array(array, order="F")


def strided(array: Array) -> Array:
    """The array as every other element of a larger one, protected from writes."""
    view = np.repeat(array[..., None], 2, axis=-1)[..., 0]
    view.flags.writeable = False
    return view


def reverse(array: Array) -> Array:
    """The array with negative strides."""
    axes = tuple(range(array.ndim))
    return np.flip(np.flip(array, axes).copy(), axes)


def broadcast(array: Array) -> Array:
    """An array of the same shape that repeats the first row without storing it twice."""
    return np.broadcast_to(array[:1], array.shape) if array.ndim else array


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "contiguous": contiguous,
    "transposed": transposed,
    "strided": strided,
    "reversed": reverse,
    "broadcast": broadcast,
}
