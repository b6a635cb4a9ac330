"""Looking rows up in a table."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor, operation
from autograd_core.effects import effect
from autograd_core.errors import DtypeError
from autograd_core.primitive import call
from autograd_core.rules.indexing import put
from autograd_core.rules.piecewise import keep
from autograd_core.tensor import as_array
from nn.errors import RangeError


def lookup_sample(d: Any) -> Any:
    """Positions, some of them twice, and a table."""
    rows = d.integer(1, 4)
    positions = d.rng.integers(0, rows, d.shape(max_dims=2))
    return call(positions, d.array((rows, d.integer(1, 3))), None)


def lookup_rule(g: Any, positions: Any, weight_shape: tuple[int, ...], padding_idx: Any) -> Any:
    """Every row adds up what was read from it, but the padding nothing."""
    if padding_idx is not None:
        g = keep(g, (positions != padding_idx)[..., None])
    return put(g, weight_shape, positions)


@operation(lookup_sample, name="embedding", weight=lookup_rule)
def lookup(positions: Any, weight: Any, padding_idx: int | None) -> Any:
    """The rows at positions, which are an array."""
    return weight[positions]


@effect(changes=False)
def check_rows(positions: Any, rows: int) -> None:
    """Raise RangeError naming a position that is no row."""
    outside = positions[(positions < 0) | (positions >= rows)]
    if outside.size:
        raise RangeError(
            f"embedding: got the index {outside.flat[0]}; expected indices from 0 to {rows - 1}"
        )


def embedding(x: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """The rows of ``weight`` at the integers x: shape (*x.shape, weight.shape[1]).

    The row ``padding_idx`` gets no gradient; a negative one counts from the end. Raises DtypeError
    unless x are integers, and RangeError, which is an IndexError, if one is not a row.

    >>> import numpy as np
    >>> embedding(np.array([2, 0]), np.array([[0.0], [1.0], [2.0]]))
    array([[2.],
           [0.]])
    """
    positions = as_array(x)
    if isinstance(positions, Tensor):
        positions = positions.data
    if positions.dtype.kind not in "iu":
        raise DtypeError(
            f"embedding: got indices of dtype {positions.dtype}; expected integers; "
            "use .astype(int)"
        )
    rows = weight.shape[0]
    check_rows(positions, rows)
    return lookup(positions, weight, None if padding_idx is None else padding_idx % rows)
