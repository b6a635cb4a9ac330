"""Rules of matrix decompositions, written unconjugated.

Eigenvectors and singular vectors have no derivative where their values repeat: gradients through
them are then infinite or NaN, while those through the values alone stay finite. The phases of
complex vectors are arbitrary, and gradients are right for whatever does not depend on them. So are
the vectors that complete a basis, beyond those that a matrix spans: what depends on the choice
between them has no derivative, and raises.

Formulas: M. B. Giles (2008), cited in solving.py; cholesky: I. Murray, "Differentiation of the
Cholesky decomposition" (2016); svd: Z. Wan and S. Zhang, "Automatic differentiation for complex
valued SVD" (2019); qr: M. Seeger et al., "Auto-differentiating linear algebra" (2017) and, for
wide matrices, D. Roberts and L. Roberts, "QR and LQ decomposition matrix backpropagation" (2020).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.errors import UndefinedDerivativeError
from autograd_core.primitive import call, define, operation
from autograd_core.rules import matrix_samples
from autograd_core.rules.products import conj
from autograd_core.rules.solving import inverse
from autograd_core.rules.triangles import fold, half, identity_like


def quotient(numerator: Any, denominator: Any) -> Any:
    """A quotient that is 0 where both are 0; its own derivative there is NaN."""
    undefined = (numerator == 0) & (denominator == 0)
    return np.where(undefined, 0, numerator / np.where(undefined, np.nan, denominator))


def gaps(values: Any, eye: Any) -> Any:
    """Differences between values: column minus row, and 1 on the diagonal."""
    return values[..., None, :] - values[..., :, None] + eye


# -- triangular factors ----------------------------------------------------------------------------


def cholesky_a(g: Any, upper: bool, out: Any) -> Any:
    """From A = L Lᴴ: L⁻ᵀ φ(Lᵀ g) conj(L⁻¹), where φ halves the diagonal of the triangle."""
    if upper:
        g, out = conj(g.mT), conj(out.mT)
    inverted = inverse(out)
    return fold(inverted.mT @ half(out.mT @ g) @ conj(inverted), upper)


def cholesky_sample(d: Any) -> Any:
    """Positive definite matrices."""
    a = matrix_samples.symmetric(d, matrix_samples.shape(d), positive=True)
    return call(a, upper=d.boolean())


define(np.linalg.cholesky, cholesky_sample, a=cholesky_a)


@operation()
def require_same(function: str, turned: Any, scale: Any) -> Any:
    """Raise if a result depends on how the vectors that complete a basis are turned."""
    bound = math.sqrt(np.finfo(turned.dtype).eps) * np.max(np.abs(scale), initial=0)
    if np.any(np.abs(turned) > bound):
        raise UndefinedDerivativeError(
            f"{function}: the result depends on the vectors beyond the {function}'s reduced ones, "
            "which are an arbitrary basis; use only what is the same for every such basis, or "
            "the reduced decomposition"
        )
    return turned


def spanned(function: str, g_u: Any, u: Any, k: int) -> Any:
    """The cotangent of the first k columns of a basis, from that of all.

    The others U₂ stay orthogonal to the first U₁ as those move, dU₂ = -U₁ dU₁ᴴ U₂, and turn among
    themselves as they like.
    """
    if u.shape[-1] == k:
        return g_u
    first, rest, g_rest = u[..., :k], u[..., k:], g_u[..., k:]
    turned = rest.mT @ g_rest
    require_same(function, turned - conj(turned.mT), g_rest)
    return g_u[..., :k] - conj(rest @ g_rest.mT @ first)


def qr_a(g: Any, out: Any) -> Any:
    """Square and tall matrices of full rank; wide ones by the square part on the left."""
    g_q, g_r = g
    q, r = out
    k = min(r.shape[-2:])
    g_q, g_r = spanned("qr", g_q, q, k), g_r[..., :k, :]
    q, r = q[..., :k], r[..., :k, :]
    if r.shape[-1] > k:
        g_right, right = g_r[..., k:], q @ r[..., k:]
        g_left = (g_q + conj(right @ g_right.mT), g_r[..., :k])
        return np.concatenate([qr_a(g_left, (q, r[..., :k])), conj(q) @ g_right], axis=-1)
    skew = q.mT @ g_q - g_r @ r.mT
    inside = half(skew - conj(skew.mT)) - skew
    return (g_q + conj(q) @ inside) @ inverse(r).mT


def qr_sample(d: Any) -> Any:
    """Tall, wide and square matrices of full rank."""
    shape = (*d.shape(0, 1, 1, 2), d.integer(1, 3), d.integer(1, 3))
    return call(matrix_samples.full_rank(d, shape))


@operation(qr_sample, multiple=True, a=qr_a)
def qr(a: Any, mode: Any = "reduced") -> Any:
    """The QR decomposition, reduced or complete."""
    return np.linalg.qr(a, mode)


# -- eigenvalues of Hermitian matrices -------------------------------------------------------------


def eigh_a(g: Any, UPLO: str, out: Any) -> Any:
    """From A = V diag(w) Vᴴ: conj(V) (diag(gʷ) + F∘(Vᵀ gᵛ)) Vᵀ with F_ij = 1/(w_j - w_i)."""
    g_w, g_v = g
    w, v = out
    eye = identity_like(v)
    inside = np.where(eye, g_w[..., None, :], quotient(v.mT @ g_v, gaps(w, eye)))
    return fold(conj(v) @ inside @ v.mT, UPLO in "Uu")


def eigvalsh_a(g: Any, a: Any, UPLO: Any) -> Any:
    """Each eigenvalue moves with the projector on its eigenvector."""
    v = np.linalg.eigh(a, UPLO)[1]
    return fold((conj(v) * g[..., None, :]) @ v.mT, UPLO in "Uu")


def eigh_sample(d: Any) -> Any:
    """Symmetric matrices, and which triangle is read."""
    a = matrix_samples.symmetric(d, matrix_samples.shape(d), positive=False)
    return call(a, UPLO=d.choice("LU"))


define(np.linalg.eigh, eigh_sample, multiple=True, a=eigh_a)
define(np.linalg.eigvalsh, eigh_sample, a=eigvalsh_a)


# -- eigenvalues -----------------------------------------------------------------------------------


def eig_a(g: Any, out: Any) -> Any:
    """From A = V diag(w) V⁻¹: V⁻ᵀ (diag(gʷ) + F∘(Vᵀ gᵛ - N)) Vᵀ with F_ij = 1/(w_j - w_i).

    N keeps the eigenvectors as LAPACK scales them: of length 1, the largest element real.
    """
    g_w, g_v = g
    w, v = out
    eye = identity_like(v)
    along = np.sum(v * g_v, axis=-2, keepdims=True)
    inside = v.mT @ g_v - v.mT @ conj(v) * np.real(along)
    if v.dtype.kind == "c":
        largest = np.argmax(np.abs(v), axis=-2)[..., :, None]
        rows = np.take_along_axis(v, largest, axis=-2)
        element = np.take_along_axis(v, largest.mT, axis=-2)
        inside = inside - 1j * np.imag(along) * (rows.mT / element)
    inside = np.where(eye, g_w[..., None, :], quotient(inside, gaps(w, eye)))
    return inverse(v).mT @ inside @ v.mT


def eigvals_a(g: Any, a: Any) -> Any:
    """Each eigenvalue moves with the product of its right and its left eigenvector."""
    v = np.linalg.eig(a)[1]
    return (inverse(v).mT * g[..., None, :]) @ v.mT


def eig_sample(d: Any) -> Any:
    """Matrices with real eigenvalues."""
    return call(matrix_samples.diagonalizable(d, matrix_samples.shape(d)))


define(np.linalg.eig, eig_sample, multiple=True, a=eig_a)
define(np.linalg.eigvals, eig_sample, a=eigvals_a)


# -- singular values -------------------------------------------------------------------------------


def svd_a(g: Any, out: Any) -> Any:
    """From A = U S Vᴴ; the parts of dU and dV outside of what they span come last."""
    g_u, g_s, g_vh = g
    u, s, vh = out
    k = s.shape[-1]
    g_u, g_vh = spanned("svd", g_u, u, k), spanned("svd", g_vh.mT, vh.mT, k).mT
    u, vh = u[..., :k], vh[..., :k, :]
    eye = identity_like(s)
    rows, columns = s[..., :, None], s[..., None, :]
    skew_u, skew_v = u.mT @ g_u, conj(vh @ g_vh.mT)
    skew_u, skew_v = skew_u - conj(skew_u.mT), skew_v - conj(skew_v.mT)
    gap = gaps(s, eye) * (rows + columns + eye)
    turned = quotient(skew_u * columns + rows * skew_v, gap)
    inside = np.where(eye, (g_s * np.sign(s))[..., None, :], turned)
    if u.dtype.kind == "c":
        inside = inside + np.where(eye, quotient(skew_u, 2 * rows), 0)
    gradient = conj(u) @ inside @ conj(vh)
    if u.shape[-2] > s.shape[-1]:
        beyond = quotient(g_u, columns)
        gradient = gradient + (beyond - conj(u) @ (u.mT @ beyond)) @ conj(vh)
    if vh.shape[-1] > s.shape[-1]:
        beyond = quotient(g_vh, rows)
        gradient = gradient + conj(u) @ (beyond - (beyond @ vh.mT) @ conj(vh))
    return gradient


def svdvals_x(g: Any, x: Any) -> Any:
    """Each singular value moves with the product of its singular vectors; at 0 it has a kink."""
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return (conj(u) * (g * np.sign(s))[..., None, :]) @ conj(vh)


@operation(qr_sample, multiple=True, a=svd_a)
def svd(a: Any, full_matrices: bool = False) -> Any:
    """The singular value decomposition, reduced or with complete bases."""
    return np.linalg.svd(a, full_matrices)


define(np.linalg.svdvals, qr_sample, x=svdvals_x)
define(np.linalg.matrix_rank)
