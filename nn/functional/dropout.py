"""Dropout: zeros at random, the rest scaled up."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.random import draw
from nn.errors import OptionError


def check_probability(owner: str, p: float) -> None:
    """Raise OptionError unless p is a probability."""
    if not 0 <= p <= 1:
        raise OptionError(f"{owner}: got p={p!r}; expected a probability between 0 and 1")


def dropout(
    x: Any, p: float = 0.5, training: bool = True, rng: np.random.Generator | None = None
) -> Any:
    """Zero elements with probability ``p`` and divide the others by 1 - p, so that means stay.

    Nothing happens unless ``training``. Draws come from ``rng``, by default the generator that
    ``autograd_core.manual_seed`` seeds, and are the same for all dtypes. Srivastava et al.,
    "Dropout: A Simple Way to Prevent Neural Networks from Overfitting" (2014).

    >>> dropout(np.ones(4), 0.5, rng=np.random.default_rng(1))
    array([0., 2., 2., 2.])
    """
    check_probability("dropout", p)
    if not training or p == 0:
        return x
    kept = draw(lambda rng: rng.random(x.shape, np.float32), rng) >= p
    return x * np.multiply(kept, 1 / (1 - p) if p < 1 else 0.0, dtype=x.dtype)
