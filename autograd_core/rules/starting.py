"""Rules of reductions that start from a tracked value: sums, products and extrema with ``initial``.

They are operations of their own, so that the plain ones keep a single operand and their speed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.primitive import call, operation
from autograd_core.rules.nan_reductions import numbers
from autograd_core.rules.reductions import (
    MISSING,
    extremum_rule,
    masked_reduction,
    prod_rule,
    reached,
    sum_rule,
)

Function = Callable[..., Any]

# Those that skip NaN.
SKIPPING = frozenset({np.nansum, np.nanprod, np.nanmax, np.nanmin})


def sample(*functions: Function) -> Any:
    """How to draw one of the functions, an array, a value to start from, axes and a mask."""

    def started(d: Any) -> Any:
        (a,), settings = masked_reduction(d)
        *elements, initial = d.array((a.size + 1,))
        return call(d.choice(functions), np.reshape(elements, a.shape), initial, settings)

    return started


def taking_part(function: Function, a: Any, settings: dict[str, Any]) -> Any:
    """The mask of the elements that are reduced, or the mark of none."""
    where = settings.get("where", MISSING)
    return numbers(a, where) if function in SKIPPING else where


def started_sum_a(g: Any, function: Function, a: Any, settings: dict[str, Any]) -> Any:
    """Every element counts once, wherever the sum starts."""
    return sum_rule(g, a.shape, settings["axis"], taking_part(function, a, settings))


def started_prod_a(
    g: Any, function: Function, a: Any, initial: Any, settings: dict[str, Any]
) -> Any:
    """Every element is multiplied by all others and by the start."""
    return prod_rule(g, a, settings["axis"], initial, taking_part(function, a, settings))


def started_extremum_a(
    g: Any, function: Function, a: Any, initial: Any, settings: dict[str, Any], out: Any
) -> Any:
    """The start is one more element, which takes part in ties."""
    return extremum_rule(g, out, a, settings["axis"], initial, taking_part(function, a, settings))


def started_extremum_initial(
    g: Any, function: Function, a: Any, initial: Any, settings: dict[str, Any], out: Any
) -> Any:
    """The share of the start in the extremum."""
    _, ties = reached(out, a, settings["axis"], initial, taking_part(function, a, settings))
    shape = ties.shape
    return np.where(out.reshape(shape) == initial, g.reshape(shape) / ties.astype(g.dtype), 0)


@operation(sample(np.sum, np.nansum), name="sum", a=started_sum_a, initial=lambda g: g)
def started_sum(function: Function, a: Any, initial: Any, settings: dict[str, Any]) -> Any:
    """A sum that starts from a value."""
    return function(a, initial=initial, **settings)


@operation(
    sample(np.prod, np.nanprod),
    name="prod",
    a=started_prod_a,
    initial=lambda g, function, a, settings: g * function(a, **settings),
)
def started_prod(function: Function, a: Any, initial: Any, settings: dict[str, Any]) -> Any:
    """A product that starts from a value."""
    return function(a, initial=initial, **settings)


@operation(
    sample(np.max, np.min, np.nanmax, np.nanmin),
    name="extremum",
    a=started_extremum_a,
    initial=started_extremum_initial,
)
def started_extremum(function: Function, a: Any, initial: Any, settings: dict[str, Any]) -> Any:
    """A maximum or minimum of elements and of a value to start from."""
    return function(a, initial=initial, **settings)
