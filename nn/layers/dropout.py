"""Dropout as a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn import functional
from nn.functional.dropout import check_probability
from nn.module import Module


class Dropout(Module):
    """In training, zero elements with probability ``p`` and divide the others by 1 - p.

    Draws come from the layer's own generator ``rng``, by default the one that
    ``autograd_core.manual_seed`` seeds. In evaluation mode the layer is the identity. Raises
    OptionError if ``p`` is not a probability.

    >>> Dropout(0.5, rng=np.random.default_rng(1))(np.ones(4))
    array([0., 2., 2., 2.])
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        check_probability("Dropout", p)
        self.p = p
        self.rng = rng

    def forward(self, x: Any) -> Any:
        """See ``functional.dropout``."""
        return functional.dropout(x, self.p, self.training, self.rng)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"
