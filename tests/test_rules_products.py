"""Products of vectors, matrices and arrays: values as NumPy's, gradients as differences."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd_core import Tensor, grad, gradients
from autograd_core.errors import DtypeError, MutationError, ShapeError
from autograd_core.testing import gradcheck


def draw(*shape: int, seed: int = 0, kind: str = "real") -> Any:
    rng = np.random.default_rng([seed, *shape])
    values = rng.normal(size=shape)
    return values + 1j * rng.normal(size=shape) if kind == "complex" else values


def check(function: Callable[..., Any], *operands: Any, order: int = 2) -> None:
    """The function gives with Tensors what it gives with arrays, and its gradients are right."""
    expected = function(*operands)
    found = function(*map(Tensor, operands))
    assert isinstance(found, Tensor)
    assert found.dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(found.data, expected, rtol=1e-12, atol=1e-12)
    gradcheck(function, operands, order=order)


# -- einsum ----------------------------------------------------------------------------------------

SUBSCRIPTS = [
    # one operand
    ("ij->ji", [(2, 3)]),
    ("ij", [(2, 3)]),
    ("ba", [(2, 3)]),
    ("ij->", [(2, 3)]),
    ("ij->i", [(2, 3)]),
    ("ii", [(3, 3)]),
    ("ii->i", [(3, 3)]),
    ("iii->i", [(2, 2, 2)]),
    ("iij->j", [(2, 2, 3)]),
    ("ijij->ji", [(2, 3, 2, 3)]),
    ("->", [()]),
    ("...->...", [(2, 3)]),
    ("...i->i...", [(2, 3, 4)]),
    ("i...", [(2, 3)]),
    ("...ii->...", [(2, 3, 3)]),
    (" i j -> j i ", [(2, 3)]),
    # two operands
    ("ij,jk->ik", [(2, 3), (3, 4)]),
    ("ij,jk", [(2, 3), (3, 4)]),
    ("ij,ij->ij", [(2, 3), (2, 3)]),
    ("i,j->ij", [(2,), (3,)]),
    ("i,i", [(3,), (3,)]),
    (",ij->ij", [(), (2, 3)]),
    ("i,->i", [(3,), ()]),
    ("ij,k->i", [(2, 3), (4,)]),
    ("ij,kl->jk", [(2, 3), (3, 2)]),
    ("ii,i->i", [(3, 3), (3,)]),
    ("ii,jj->ij", [(2, 2), (3, 3)]),
    ("iij,jk->ik", [(2, 2, 3), (3, 2)]),
    ("bij,bjk->bik", [(2, 2, 3), (2, 3, 2)]),
    ("...ij,...jk->...ik", [(2, 1, 2, 3), (3, 3, 2)]),
    ("...ij,jk", [(2, 2, 3), (3, 2)]),
    ("i...,...->...", [(2, 3), (4, 3)]),
    ("...i,...i->...", [(3,), (2, 3)]),
    # axes of length one that are stretched
    ("ij,ij->ij", [(1, 3), (2, 3)]),
    ("ij,ij->ij", [(2, 1), (1, 3)]),
    ("ij,ij->j", [(2, 3), (1, 1)]),
    ("ij,jk->ik", [(2, 1), (3, 4)]),
    ("ij,jk->i", [(2, 3), (1, 4)]),
    ("i,i->", [(1,), (3,)]),
    ("ii,i->i", [(3, 3), (1,)]),
    # more operands
    ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 2)]),
    ("i,i,i->i", [(3,), (3,), (3,)]),
    ("i,ij,j", [(2,), (2, 3), (3,)]),
    ("ij,ik,il->jkl", [(2, 2), (2, 3), (1, 2)]),
    ("...a,a...,...->...", [(2, 3), (3, 2), (2,)]),
]


@pytest.mark.parametrize("optimize", [False, True, "optimal"])
@pytest.mark.parametrize(("subscripts", "shapes"), SUBSCRIPTS)
def test_einsum(subscripts: str, shapes: list[tuple[int, ...]], optimize: Any) -> None:
    operands = [draw(*shape, seed=k) for k, shape in enumerate(shapes)]
    check(lambda *x: np.einsum(subscripts, *x, optimize=optimize), *operands)


def test_einsum_interleaved_with_its_subscripts() -> None:
    a, b = draw(2, 3), draw(3, 4)
    check(lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [2, 0]), a, b)
    check(lambda a, b: np.einsum(a, [5, 1], b, [1, 2]), a, b)
    check(lambda a, b: np.einsum(a, [..., 30], b, [30, 1]), a, b)
    check(lambda a: np.einsum(a, [0, 0, ...], [..., 0]), draw(2, 2, 3))


def test_einsum_takes_a_path_and_a_dtype() -> None:
    a, b, c = draw(2, 3), draw(3, 4), draw(4)
    path = ["einsum_path", (1, 2), (0, 1)]
    check(lambda a, b, c: np.einsum("ij,jk,k", a, b, c, optimize=path), a, b, c)
    x = Tensor(np.ones(3, np.float32), requires_grad=True)
    (slope,) = gradients(np.einsum("i,i", x, np.ones(3), dtype=np.float64), [x])
    assert slope.dtype == np.float32


def test_einsum_of_complex_arrays_is_not_conjugated() -> None:
    check(lambda a, b: np.einsum("ij,kj->ki", a, b), draw(2, 3, kind="complex"), draw(2, 3, seed=1))


def test_a_view_by_einsum_counts_writes_into_its_array() -> None:
    x = Tensor(np.ones((2, 2)))
    y = Tensor(np.ones(2), requires_grad=True) * np.einsum("ii->i", x)
    x.assign(np.zeros((2, 2)))
    with pytest.raises(MutationError, match="written to"):
        y.backward(np.ones(2))


def test_einsum_refuses_out() -> None:
    with pytest.raises(MutationError, match="einsum: out="):
        np.einsum("i->", Tensor(np.ones(3), requires_grad=True), out=np.empty(()))


def test_diagonal_gradients_ignore_what_lies_beside() -> None:
    """An infinite cotangent makes no NaN next to the diagonal that it belongs to."""
    x = Tensor(np.ones((2, 2)), requires_grad=True)
    np.einsum("ii->i", x).backward(np.array([np.inf, 1.0]))
    np.testing.assert_array_equal(x.grad, [[np.inf, 0.0], [0.0, 1.0]])


# -- matmul and its kin ----------------------------------------------------------------------------

VECTORS_AND_STACKS = [
    ((3,), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((3,), (2, 3, 2)),
    ((2, 2, 3), (3,)),
    ((2, 2, 3), (3, 2)),
    ((2, 3), (2, 3, 2)),
    ((2, 1, 2, 3), (3, 3, 2)),
    ((1, 2, 3), (3, 2)),
    ((2, 3), (1, 3, 2)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 2)),
    ((2, 0, 3), (3, 2)),
    ((2, 2, 0), (0, 2)),
]


@pytest.mark.parametrize(("left", "right"), VECTORS_AND_STACKS)
def test_matmul(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    check(lambda x, y: x @ y, draw(*left), draw(*right, seed=1))


def test_matmul_takes_lists_and_transposes() -> None:
    x = Tensor(draw(2, 3), requires_grad=True)
    (slope,) = gradients((x @ [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).sum(), [x])
    np.testing.assert_allclose(slope.data, [[3, 7, 11], [3, 7, 11]])
    (slope,) = gradients(([1.0, 2.0] @ x).sum(), [x])
    np.testing.assert_allclose(slope.data, [[1, 1, 1], [2, 2, 2]])
    check(lambda x, y: x.T @ y.T, draw(3, 2), draw(4, 3, seed=1))


def test_one_matrix_for_a_stack_sums_in_one_product() -> None:
    """The gradient of a weight never is a stack of gradients first."""
    x, w = draw(50, 40, 3), Tensor(draw(3, 2, seed=1), requires_grad=True)
    expected = np.einsum("bij,bik->jk", x, np.ones((50, 40, 2)))
    np.testing.assert_allclose(gradients((x @ w).sum(), [w])[0].data, expected)


def products_along_axes() -> list[tuple[Callable[..., Any], tuple[int, ...], tuple[int, ...]]]:
    cases: list[Any] = [
        (lambda x, y: np.vecdot(x, y, axis=0), (3, 2), (3, 2)),
        (lambda x, y: np.vecdot(x, y, axis=1), (2, 3), (1, 3)),
        (lambda x, y: np.vecdot(x, y, keepdims=True), (2, 3), (3,)),
        (lambda x, y: np.vecdot(x, y, axis=0, keepdims=True), (3, 2), (3, 2)),
        (lambda x, y: np.vecdot(x, y, axes=[0, 1, ()]), (3, 2), (2, 3)),
        (lambda x, y: np.linalg.vecdot(x, y, axis=0), (3, 2), (3, 2)),
        (
            lambda x, y: np.matmul(x, y, axes=[(0, 1), (0, 1), (0, 1)]),
            (2, 3, 4),
            (3, 2, 4),
        ),
        (lambda x, y: np.matmul(x, y, axes=[(1, 0), (0, 1), (1, 0)]), (3, 2), (3, 4)),
    ]
    if hasattr(np, "matvec"):
        cases += [
            (lambda x, y: np.matvec(x, y, axes=[(1, 0), 0, 0]), (3, 2), (3, 4)),
            (lambda x, y: np.vecmat(x, y, axes=[0, (0, 1), 1]), (3, 4), (3, 2, 4)),
        ]
    return cases


@pytest.mark.parametrize(("function", "left", "right"), products_along_axes())
def test_products_along_other_axes(
    function: Callable[..., Any], left: tuple[int, ...], right: tuple[int, ...]
) -> None:
    check(function, draw(*left), draw(*right, seed=1))


@pytest.mark.parametrize("name", ["vecdot", "vecmat", "matvec", "vdot", "inner", "dot", "outer"])
@pytest.mark.parametrize(
    "kinds", [("complex", "complex"), ("real", "complex"), ("complex", "real")]
)
def test_complex_products(name: str, kinds: tuple[str, str]) -> None:
    if not hasattr(np, name):
        pytest.skip(f"np.{name} came with NumPy 2.2")
    shapes = {"vecmat": ((2,), (2, 3)), "matvec": ((3, 2), (2,))}.get(name, ((2,), (2,)))
    x, y = (draw(*s, seed=k, kind=kinds[k]) for k, s in enumerate(shapes))
    check(getattr(np, name), x, y)


# -- composites ------------------------------------------------------------------------------------

COMPOSITES: list[tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = [
    *[
        (np.dot, shapes)
        for shapes in [
            ((), ()),
            ((), (2, 3)),
            ((2, 3), ()),
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((2, 3), (3, 2)),
            ((2, 2, 3), (3,)),
            ((3,), (2, 3, 2)),
            ((2, 2, 3), (2, 3, 4)),
        ]
    ],
    *[(np.inner, shapes) for shapes in [((), (3,)), ((3,), (3,)), ((2, 3), (4, 3))]],
    *[(np.vdot, shapes) for shapes in [((), ()), ((3,), (3,)), ((2, 3), (3, 2))]],
    *[(np.outer, shapes) for shapes in [((), (3,)), ((2,), (3,)), ((2, 2), (3, 1))]],
    *[
        (np.kron, shapes)
        for shapes in [((), ()), ((2,), (3,)), ((2, 1), (2, 3)), ((2,), (2, 3)), ((1, 2, 2), (2,))]
    ],
    *[(np.cross, shapes) for shapes in [((3,), (3,)), ((2, 3), (3,)), ((2, 1, 3), (4, 3))]],
    (lambda a, b: np.cross(a, b, axis=0), ((3, 2), (3, 2))),
    (lambda a, b: np.cross(a, b, axisa=0, axisb=1, axisc=0), ((3, 2), (2, 3))),
    (lambda a, b: np.tensordot(a, b, 0), ((2,), (3,))),
    (np.tensordot, ((4, 2, 3), (2, 3, 2))),
    (lambda a, b: np.tensordot(a, b, (-1, 0)), ((2, 3), (3, 2))),
    (lambda a, b: np.tensordot(a, b, ([2, 0], [0, -1])), ((2, 4, 3), (3, 1, 2))),
    (lambda *x: np.linalg.multi_dot(x), ((2, 3), (3, 4))),
    (lambda *x: np.linalg.multi_dot(x), ((3,), (3, 4), (4, 2), (2,))),
    (lambda *x: np.linalg.multi_dot(x), ((2, 5), (5, 1), (1, 4), (4, 2), (2, 3))),
    *[
        (lambda a, n=n: np.linalg.matrix_power(a, n), (shape,))
        for n, shape in [(0, (2, 2)), (1, (2, 2)), (2, (2, 2)), (5, (2, 2)), (3, (2, 2, 2))]
    ],
    (np.linalg.matmul, ((2, 3), (3, 2))),
    (lambda a, b: np.linalg.tensordot(a, b, axes=1), ((2, 3), (3, 2))),
    (np.linalg.vecdot, ((2, 3), (3,))),
    (np.linalg.outer, ((2,), (3,))),
    (np.linalg.cross, ((2, 3), (3,))),
    (lambda a: np.linalg.diagonal(a, offset=1), ((2, 3, 3),)),
    (lambda a: np.linalg.trace(a, offset=-1), ((2, 3, 3),)),
    (np.linalg.matrix_transpose, ((2, 3),)),
]


@pytest.mark.parametrize(("function", "shapes"), COMPOSITES)
def test_composite_products(
    function: Callable[..., Any], shapes: tuple[tuple[int, ...], ...]
) -> None:
    check(function, *[draw(*shape, seed=k) for k, shape in enumerate(shapes)])


@pytest.mark.parametrize(
    ("shapes", "settings"),
    [
        (((2,), (2,)), {}),
        (((3, 2), (2,)), {}),
        (((4, 2), (3,)), {}),
        (((3,), (4, 2)), {"axisc": 0}),
        (((2, 4), (2, 4)), {"axis": 0}),
        (((2, 4), (4, 3)), {"axisa": 0, "axisb": 1}),
    ],
)
def test_vectors_in_a_plane_cross_with_numpys_warning(shapes: Any, settings: Any) -> None:
    operands = [draw(*shape, seed=k) for k, shape in enumerate(shapes)]
    with warnings.catch_warnings(record=True) as ours:
        warnings.simplefilter("always")
        np.cross(*map(Tensor, operands), **settings)
        np.cross(*operands, **settings)
    assert ours[0].category is ours[1].category and str(ours[0].message) == str(ours[1].message)
    assert ours[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        check(lambda a, b: np.cross(a, b, **settings), *operands)


def test_negative_powers_are_powers_of_the_inverse() -> None:
    check(lambda a: np.linalg.matrix_power(a, -3), draw(2, 2) + 3 * np.eye(2))


def test_power_zero_is_constant_even_at_infinity() -> None:
    slope = grad(lambda a: np.linalg.matrix_power(a, 0).sum())(np.full((2, 2), np.inf))
    np.testing.assert_array_equal(slope, np.zeros((2, 2)))


def test_chains_are_multiplied_in_the_cheapest_order() -> None:
    """(10 · 1000) (1000 · 2) (2 · 1000): from the left it takes 40,000 multiplications."""
    x = Tensor(draw(10, 1000), requires_grad=True)
    result = np.linalg.multi_dot([x, draw(1000, 2), draw(2, 1000)])
    (first, _) = result.node.sources
    assert first.shape == (10, 2)


@pytest.mark.parametrize(
    ("error", "message", "compute"),
    [
        (ShapeError, "4 and 3 elements; expected 3", lambda x: np.cross(np.ones(4), x[:3])),
        (ShapeError, "2 and 2 elements; expected 3", lambda x: np.linalg.cross(x[:2], x[:2])),
        (ShapeError, "expected at least two", lambda x: np.linalg.multi_dot([x])),
        (ShapeError, "expected square", lambda x: np.linalg.matrix_power(x[None], 2)),
        (DtypeError, "expected an integer", lambda x: np.linalg.matrix_power(x * x[:, None], 0.5)),
        (ShapeError, "expected two vectors", lambda x: np.linalg.outer(x[None], x)),
        (ShapeError, "at least 2 axes", np.linalg.trace),
        (MutationError, "dot: out=", lambda x: np.dot(x, x, out=np.empty(()))),
        (ValueError, "mismatch", lambda x: np.matmul(x, np.ones(2))),
    ],
)
def test_arguments_that_do_not_fit(
    error: type[Exception], message: str, compute: Callable[..., Any]
) -> None:
    with pytest.raises(error, match=message):
        compute(Tensor(np.ones(3), requires_grad=True))


def test_float32_products_stay_float32() -> None:
    x = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    products = [
        np.einsum("ij,kj->", x, x),
        np.einsum("ij->", x),
        np.tensordot(x, x).sum(),
        np.kron(x, x).sum(),
        np.cross(x, x[::-1]).sum(),
        np.vecdot(x, x).sum(),
        np.linalg.matrix_power(x @ x.T, 3).sum(),
    ]
    for product in products:
        assert product.dtype == np.float32
        assert gradients(product, [x])[0].dtype == np.float32
