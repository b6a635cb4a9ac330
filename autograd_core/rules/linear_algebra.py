"""Rules of products and decompositions of matrices."""
from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.primitive import call, define


def matmul_x(g: Any, y: Any) -> Any:
    """Gradient of the left factor; the shapes of ``g`` and ``y`` tell what ``x`` was."""
    if y.ndim == 1:
        return g[..., None] * y
    if g.ndim == y.ndim - 1:
        return np.squeeze(np.expand_dims(g, -2) @ np.matrix_transpose(y), -2)
    return g @ np.matrix_transpose(y)


def matmul_y(g: Any, x: Any) -> Any:
    """Gradient of the right factor."""
    if x.ndim == 1:
        return x[:, None] * np.expand_dims(g, -2)
    if g.ndim == x.ndim - 1:
        return np.squeeze(np.matrix_transpose(x) @ g[..., None], -1)
    return np.matrix_transpose(x) @ g


define(np.matmul, lambda d: call(*d.matmul_operands()), label="@", x=matmul_x, y=matmul_y)
