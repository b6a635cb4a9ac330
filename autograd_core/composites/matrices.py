"""Functions of matrices made of decompositions, inverses and solutions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.errors import MissingRuleError, ShapeError
from autograd_core.graph import mode as current
from autograd_core.rules import decompositions
from autograd_core.tensor import composite, is_tracked, without_rule

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np


@composite(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """The QR decomposition in the modes that a gradient exists for."""
    if mode in ("reduced", "complete", "r"):
        factors = decompositions.qr(a, "reduced" if mode == "r" else mode)
        return factors[1] if mode == "r" else factors
    if current.recording and is_tracked(a):
        raise MissingRuleError(
            f"qr: mode={mode!r} of a tracked matrix has no gradient; use 'reduced' or 'complete'"
        )
    return without_rule(np.linalg.qr, (a, mode), {})


@composite(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """The singular value decomposition; of Hermitian matrices by their eigenvalues."""
    if hermitian:
        return hermitian_svd(a, compute_uv)
    if not compute_uv:
        return np.linalg.svdvals(a)
    return decompositions.svd(a, full_matrices)


def hermitian_svd(a: Any, compute_uv: bool) -> Any:
    """Singular values are absolute eigenvalues, largest first."""
    if not compute_uv:
        return np.flip(np.sort(np.abs(np.linalg.eigvalsh(a))), -1)
    w, v = np.linalg.eigh(a)
    order = np.flip(np.argsort(np.abs(w)), -1)
    w = np.take_along_axis(w, order, -1)
    u = np.take_along_axis(v, order[..., None, :], -1)
    vh = _np.matrix_transpose(np.conj(u * np.sign(w)[..., None, :]))
    return type(np.linalg.svd(np.eye(1)))(u, np.abs(w), vh)


@composite(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """The largest by the smallest singular value, or the norms of a matrix and of its inverse."""
    if p in (None, 2, -2):
        s = np.linalg.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    norms = (np.linalg.norm(matrix, p, axis=(-2, -1)) for matrix in (x, np.linalg.inv(x)))
    return math.prod(norms)


@composite(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of the matrix that an array is, its first ``ind`` axes taken as rows."""
    if ind <= 0:
        raise ShapeError(f"tensorinv: got ind={ind}; expected a positive number of axes")
    rows, columns = a.shape[:ind], a.shape[ind:]
    return np.reshape(np.linalg.inv(np.reshape(a, (math.prod(rows), -1))), columns + rows)


@composite(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """The x with tensordot(a, x, x.ndim) = b; ``axes`` of ``a`` are moved to its end first."""
    if axes is not None:
        a = np.transpose(a, [k for k in range(np.ndim(a)) if k not in axes] + list(axes))
    unknown = np.shape(a)[np.ndim(b) :]
    size = math.prod(unknown)
    if math.prod(np.shape(a)[: np.ndim(b)]) != size:
        raise ShapeError(
            f"tensorsolve: got shapes {np.shape(a)} and {np.shape(b)}; expected "
            "prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])"
        )
    solution = np.linalg.solve(np.reshape(a, (size, size)), np.ravel(b))
    return np.reshape(solution, unknown)
