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
        (lambda: grad(lambda x: x * 1j)(3.0), DtypeError, "complex"),
        (lambda: jvp(np.sin, (np.ones(3),), (np.ones(2),)), ShapeError, r"expected \[\(3,\)\]"),
        (lambda: vjp(np.sin, np.ones(3))[1](np.ones(2)), ShapeError, r"expected \[\(3,\)\]"),
    ],
)
def test_bad_input_says_what_came_and_what_helps(call: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        call()
