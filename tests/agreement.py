"""How tests hold a function on Tensors to NumPy and to differences."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_core import Tensor
from autograd_core.testing import RandomDrawer, gradcheck


def spaced(*shape: int, seed: int = 0, above: float | None = None) -> Any:
    """Numbers well apart from each other and from zero; above a number, if one is given."""
    values = RandomDrawer(seed).array(shape)
    return values if above is None else values - values.min(initial=0.0) + above + 0.1


def flattened(result: Any) -> Iterator[Any]:
    if isinstance(result, (list, tuple)):
        for part in result:
            yield from flattened(part)
    else:
        yield result


def same_as_numpy(function: Callable[..., Any], *arrays: Any, rtol: float = 1e-12) -> None:
    """The function gives the same values, shapes and dtypes for Tensors, tracked or not."""
    expected = list(flattened(function(*arrays)))
    for tracked in (False, True):
        tensors = [Tensor(array, tracked and array.dtype.kind in "fc") for array in arrays]
        results = list(flattened(function(*tensors)))
        assert len(results) == len(expected)
        for result, array in zip(results, expected, strict=True):
            assert isinstance(result, Tensor)
            assert result.dtype == np.asarray(array).dtype
            np.testing.assert_allclose(result.data, array, rtol=rtol, atol=1e-13, strict=False)
            assert result.shape == np.shape(array)


def agrees(function: Callable[..., Any], *arrays: Any, order: int = 2) -> None:
    """The function is the same for Tensors as for arrays, and its gradients are right."""
    same_as_numpy(function, *arrays)
    gradcheck(function, arrays, order=order)
