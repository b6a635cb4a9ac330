"""What SciPy has for matrices and NumPy has not, under our own names: SciPy's do not dispatch.

SciPy is imported when one of these is first called. Stacks of matrices are taken as NumPy takes
them: a right-hand side with one axis is a vector, any other a stack of matrices.

>>> lower = np.array([[2.0, 0.0], [1.0, 4.0]])
>>> solve_triangular(lower, np.array([2.0, 9.0]), lower=True)
array([1., 2.])
>>> cho_solve((lower, True), lower @ lower.T @ np.array([3.0, 5.0]))
array([3., 5.])
>>> expm(np.array([[0.0, 1.0], [0.0, 0.0]]))
array([[1., 1.],
       [0., 1.]])
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from autograd_core.errors import ShapeError, require
from autograd_core.primitive import call, operation
from autograd_core.rules import matrix_samples
from autograd_core.rules.products import conj

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np

# How SciPy names the systems a x = b, aᵀ x = b and aᴴ x = b.
Trans = Literal[0, 1, 2, "N", "T", "C"]


def solve_triangular(
    a: Any, b: Any, trans: Trans = 0, lower: bool = False, unit_diagonal: bool = False
) -> Any:
    """Solve a x = b for a triangular ``a`` (..., n, n); only its triangle is read.

    ``b`` is (n,) or (..., n, m). ``trans`` 1 or "T" solves aᵀ x = b, 2 or "C" aᴴ x = b. With
    ``unit_diagonal`` the diagonal is taken to be 1. See ``scipy.linalg.solve_triangular``.

    Raises ShapeError if the shapes do not align, and numpy.linalg.LinAlgError if ``a`` is singular.
    """
    a, b = as_matrix("solve_triangular", a), b if hasattr(b, "ndim") else np.asarray(b)
    if b.ndim == 0 or b.shape[0 if b.ndim == 1 else -2] != a.shape[-1]:
        raise ShapeError(
            f"solve_triangular: shapes {a.shape} and {b.shape} do not align; expected b of shape "
            "(n,) or (..., n, m) for a of shape (..., n, n)"
        )
    if trans not in (0, "N"):
        a, lower = _np.matrix_transpose(a), not lower
        a = conj(a) if trans in (2, "C") else a
    if b.ndim == 1:
        return substitute(a, b[:, None], lower, unit_diagonal)[..., 0]
    return substitute(a, b, lower, unit_diagonal)


def cho_solve(c_and_lower: tuple[Any, bool], b: Any) -> Any:
    """Solve a x = b, given the Cholesky factor of ``a`` and whether it is the lower one.

    See ``scipy.linalg.cho_solve``; shapes and errors are those of ``solve_triangular``.
    """
    c, lower = c_and_lower
    first: Trans = 0 if lower else 2
    last: Trans = 2 if lower else 0
    return solve_triangular(c, solve_triangular(c, b, first, lower), last, lower)


def as_matrix(name: str, a: Any) -> Any:
    """An array of square matrices, or an error."""
    a = a if hasattr(a, "ndim") else np.asarray(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{name}: got shape {a.shape}; expected square matrices (..., n, n)")
    return a


# -- triangular systems ----------------------------------------------------------------------------


def substitute_a(g: Any, a: Any, lower: bool, unit_diagonal: bool, out: Any) -> Any:
    """The gradient of ``b``, times ``-x`` transposed, in the triangle that was read."""
    gradient = -(substitute_b(g, a, lower, unit_diagonal) @ out.mT)
    k = int(unit_diagonal)
    return np.tril(gradient, -k) if lower else np.triu(gradient, k)


def substitute_b(g: Any, a: Any, lower: bool, unit_diagonal: bool) -> Any:
    """The transposed system, solved for the cotangent."""
    return substitute(a.mT, g, not lower, unit_diagonal)


def substitute_sample(d: Any) -> Any:
    """A triangular matrix, whose other triangle is not read, and a right-hand side."""
    left, right = (shape[-1:] for shape in d.broadcastable(2))
    n = d.integer(1, 3)
    a = d.array((*left, n, n)) + 3 * np.eye(n)
    return call(a, d.array((*right, n, d.integer(1, 2))), d.boolean(), d.boolean())


@operation(substitute_sample, name="solve_triangular", a=substitute_a, b=substitute_b)
def substitute(a: Any, b: Any, lower: bool, unit_diagonal: bool) -> Any:
    """Solve stacks of triangular systems with matrices on the right."""
    solve = require("scipy.linalg", "train").solve_triangular
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = np.broadcast_to(a, batch + a.shape[-2:])
    b = np.broadcast_to(b, batch + b.shape[-2:])
    result = np.empty(b.shape, np.result_type(a, b, np.float32))
    for k in np.ndindex(batch):
        result[k] = solve(a[k], b[k], lower=lower, unit_diagonal=unit_diagonal)
    return result


# -- matrix exponential ----------------------------------------------------------------------------


def expm_a(g: Any, a: Any) -> Any:
    """The Fréchet derivative at aᵀ along ``g``: a block of the exponential of [[aᵀ, g], [0, aᵀ]].

    R. Mathias, "A chain rule for matrix functions and applications" (1996).
    """
    n = a.shape[-1]
    above = np.concatenate([a.mT, g], axis=-1)
    below = np.concatenate([np.zeros_like(g), a.mT], axis=-1)
    return expm(np.concatenate([above, below], axis=-2))[..., :n, n:]


def expm_sample(d: Any) -> Any:
    """A stack of matrices."""
    return call(matrix_samples.full_rank(d, matrix_samples.shape(d)))


@operation(expm_sample, a=expm_a)
def expm(a: Any) -> Any:
    """The exponential of matrices (..., n, n): the sum of aᵏ / k!; see ``scipy.linalg.expm``.

    Raises ShapeError for matrices that are not square.
    """
    return require("scipy.linalg", "train").expm(as_matrix("expm", a))
