"""``np.pad``: each axis in turn gets a border before and one after, made by the mode."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd_core.errors import MissingRuleError, ShapeError
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


# The modes, each with the one keyword that it takes.
KEYWORDS = {
    "constant": "constant_values",
    "edge": None,
    "empty": None,
    "linear_ramp": "end_values",
    "maximum": "stat_length",
    "minimum": "stat_length",
    "mean": "stat_length",
    "median": "stat_length",
    "reflect": "reflect_type",
    "symmetric": "reflect_type",
    "wrap": None,
}


@composite(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """The array with borders; later axes see those of earlier ones, so corners are made of both."""
    array = as_tensor(array)
    check_mode(mode, kwargs)
    if array.dtype.kind not in "fc":
        return without_rule(np.pad, (array, pad_width, mode), kwargs)
    setting = next(iter(kwargs.values()), None)
    if mode in ("constant", "empty", "linear_ramp"):
        setting = as_tensor(0 if setting is None else setting).astype(array.dtype)
    settings = pair(setting if mode not in ("reflect", "symmetric") else None, array.ndim)
    for axis, widths in enumerate(checked_widths(pad_width, array.ndim)):
        if mode in ("wrap", "reflect", "symmetric"):
            array = moved(array, axis, widths, mode, setting)
        elif widths != (0, 0):
            first, last = borders(array, axis, widths, mode, settings[axis])
            array = _np.concatenate([first, array, last], axis=axis)
    return array


def check_mode(mode: Any, kwargs: dict[str, Any]) -> None:
    """Raise if a mode cannot be recorded or does not exist, or if it does not take the keywords."""
    if callable(mode):
        raise MissingRuleError(
            "pad: a function as mode writes into arrays, which cannot be recorded; "
            "expected the name of a mode"
        )
    if mode not in KEYWORDS:
        raise ValueError(f"pad: got mode={mode!r}; expected one of {', '.join(KEYWORDS)}")
    unknown = set(kwargs) - {KEYWORDS[mode]}
    if unknown:
        raise ValueError(
            f"pad: mode={mode!r} does not take {', '.join(sorted(unknown))}; "
            f"expected {KEYWORDS[mode] or 'no keyword'}"
        )


def checked_widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """The widths of the borders before and after each axis."""
    if isinstance(pad_width, dict):
        by_axis = {normalize_axis_index(axis, ndim): width for axis, width in pad_width.items()}
        pad_width = [pair(by_axis.get(axis, 0), 1)[0] for axis in range(ndim)]
    widths = np.asarray(pad_width)
    if widths.dtype.kind not in "iu" or widths.min(initial=0) < 0:
        raise ShapeError(
            f"pad: got pad_width={pad_width!r}; expected integers that are not negative"
        )
    return [(int(before), int(after)) for before, after in pair(widths, ndim)]


def pair(value: Any, ndim: int) -> list[Pair]:
    """What one number, two, or two for each axis say about the sides of each axis."""
    if value is None:
        return [(None, None)] * ndim
    sides = np.broadcast_to(value, (ndim, 2))
    return [(sides[axis, 0], sides[axis, 1]) for axis in range(ndim)]


def moved(array: Tensor, axis: int, widths: tuple[int, int], mode: Any, reflect_type: Any) -> Any:
    """Borders of elements of the array: padding their positions the same way tells which.

    Odd reflections are sums of elements; what they do to unit vectors is their matrix.
    """
    side = array.shape[axis]
    if reflect_type != "odd":
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
