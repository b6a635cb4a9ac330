"""The methods an ndarray has, for Tensor: each is NumPy's function of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from autograd_core.tensor import Tensor

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np


class ArrayMethods:
    """Methods and properties of ndarray that compute; each records as its function does."""

    __slots__ = ()

    ndim: Any

    def sum(self, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, **more: Any) -> Tensor:
        """Sum over axes; see ``np.sum``."""
        return _np.sum(self, axis=axis, dtype=dtype, keepdims=keepdims, **more)

    def mean(self, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, **more: Any) -> Tensor:
        """Average over axes; see ``np.mean``."""
        return _np.mean(self, axis=axis, dtype=dtype, keepdims=keepdims, **more)

    def max(self, axis: Any = None, *, keepdims: bool = False, **more: Any) -> Tensor:
        """Largest element along axes; see ``np.max``."""
        return _np.max(self, axis=axis, keepdims=keepdims, **more)

    def min(self, axis: Any = None, *, keepdims: bool = False, **more: Any) -> Tensor:
        """Smallest element along axes; see ``np.min``."""
        return _np.min(self, axis=axis, keepdims=keepdims, **more)

    def argmax(self, axis: Any = None, *, keepdims: bool = False) -> Tensor:
        """Index of the largest element; see ``np.argmax``."""
        return _np.argmax(self, axis=axis, keepdims=keepdims)

    def argmin(self, axis: Any = None, *, keepdims: bool = False) -> Tensor:
        """Index of the smallest element; see ``np.argmin``."""
        return _np.argmin(self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any, order: Any = "C") -> Tensor:
        """Same elements in another shape; see ``np.reshape``."""
        return _np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> Tensor:
        """Axes in another order; see ``np.transpose``."""
        if len(axes) == 1 and not isinstance(axes[0], int):
            axes = axes[0]
        return _np.transpose(self, axes or None)

    def astype(self, dtype: Any, *, copy: bool = True) -> Tensor:
        """Elements converted to another dtype; see ``np.astype``."""
        return _np.astype(self, np.dtype(dtype), copy=copy)

    @property
    def T(self) -> Tensor:
        """The transpose: all axes reversed."""
        return _np.transpose(self)

    @property
    def mT(self) -> Tensor:
        """The matrix transpose: the last two axes swapped."""
        return _np.matrix_transpose(self)
