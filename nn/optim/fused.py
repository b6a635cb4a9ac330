"""Update rules as one loop over the flat buffer, compiled by numba (the extra ``fast``).

A loop reads and writes every array once, where NumPy passes over them several times: Adam on
536,000 float32 parameters takes 0.15 ms instead of 0.75 ms. It does the same operations in the same
order and precision as the rule in NumPy, so it computes the same bits, and may take over at any
step: a run that is resumed does not differ from one that was not interrupted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from autograd_core.errors import require

# Elements updated until what a loop would have saved, about 1 ns each, is what compiling it takes.
PAYS_OFF = 10**9

DTYPES = frozenset({np.dtype(np.float32), np.dtype(np.float64)})

Arrays = list[npt.NDArray[Any]]
Kernel = Callable[..., None]


class Shared(NamedTuple):
    """What all optimizers do to gradient and value before their rule, as numbers."""

    sign: float
    decay: float
    shrink: float


@cache
def compiled(loop: Callable[..., None]) -> Callable[..., None]:
    """The loop in machine code, made at its first call; MissingExtraError without numba."""
    numba: Any = require("numba", "fast")
    function: Callable[..., None] = numba.njit(error_model="numpy", nogil=True)(loop)
    return function


def run(loop: Callable[..., None], arrays: Arrays, *numbers: float, flag: bool) -> None:
    """Run a loop over arrays. It rounds the numbers to their dtype itself, as NumPy would.

    Ten Python floats are handed over in 0.2 µs; made scalars of NumPy before, they take 2.5 µs.
    """
    compiled(loop)(*arrays, *map(float, numbers), flag)


# -- descent along a velocity ----------------------------------------------------------------------


def momentum_loop(
    values: Any,
    gradients: Any,
    velocities: Any,
    sign: Any,
    decay: Any,
    shrink: Any,
    lr: Any,
    keep: Any,
    take: Any,
    nesterov: bool,
) -> None:
    """V ← keep v + take g and θ ← θ - lr v; without ``keep`` θ ← θ - lr g."""
    rounded = values.dtype.type
    sign, decay, shrink = rounded(sign), rounded(decay), rounded(shrink)
    lr, keep, take = rounded(lr), rounded(keep), rounded(take)
    for i in range(values.size):
        value = values[i] * shrink
        gradient = sign * gradients[i]
        if decay:
            gradient += decay * value
        if keep:
            velocity = velocities[i] * keep + take * gradient
            velocities[i] = velocity
            if nesterov:
                gradient += keep * velocity
            else:
                gradient = velocity
        values[i] = value - lr * gradient


def sgd(
    arrays: Arrays,
    shared: Shared,
    *,
    step: int,
    lr: float,
    momentum: float,
    dampening: float,
    nesterov: bool,
) -> None:
    """The update of ``SGD``."""
    take = 1.0 if step == 1 else 1 - dampening
    run(momentum_loop, arrays, *shared, lr, momentum, take, flag=nesterov)


def moving_average(arrays: Arrays, shared: Shared, *, step: int, lr: float, beta: float) -> None:
    """The update of ``Momentum``."""
    run(momentum_loop, arrays, *shared, lr, beta, 1 - beta, flag=False)


# -- descent scaled by moments ---------------------------------------------------------------------


def adam_loop(
    values: Any,
    gradients: Any,
    means: Any,
    squares: Any,
    largest: Any,
    sign: Any,
    decay: Any,
    shrink: Any,
    rate: Any,
    keep_mean: Any,
    take_mean: Any,
    keep_square: Any,
    take_square: Any,
    correction: Any,
    eps: Any,
    amsgrad: bool,
) -> None:
    """M ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g², θ ← θ - rate m / (correction √v + eps)."""
    rounded = values.dtype.type
    sign, decay, shrink = rounded(sign), rounded(decay), rounded(shrink)
    rate, correction, eps = rounded(rate), rounded(correction), rounded(eps)
    keep_mean, take_mean = rounded(keep_mean), rounded(take_mean)
    keep_square, take_square = rounded(keep_square), rounded(take_square)
    for i in range(values.size):
        value = values[i] * shrink
        gradient = sign * gradients[i]
        if decay:
            gradient += decay * value
        mean = means[i] * keep_mean + take_mean * gradient
        square = squares[i] * keep_square + (take_square * gradient) * gradient
        means[i] = mean
        squares[i] = square
        if amsgrad:
            square = max(largest[i], square)
            largest[i] = square
        values[i] = value - mean / (np.sqrt(square) * correction + eps) * rate


def adam(
    arrays: Arrays,
    shared: Shared,
    *,
    step: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    amsgrad: bool,
) -> None:
    """The update of ``Adam`` and, with the decay in ``shrink``, of ``AdamW``."""
    beta1, beta2 = betas
    rate = lr / (1 - beta1**step)
    correction = 1 / sqrt(1 - beta2**step)
    numbers = (rate, beta1, 1 - beta1, beta2, 1 - beta2, correction, eps)
    run(adam_loop, arrays, *shared, *numbers, flag=amsgrad)
