"""Products made of matmul, multiply and tensordot."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from autograd_core.composites.refusals import refuse_out
from autograd_core.errors import DtypeError, ShapeError
from autograd_core.tensor import UFUNC_METHODS, composite

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np


@composite(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """Multiply numbers and matrices; contract the last axis with the second to last otherwise."""
    refuse_out("dot", out)
    dims = np.ndim(a), np.ndim(b)
    if 0 in dims:
        return np.multiply(a, b)
    if max(dims) <= 2:
        return np.matmul(a, b)
    return _np.tensordot(a, b, axes=(-1, -min(2, dims[1])))


@composite(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """Contract the last axes."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return _np.tensordot(a, b, axes=(-1, -1))


@composite(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    """The inner product of all elements, those of ``a`` conjugated."""
    return np.vecdot(np.ravel(a), np.ravel(b))


@composite(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """Products of all pairs of elements."""
    refuse_out("outer", out)
    return np.multiply(np.expand_dims(np.ravel(a), 1), np.ravel(b))


@composite(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Products of all pairs of elements, laid out in blocks."""
    ndim = max(np.ndim(a), np.ndim(b))
    a_sides, b_sides = ((1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b))
    coarse = np.reshape(
        a, [side for pair in zip(a_sides, (1,) * ndim, strict=True) for side in pair]
    )
    fine = np.reshape(b, [side for pair in zip((1,) * ndim, b_sides, strict=True) for side in pair])
    return np.reshape(
        np.multiply(coarse, fine), [m * n for m, n in zip(a_sides, b_sides, strict=True)]
    )


# As NumPy says it.
TWO_DIMENSIONS = (
    "Arrays of 2-dimensional vectors are deprecated. Use arrays of 3-dimensional vectors instead. "
    "(deprecated in NumPy 2.0)"
)


def lifted(x: Any) -> Any:
    """Vectors in the plane as vectors in space."""
    return np.concatenate([x, np.zeros_like(x[..., :1])], axis=-1)


@composite(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """The vector product; of vectors with two elements, the third is 0 and only it may result."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = _np.moveaxis(a, axisa, -1), _np.moveaxis(b, axisb, -1)
    sides = {a.shape[-1], b.shape[-1]}
    if not sides <= {2, 3}:
        raise ShapeError(
            f"cross: got vectors with {a.shape[-1]} and {b.shape[-1]} elements; expected 3"
        )
    if 2 in sides:
        warnings.warn(TWO_DIMENSIONS, DeprecationWarning, stacklevel=3)
    if sides == {2}:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = (lifted(x) if x.shape[-1] == 2 else x for x in (a, b))
    product = np.roll(a, -1, -1) * np.roll(b, -2, -1) - np.roll(a, -2, -1) * np.roll(b, -1, -1)
    return _np.moveaxis(product, -1, axisc)


# -- chains ----------------------------------------------------------------------------------------


@composite(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any], *, out: Any = None) -> Any:
    """A product of many matrices in the order that takes the fewest multiplications."""
    refuse_out("multi_dot", out)
    if len(arrays) < 2:
        raise ShapeError(f"multi_dot: got {len(arrays)} arrays; expected at least two")
    rows = [1 if np.ndim(x) == 1 else np.shape(x)[0] for x in arrays[:1]]
    sides = rows + [np.shape(x)[-1] for x in arrays[:-1]]
    sides.append(1 if np.ndim(arrays[-1]) == 1 else np.shape(arrays[-1])[-1])

    @cache
    def cheapest(first: int, last: int) -> tuple[int, int]:
        """Multiplications for a part of the chain, and where to cut it."""
        if first == last:
            return 0, first
        ends = sides[first] * sides[last + 1]
        return min(
            (cheapest(first, k)[0] + cheapest(k + 1, last)[0] + ends * sides[k + 1], k)
            for k in range(first, last)
        )

    def multiply(first: int, last: int) -> Any:
        if first == last:
            return arrays[first]
        cut = cheapest(first, last)[1]
        return np.matmul(multiply(first, cut), multiply(cut + 1, last))

    return multiply(0, len(arrays) - 1)


@composite(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """Powers of square matrices by repeated squaring; negative ones are powers of the inverse."""
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"matrix_power: got shape {a.shape}; expected square matrices")
    if not isinstance(n, (int, np.integer)):
        raise DtypeError(f"matrix_power: got exponent {n!r}; expected an integer")
    if n == 0:
        # Constant, but still a function of the operand: its gradient is zero.
        return np.where(True, np.eye(a.shape[-1], dtype=a.dtype), a)
    power: Any = None
    square, n = a if n > 0 else np.linalg.inv(a), abs(n)
    while n:
        n, odd = divmod(n, 2)
        if odd:
            power = square if power is None else power @ square
        if n:
            square = square @ square
    return power


# -- numpy.linalg's own versions -------------------------------------------------------------------


def at_least(name: str, dims: int, *operands: Any) -> None:
    """Raise unless operands have at least so many axes."""
    for x in operands:
        if np.ndim(x) < dims:
            raise ShapeError(f"{name}: got shape {np.shape(x)}; expected at least {dims} axes")


@composite(np.linalg.matmul)
def matmul(x1: Any, x2: Any, /) -> Any:
    """The product of matrices."""
    return np.matmul(x1, x2)


@composite(np.linalg.tensordot)
def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    """The contraction of axes."""
    return np.tensordot(x1, x2, axes=axes)


@composite(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The inner products of vectors along an axis, those of ``x1`` conjugated."""
    return _np.vecdot(x1, x2) if axis == -1 else _np.vecdot(x1, x2, axis=axis)


@composite(np.linalg.outer)
def outer_of_vectors(x1: Any, x2: Any, /) -> Any:
    """Products of all pairs of elements of two vectors."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ShapeError(
            f"outer: got shapes {np.shape(x1)} and {np.shape(x2)}; expected two vectors; "
            "np.outer flattens others"
        )
    return np.outer(x1, x2)


@composite(np.linalg.cross)
def cross_along(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The vector product along an axis."""
    sides = np.shape(x1)[axis], np.shape(x2)[axis]
    if sides != (3, 3):
        raise ShapeError(f"cross: got vectors with {sides[0]} and {sides[1]} elements; expected 3")
    return np.cross(x1, x2, axis=axis)


@composite(np.linalg.diagonal)
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonals of matrices."""
    at_least("diagonal", 2, x)
    return _np.diagonal(x, offset, axis1=-2, axis2=-1)


@composite(np.linalg.trace)
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sums of the diagonals of matrices."""
    at_least("trace", 2, x)
    return _np.trace(x, offset, axis1=-2, axis2=-1, dtype=dtype)


# -- products along other axes than the last -------------------------------------------------------


def along_axes(ufunc: np.ufunc) -> Any:
    """A product whose vectors or matrices lie along axes that the caller names."""

    def product(
        *operands: Any,
        axis: int | None = None,
        axes: Any = None,
        keepdims: bool = False,
        **more: Any,
    ) -> Any:
        if axes is None:
            axes = [-1 if axis is None else axis] * ufunc.nin
        places = [(place,) if np.ndim(place) == 0 else tuple(place) for place in axes]
        moved = [
            _np.moveaxis(x, place, range(-len(place), 0))
            for x, place in zip(operands, places, strict=False)
        ]
        result = ufunc(*moved, **more)
        if keepdims:
            result = np.expand_dims(result, axis if axis is not None else -1)
        if len(places) > ufunc.nin:
            result = _np.moveaxis(result, range(-len(places[-1]), 0), places[-1])
        return result

    return product


for name in ("matmul", "vecdot", "matvec", "vecmat"):  # the last two came with NumPy 2.2
    if hasattr(np, name):
        UFUNC_METHODS[getattr(np, name), "__call__"] = along_axes(getattr(np, name))
