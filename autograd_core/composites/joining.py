"""Functions that join, cut, extend and lay out arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.exceptions import AxisError
from numpy.lib.array_utils import normalize_axis_index

from autograd_core.errors import ShapeError
from autograd_core.rules.indexing import diagonal_index, put, setitem
from autograd_core.rules.shaping import along
from autograd_core.tensor import Tensor, as_tensor, composite

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np

# Functions that NumPy itself writes in terms of others: they run on Tensors as they are.
for function in (np.vstack, np.hstack, np.dstack, np.resize):
    composite(function)(function.__wrapped__)  # type: ignore[union-attr]


def one_or_several(reshape: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    """A function of one array as NumPy's ``atleast_`` functions are: several give a tuple."""

    def function(*arrays: Any) -> Any:
        results = tuple(reshape(as_tensor(array)) for array in arrays)
        return results[0] if len(results) == 1 else results

    return function


@composite(np.atleast_1d)
@one_or_several
def atleast_1d(array: Tensor) -> Tensor:
    """A number becomes a vector."""
    return array if array.ndim else array.reshape(1)


@composite(np.atleast_2d)
@one_or_several
def atleast_2d(array: Tensor) -> Tensor:
    """A vector becomes a row."""
    return array if array.ndim > 1 else array.reshape(1, -1)


@composite(np.atleast_3d)
@one_or_several
def atleast_3d(array: Tensor) -> Tensor:
    """A matrix becomes the face of a cuboid."""
    if array.ndim > 2:
        return array
    return array[:, :, None] if array.ndim == 2 else array.reshape(1, -1, 1)


@composite(np.column_stack)
def column_stack(tup: Any) -> Any:
    """Vectors become columns."""
    arrays = [as_tensor(array) for array in tup]
    return _np.concatenate(
        [array if array.ndim > 1 else array.reshape(-1, 1) for array in arrays], axis=1
    )


@composite(np.block)
def block(arrays: Any) -> Any:
    """Nested lists: the innermost join along the last axis, those around them before."""
    leaves, depth = flattened(arrays)
    ndim = max(depth, *(leaf.ndim for leaf in leaves))

    def join(part: Any, level: int) -> Any:
        if isinstance(part, list):
            return _np.concatenate([join(each, level + 1) for each in part], axis=level - depth)
        leaf = as_tensor(part)
        return leaf.reshape((1,) * (ndim - leaf.ndim) + leaf.shape)

    return join(arrays, 0)


def flattened(nested: Any) -> tuple[list[Tensor], int]:
    """The arrays in nested lists, and how deep they are nested; all must be equally deep."""
    if not isinstance(nested, list):
        return [as_tensor(nested)], 0
    parts = [flattened(part) for part in nested]
    depths = {depth for _, depth in parts}
    if len(depths) != 1:
        raise ShapeError(
            f"block: got lists nested {sorted(depths)} deep side by side; "
            "expected equal depths, and no empty list"
        )
    return [leaf for leaves, _ in parts for leaf in leaves], depths.pop() + 1


@composite(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """Values after an array, both flat unless an axis is given."""
    return _np.concatenate([as_tensor(arr), as_tensor(values)], axis=axis)


@composite(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """What is left when positions are deleted."""
    arr = as_tensor(arr) if axis is not None else as_tensor(arr).reshape(-1)
    axis = 0 if axis is None else axis
    rest = np.delete(np.arange(arr.shape[axis]), positions(obj))
    return np.take(arr, rest, axis=axis)


@composite(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """Values before given positions, along an axis or in the flat array."""
    arr = as_tensor(arr) if axis is not None else as_tensor(arr).reshape(-1)
    values = as_tensor(values)
    axis = 0 if axis is None else axis
    side = arr.shape[axis]
    places = np.arange(side)[obj] if isinstance(obj, slice) else np.asarray(positions(obj))
    places = np.flatnonzero(places) if places.dtype == bool else places.astype(np.intp)
    if places.size == 1:
        # One place takes several values: as many as there are along the axis.
        values = values.reshape((1,) * (arr.ndim - values.ndim) + values.shape)
        values = np.moveaxis(values, 0, axis) if places.ndim == 0 else values
        places = np.repeat(places, values.shape[axis])
    # Where each old element comes from, and for new ones, counted down from -1, which value.
    source = np.insert(np.arange(side), places, -1 - np.arange(places.size))
    new = np.flatnonzero(source < 0)
    filler = np.zeros_like(
        arr, shape=tuple(1 if k == axis % arr.ndim else n for k, n in enumerate(arr.shape))
    )
    spaced = np.take(
        _np.concatenate([arr, filler], axis=axis), np.where(source < 0, side, source), axis=axis
    )
    return setitem(spaced, along(axis, arr.ndim, new[np.argsort(-source[new])]), values)


def positions(obj: Any) -> Any:
    """Positions as NumPy takes them: the array of a Tensor, anything else as it is."""
    return obj.detach().data if isinstance(obj, Tensor) else obj


@composite(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """All arrays in the shape that they broadcast to."""
    arrays = [as_tensor(array) for array in args]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    return tuple(
        array if array.shape == shape else np.broadcast_to(array, shape) for array in arrays
    )


@composite(np.meshgrid)
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    """Each vector along an axis of its own; "xy" swaps the first two."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: got indexing={indexing!r}; expected 'xy' or 'ij'")
    axes = list(range(len(xi)))
    if indexing == "xy":
        axes[:2] = reversed(axes[:2])
    grids = [
        as_tensor(x).reshape([-1 if k == axis else 1 for k in range(len(xi))])
        for x, axis in zip(xi, axes, strict=True)
    ]
    if not sparse:
        grids = list(_np.broadcast_arrays(*grids))
    return tuple(_np.copy(grid) if copy else grid for grid in grids)


@composite(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """The matrix with a vector on a diagonal, or the diagonal of a matrix."""
    if v.ndim == 2:
        return np.diagonal(v, k)
    if v.ndim != 1:
        raise ShapeError(f"diag: got shape {v.shape}; expected a vector or a matrix")
    side = v.size + abs(k)
    return put(v, (side, side), diagonal_index(v.size, k), distinct=True)


@composite(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix with all elements on a diagonal."""
    return _np.diag(as_tensor(v).reshape(-1), k)


@composite(np.linalg.diagonal)
def linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonals of a stack of matrices."""
    return np.diagonal(x, offset, -2, -1)


@composite(np.trace)
def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    """The sum along a diagonal."""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype, out=out)


@composite(np.linalg.trace)
def linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sums along the diagonals of a stack of matrices."""
    return np.sum(np.diagonal(x, offset, -2, -1), axis=-1, dtype=dtype)


@composite(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """All elements in one axis, in the order of the axes or of the memory."""
    if order in ("A", "K"):
        return in_memory_order(a, order).reshape(-1)
    return _np.reshape(a, -1, order=order)


def in_memory_order(a: Tensor, order: str) -> Tensor:
    """The array with its axes in the order they have in memory (for "A": if all are reversed)."""
    strides = [abs(stride) for stride in a.data.strides]
    if order == "A" and not (a.data.flags.fnc):
        return a
    return a.transpose(sorted(range(a.ndim), key=lambda axis: -strides[axis]))


@composite(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """An axis moved to stand before another."""
    axis, start = normalize_axis_index(axis, a.ndim), start + a.ndim * (start < 0)
    if not 0 <= start <= a.ndim:
        raise AxisError(f"rollaxis: got a start that is not from {-a.ndim} to {a.ndim}")
    return np.moveaxis(a, axis, start - (axis < start))


@composite(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """A function of vectors applied to each vector along an axis; its result takes their place."""
    arr = as_tensor(arr)
    vectors = np.moveaxis(arr, axis, -1)
    lead = vectors.shape[:-1]
    if 0 in lead:
        raise ShapeError(f"apply_along_axis: got shape {arr.shape}, without any vector to apply to")
    results = _np.stack([func1d(vectors[place], *args, **kwargs) for place in np.ndindex(lead)])
    inner = results.shape[1:]
    shaped = results.reshape(lead + inner)
    axis %= arr.ndim
    order = [*range(axis), *range(len(lead), shaped.ndim), *range(axis, len(lead))]
    return np.transpose(shaped, order)


@composite(np.apply_over_axes)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    """A reduction applied along one axis after the other, keeping the axes."""
    result: Any = as_tensor(a)
    ndim = result.ndim
    for axis in np.atleast_1d(axes).tolist():
        reduced = func(result, axis)
        result = reduced if reduced.ndim == ndim else np.expand_dims(reduced, axis)
    return result


@composite(np.sort_complex)
def sort_complex(a: Any) -> Any:
    """Sorted complex numbers."""
    return np.sort(as_tensor(a).astype(np.result_type(a, np.complex64)))
