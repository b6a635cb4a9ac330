"""Rules of reductions along axes."""
from __future__ import annotations
from typing import Any
import numpy as np
from autograd_core.primitive import call, define

def spread(g: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """Broadcast what was reduced over axes back to the shape before."""
    if axis is None:
        return np.broadcast_to(np.reshape(g, (1,) * len(shape)), shape)
    axes = (axis,) if isinstance(axis, int) else axis
    kept = tuple(1 if k in {a % len(shape) for a in axes} else n for k, n in enumerate(shape))
    return np.broadcast_to(np.reshape(g, kept), shape)

define(np.sum, lambda d: d.reduction(), a=lambda g, a_shape, axis: spread(g, a_shape, axis))
