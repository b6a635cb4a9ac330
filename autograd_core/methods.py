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

    def sum(
        self, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, **more: Any
    ) -> Tensor:
        """Sum over axes; see ``np.sum``."""
        return _np.sum(self, axis=axis, dtype=dtype, keepdims=keepdims, **more)

    def mean(
        self, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, **more: Any
    ) -> Tensor:
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

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """Two axes interchanged; see ``np.swapaxes``."""
        return _np.swapaxes(self, axis1, axis2)

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

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """Elements limited to an interval; see ``np.clip``."""
        return _np.clip(self, min, max)

    def round(self, decimals: int = 0) -> Tensor:
        """Elements rounded to so many decimals, with gradient zero; see ``np.round``."""
        return _np.round(self, decimals)

    def conj(self) -> Tensor:
        """Complex conjugate; see ``np.conj``."""
        return _np.conj(self)

    conjugate = conj

    @property
    def real(self) -> Tensor:
        """Real part; see ``np.real``."""
        return _np.real(self)

    @property
    def imag(self) -> Tensor:
        """Imaginary part; see ``np.imag``."""
        return _np.imag(self)

    # -- operators off the hot path ---------------------------------------------------------------

    def __lt__(self, other: Any) -> Tensor:
        return _np.less(self, other)

    def __le__(self, other: Any) -> Tensor:
        return _np.less_equal(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return _np.greater(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return _np.greater_equal(self, other)

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return _np.equal(self, other)

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return _np.not_equal(self, other)

    __hash__ = object.__hash__

    def __floordiv__(self, other: Any) -> Tensor:
        return _np.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return _np.floor_divide(other, self)

    def __mod__(self, other: Any) -> Tensor:
        return _np.remainder(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return _np.remainder(other, self)

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return _np.divmod(self, other)

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return _np.divmod(other, self)

    def __pos__(self) -> Tensor:
        return _np.positive(self)

    def __invert__(self) -> Tensor:
        return _np.invert(self)

    def __and__(self, other: Any) -> Tensor:
        return _np.bitwise_and(self, other)

    def __rand__(self, other: Any) -> Tensor:
        return _np.bitwise_and(other, self)

    def __or__(self, other: Any) -> Tensor:
        return _np.bitwise_or(self, other)

    def __ror__(self, other: Any) -> Tensor:
        return _np.bitwise_or(other, self)

    def __xor__(self, other: Any) -> Tensor:
        return _np.bitwise_xor(self, other)

    def __rxor__(self, other: Any) -> Tensor:
        return _np.bitwise_xor(other, self)

    def __lshift__(self, other: Any) -> Tensor:
        return _np.left_shift(self, other)

    def __rlshift__(self, other: Any) -> Tensor:
        return _np.left_shift(other, self)

    def __rshift__(self, other: Any) -> Tensor:
        return _np.right_shift(self, other)

    def __rrshift__(self, other: Any) -> Tensor:
        return _np.right_shift(other, self)
