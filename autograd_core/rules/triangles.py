"""Matrices of which an operation reads or writes one triangle.

``cholesky`` and ``eigh`` read one triangle of their operand and take the other one for granted. The
gradient is that of what is computed: it lies in the triangle that was read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.rules.products import conj


def half(x: Any, upper: bool = False) -> Any:
    """One triangle of matrices, with half of the diagonal."""
    return (np.triu(x) + np.triu(x, 1) if upper else np.tril(x) + np.tril(x, -1)) / 2


def fold(gradient: Any, upper: bool = False) -> Any:
    """The gradient by one triangle, from that by all elements of a Hermitian matrix."""
    return half(gradient + conj(gradient.mT), upper)


def complete(a: Any) -> Any:
    """The Hermitian matrix that a lower triangle stands for."""
    return half(a) + conj(half(a).mT)


def identity_like(x: Any) -> Any:
    """Which elements of square matrices as wide as x lie on the diagonal."""
    return np.eye(x.shape[-1], dtype=bool, like=x)
