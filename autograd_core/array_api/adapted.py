"""Functions of which the array API standard asks something that NumPy's do not do."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_core.array_api.creation import returning_tensor
from autograd_core.tensor import Tensor

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np

__all__ = [
    "argsort",
    "clip",
    "count_nonzero",
    "finfo",
    "iinfo",
    "sort",
    "take_along_axis",
    "unique_values",
]

count_nonzero = returning_tensor(np.count_nonzero)


class FloatInfo(NamedTuple):
    """The limits of a floating dtype, as Python's numbers: they are weak in promotion."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: np.dtype[Any]


class IntegerInfo(NamedTuple):
    """The limits of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: np.dtype[Any]


def finfo(type: Any, /) -> FloatInfo:
    """The limits of the floating dtype (or of the parts of the complex one) of a dtype or an array.

    >>> finfo(np.float32).eps
    1.1920928955078125e-07
    """
    info = np.finfo(dtype_of(type))
    eps, largest, smallest, normal = (
        float(limit) for limit in (info.eps, info.max, info.min, info.smallest_normal)
    )
    return FloatInfo(info.bits, eps, largest, smallest, normal, np.dtype(info.dtype))


def iinfo(type: Any, /) -> IntegerInfo:
    """The limits of an integer dtype, or of that of an array.

    >>> iinfo(np.int8).max
    127
    """
    info = np.iinfo(dtype_of(type))
    return IntegerInfo(info.bits, info.max, info.min, np.dtype(info.dtype))


def dtype_of(type: Any) -> Any:
    """A dtype as it is; of an array, its dtype."""
    return type.dtype if isinstance(type, (Tensor, np.ndarray, np.generic)) else type


def clip(x: Any, /, min: Any = None, max: Any = None) -> Tensor:
    """Elements limited to an interval, in the dtype of ``x`` whatever that of the bounds is."""
    return _np.clip(x, min, max).astype(x.dtype, copy=False)


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Elements in order along an axis."""
    if not descending:
        return _np.sort(x, axis=axis, stable=stable)
    return _np.flip(_np.sort(_np.flip(x, axis), axis=axis, stable=stable), axis)


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Where the elements in order along an axis come from; equal ones in their order."""
    if not descending:
        return _np.argsort(x, axis=axis, stable=stable)
    # Backwards there and back, so that equal elements are not turned around.
    order = _np.argsort(_np.flip(x, axis), axis=axis, stable=stable)
    return x.shape[axis] - 1 - _np.flip(order, axis)


def take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Tensor:
    """Elements chosen along an axis, at every place of the others its own."""
    return _np.take_along_axis(x, indices, axis=axis)


def unique_values(x: Any, /) -> Tensor:
    """Distinct elements in order, which libraries rely on though the standard leaves it open."""
    return _np.sort(_np.unique_values(x))
