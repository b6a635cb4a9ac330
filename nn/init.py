"""Initial values: each function fills a Tensor in place and returns it, as in PyTorch.

Values are drawn from ``rng`` (None: the default generator, which ``autograd_core.manual_seed``
seeds) in float64 and rounded, so that float32 and float64 models of one seed agree.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from autograd_core import Tensor
from autograd_core.random import draw
from nn.errors import OptionError


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros."""
    tensor.assign(np.zeros(tensor.shape))
    return tensor


def uniform_(
    tensor: Tensor, low: float = 0.0, high: float = 1.0, rng: np.random.Generator | None = None
) -> Tensor:
    """Fill with draws from the uniform distribution on [low, high).

    >>> bool((uniform_(Tensor(np.empty(9)), -1, 1).data < 1).all())
    True
    """
    tensor.assign(draw(lambda drawn: drawn.uniform(low, high, tensor.shape), rng))
    return tensor


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, rng: np.random.Generator | None = None
) -> Tensor:
    """Fill with draws from the normal distribution."""
    tensor.assign(draw(lambda drawn: drawn.normal(mean, std, tensor.shape), rng))
    return tensor


def fans(tensor: Tensor) -> tuple[int, int]:
    """Inputs and outputs of a weight (out, in, ...), each times the size of its receptive field.

    >>> fans(Tensor(np.empty((8, 3, 5, 5))))
    (75, 200)
    """
    if tensor.ndim < 2:
        raise OptionError(
            f"fans: got a tensor of shape {tensor.shape}; expected a weight of at least two axes"
        )
    outputs, inputs, *field = tensor.shape
    size = int(np.prod(field, dtype=int))
    return inputs * size, outputs * size


def kaiming_uniform_(
    tensor: Tensor, a: float = 0.0, rng: np.random.Generator | None = None
) -> Tensor:
    """Uniform within ±√(6 / ((1 + a²) in)): keeps variance through leaky ReLU of slope ``a``.

    He et al., "Delving Deep into Rectifiers" (2015). ``a=√5`` gives ±1/√in, PyTorch's default for
    linear layers.
    """
    bound = sqrt(6 / ((1 + a * a) * fans(tensor)[0]))
    return uniform_(tensor, -bound, bound, rng)


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, rng: np.random.Generator | None = None
) -> Tensor:
    """Uniform within ±gain √(6 / (in + out)): keeps variance forward and backward through tanh.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks"
    (2010).
    """
    bound = gain * sqrt(6 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, rng)
