"""Fully connected layers."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from nn import functional, init
from nn.errors import LayerShapeError, check_positive
from nn.module import Module, Parameter


class Linear(Module):
    """Fully connected: y = x Wᵀ + b, ``weight`` of shape (out_features, in_features).

    Shapes: (..., in_features) to (..., out_features). Both start uniform within ±1/√in_features,
    as in PyTorch. A wrong last axis raises LayerShapeError.

    >>> Linear(3, 2, rng=np.random.default_rng(0))(np.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        rng: np.random.Generator | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        check_positive("Linear", in_features=in_features, out_features=out_features)
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(np.empty((out_features, in_features), dtype))
        init.kaiming_uniform_(self.weight, a=sqrt(5), rng=rng)
        self.bias = None
        if bias:
            bound = 1 / sqrt(in_features)
            self.bias = init.uniform_(Parameter(np.empty(out_features, dtype)), -bound, bound, rng)

    def forward(self, x: Any) -> Any:
        """The affine map of the vectors along the last axis."""
        shape = x.shape
        if not shape or shape[-1] != self.in_features:
            raise LayerShapeError(
                "Linear",
                f"expected last axis {self.in_features}, got {shape[-1] if shape else 'a scalar'}",
            )
        return functional.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Sizes, and whether there is a bias."""
        return f"{self.in_features}, {self.out_features}" + (
            ", bias=False" if self.bias is None else ""
        )


class Identity(Module):
    """Return the input: a layer that is not there."""

    def forward(self, x: Any) -> Any:
        """The input itself."""
        return x


class Flatten(Module):
    """Join axes ``start_dim`` to ``end_dim`` into one; the first, the batch, stays by default.

    >>> Flatten()(np.zeros((5, 2, 3))).shape
    (5, 6)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: Any) -> Any:
        """The same numbers, reshaped."""
        start, end = (k + x.ndim if k < 0 else k for k in (self.start_dim, self.end_dim))
        if not 0 <= start <= end < x.ndim:
            raise LayerShapeError(
                "Flatten",
                f"expected axes {self.start_dim} to {self.end_dim}, got shape {x.shape}",
            )
        joined = prod(x.shape[start : end + 1])
        return np.reshape(x, (*x.shape[:start], joined, *x.shape[end + 1 :]))

    def extra_repr(self) -> str:
        """The axes."""
        return f"{self.start_dim}, {self.end_dim}"
