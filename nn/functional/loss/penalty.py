"""Penalties on the size of parameters, to be added to a loss."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_core import Tensor, operation
from autograd_core.primitive import call
from nn.errors import OptionError


def several(d: Any) -> Any:
    """A draw of a few arrays."""
    return call([d.array() for _ in range(d.integer(1, 3))])


@operation(
    several,
    label="Σ|θ|",
    sequence=True,
    parameters=lambda g, i, parameters: g * np.conj(np.sign(parameters[i])),
)
def sum_of_sizes(parameters: Any) -> Any:
    """Σ |θ| over all elements of all arrays."""
    return np.asarray(sum(np.abs(parameter).sum() for parameter in parameters))


@operation(
    several,
    label="Σθ²",
    sequence=True,
    parameters=lambda g, i, parameters: (g + g) * parameters[i],
)
def sum_of_squares(parameters: Any) -> Any:
    """Σ θ² over all elements of all arrays."""
    return np.asarray(sum(np.square(parameter).sum() for parameter in parameters))


def chosen(penalty: str, parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """The parameters to penalize, at least one."""
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not listed:
        raise OptionError(f"{penalty}: got no parameters; expected at least one")
    return listed


def l1_penalty(parameters: Tensor | Iterable[Tensor]) -> Any:
    """Σ |θ| over the parameters, which drives some of them to 0; its gradient there is 0.

    Tibshirani, "Regression shrinkage and selection via the lasso" (1996). Add a multiple of it to
    the loss; choose among ``model.parameters()`` by hand, biases are usually left out.

    >>> l1_penalty([Tensor(np.array([3.0, -4.0]))])
    Tensor(7.)
    """
    return sum_of_sizes(chosen("l1_penalty", parameters))


def l2_penalty(parameters: Tensor | Iterable[Tensor]) -> Any:
    """Σ θ² over the parameters, which keeps them small.

    Adding λ/2 times it to the loss is what ``weight_decay=λ`` does for all parameters in ``SGD``.
    Hoerl and Kennard, "Ridge regression" (1970).

    >>> l2_penalty([Tensor(np.array([3.0, -4.0]))])
    Tensor(25.)
    """
    return sum_of_squares(chosen("l2_penalty", parameters))
