"""Rules of indexing: what a selection reads, its gradient adds back in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.primitive import define


def getitem(x: Any, index: Any) -> Any:
    """``x[index]``."""
    return x[index]


define(
    getitem,
    lambda d: d.indexed(),
    label="[ ]",
    view=True,
    x=lambda g, x_shape, index: put(g, x_shape, index),
)


def put(values: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Zeros of a shape with the values added at an index, however often it repeats."""
    if not is_basic(index):
        result = np.zeros(shape, values.dtype)
        np.add.at(result, index, values)
        return result
    result = np.zeros(shape, values.dtype)
    result[index] = values
    return result


def is_basic(index: Any) -> bool:
    """Whether an index selects each element at most once: slices, integers, masks."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None
        or part is Ellipsis
        or isinstance(part, (int, np.integer, slice))
        or getattr(part, "dtype", None) == np.bool_
        for part in parts
    )


define(put, lambda d: d.put(), label="put", values=lambda g, index: g[index])
