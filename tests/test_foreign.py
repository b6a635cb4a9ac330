"""Wrapping code that only computes with plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd_core import Tensor, foreign, gradients
from autograd_core.errors import GraphError, MutationError
from autograd_core.testing import gradcheck


def product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    assert type(x) is np.ndarray
    return x * y


def pull(g: Any, out: Any, x: Any, y: Any) -> tuple[Any, Any]:
    assert type(g) is np.ndarray
    return g * y, g * x


def test_the_gradient_is_what_the_pullback_says_with_broadcasting_undone() -> None:
    times = foreign(product, pull)
    rng = np.random.default_rng(0)
    gradcheck(lambda x, y: np.tanh(times(x, y)), (rng.normal(size=(3, 1)), rng.normal(size=2)))


def test_arrays_stay_arrays_and_untracked_tensors_untracked() -> None:
    times = foreign(product, pull)
    assert type(times(np.ones(2), np.ones(2))) is np.ndarray
    assert not times(Tensor(np.ones(2)), np.ones(2)).requires_grad


def test_arguments_without_a_gradient_get_zero() -> None:
    shifted = foreign(lambda x, n: x + n, lambda g, out, x, n: (g, None))
    x = Tensor(np.ones(2), requires_grad=True)
    n = Tensor(np.ones(2), requires_grad=True)
    shifted(x, n).sum().backward()
    np.testing.assert_array_equal(x.grad, np.ones(2))  # type: ignore[arg-type]
    np.testing.assert_array_equal(n.grad, np.zeros(2))  # type: ignore[arg-type]


def test_what_it_cannot_do_is_said() -> None:
    times = foreign(product, pull, name="times")
    x = Tensor(np.ones(2), requires_grad=True)
    with pytest.raises(GraphError, match=r"times: .* no second derivative"):
        gradients(times(x, x).sum(), x, create_graph=True)
    with pytest.raises(GraphError, match="returned 1 gradients for 2"):
        foreign(product, lambda g, *_: (g,))(x, x).sum().backward()
    y = times(x, x)
    x.data = np.zeros(2)
    with pytest.raises(MutationError):
        y.sum().backward()
