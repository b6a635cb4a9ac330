"""Functions that write into their first argument: on Tensors, assignments to items."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd_core.errors import ShapeError, TrackedValueError
from autograd_core.rules.indexing import index_along
from autograd_core.tensor import Tensor, composite, unwrap, without_rule

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np


def untracked(function: Any, target: Any, *arguments: Any) -> bool:
    """Write into a target that is no Tensor, if nothing is tracked; say whether it was one."""
    if isinstance(target, Tensor):
        return False
    if any(isinstance(each, Tensor) and each.requires_grad for each in arguments):
        raise TrackedValueError(
            f"{function.__name__}: the values are tracked, and an ndarray would lose their graph; "
            "write to a Tensor"
        )
    without_rule(function, (target, *arguments), {})
    return True


def repeated(values: Any, size: int) -> Any:
    """As many values as are written, over and over from the start."""
    return np.resize(values, (size,))


@composite(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """Write values to positions in the flat array."""
    if untracked(np.put, a, ind, v, mode):
        return
    places = np.asarray(unwrap(ind)).reshape(-1)
    if mode != "raise":
        places = places % a.size if mode == "wrap" else places.clip(0, a.size - 1)
    # Negative positions count from the end.
    flat = np.arange(a.size)[places]
    a[np.unravel_index(flat, a.shape)] = repeated(v, places.size)


@composite(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """Write values, in turn, where a mask is True."""
    if not untracked(np.place, arr, mask, vals):
        chosen = np.asarray(unwrap(mask), dtype=bool)
        arr[chosen] = repeated(vals, int(np.count_nonzero(chosen)))


@composite(np.putmask)
def putmask(a: Any, /, mask: Any, values: Any) -> None:
    """Write values where a mask is True, each from its own place."""
    if not untracked(np.putmask, a, mask, values):
        chosen = np.asarray(unwrap(mask), dtype=bool)
        a[chosen] = repeated(values, a.size).reshape(a.shape)[chosen]


@composite(np.copyto)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """Write the elements of another array, at those of a mask."""
    if untracked(np.copyto, dst, src, casting, where):
        return
    if not np.can_cast(np.result_type(src), dst.dtype, casting):
        raise TypeError(f"copyto: cannot cast {np.result_type(src)} to {dst.dtype} ({casting})")
    if where is True:
        dst[...] = src
    else:
        chosen = np.broadcast_to(np.asarray(unwrap(where), dtype=bool), dst.shape)
        dst[chosen] = np.broadcast_to(src, dst.shape)[chosen]


@composite(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    """Write values to positions along an axis; where they repeat, the last one stays."""
    if untracked(np.put_along_axis, arr, indices, values, axis):
        return
    indices = np.asarray(unwrap(indices))
    if axis is None:
        arr[np.unravel_index(np.arange(arr.size)[indices], arr.shape)] = values
    else:
        arr[index_along(arr.shape, indices, normalize_axis_index(axis, arr.ndim))] = values


@composite(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Write values to the main diagonal; ``wrap`` starts again below in tall matrices."""
    if untracked(np.fill_diagonal, a, val, wrap):
        return
    if a.ndim < 2 or (a.ndim > 2 and len(set(a.shape)) > 1):
        raise ShapeError(f"fill_diagonal: got shape {a.shape}; expected a matrix, or equal sides")
    numbers = np.zeros(a.shape, dtype=np.intp)
    np.fill_diagonal(numbers, 1, wrap)
    places = np.nonzero(numbers)
    a[places] = repeated(val, places[0].size)
