"""Functions that pick elements by a condition, a number or a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.composites.statistics import settings
from autograd_core.tensor import as_tensor, composite, unwrap

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np


@composite(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Any:
    """The slices along an axis where a condition holds."""
    settings("compress", out)
    return np.take(as_tensor(a), np.flatnonzero(unwrap(condition)), axis=axis)


@composite(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """The elements, in one axis, where a condition holds."""
    return np.take(as_tensor(arr), np.flatnonzero(unwrap(condition)))


@composite(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
    """For each element the choice with its number."""
    settings("choose", out)
    options = _np.stack(_np.broadcast_arrays(*choices, np.zeros(np.shape(a), dtype=bool))[:-1])
    options = options.astype(np.result_type(*choices))
    number = np.choose(unwrap(a), list(range(len(options))), mode=mode)
    return np.take_along_axis(options, np.broadcast_to(number, options.shape[1:])[None], axis=0)[0]


# -- values of sets --------------------------------------------------------------------------------


@composite(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    **more: Any,
) -> Any:
    """The different elements, in order; the gradient goes to the first of those that are equal."""
    ar = as_tensor(ar)
    _, index, *others = _np.unique(ar.data, True, return_inverse, return_counts, axis, **more)
    values = np.take(ar, index, axis=axis)
    found = [index] * return_index + others
    return (values, *map(as_tensor, found)) if found else values


def picked(function: Callable[..., Any]) -> Callable[..., Any]:
    """A set function of one or two arrays, with its values picked from them again."""

    def pick(*arrays: Any, **keywords: Any) -> Any:
        arrays = tuple(as_tensor(array) for array in arrays)
        pool = _np.concatenate(arrays, axis=None)
        known, first = np.unique(pool.data, return_index=True)
        result = function(*(array.data for array in arrays), **keywords)
        values, *others = result if isinstance(result, tuple) else (result,)
        chosen = pool[first[np.searchsorted(known, values)]]
        if not others:
            return chosen
        parts = (chosen, *map(as_tensor, others))
        return type(result)(*parts) if hasattr(result, "_fields") else parts

    return pick


for function in (
    np.unique_values,
    np.unique_counts,
    np.unique_inverse,
    np.unique_all,
    np.union1d,
    np.intersect1d,
    np.setdiff1d,
    np.setxor1d,
):
    composite(function)(picked(function))
