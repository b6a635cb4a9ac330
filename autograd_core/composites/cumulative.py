"""Running sums and products as the array API has them: along one axis, with a start if wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.composites.statistics import settings
from autograd_core.errors import ShapeError
from autograd_core.tensor import as_tensor, composite

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np


def with_start(running: Callable[..., Any], start: int) -> Callable[..., Any]:
    """``np.cumulative_sum`` or ``np.cumulative_prod``, made of the older functions."""

    def cumulative(
        x: Any,
        /,
        *,
        axis: int | None = None,
        dtype: Any = None,
        out: Any = None,
        include_initial: bool = False,
    ) -> Any:
        x = as_tensor(x)
        settings(running.__name__, out)
        if axis is None and x.ndim != 1:
            raise ShapeError(
                f"{running.__name__}: got shape {x.shape} without an axis; expected axis="
            )
        axis = 0 if axis is None else axis
        result = running(x, axis=axis, dtype=dtype)
        if not include_initial:
            return result
        first = [1 if k == axis % x.ndim else side for k, side in enumerate(x.shape)]
        return _np.concatenate([_np.full(first, start, result.dtype), result], axis=axis)

    return cumulative


composite(np.cumulative_sum)(with_start(np.cumsum, 0))
composite(np.cumulative_prod)(with_start(np.cumprod, 1))
