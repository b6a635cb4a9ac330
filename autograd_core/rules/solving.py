"""Rules of linear systems, inverses and determinants.

Formulas: M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008); pinv: G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses
and nonlinear least squares problems whose variables separate" (1973). All are written unconjugated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.primitive import call, define, operation
from autograd_core.rules import matrix_samples
from autograd_core.rules.products import conj, outer
from autograd_core.rules.reductions import product_of_others
from autograd_core.rules.triangles import complete, fold, identity_like


def square_sample(d: Any) -> Any:
    """A stack of regular matrices."""
    return call(matrix_samples.full_rank(d, matrix_samples.shape(d)))


def of_inverse(g: Any, out: Any) -> Any:
    """Gradient of an inverse: d(A⁻¹) = -A⁻¹ dA A⁻¹."""
    return -(out.mT @ g @ out.mT)


define(np.linalg.inv, square_sample, a=of_inverse)


@operation(square_sample, a=of_inverse)
def inverse(a: Any) -> Any:
    """The inverse, and NaN where there is none: what is undefined must not stop a backward pass."""
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        regular = np.linalg.slogdet(a).sign != 0
        return np.linalg.inv(np.where(regular[..., None, None], a, np.nan))


# -- linear systems --------------------------------------------------------------------------------


def solve_like(a: Any, b: Any, b_shape: tuple[int, ...]) -> Any:
    """Solve for vectors if the right-hand side was one vector, else for matrices."""
    vectors = len(b_shape) == 1
    return np.linalg.solve(a, b[..., None])[..., 0] if vectors else np.linalg.solve(a, b)


def solve_a(g: Any, a: Any, b_shape: tuple[int, ...], out: Any) -> Any:
    """From a x = b: the gradient of ``b``, times ``-x`` transposed."""
    h = solve_like(a.mT, g, b_shape)
    return -outer(h, out) if len(b_shape) == 1 else -(h @ out.mT)


def solve_b(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    """The transposed system, solved for the cotangent."""
    return solve_like(np.matrix_transpose(a), g, b_shape)


def solve_sample(d: Any) -> Any:
    """One vector or a stack of matrices on the right."""
    left, right = (shape[-1:] for shape in d.broadcastable(2))
    n = d.integer(1, 3)
    a = matrix_samples.full_rank(d, (*left, n, n))
    return call(a, d.array((n,) if d.boolean() else (*right, n, d.integer(1, 2))))


define(np.linalg.solve, solve_sample, a=solve_a, b=solve_b)


# -- pseudo-inverse and least squares --------------------------------------------------------------


def of_pinv(g: Any, a: Any, out: Any) -> Any:
    """Gradient of a pseudo-inverse while the rank stays what it is."""
    h, adjoint = g.mT, conj(out.mT)
    left = (h - a @ (out @ h)) @ (out @ adjoint)
    right = (adjoint @ out) @ (h - (h @ out) @ a)
    return conj(left + right) - out.mT @ g @ out.mT


def pinv_a(g: Any, a: Any, hermitian: bool, out: Any) -> Any:
    """Gradient of ``np.linalg.pinv``, which reads one triangle of a Hermitian matrix."""
    return fold(of_pinv(g, complete(a), out)) if hermitian else of_pinv(g, a, out)


def pinv_sample(d: Any) -> Any:
    """Tall, wide, square and symmetric matrices of full rank."""
    if d.boolean():
        a = matrix_samples.symmetric(d, matrix_samples.shape(d), positive=False)
        return call(a, hermitian=True)
    shape = (*d.shape(0, 1, 1, 2), d.integer(1, 3), d.integer(1, 3))
    return call(matrix_samples.full_rank(d, shape))


define(np.linalg.pinv, pinv_sample, a=pinv_a)


def lstsq_a(g: Any, a: Any, b: Any, out: Any) -> Any:
    """From x = pinv(a) b, the sums of |b - a x|² (if any), and the singular values."""
    x, _, _, _ = out
    g_x, g_residuals, _, g_s = g
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    if np.ndim(b) == 1:
        b, x, g_x = b[:, None], x[:, None], g_x[:, None]
    gradient = of_pinv(g_x @ b.mT, a, np.linalg.pinv(a)) + (conj(u) * g_s) @ conj(vh)
    if g_residuals.size:
        gradient = gradient - 2 * (conj(b - a @ x) * g_residuals) @ x.mT
    return gradient


def lstsq_b(g: Any, a: Any, b: Any, out: Any) -> Any:
    """The solution is linear in ``b``; at the least squares, residuals change with ``b`` alone."""
    gradient = np.linalg.pinv(a).mT @ g[0]
    return gradient + 2 * conj(b - a @ out[0]) * g[1] if g[1].size else gradient


def lstsq_sample(d: Any) -> Any:
    """Tall, wide and square matrices of full rank; one right-hand side or several."""
    m = d.integer(1, 4)
    a = matrix_samples.full_rank(d, (m, d.integer(1, 4)))
    return call(a, d.array((m, *d.shape(0, 1))))


define(np.linalg.lstsq, lstsq_sample, multiple=True, a=lstsq_a, b=lstsq_b)


# -- determinants ----------------------------------------------------------------------------------


def turning_a(g: Any, h: Any, a: Any) -> Any:
    """Third derivative of the determinant of regular matrices; NaN for singular ones.

    With B = A⁻¹ it is the gradient by X of det(A) times the sum, over the permutations of g, h and
    X with their signs, of the traces along their cycles: tr(B g) tr(B h) tr(B X) and so on.
    """
    b = inverse(a)
    bg, bh = b @ g, b @ h
    first, second = (np.trace(x, axis1=-2, axis2=-1)[..., None, None] for x in (bg, bh))
    both = np.sum(bg * bh.mT, axis=(-2, -1), keepdims=True)
    factors = (first * second - both) * identity_like(b) - first * bh - second * bg
    total = (factors + bg @ bh + bh @ bg) @ b
    return np.linalg.det(a)[..., None, None] * total.mT


def turning_sample(d: Any) -> Any:
    """Two stacks of matrices, the second regular and large enough for a third derivative."""
    shape = (*d.shape(0, 1, 1, 2), 3, 3)
    return call(d.array(shape), matrix_samples.full_rank(d, shape))


def turning_h(g: Any, h: Any, a: Any) -> Any:
    """Second derivatives are symmetric."""
    return turning(g, a)


@operation(turning_sample, h=turning_h, a=turning_a)
def turning(h: Any, a: Any) -> Any:
    """How the cofactors move when A moves along h: second derivatives of the determinant.

    With A = U S Vᴴ and H = Uᴴ h V it is det(U Vᴴ) conj(U) T conj(Vᴴ), where T has on its diagonal
    Σⱼ Pᵢⱼ Hⱼⱼ and elsewhere -Pᵢⱼ Hⱼᵢ, and Pᵢⱼ is the product of all other singular values.
    """
    u, s, vh = np.linalg.svd(a)
    itself = identity_like(a)
    others = product_of_others(np.where(itself, 1, s[..., None, :]))
    others = np.where(itself, 0, others)
    inside = np.conj(u.mT) @ h @ np.conj(vh.mT)
    diagonal = others @ np.diagonal(inside, axis1=-2, axis2=-1)[..., None]
    turned = np.where(itself, diagonal, -others * inside.mT)
    return between(u, turned, vh)


def between(u: Any, middle: Any, vh: Any) -> Any:
    """The cofactors of U M Vᴴ, given those of M."""
    factor = np.linalg.det(u) * np.linalg.det(vh)
    return factor[..., None, None] * (np.conj(u) @ middle @ np.conj(vh))


@operation(square_sample, a=lambda g, a: turning(g, a))
def cofactors(a: Any) -> Any:
    """The gradient of the determinant, finite for singular matrices too.

    With A = U S Vᴴ it is det(U Vᴴ) conj(U) C conj(Vᴴ), where C has on its diagonal, for each
    singular value, the product of all others.
    """
    u, s, vh = np.linalg.svd(a)
    return between(u, np.where(identity_like(a), product_of_others(s)[..., None, :], 0), vh)


define(np.linalg.det, square_sample, a=lambda g, a: g[..., None, None] * cofactors(a))


def slogdet_a(g: Any, a: Any, out: Any) -> Any:
    """From d log det = tr(A⁻¹ dA): the logarithm takes its real part, the phase the imaginary."""
    g_sign, factor = g
    if a.dtype.kind == "c":
        factor = factor + 1j * np.imag(g_sign * out[0])
    return factor[..., None, None] * inverse(a).mT


define(np.linalg.slogdet, square_sample, multiple=True, a=slogdet_a)
