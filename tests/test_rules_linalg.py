"""Linear algebra: closed forms, complex matrices, degenerate cases and what is refused."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd_core import Tensor, grad, gradients, hessian, jvp, linalg, no_grad
from autograd_core.errors import (
    MissingExtraError,
    MissingRuleError,
    ShapeError,
    UndefinedDerivativeError,
)
from autograd_core.testing import gradcheck


def draw(*shape: int, seed: int = 0, kind: str = "real") -> Any:
    rng = np.random.default_rng([seed, *shape])
    values = rng.normal(size=shape)
    return values + 1j * rng.normal(size=shape) if kind == "complex" else values


def regular(n: int, kind: str = "real", seed: int = 0) -> Any:
    return draw(n, n, kind=kind, seed=seed) + 3 * np.eye(n)


def hermitian(a: Any) -> Any:
    return (a + np.conj(a.mT)) / 2


def positive(a: Any) -> Any:
    return a @ np.conj(a.mT) + np.eye(a.shape[-1])


def leaf(values: Any) -> Tensor:
    return Tensor(np.array(values, dtype=float), requires_grad=True)


KINDS = pytest.mark.parametrize("kind", ["real", "complex"])


# -- values and gradients --------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize(
    "function",
    [
        np.linalg.inv,
        np.linalg.pinv,
        np.linalg.det,
        lambda a: np.linalg.slogdet(a).logabsdet,
        lambda a: np.linalg.slogdet(a).sign,
        lambda a: np.linalg.cholesky(positive(a)),
        lambda a: np.linalg.cholesky(positive(a), upper=True),
        np.linalg.qr,
        lambda a: np.linalg.qr(a, mode="r"),
        lambda a: np.linalg.qr(a, mode="complete"),
        lambda a: np.linalg.eigvalsh(hermitian(a)),
        np.linalg.svdvals,
        np.linalg.eigvals,
        np.linalg.eig,
        np.linalg.cond,
        *[lambda a, p=p: np.linalg.cond(a, p) for p in (1, -1, 2, -2, "fro", np.inf, -np.inf)],
        lambda a: np.linalg.solve(a, a[:, 0]),
        lambda a: np.linalg.solve(a, np.stack([a, a @ a])),
        lambda a: np.linalg.pinv(hermitian(a), hermitian=True),
    ],
)
def test_functions_of_square_matrices(function: Callable[..., Any], kind: str) -> None:
    a = regular(3, kind)
    found, expected = function(Tensor(a)), function(a)
    assert type(found) is (
        Tensor if isinstance(expected, (np.ndarray, np.generic)) else type(expected)
    )
    pairs = zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
    for one, other in pairs:
        np.testing.assert_allclose(one.data, other, atol=1e-12)
    gradcheck(function, [a], order=2)


@KINDS
@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3), (2, 3, 2)])
@pytest.mark.parametrize(
    "function",
    [
        np.linalg.pinv,
        np.linalg.qr,
        lambda a: np.linalg.qr(a, mode="r"),
        np.linalg.svdvals,
        lambda a: np.linalg.svd(a, compute_uv=False),
    ],
)
def test_functions_of_tall_and_wide_matrices(
    function: Callable[..., Any], shape: tuple[int, ...], kind: str
) -> None:
    gradcheck(function, [draw(*shape, kind=kind)], order=2)


@KINDS
@pytest.mark.parametrize("rows", [2, 3, 4])
@pytest.mark.parametrize("right", [(), (2,)])
def test_least_squares(rows: int, right: tuple[int, ...], kind: str) -> None:
    a, b = draw(rows, 3, kind=kind), draw(rows, *right, seed=1, kind=kind)
    found = np.linalg.lstsq(Tensor(a), Tensor(b))
    for one, other in zip(found, np.linalg.lstsq(a, b), strict=True):
        np.testing.assert_allclose(one.data, other, atol=1e-12)
    gradcheck(lambda a, b: [np.linalg.lstsq(a, b)[k] for k in (0, 1, 3)], [a, b], order=2)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 2, 2)])
def test_what_does_not_depend_on_phases(shape: tuple[int, ...], kind: str) -> None:
    """Singular and eigenvectors have arbitrary phases; functions made of them need not."""

    def by_svd(a: Any) -> Any:
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        weights = np.arange(1.0, s.shape[-1] + 1)
        return (u * weights) @ np.conj(u.mT), (np.conj(vh.mT) * weights) @ vh, (u * s**2) @ vh

    def by_eigh(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return (v * np.arange(1.0, w.shape[-1] + 1)) @ np.conj(v.mT), (v * np.exp(w)) @ np.conj(
            v.mT
        )

    a = draw(*shape, kind=kind)
    gradcheck(by_svd, [a])
    square = hermitian(a @ np.conj(a.mT))
    if shape[-2] <= shape[-1]:
        gradcheck(by_eigh, [square])
        gradcheck(lambda a: by_svd(hermitian(a)), [square])


@pytest.mark.parametrize("uplo", ["L", "U", "l", "u"])
@KINDS
def test_gradients_lie_in_the_triangle_that_is_read(uplo: str, kind: str) -> None:
    a = hermitian(draw(3, 3, kind=kind))
    gradcheck(lambda a: np.linalg.eigvalsh(a, uplo), [a])
    gradcheck(lambda a: np.linalg.eigh(a, uplo).eigenvalues, [a])
    slope = grad(lambda a: np.linalg.eigvalsh(a, uplo)[0])(a)
    other = np.tril if uplo in "uU" else np.triu
    np.testing.assert_array_equal(other(slope, -1 if uplo in "uU" else 1), 0)
    # Along Hermitian directions it is the gradient of the textbooks, v vᴴ.
    v = np.linalg.eigh(a, uplo).eigenvectors[:, 0]
    along = hermitian(draw(3, 3, seed=1, kind=kind))
    expected = np.real(np.conj(v) @ along @ v)
    np.testing.assert_allclose(np.sum(np.conj(slope) * along).real, expected)


@KINDS
def test_pairs_of_complex_eigenvalues_of_real_matrices(kind: str) -> None:
    a = np.array([[1.0, -2.0, 0.3], [2.5, 1.2, -0.4], [0.2, 0.1, 3.0]])
    a = a if kind == "real" else a * (1 + 0.2j)
    assert np.linalg.eigvals(a).dtype.kind == "c"
    gradcheck(np.linalg.eigvals, [a], order=2)
    gradcheck(np.linalg.eig, [a], order=2)


@pytest.mark.parametrize("compute_uv", [True, False])
@KINDS
def test_hermitian_svd(compute_uv: bool, kind: str) -> None:
    a = hermitian(draw(3, 3, kind=kind))
    found = np.linalg.svd(Tensor(a), compute_uv=compute_uv, hermitian=True)
    expected = np.linalg.svd(a, compute_uv=compute_uv, hermitian=True)
    if not compute_uv:
        np.testing.assert_allclose(found.data, expected)
        gradcheck(lambda a: np.linalg.svd(a, compute_uv=False, hermitian=True), [a])
        return
    assert type(found) is type(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.data, other, atol=1e-12)

    def rebuilt(a: Any) -> Any:
        u, s, vh = np.linalg.svd(a, hermitian=True)
        return (u * s**3) @ vh

    gradcheck(rebuilt, [a])


def test_tensor_equations() -> None:
    a = draw(2, 3, 6) + 3 * np.eye(6).reshape(2, 3, 6)
    gradcheck(lambda a: np.linalg.tensorinv(a, ind=2), [a])
    np.testing.assert_allclose(np.linalg.tensorinv(Tensor(a)).data, np.linalg.tensorinv(a))
    gradcheck(np.linalg.tensorsolve, [a, draw(2, 3)])
    b, axes = draw(6), (0, 2)
    moved = np.moveaxis(a.reshape(2, 3, 6), 2, 1)
    gradcheck(lambda a, b: np.linalg.tensorsolve(a, b, axes), [moved, b])
    np.testing.assert_allclose(
        np.linalg.tensorsolve(Tensor(moved), b, axes).data, np.linalg.tensorsolve(moved, b, axes)
    )


# -- closed forms ----------------------------------------------------------------------------------


def test_closed_forms() -> None:
    a, b = regular(3), draw(3)
    inverse = np.linalg.inv(a)
    cases = [
        (lambda a: np.linalg.slogdet(a)[1], inverse.T),
        (np.linalg.det, np.linalg.det(a) * inverse.T),
        (lambda a: np.trace(np.linalg.inv(a)), -(inverse @ inverse).T),
        (lambda a: np.linalg.solve(a, b).sum(), -np.outer(inverse.T @ np.ones(3), inverse @ b)),
        (lambda a: np.linalg.eigvals(a).sum().real, np.eye(3)),
        (lambda a: (np.linalg.svdvals(a) ** 2).sum(), 2 * a),
        (lambda a: np.prod(np.linalg.svdvals(a)), abs(np.linalg.det(a)) * inverse.T),
    ]
    for function, expected in cases:
        np.testing.assert_allclose(grad(function)(a), expected, atol=1e-10)


def test_hessian_of_the_log_determinant() -> None:
    a = regular(2)
    inverse = np.linalg.inv(a)
    expected = -np.einsum("li,jk->ijkl", inverse, inverse)
    np.testing.assert_allclose(hessian(lambda a: np.linalg.slogdet(a)[1])(a), expected, atol=1e-12)


def test_forward_mode_through_a_decomposition() -> None:
    a, along, h = hermitian(draw(3, 3)), hermitian(draw(3, 3, seed=1)), 1e-6

    def spectral(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return (v * np.sin(w)) @ v.mT

    _, tangent = jvp(spectral, (a,), (along,))
    expected = (spectral(a + h * along) - spectral(a - h * along)) / (2 * h)
    np.testing.assert_allclose(tangent, expected, atol=1e-8)


# -- degenerate cases ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "cofactors"),
    [
        ([[1.0, 2.0], [2.0, 4.0]], [[4.0, -2.0], [-2.0, 1.0]]),
        ([[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]),
        ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], np.diag([0.0, 0.0, 1.0])),
        (np.ones((3, 3)), np.zeros((3, 3))),
        ([[5.0]], [[1.0]]),
        ([[0.0]], [[1.0]]),
    ],
)
def test_determinants_of_singular_matrices_have_gradients(a: Any, cofactors: Any) -> None:
    np.testing.assert_allclose(grad(np.linalg.det)(np.array(a)), cofactors, atol=1e-14)


def test_log_determinant_of_a_singular_matrix_has_none() -> None:
    """One singular matrix of a stack is NaN and spoils no other."""
    a = leaf([[[1.0, 2.0], [2.0, 4.0]], [[1.0, 0.0], [0.0, 2.0]]])
    with np.errstate(divide="ignore"):
        logarithms = np.linalg.slogdet(a).logabsdet
    logarithms.backward(np.ones(2))
    assert np.isnan(a.grad[0]).all()
    np.testing.assert_allclose(a.grad[1], [[1.0, 0.0], [0.0, 0.5]])


def test_repeated_eigenvalues() -> None:
    """The values keep finite gradients, vectors have none, and functions of both say so."""
    a = np.diag([2.0, 2.0, 1.0])
    np.testing.assert_allclose(grad(lambda a: np.linalg.eigvalsh(a).sum())(a), np.eye(3))
    np.testing.assert_allclose(grad(lambda a: (np.linalg.eigh(a).eigenvalues ** 2).sum())(a), 2 * a)
    weights = draw(3, 3)
    with np.errstate(all="ignore"):
        slope = grad(lambda a: (np.linalg.eigh(a).eigenvectors * weights).sum())(a)
    assert not np.isfinite(slope[1, 0])


def test_repeated_singular_values() -> None:
    a = 2 * np.eye(2)
    np.testing.assert_allclose(grad(lambda a: np.linalg.svdvals(a).sum())(a), np.eye(2))
    np.testing.assert_allclose(
        grad(lambda a: np.linalg.svd(a, full_matrices=False).S.sum())(a), np.eye(2)
    )
    weights = draw(2, 2)
    with np.errstate(all="ignore"):
        slope = grad(lambda a: (np.linalg.svd(a).U * weights).sum())(a)
    assert not np.isfinite(slope).all()


def test_singular_value_zero() -> None:
    a = np.array([[3.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    slope = grad(lambda a: np.linalg.svd(a, full_matrices=False).S[0])(a)
    np.testing.assert_allclose(slope, [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]], atol=1e-15)


def test_defective_matrices_have_no_derivative() -> None:
    jordan = np.array([[1.0, 1.0], [0.0, 1.0]])
    with np.errstate(all="ignore"):
        slope = grad(lambda a: np.linalg.eigvals(a)[0].real)(jordan)
    assert not np.isfinite(slope).all() or np.abs(slope).max() > 1e10


def test_dependent_columns_have_no_qr_derivative() -> None:
    a = np.array([[1.0, 0.0], [0.0, 0.0]])
    with np.errstate(all="ignore"):
        slope = grad(lambda a: np.linalg.qr(a).Q.sum())(a)
    assert not np.isfinite(slope).all()


def test_pinv_of_lower_rank_follows_its_rank() -> None:
    """Along directions that keep the rank the pseudo-inverse is smooth."""
    x, y = draw(3), draw(2, seed=1)
    gradcheck(lambda x, y: np.linalg.pinv(x[:, None] * y, rcond=1e-10), [x, y])


def test_singular_systems_raise() -> None:
    a = leaf([[1.0, 2.0], [2.0, 4.0]])
    for compute in (np.linalg.inv, lambda a: np.linalg.solve(a, np.ones(2))):
        with pytest.raises(np.linalg.LinAlgError):
            compute(a)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "compute"),
    [
        ("qr: mode='raw'", lambda a: np.linalg.qr(a, mode="raw")),
    ],
)
def test_raw_factors_have_no_gradient(message: str, compute: Callable[..., Any]) -> None:
    a = draw(3, 2)
    with pytest.raises(MissingRuleError, match=message):
        compute(Tensor(a, requires_grad=True))
    with no_grad():
        found = compute(Tensor(a, requires_grad=True))
    for one, other in zip(found, compute(a), strict=True):
        np.testing.assert_array_equal(one.data, other)


FULL: dict[str, Callable[..., Any]] = {
    "svd": lambda a: np.linalg.svd(a)[0] if a.shape[0] > a.shape[1] else np.linalg.svd(a)[2].T,
    "qr": lambda a: np.linalg.qr(a if a.shape[0] > a.shape[1] else a.T, mode="complete")[0],
}


@pytest.mark.parametrize("basis", FULL.values(), ids=FULL)
@pytest.mark.parametrize("shape", [(4, 2), (2, 4)])
def test_a_basis_completed_arbitrarily_has_no_gradient(
    basis: Callable[..., Any], shape: tuple[int, ...]
) -> None:
    a = leaf(draw(*shape))
    values = basis(a)
    np.testing.assert_array_equal(values.data, basis(a.data))
    with pytest.raises(UndefinedDerivativeError, match=r"an arbitrary basis.*the reduced"):
        gradients(values[0, 3], a)
    # All of a row beyond the span is as long in every basis.
    gradients(np.linalg.norm(basis(a)[0, 2:]), a)


@KINDS
@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 2), (2, 3, 1), (3, 3)])
def test_what_does_not_depend_on_how_a_basis_is_completed(
    shape: tuple[int, ...], kind: str
) -> None:
    k = min(shape[-2:])
    target = draw(*shape[:-2], max(shape[-2:]), 2, seed=3, kind=kind)

    def by_svd(a: Any) -> Any:
        u, s, vh = np.linalg.svd(a)
        tall = u.shape[-1] > k
        full = u if tall else np.conj(vh.mT)
        beyond = full[..., k:]
        weighted = (full[..., :k] * np.arange(1.0, k + 1)) @ np.conj(full[..., :k].mT)
        away = np.linalg.norm(np.conj(beyond.mT) @ target, axis=-2)
        return s, beyond @ np.conj(beyond.mT), weighted, away

    a = draw(*shape, kind=kind)
    for one, other in zip(np.linalg.svd(Tensor(a)), np.linalg.svd(a), strict=True):
        np.testing.assert_array_equal(one.data, other)
    if shape[-1] != shape[-2]:
        gradcheck(by_svd, [a], order=2)
    if shape[-2] > k:

        def by_qr(a: Any) -> Any:
            q, r = np.linalg.qr(a, mode="complete")
            beyond = q[..., k:]
            return q[..., :k], r, beyond @ np.conj(beyond.mT)

        gradcheck(by_qr, [a], order=2)
    gradcheck(lambda a: np.linalg.svd(a)[1], [a], order=2)


def test_rank_is_a_constant() -> None:
    assert not np.linalg.matrix_rank(Tensor(np.eye(2), requires_grad=True)).requires_grad


def test_tensor_equations_that_do_not_fit() -> None:
    x = Tensor(np.ones((2, 3, 4)), requires_grad=True)
    with pytest.raises(ShapeError, match=r"prod\(a.shape"):
        np.linalg.tensorsolve(x, np.ones((2, 3)))
    with pytest.raises(ShapeError, match="positive number of axes"):
        np.linalg.tensorinv(x, ind=0)


@pytest.mark.parametrize(
    "function",
    [
        np.linalg.inv,
        np.linalg.pinv,
        np.linalg.det,
        lambda a: np.linalg.slogdet(a)[1],
        lambda a: np.linalg.cholesky(a @ a.mT),
        lambda a: np.linalg.qr(a)[1],
        lambda a: np.linalg.svd(a)[0],
        lambda a: np.linalg.eigh(a)[1],
        lambda a: np.linalg.lstsq(a, np.ones(3, np.float32))[0],
        linalg.expm,
    ],
)
def test_float32_gradients_stay_float32(function: Callable[..., Any]) -> None:
    a = Tensor(hermitian(regular(3)).astype(np.float32), requires_grad=True)
    result = function(a)
    assert result.dtype == np.float32
    (slope,) = gradients(result.sum(), [a])
    assert slope.dtype == np.float32


# -- SciPy's functions under our names -------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("unit_diagonal", [False, True])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("trans", [0, 1, 2, "N", "T", "C"])
def test_triangular_systems(trans: Any, lower: bool, unit_diagonal: bool, kind: str) -> None:
    scipy_linalg = pytest.importorskip("scipy.linalg")
    settings = dict(trans=trans, lower=lower, unit_diagonal=unit_diagonal)
    a, b = regular(3, kind), draw(3, 2, kind=kind)

    def solve(a: Any, b: Any) -> Any:
        return linalg.solve_triangular(a, b, **settings)

    np.testing.assert_allclose(solve(a, b), scipy_linalg.solve_triangular(a, b, **settings))
    gradcheck(solve, [a, b], order=2)
    gradcheck(solve, [a, b[:, 0]])


def test_stacks_of_triangular_systems() -> None:
    pytest.importorskip("scipy.linalg")
    a, b = np.stack([regular(2), regular(2, seed=1)]), draw(2, 3)
    lower = np.tril(a)
    expected = np.linalg.solve(lower, b)
    np.testing.assert_allclose(linalg.solve_triangular(a, b, lower=True), expected)
    gradcheck(lambda a, b: linalg.solve_triangular(a, b, lower=True), [a, b])
    vectors = linalg.solve_triangular(a, b[:, 0], lower=True)
    np.testing.assert_allclose(vectors, expected[..., 0])


@KINDS
@pytest.mark.parametrize("lower", [False, True])
def test_solving_with_a_cholesky_factor(lower: bool, kind: str) -> None:
    pytest.importorskip("scipy.linalg")
    a, b = positive(draw(3, 3, kind=kind)), draw(3, kind=kind)

    def solve(a: Any, b: Any) -> Any:
        return linalg.cho_solve((np.linalg.cholesky(a, upper=not lower), lower), b)

    np.testing.assert_allclose(solve(a, b), np.linalg.solve(a, b))
    gradcheck(solve, [a, b], order=2)


@KINDS
def test_matrix_exponential(kind: str) -> None:
    scipy_linalg = pytest.importorskip("scipy.linalg")
    a = draw(2, 3, 3, kind=kind)
    np.testing.assert_allclose(linalg.expm(a), scipy_linalg.expm(a))
    gradcheck(linalg.expm, [a], order=2)
    slope = grad(lambda t: np.trace(linalg.expm(t * a[0])).real)(np.array(0.3))
    expected = np.trace(a[0] @ scipy_linalg.expm(0.3 * a[0])).real
    np.testing.assert_allclose(slope, expected)


@pytest.mark.parametrize(
    ("message", "compute"),
    [
        ("expm: got shape", lambda: linalg.expm(np.ones((2, 3)))),
        ("square matrices", lambda: linalg.solve_triangular(np.ones((2, 3)), np.ones(2))),
        ("do not align", lambda: linalg.solve_triangular(np.eye(2), np.ones(3))),
    ],
)
def test_matrices_that_do_not_fit(message: str, compute: Callable[[], Any]) -> None:
    pytest.importorskip("scipy.linalg")
    with pytest.raises(ShapeError, match=message):
        compute()


def test_without_scipy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.linalg", None)
    with pytest.raises(MissingExtraError, match=r"autograd-core\[train\]"):
        linalg.expm(np.eye(2))
