"""Fully connected layers."""

from __future__ import annotations

from math import sqrt
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
