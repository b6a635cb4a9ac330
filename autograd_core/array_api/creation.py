"""Tensors made of settings, of data and of the arrays of other libraries."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import numpy as np

from autograd_core.errors import DtypeError
from autograd_core.tensor import Tensor

P = ParamSpec("P")

__all__ = [
    "arange",
    "asarray",
    "empty",
    "eye",
    "from_dlpack",
    "full",
    "linspace",
    "ones",
    "zeros",
]


def returning_tensor(function: Callable[P, Any]) -> Callable[P, Tensor]:
    """The function with its array as a Tensor.

    >>> returning_tensor(np.ones)(2)
    Tensor([1., 1.])
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        result = function(*args, **kwargs)
        return result if isinstance(result, Tensor) else Tensor(result)

    return call


arange = returning_tensor(np.arange)
empty = returning_tensor(np.empty)
eye = returning_tensor(np.eye)
from_dlpack = returning_tensor(np.from_dlpack)
full = returning_tensor(np.full)
linspace = returning_tensor(np.linspace)
ones = returning_tensor(np.ones)
zeros = returning_tensor(np.zeros)


def asarray(
    obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None
) -> Tensor:
    """A Tensor of numbers, nested sequences or an array; a Tensor stays in the graph.

    ``copy``: True makes a copy, False refuses to, None does if the dtype changes.

    >>> asarray([1, 2], dtype=np.float32)
    Tensor([1., 2.], dtype=float32)
    """
    if not isinstance(obj, Tensor):
        return Tensor(np.asarray(obj, dtype=dtype, device=device, copy=copy))
    if device is not None:
        obj = obj.to_device(device)
    if dtype is None or obj.dtype == dtype:
        return obj.astype(obj.dtype) if copy else obj
    if copy is False:
        raise DtypeError(
            f"asarray: got dtype {obj.dtype} and copy=False; expected dtype {np.dtype(dtype)}, "
            "or leave copy=False away to convert"
        )
    return obj.astype(dtype)
