"""Recomputing instead of storing changes memory, never a gradient."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

from autograd_core import Tensor, checkpoint, grad, gradients, random
from autograd_core.errors import MutationError


def leaf(values: Any) -> Tensor:
    return Tensor(np.array(values, dtype=float), requires_grad=True)


def test_gradients_are_those_of_the_function_also_of_what_it_captures() -> None:
    x, w = leaf([0.3, -0.2]), leaf([1.5, 0.5])
    before = np.exp(w * x)  # an activation from outside that depends on w and x as well

    def block(y: Tensor) -> Any:
        return np.tanh(y * w) + before * y

    plain = gradients((block(x) * before).sum(), [x, w], create_graph=True)
    stored = gradients((checkpoint(block)(x) * before).sum(), [x, w], retain_graph=True)
    for expected, got in zip(plain, stored, strict=True):
        np.testing.assert_allclose(got.data, expected.data, rtol=1e-14)
    (checkpoint(block)(x) * before).sum().backward()
    np.testing.assert_allclose(w.grad, plain[1].data, rtol=1e-14)  # type: ignore[arg-type]


def test_it_nests_and_has_higher_derivatives() -> None:
    inner = checkpoint(np.sin)
    outer = checkpoint(lambda x: inner(x) * x)
    third = grad(grad(grad(outer)))
    assert third(0.7) == pytest.approx(-3 * np.sin(0.7) - 0.7 * np.cos(0.7), rel=1e-12)


def test_several_results_and_containers() -> None:
    x = leaf(2.0)
    result = checkpoint(lambda d: {"square": d["x"] * d["x"], "both": (d["x"] + 1.0, 7)})({"x": x})
    assert result["both"][1] == 7
    (result["square"] * result["both"][0]).backward()
    assert x.grad == pytest.approx(2 * 2 * 3 + 4)


def test_random_numbers_are_drawn_again_as_they_were() -> None:
    rng = np.random.default_rng(0)
    x = leaf(np.ones(50))

    def noisy(y: Tensor) -> Any:
        return y * random.draw(lambda g: g.random(50), rng)

    y = checkpoint(noisy)(x)
    drawn_after = rng.bit_generator.state
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, y.data)  # type: ignore[arg-type]
    assert rng.bit_generator.state == drawn_after


def test_what_the_function_computed_is_not_kept() -> None:
    x = leaf(np.ones(10))
    seen: list[Any] = []

    def block(y: Tensor) -> Any:
        hidden = np.tanh(y)
        seen.append(weakref.ref(hidden.data))
        return hidden * hidden

    gc.collect()
    gc.disable()
    try:
        y = checkpoint(block)(x)
        assert seen[0]() is None
        y.sum().backward()
        assert len(seen) == 2
    finally:
        gc.enable()


def test_writing_into_what_would_be_read_again_is_noticed() -> None:
    x, w = leaf(1.0), leaf(2.0)
    y = checkpoint(lambda v: v * w * v)(x)
    w.data = np.array(3.0)
    with pytest.raises(MutationError):
        y.backward()
