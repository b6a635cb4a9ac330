"""The methods an ndarray has, for Tensor: each is NumPy's function of the same name."""

# mypy: disable-error-code="no-any-return"

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

    # -- reductions -------------------------------------------------------------------------------

    def sum(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: None = None,
        keepdims: Any = False,
        **more: Any,
    ) -> Tensor:
        """Sum over axes; see ``np.sum``."""
        return _np.sum(self, axis, dtype, out, keepdims, **more)

    def prod(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: None = None,
        keepdims: Any = False,
        **more: Any,
    ) -> Tensor:
        """Product over axes; see ``np.prod``."""
        return _np.prod(self, axis, dtype, out, keepdims, **more)

    def mean(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: None = None,
        keepdims: Any = False,
        **more: Any,
    ) -> Tensor:
        """Average over axes; see ``np.mean``."""
        return _np.mean(self, axis, dtype, out, keepdims, **more)

    def var(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: None = None,
        ddof: Any = 0,
        keepdims: Any = False,
        **more: Any,
    ) -> Tensor:
        """Variance over axes; see ``np.var``."""
        return _np.var(self, axis, dtype, out, ddof, keepdims, **more)

    def std(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: None = None,
        ddof: Any = 0,
        keepdims: Any = False,
        **more: Any,
    ) -> Tensor:
        """Standard deviation over axes; see ``np.std``."""
        return _np.std(self, axis, dtype, out, ddof, keepdims, **more)

    def max(self, axis: Any = None, out: None = None, keepdims: Any = False, **more: Any) -> Tensor:
        """Largest element along axes; see ``np.max``."""
        return _np.max(self, axis, out, keepdims, **more)

    def min(self, axis: Any = None, out: None = None, keepdims: Any = False, **more: Any) -> Tensor:
        """Smallest element along axes; see ``np.min``."""
        return _np.min(self, axis, out, keepdims, **more)

    def ptp(self, axis: Any = None, out: None = None, keepdims: Any = False) -> Tensor:
        """From the smallest to the largest element along axes; see ``np.ptp``."""
        return _np.ptp(self, axis, out, keepdims)

    def all(self, axis: Any = None, out: None = None, keepdims: Any = False, **more: Any) -> Tensor:
        """Whether all elements along axes are true; see ``np.all``."""
        return _np.all(self, axis, out, keepdims, **more)

    def any(self, axis: Any = None, out: None = None, keepdims: Any = False, **more: Any) -> Tensor:
        """Whether any element along axes is true; see ``np.any``."""
        return _np.any(self, axis, out, keepdims, **more)

    def argmax(self, axis: Any = None, out: None = None, *, keepdims: Any = False) -> Tensor:
        """Index of the largest element; see ``np.argmax``."""
        return _np.argmax(self, axis, out, keepdims=keepdims)

    def argmin(self, axis: Any = None, out: None = None, *, keepdims: Any = False) -> Tensor:
        """Index of the smallest element; see ``np.argmin``."""
        return _np.argmin(self, axis, out, keepdims=keepdims)

    def cumsum(self, axis: Any = None, dtype: Any = None, out: None = None) -> Tensor:
        """Running sum; see ``np.cumsum``."""
        return _np.cumsum(self, axis, dtype, out)

    def cumprod(self, axis: Any = None, dtype: Any = None, out: None = None) -> Tensor:
        """Running product; see ``np.cumprod``."""
        return _np.cumprod(self, axis, dtype, out)

    def trace(
        self,
        offset: int = 0,
        axis1: int = 0,
        axis2: int = 1,
        dtype: Any = None,
        out: None = None,
    ) -> Tensor:
        """Sum along a diagonal; see ``np.trace``."""
        return _np.trace(self, offset, axis1, axis2, dtype, out)

    # -- shape ------------------------------------------------------------------------------------

    def reshape(self, *shape: Any, order: Any = "C") -> Tensor:
        """Same elements in another shape; see ``np.reshape``."""
        return _np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def ravel(self, order: Any = "C") -> Tensor:
        """All elements in one axis, as a view if possible; see ``np.ravel``."""
        return _np.ravel(self, order)

    def flatten(self, order: Any = "C") -> Tensor:
        """All elements in one axis, as a copy."""
        return _np.copy(_np.ravel(self, order))

    def squeeze(self, axis: Any = None) -> Tensor:
        """Without axes of length 1; see ``np.squeeze``."""
        return _np.squeeze(self, axis)

    def transpose(self, *axes: Any) -> Tensor:
        """Axes in another order; see ``np.transpose``."""
        return _np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """Two axes interchanged; see ``np.swapaxes``."""
        return _np.swapaxes(self, axis1, axis2)

    def repeat(self, repeats: Any, axis: Any = None) -> Tensor:
        """Every element several times; see ``np.repeat``."""
        return _np.repeat(self, repeats, axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """The elements of a diagonal; see ``np.diagonal``."""
        return _np.diagonal(self, offset, axis1, axis2)

    def astype(self, dtype: Any, *, copy: bool = True) -> Tensor:
        """Elements converted to another dtype; see ``np.astype``."""
        return _np.astype(self, _np.dtype(dtype), copy=copy)

    def copy(self, order: Any = "C") -> Tensor:
        """The same values in memory of their own; see ``np.copy``."""
        return _np.copy(self, order)

    @property
    def T(self) -> Tensor:
        """The transpose: all axes reversed."""
        return _np.transpose(self)

    @property
    def mT(self) -> Tensor:
        """The matrix transpose: the last two axes swapped."""
        return _np.matrix_transpose(self)

    # -- selections -------------------------------------------------------------------------------

    def take(self, indices: Any, axis: Any = None, out: None = None, mode: Any = "raise") -> Tensor:
        """Elements at positions along an axis; see ``np.take``."""
        return _np.take(self, indices, axis, out, mode)

    def compress(self, condition: Any, axis: Any = None, out: None = None) -> Tensor:
        """Slices along an axis where a condition holds; see ``np.compress``."""
        return _np.compress(condition, self, axis, out)

    def choose(self, choices: Any, out: None = None, mode: Any = "raise") -> Tensor:
        """For each element the choice with its number; see ``np.choose``."""
        return _np.choose(self, choices, out, mode)

    def put(self, indices: Any, values: Any, mode: Any = "raise") -> None:
        """Write values to positions in the flat array; see ``np.put``."""
        _np.put(self, indices, values, mode)

    def nonzero(self) -> tuple[Tensor, ...]:
        """The indices of the elements that are not zero; see ``np.nonzero``."""
        return _np.nonzero(self)

    def argsort(self, axis: Any = -1, kind: Any = None, *, stable: Any = None) -> Tensor:
        """The indices that sort an axis; see ``np.argsort``."""
        return _np.argsort(self, axis, kind, stable=stable)

    def argpartition(self, kth: Any, axis: Any = -1, kind: Any = "introselect") -> Tensor:
        """The indices that partition an axis; see ``np.argpartition``."""
        return _np.argpartition(self, kth, axis, kind)

    def searchsorted(self, v: Any, side: Any = "left", sorter: Any = None) -> Tensor:
        """Where values would be inserted to keep the order; see ``np.searchsorted``."""
        return _np.searchsorted(self, v, side, sorter)

    def dot(self, b: Any, out: None = None) -> Tensor:
        """Dot product with another array; see ``np.dot``."""
        return _np.dot(self, b, out)

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

    def __contains__(self, item: Any) -> bool:
        return bool(_np.any(self == item))

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
