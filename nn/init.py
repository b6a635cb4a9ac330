"""Initial values: each function fills a Tensor in place and returns it, with PyTorch's names.

Values are drawn in float64 and rounded, so float32 and float64 models of one seed agree. Without
``rng`` they come from the generator that ``autograd_core.manual_seed`` seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erf, prod, sqrt
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from autograd_core import Tensor
from autograd_core.random import draw, generator
from nn.errors import OptionError

__all__ = [
    "GAINS",
    "METHODS",
    "calculate_gain",
    "constant_",
    "fans",
    "generator",
    "initialize_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

Generator = np.random.Generator | None
Mode = Literal["fan_in", "fan_out"]


# -- plain fillings --------------------------------------------------------------------------------


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one number.

    >>> constant_(Tensor(np.empty(2)), 0.5)
    Tensor([0.5, 0.5])
    """
    tensor.assign(np.full(tensor.shape, val))
    return tensor


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones."""
    return constant_(tensor, 1.0)


def filled(tensor: Tensor, sample: Callable[[np.random.Generator], Any], rng: Generator) -> Tensor:
    """The Tensor, filled with what a function draws from the generator."""
    tensor.assign(draw(sample, rng))
    return tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, rng: Generator = None) -> Tensor:
    """Fill with draws from the uniform distribution on [a, b).

    >>> bool((uniform_(Tensor(np.empty(9)), -1, 1).data < 1).all())
    True
    """
    return filled(tensor, lambda rng: rng.uniform(a, b, tensor.shape), rng)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, rng: Generator = None) -> Tensor:
    """Fill with draws from the normal distribution."""
    return filled(tensor, lambda rng: rng.normal(mean, std, tensor.shape), rng)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    rng: Generator = None,
) -> Tensor:
    """Fill with draws from the normal distribution that lie in [a, b]; others are drawn again.

    As in PyTorch, a and b are values and not multiples of ``std``. Raises OptionError if less than
    1 % of the distribution lies between them.

    >>> bool((abs(trunc_normal_(Tensor(np.empty(99))).data) <= 2).all())
    True
    """
    low, high = [erf((bound - mean) / (std * sqrt(2))) / 2 for bound in (a, b)]
    if not high - low >= 0.01:
        raise OptionError(
            f"trunc_normal_: got bounds {a} and {b} for mean {mean} and std {std}; expected at "
            "least 1 % of the distribution between them; move the mean or widen the bounds"
        )

    def sample(rng: np.random.Generator) -> npt.NDArray[np.float64]:
        values = rng.normal(mean, std, tensor.shape)
        while (outside := (values < a) | (values > b)).any():
            values[outside] = rng.normal(mean, std, np.count_nonzero(outside))
        return values

    return filled(tensor, sample, rng)


# -- scaled by the sizes of the layer --------------------------------------------------------------


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
    return inputs * prod(field), outputs * prod(field)


def normal_of_std(tensor: Tensor, std: float, rng: Generator) -> Tensor:
    """Fill with a centered normal distribution of that standard deviation."""
    return normal_(tensor, 0.0, std, rng)


def uniform_of_std(tensor: Tensor, std: float, rng: Generator) -> Tensor:
    """Fill with a centered uniform distribution of that standard deviation."""
    return uniform_(tensor, -sqrt(3) * std, sqrt(3) * std, rng)


def xavier_std(tensor: Tensor, gain: float) -> float:
    """The standard deviation that keeps the variance of activations and gradients alike."""
    return gain * sqrt(2 / max(sum(fans(tensor)), 1))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, rng: Generator = None) -> Tensor:
    """Uniform within ±gain √(6 / (in + out)): keeps variance forward and backward through tanh.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks"
    (2010).

    >>> weight = xavier_uniform_(Tensor(np.empty((2, 4))))
    >>> bool((abs(weight.data) < 1).all())
    True
    """
    return uniform_of_std(tensor, xavier_std(tensor, gain), rng)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, rng: Generator = None) -> Tensor:
    """Normal with standard deviation gain √(2 / (in + out)); see ``xavier_uniform_``."""
    return normal_of_std(tensor, xavier_std(tensor, gain), rng)


def kaiming_std(tensor: Tensor, gain: float, mode: Mode = "fan_in") -> float:
    """The standard deviation that keeps the variance of activations, or of gradients."""
    if mode not in ("fan_in", "fan_out"):
        raise OptionError(f"kaiming: got mode={mode!r}; expected 'fan_in' or 'fan_out'")
    return gain / sqrt(max(fans(tensor)[mode == "fan_out"], 1))


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    rng: Generator = None,
) -> Tensor:
    """Uniform within ±gain √(3 / fan), the gain that of leaky ReLU of slope ``a``: √(2 / (1 + a²)).

    He et al., "Delving Deep into Rectifiers" (2015). ``mode`` says which variance is kept, that of
    activations ("fan_in") or of gradients ("fan_out"). ``a=√5`` gives ±1/√in, PyTorch's default
    for linear layers.
    """
    gain = calculate_gain(nonlinearity, a)
    return uniform_of_std(tensor, kaiming_std(tensor, gain, mode), rng)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    rng: Generator = None,
) -> Tensor:
    """Normal with standard deviation gain / √fan; see ``kaiming_uniform_``."""
    gain = calculate_gain(nonlinearity, a)
    return normal_of_std(tensor, kaiming_std(tensor, gain, mode), rng)


def orthogonal_(tensor: Tensor, gain: float = 1.0, rng: Generator = None) -> Tensor:
    """Fill with a random orthogonal matrix times gain: orthonormal rows, or columns if fewer.

    The first axis are the rows, all others together the columns. Uniform over the orthogonal group:
    the Q of a normal matrix, its signs fixed by the diagonal of R. Saxe et al., "Exact solutions to
    the nonlinear dynamics of learning in deep linear neural networks" (2014).

    >>> q = orthogonal_(Tensor(np.empty((2, 3)))).data
    >>> np.allclose(q @ q.T, np.eye(2))
    True
    """
    fans(tensor)  # says what is wrong with the shape
    rows, columns = tensor.shape[0], prod(tensor.shape[1:])

    def sample(rng: np.random.Generator) -> Any:
        normal = rng.normal(size=(rows, columns))
        q, r = np.linalg.qr(normal.T if rows < columns else normal)
        q *= gain * np.where(np.diag(r) < 0, -1.0, 1.0)
        return (q.T if rows < columns else q).reshape(tensor.shape)

    return filled(tensor, sample, rng)


# -- chosen by activation --------------------------------------------------------------------------

# What an activation f shrinks by, undone: 1 / √E[f(z)²] for normal z, but where PyTorch has a value
# of its own. A self-normalizing network needs selu with the gain of "linear".
GAINS: dict[str, float] = {
    "identity": 1.0,
    "linear": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": sqrt(2),
    "selu": 3 / 4,
    "elu": 1.2452,
    "gelu": 1.5335,
    "gelu_tanh": 1.5335,
    "silu": 1.6765,
    "softplus": 1.0419,
    "softmax": 1.0,
    "log_softmax": 1.0,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """What weights before an activation are multiplied by, so that it keeps the variance.

    PyTorch's values, and for activations it knows none for, 1 / √E[f(z)²] with normal z. ``param``
    is the slope of "leaky_relu" (0.01) or "prelu" (0.25). OptionError lists the names there are.

    >>> calculate_gain("leaky_relu", 1.0)
    1.0
    """
    slopes = {"leaky_relu": 0.01, "prelu": 0.25}
    if nonlinearity in slopes:
        slope = slopes[nonlinearity] if param is None else param
        return sqrt(2 / (1 + slope**2))
    name = "linear" if nonlinearity.startswith("conv") else nonlinearity
    if name not in GAINS:
        raise OptionError(
            f"calculate_gain: got {nonlinearity!r}; expected one of "
            f"{', '.join(sorted({*GAINS, *slopes}))}"
        )
    return GAINS[name]


def kaiming(distribution: Callable[..., Tensor]) -> Callable[[Tensor, float, Generator], Tensor]:
    """He's filling with any gain, from a distribution with a mean and a standard deviation."""

    def fill(tensor: Tensor, gain: float, rng: Generator) -> Tensor:
        return distribution(tensor, kaiming_std(tensor, gain), rng)

    return fill


def within_two_std(tensor: Tensor, std: float, rng: Generator) -> Tensor:
    """Fill with a normal distribution cut at two standard deviations, with the given one left."""
    wider = std / 0.87962566  # the standard deviation of what is left of a standard normal one
    return trunc_normal_(tensor, 0.0, wider, -2 * wider, 2 * wider, rng)


# Ways to fill a weight that follow a gain.
METHODS: dict[str, Callable[[Tensor, float, Generator], Tensor]] = {
    "kaiming_normal": kaiming(normal_of_std),
    "kaiming_uniform": kaiming(uniform_of_std),
    "orthogonal": orthogonal_,
    "trunc_normal": kaiming(within_two_std),
    "xavier_normal": xavier_normal_,
    "xavier_uniform": xavier_uniform_,
}

# Activations that bend around zero; the others lose half of their input.
SATURATING = frozenset({"identity", "linear", "sigmoid", "tanh", "softmax", "log_softmax"})


def initialize_(
    tensor: Tensor, activation: str, method: str | None = None, rng: Generator = None
) -> Tensor:
    """Fill the weight of a layer as suits the activation that follows it.

    Xavier's uniform distribution before sigmoid, tanh and none, He's before rectifiers, LeCun's
    normal one (He's with gain 1) before selu; ``method``, a name in ``METHODS``, overrides the
    choice but not the gain. Raises OptionError for an unknown name.

    >>> weight = initialize_(Tensor(np.empty((50, 100))), "relu", rng=np.random.default_rng(0))
    >>> round(float(weight.data.std() * np.sqrt(100 / 2)), 1)
    1.0
    """
    gain = 1.0 if activation == "selu" else calculate_gain(activation)
    if method is None:
        suited = "xavier_uniform" if activation in SATURATING else "kaiming_uniform"
        method = "kaiming_normal" if activation == "selu" else suited
    if method not in METHODS:
        raise OptionError(
            f"initialize_: got the method {method!r}; expected one of {', '.join(METHODS)}"
        )
    return METHODS[method](tensor, gain, rng)
