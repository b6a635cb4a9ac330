"""Derivatives of functions, checked against closed forms and against each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import (
    Tensor,
    grad,
    gradients,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    value_and_grad,
    vjp,
)
from autograd_core.containers import flatten
from autograd_core.errors import DtypeError, GraphError, ShapeError

W = np.random.default_rng(0).normal(size=(3, 3))


def smooth(x: Any) -> Any:
    """A function R³ → R³ with a full Jacobian."""
    return np.tanh(W @ x) * x + np.exp(x * 0.3)


def scalar(x: Any) -> Any:
    return (smooth(x) * smooth(x)).sum()


vectors = st.lists(st.floats(-1.5, 1.5), min_size=3, max_size=3).map(np.array)


def test_nested_transform_sees_the_outer_variable() -> None:
    assert grad(lambda x: x * grad(lambda y: x * y * y)(2.0))(1.5) == 12.0


@given(vectors, vectors)
def test_forward_and_reverse_mode_agree(x: np.ndarray, v: np.ndarray) -> None:
    value, moved = jvp(smooth, (x,), (v,))
    _, pull = vjp(smooth, x)
    u = np.array([0.3, -1.2, 0.7])
    np.testing.assert_allclose(u @ moved, pull(u)[0] @ v, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(value, smooth(x))


@given(vectors)
def test_jacobian_is_the_same_in_both_modes_and_matches_differences(x: np.ndarray) -> None:
    reverse = jacobian(smooth)(x)
    np.testing.assert_allclose(reverse, jacobian(smooth, forward=True)(x), rtol=1e-10, atol=1e-12)
    h = 1e-6
    numeric = np.stack(
        [(smooth(x + h * e) - smooth(x - h * e)) / (2 * h) for e in np.eye(3)], axis=-1
    )
    np.testing.assert_allclose(reverse, numeric, rtol=1e-6, atol=1e-8)


@given(vectors, vectors)
def test_hessian_products_agree_however_the_modes_are_mixed(x: np.ndarray, v: np.ndarray) -> None:
    full = hessian(scalar)(x)
    np.testing.assert_allclose(full, full.T, rtol=1e-9, atol=1e-9)
    (reverse_over_reverse,) = hvp(scalar, (x,), (v,))
    _, forward_over_reverse = jvp(grad(scalar), (x,), (v,))
    reverse_over_forward = grad(lambda y: jvp(scalar, (y,), (v,))[1])(x)
    for product in (reverse_over_reverse, forward_over_reverse, reverse_over_forward):
        np.testing.assert_allclose(product, full @ v, rtol=1e-9, atol=1e-9)


def test_the_jacobian_of_a_holomorphic_function_is_its_derivative_in_both_modes() -> None:
    z = np.array([1.0 + 2.0j])
    for forward in (False, True):
        np.testing.assert_allclose(jacobian(lambda v: v**2, forward=forward)(z), [[2 * z[0]]])


COMPLEX_CASES: dict[str, tuple[Any, Any, Any]] = {
    # y = x (1 + 2i) of real x; |z|² has ∂/∂a - i ∂/∂b = 2 conj(z); the parts of z.
    "complex of real": (lambda x: x * (1 + 2j), 3.0, 1 + 2j),
    "real of complex": (lambda z: np.abs(z) ** 2, 3 + 4j, 6 - 8j),
    "real part": (np.real, 3 + 4j, 1),
    "imaginary part": (np.imag, 3 + 4j, -1j),
    "holomorphic": (lambda z: z * z, 3 + 4j, 6 + 8j),
}


@pytest.mark.parametrize("forward", [False, True])
@pytest.mark.parametrize("case", COMPLEX_CASES.values(), ids=COMPLEX_CASES)
def test_jacobians_of_complex_numbers(case: tuple[Any, Any, Any], forward: bool) -> None:
    function, x, expected = case
    for precision in (np.complex64, np.complex128):
        real = np.isrealobj(np.array(x))
        argument = np.array([x, x], precision(0).real.dtype if real else precision)
        found = jacobian(function, forward=forward)(argument)
        assert found.dtype == precision
        np.testing.assert_allclose(found, expected * np.eye(2), rtol=1e-6)


@pytest.mark.parametrize("forward", [False, True])
def test_jacobians_have_the_precision_of_the_argument(forward: bool) -> None:
    x = np.ones(2, np.float32)
    assert jacobian(lambda x: x.astype(np.float64), forward=forward)(x).dtype == np.float32
    assert jacobian(lambda x: x.astype(np.float64), forward=forward)(x[:0]).dtype == np.float32
    assert jacobian(lambda x: x * 1j, forward=forward)(x[:0]).dtype == np.complex64


def test_third_derivative_of_a_power() -> None:
    f = grad(grad(grad(lambda x: x**5)))
    assert f(2.0) == pytest.approx(60 * 4)


def test_containers_keep_their_nesting() -> None:
    params = {"w": np.array([1.0, 2.0]), "more": [np.array(3.0), (np.array(4.0),)]}

    def loss(p: Any) -> Any:
        return (p["w"] * p["w"]).sum() * p["more"][0] + p["more"][1][0]

    value, gradient = value_and_grad(loss)(params)
    assert value == 19.0
    np.testing.assert_array_equal(gradient["w"], [6.0, 12.0])
    assert gradient["more"][0] == 5.0
    assert gradient["more"][1] == (1.0,)


def test_several_arguments_and_extra_results() -> None:
    (by_x, by_y), extra = grad(lambda x, y: (x * y, "seen"), argnums=(0, 1), has_aux=True)(2.0, 5.0)
    assert (by_x, by_y, extra) == (5.0, 2.0, "seen")


def test_arrays_in_arrays_out_and_tensors_in_tensors_out() -> None:
    assert type(grad(lambda x: x * x)(np.array(3.0))) is np.ndarray
    assert type(grad(lambda x: x * x)(Tensor(np.array(3.0)))) is Tensor


def test_a_result_that_depends_on_an_outside_value_stays_in_its_graph() -> None:
    w = Tensor(np.array(3.0), requires_grad=True)
    gradient = grad(lambda x: w * x * x)(2.0)
    assert isinstance(gradient, Tensor)
    gradient.backward()
    assert w.grad == 4.0
    with no_grad():
        closed = grad(lambda x: w * x * x)(2.0)
    assert closed == 12.0
    assert type(closed) is np.ndarray


def test_an_argument_without_influence_has_a_zero_gradient() -> None:
    by_x, by_y = grad(lambda x, y: x * x, argnums=(0, 1))(np.array(2.0), np.ones(3))
    assert by_x == 4.0
    np.testing.assert_array_equal(by_y, np.zeros(3))


def test_gradients_share_no_memory() -> None:
    x = Tensor(np.ones(2), requires_grad=True)
    y = Tensor(np.ones(2), requires_grad=True)
    cotangent = np.ones(2)
    by_x, by_y = gradients(x + y, [x, y], cotangent)
    arrays = [
        by_x.data,
        by_y.data,
        cotangent,
        *grad(lambda a, b: (a + b).sum(), (0, 1))(*[cotangent] * 2),
    ]
    for k, array in enumerate(arrays):
        assert not any(np.shares_memory(array, other) for other in arrays[:k])


IDENTITIES: dict[str, Any] = {
    "same": lambda x: x,
    "view": lambda x: x[...],
    "nested": lambda x: {"a": [x, x]},
    "zero": lambda x: x * 0,
}


@pytest.mark.parametrize("function", IDENTITIES.values(), ids=IDENTITIES)
@pytest.mark.parametrize("tracked", ["none", "point", "vector", "both"])
def test_results_are_in_memory_of_their_own(function: Any, tracked: str) -> None:
    def wrapped(array: Any, *kinds: str) -> Any:
        return Tensor(array, requires_grad=True) if tracked in kinds else array

    x, v = np.ones(2), np.full(2, 3.0)
    point, vector = wrapped(x, "point", "both"), wrapped(v, "vector", "both")
    value, pull = vjp(function, point)
    nest = {"a": [vector, vector]} if isinstance(value, dict) else vector
    found = [value, pull(nest), pull(nest), *jvp(function, (point,), (vector,))]
    leaves = flatten(found)[0]
    assert not any(leaf is point or leaf is vector for leaf in leaves)
    arrays = [leaf.data if isinstance(leaf, Tensor) else leaf for leaf in leaves]
    for array in arrays:
        assert not np.shares_memory(array, x)
        assert not np.shares_memory(array, v)


def test_gradients_do_not_return_the_cotangent_itself() -> None:
    x, v = (Tensor(np.ones(2), requires_grad=True) for _ in range(2))
    found = gradients(x, x, v, create_graph=True)
    found += 1
    np.testing.assert_array_equal(v.data, [1, 1])
    np.testing.assert_array_equal(gradients(found.sum(), v).data, [1, 1])


def test_extra_results_come_out_as_the_value_does() -> None:
    def loss(x: Any) -> Any:
        return (x * x).sum(), {"twice": 2 * x, "itself": x, "name": "seen", "none": None}

    x = np.ones(2)
    (_, extra), _ = value_and_grad(loss, has_aux=True)(x)
    assert type(extra["twice"]) is np.ndarray and (extra["name"], extra["none"]) == ("seen", None)
    assert not np.shares_memory(extra["itself"], x)
    _, extra = grad(loss, has_aux=True)(Tensor(x, requires_grad=False))
    assert type(extra["twice"]) is Tensor and not extra["twice"].requires_grad

    w = Tensor(np.array(3.0), requires_grad=True)

    def more(x: Any) -> Any:
        return (x * x).sum(), [w * x, x]

    gradient, (leading, inner) = grad(more, has_aux=True)(x)
    assert type(gradient) is np.ndarray and type(inner) is np.ndarray
    leading.sum().backward()
    assert w.grad == 2
    outer = grad(lambda y: grad(lambda x: ((x * x).sum(), (x * y).sum()), has_aux=True)(x)[1])
    assert outer(2.0) == 2


def test_gradients_of_unrelated_tensors() -> None:
    x = Tensor(np.array(2.0), requires_grad=True)
    y = Tensor(np.array(2.0), requires_grad=True)
    with pytest.raises(GraphError, match="allow_unused"):
        gradients(x * x, y)
    assert gradients(x * x, [x, y], allow_unused=True)[1] is None
    assert x.grad is None


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: grad(lambda x: x * 2)(np.ones(3)), ShapeError, "expected one number"),
        (lambda: grad(lambda x: x * 2)(3), DtypeError, r"astype\(float\)"),
        (lambda: grad(lambda x: x * 2, 1)(3.0), ValueError, "argnums=1 for 1 positional"),
        (lambda: grad(lambda x: x * 2, (0, -1))(3.0), ValueError, "expected different places"),
        (lambda: grad(lambda x: x * 2, has_aux=True)(3.0), TypeError, "expected a pair"),
        (lambda: grad(lambda x: x * 1j)(3.0), DtypeError, "complex"),
        (lambda: jvp(np.sin, (np.ones(3),), (np.ones(2),)), ShapeError, r"expected \[\(3,\)\]"),
        (lambda: vjp(np.sin, np.ones(3))[1](np.ones(2)), ShapeError, r"expected \[\(3,\)\]"),
    ],
)
def test_bad_input_says_what_came_and_what_helps(call: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        call()
