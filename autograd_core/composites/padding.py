"""``np.pad``: each axis in turn gets a border before and one after, made by the mode."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.errors import MissingRuleError
from autograd_core.rules.shaping import along
from autograd_core.tensor import Tensor, as_tensor, composite, without_rule

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np

Pair = tuple[Any, Any]
STATISTICS: dict[str, Any] = {
    "maximum": np.max,
    "minimum": np.min,
    "mean": np.mean,
    "median": np.median,
}


@composite(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """The array with borders; later axes see those of earlier ones, so corners are made of both."""
    array = as_tensor(array)
    if callable(mode):
        raise MissingRuleError(
            "pad: a function as mode writes into arrays, which cannot be recorded; "
            "expected the name of a mode"
        )
    if array.dtype.kind not in "fc":
        return without_rule(np.pad, (array, pad_width, mode), kwargs)
    if isinstance(pad_width, dict):
        by_axis = {axis % array.ndim: width for axis, width in pad_width.items()}
        pad_width = [pair(by_axis.get(axis, 0), 1)[0] for axis in range(array.ndim)]
    check_arguments(mode, kwargs, array)
    reflect_type = kwargs.pop("reflect_type", "even")
    given = next(iter(kwargs.values()), None if mode in STATISTICS else 0)
    settings = pair(
        given if mode in STATISTICS else as_tensor(given).astype(array.dtype), array.ndim
    )
    for axis, (before, after) in enumerate(pair(np.asarray(pad_width), array.ndim)):
        widths = int(before), int(after)
        if mode in ("wrap", "reflect", "symmetric"):
            array = moved(array, axis, widths, mode, reflect_type)
        elif widths != (0, 0):
            first, last = borders(array, axis, widths, mode, settings[axis])
            array = _np.concatenate([first, array, last], axis=axis)
    return array


def check_arguments(mode: str, kwargs: dict[str, Any], array: Tensor) -> None:
    """Let NumPy complain about a mode or keywords that it does not know."""
    names = {name: 1 if name != "reflect_type" else value for name, value in kwargs.items()}
    np.pad(np.zeros((1,) * array.ndim), 0, mode=mode, **names)  # type: ignore[call-overload]


def pair(value: Any, ndim: int) -> list[Pair]:
    """What one number, two, or two for each axis say about the sides of each axis."""
    if value is None:
        return [(None, None)] * ndim
    sides = np.broadcast_to(value, (ndim, 2))
    return [(sides[axis, 0], sides[axis, 1]) for axis in range(ndim)]


def moved(array: Tensor, axis: int, widths: tuple[int, int], mode: Any, reflect_type: str) -> Any:
    """Borders of elements of the array: padding their positions the same way tells which.

    Odd reflections are sums of elements; what they do to unit vectors is their matrix.
    """
    side = array.shape[axis]
    if reflect_type == "even" or mode == "wrap":
        return np.take(array, np.pad(np.arange(side), widths, mode), axis=axis)
    unit = np.eye(side, dtype=array.dtype)
    matrix = np.pad(unit, (widths, (0, 0)), mode, reflect_type="odd")
    return _np.moveaxis(_np.moveaxis(array, axis, -1) @ matrix.T, -1, axis)


def borders(
    array: Tensor, axis: int, widths: tuple[int, int], mode: str, setting: Pair
) -> tuple[Any, Any]:
    """The border before an axis and the one after it."""
    edges = edge(array, axis, slice(0, 1)), edge(array, axis, slice(-1, None))
    both = [
        border(array, axis, width, mode, value, near, position)
        for width, value, near, position in zip(widths, setting, edges, (1, -1), strict=True)
    ]
    return both[0], both[1]


def edge(array: Tensor, axis: int, part: slice) -> Tensor:
    """A part of an array along an axis."""
    return array[along(axis, array.ndim, part)]


def border(
    array: Tensor, axis: int, width: int, mode: str, value: Any, near: Tensor, direction: int
) -> Any:
    """One border: ``near`` is the edge next to it, ``direction`` 1 before the array, -1 after."""
    shape = tuple(width if k == axis else side for k, side in enumerate(array.shape))
    if mode in ("constant", "empty"):
        return np.broadcast_to(value, shape)
    if mode == "edge":
        return np.broadcast_to(near, shape)
    if mode == "linear_ramp":
        column = [-1 if k == axis else 1 for k in range(array.ndim)]
        steps = (np.arange(width, dtype=array.dtype) / max(width, 1))[::direction]
        return value + (near - value) * steps.reshape(column)
    many = array.shape[axis] if value is None else min(int(value), array.shape[axis])
    part = slice(0, many) if direction == 1 else slice(array.shape[axis] - many, None)
    statistic = STATISTICS[mode](edge(array, axis, part), axis=axis, keepdims=True)
    return np.broadcast_to(statistic, shape)
