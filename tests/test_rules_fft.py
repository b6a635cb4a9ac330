"""Fourier transforms: NumPy's values, differences, and the theorems that gradients must obey."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd_core import Tensor, gradients
from autograd_core.errors import MutationError, ShapeError
from autograd_core.testing import gradcheck

NORMS = pytest.mark.parametrize("norm", [None, "backward", "ortho", "forward"])
KINDS = pytest.mark.parametrize("kind", ["real", "complex"])
COMPLEX = ("fft", "ifft", "irfft", "hfft")
TRANSFORMS = [(name, "complex") for name in COMPLEX]
TRANSFORMS += [(name, "real") for name in (*COMPLEX, "rfft", "ihfft")]


def draw(*shape: int, kind: str = "real") -> Any:
    rng = np.random.default_rng([*shape])
    values = rng.normal(size=shape)
    return values + 1j * rng.normal(size=shape) if kind == "complex" else values


def check(function: Callable[..., Any], a: Any, order: int = 1) -> None:
    found = function(Tensor(a))
    np.testing.assert_allclose(found.data, function(a), rtol=1e-13, atol=1e-13)
    assert found.dtype == function(a).dtype
    gradcheck(function, [a], order=order)


@NORMS
@pytest.mark.parametrize("n", [None, 1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize(("name", "kind"), TRANSFORMS)
def test_transforms_of_one_axis(name: str, n: int | None, norm: Any, kind: str) -> None:
    transform = getattr(np.fft, name)
    check(lambda a: transform(a, n, norm=norm), draw(2, 4, kind=kind), order=2)
    check(lambda a: transform(a, n, axis=0, norm=norm), draw(5, 2, kind=kind))


@pytest.mark.parametrize("norm", [None, "ortho"])
@pytest.mark.parametrize(("name", "kind"), [case for case in TRANSFORMS if "hfft" not in case[0]])
def test_transforms_of_several_axes(name: str, norm: Any, kind: str) -> None:
    a = draw(3, 2, 4, kind=kind)
    both, all_of_them = getattr(np.fft, f"{name}2"), getattr(np.fft, f"{name}n")
    check(lambda a: both(a, norm=norm), a)
    check(lambda a: both(a, s=(3, 5), norm=norm), a)
    check(lambda a: both(a, axes=(0, 1), norm=norm), a)
    check(lambda a: all_of_them(a, norm=norm), a)
    check(lambda a: all_of_them(a, axes=(2, 0), norm=norm), a)
    check(lambda a: all_of_them(a, s=(2, 6), axes=(0, -1), norm=norm), a)
    check(lambda a: all_of_them(a, s=(-1, 4), axes=(0, 1), norm=norm), a)


@KINDS
def test_an_axis_may_be_transformed_twice(kind: str) -> None:
    check(lambda a: np.fft.fftn(a, axes=(0, 0)), draw(3, 2, kind=kind))


@KINDS
@pytest.mark.parametrize("axes", [None, 0, -1, (0, 1), [1]])
@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
def test_shifts(name: str, axes: Any, kind: str) -> None:
    check(lambda a: getattr(np.fft, name)(a, axes), draw(3, 4, kind=kind))


def test_energy_is_kept() -> None:
    """Parseval: half the energy of the spectrum has the signal itself as its gradient."""
    x = Tensor(draw(8), requires_grad=True)
    energy = (np.abs(np.fft.fft(x, norm="ortho")) ** 2).sum() / 2
    np.testing.assert_allclose(gradients(energy, [x])[0].data, x.data)


def test_filters_are_differentiable_by_their_kernel() -> None:
    """The convolution theorem: the gradient through transforms is that of ``np.convolve``."""
    x, k = draw(6), Tensor(draw(3), requires_grad=True)
    n = 8
    by_transform = np.fft.irfft(np.fft.rfft(x, n) * np.fft.rfft(k, n), n)
    weights = draw(8)
    (found,) = gradients((by_transform * weights).sum(), [k])
    (expected,) = gradients((np.convolve(x, k) * weights).sum(), [k])
    np.testing.assert_allclose(found.data, expected.data)


def test_float32_gradients_stay_float32() -> None:
    x = Tensor(draw(4, 6).astype(np.float32), requires_grad=True)
    spectrum = np.fft.rfft2(x)
    assert spectrum.dtype == np.complex64
    signal = np.fft.irfft2(spectrum)
    assert signal.dtype == np.float32
    assert gradients((signal**2).sum(), [x])[0].dtype == np.float32


def test_what_is_refused() -> None:
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(MutationError, match="fft: out="):
        np.fft.fft(x, out=np.empty((2, 3), complex))
    with pytest.raises(MutationError, match="irfftn: out="):
        np.fft.irfftn(x, out=np.empty((2, 4)))
    with pytest.raises(ShapeError, match="1 lengths s and 2 axes"):
        np.fft.fft2(x, s=(4,))
