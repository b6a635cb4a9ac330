"""Gradient clipping: norms, the flat buffer, what is not finite; against PyTorch's rule."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd_core import Tensor
from nn.errors import DivergedError, OptionError
from nn.parameters import buffers_of


def with_gradients(*gradients: Any, dtype: Any = np.float64) -> list[Tensor]:
    parameters = [nn.Parameter(np.zeros(np.shape(g)), dtype=dtype) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    return parameters


def together(parameters: list[Tensor]) -> np.ndarray:
    return np.concatenate([np.ravel(p.grad) for p in parameters if p.grad is not None])


@given(
    st.integers(0, 99),
    st.sampled_from([1.0, 2.0, 3.0, 0.5, np.inf]),
    st.floats(1e-3, 10),
    st.sampled_from([np.float32, np.float64]),
)
def test_the_norm_is_what_it_should_be_and_what_was_asked_for(
    seed: int, kind: float, highest: float, dtype: type
) -> None:
    rng = np.random.default_rng(seed)
    parameters = with_gradients(
        rng.normal(size=(2, 3)), rng.normal(size=4), rng.normal(), dtype=dtype
    )
    before = together(parameters).astype(float)
    sizes = abs(before)
    expected = sizes.max() if kind == np.inf else (sizes**kind).sum() ** (1 / kind)
    assert nn.grad_norm(parameters, kind) == pytest.approx(expected)
    assert nn.clip_grad_norm_(parameters, highest, kind) == pytest.approx(expected)
    factor = min(1, highest / (expected + 1e-6))  # PyTorch's
    np.testing.assert_allclose(together(parameters), before * factor, rtol=1e-6)
    assert all(
        parameter.grad is not None and parameter.grad.dtype == dtype for parameter in parameters
    )


def test_a_norm_that_is_small_enough_changes_no_bit() -> None:
    parameters = with_gradients(np.array([0.1, 0.2]))
    assert nn.clip_grad_norm_(parameters, 5.0) == pytest.approx(np.hypot(0.1, 0.2))
    assert together(parameters).tolist() == [0.1, 0.2]


def test_values_are_held_between_bounds() -> None:
    parameters = with_gradients([-3.0, 0.5], 2.0)
    nn.clip_grad_value_(parameters, 1.0)
    assert together(parameters).tolist() == [-1, 0.5, 1]


def test_only_the_parameters_given_count_and_are_clipped() -> None:
    a, b, c, d = with_gradients([3.0], [100.0], [4.0], [7.0])
    buffers_of([a, b, c, d])
    d.grad = None
    assert nn.clip_grad_norm_(iter([a, c, d, a]), 0.5) == 5
    assert b.grad is not None and b.grad[0] == 100 and d.grad is None
    assert a.grad is not None and a.grad[0] == pytest.approx(0.3)
    assert nn.grad_norm(b) == 100


def test_gradients_stay_in_the_flat_buffer() -> None:
    parameters = with_gradients([3.0], [4.0])
    optimizer = nn.SGD(parameters)
    nn.clip_grad_norm_(parameters, 1.0)
    np.testing.assert_allclose(optimizer.buffers[0].gradients, [0.8, 0.6], rtol=1e-5)
    assert np.shares_memory(parameters[0].grad, optimizer.buffers[0].gradients)


def test_low_precision_neither_overflows_nor_loses_digits() -> None:
    large = with_gradients(np.full(4, 1e30), dtype=np.float32)
    assert nn.clip_grad_norm_(large, 1.0) == pytest.approx(2e30, rel=1e-6)
    np.testing.assert_allclose(together(large), 0.5, rtol=1e-6)
    many = with_gradients(np.full(100_000, 0.1, np.float32), dtype=np.float32)
    expected = np.sqrt(100_000) * float(np.float32(0.1))
    assert nn.grad_norm(many) == pytest.approx(expected, rel=1e-13)
    half = with_gradients(np.full(50_000, 30.0), dtype=np.float16)
    assert nn.grad_norm(half) == pytest.approx(30 * np.sqrt(50_000))


def test_both_dtypes_count_as_one_vector() -> None:
    parameters = [*with_gradients([3.0]), *with_gradients([4.0], dtype=np.float32)]
    assert nn.clip_grad_norm_(parameters, 1.0) == 5


def test_nothing_has_norm_zero() -> None:
    assert nn.clip_grad_norm_([], 1.0) == 0
    assert nn.clip_grad_norm_([nn.Parameter(np.ones(2))], 1.0) == 0
    assert nn.grad_norm([nn.Parameter(np.ones(2))], np.inf) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_raises_if_asked_to(bad: float) -> None:
    parameters = with_gradients([1.0, bad])
    with pytest.raises(DivergedError, match=f"the norm of the gradients is {bad}"):
        nn.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
    assert together(parameters)[0] == 1
    assert not np.isfinite(nn.clip_grad_norm_(parameters, 1.0))
    assert not np.isfinite(together(parameters)).all()


def test_bounds_that_mean_nothing() -> None:
    for call, message in (
        (lambda: nn.clip_grad_norm_([], -1.0), r"max_norm=-1\.0"),
        (lambda: nn.clip_grad_norm_([], 1.0, 0), "norm_type=0"),
        (lambda: nn.clip_grad_value_([], float("nan")), "clip_value=nan"),
    ):
        with pytest.raises(OptionError, match=message):
            call()
