"""Rules of the reductions that skip NaN: those of the plain ones, under a mask of the numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.primitive import define
from autograd_core.rules.cumulative import cumprod_rule, cumsum_rule, cumulation
from autograd_core.rules.reductions import (
    MISSING,
    extremum_rule,
    mean_rule,
    prod_rule,
    reduction,
    spread_reduction,
    started_product,
    std_rule,
    sum_rule,
    var_rule,
)


def numbers(a: Any, where: Any = MISSING) -> Any:
    """A mask of the elements that are not NaN and that ``where`` selects."""
    known = np.logical_not(np.isnan(a))
    return known if where is MISSING else known & where


def skipping_var_rule(
    g: Any, a: Any, axis: Any, ddof: Any, where: Any, mean: Any, correction: Any
) -> Any:
    """The variance of the numbers."""
    return var_rule(g, a, axis, ddof, numbers(a, where), mean, correction)


def skipping_std_rule(
    g: Any, out: Any, a: Any, axis: Any, ddof: Any, where: Any, mean: Any, correction: Any
) -> Any:
    """The standard deviation of the numbers."""
    return std_rule(g, out, a, axis, ddof, numbers(a, where), mean, correction)


def skipping_extremum_rule(g: Any, out: Any, a: Any, axis: Any, initial: Any, where: Any) -> Any:
    """The extremum of the numbers."""
    return extremum_rule(g, out, a, axis, initial, numbers(a, where))


define(
    np.nansum,
    reduction,
    a=lambda g, a, axis, where: sum_rule(g, a.shape, axis, numbers(a, where)),
)
define(
    np.nanprod,
    started_product,
    a=lambda g, a, axis, initial, where: prod_rule(g, a, axis, initial, numbers(a, where)),
)
define(
    np.nanmean,
    reduction,
    a=lambda g, a, axis, where: mean_rule(g, a.shape, axis, numbers(a, where)),
)
define(
    np.nanvar,
    spread_reduction,
    a=skipping_var_rule,
    mean=lambda g, a, axis, ddof, where, mean, correction: (
        -skipping_var_rule(g, a, axis, ddof, where, mean, correction)
    ),
)
define(
    np.nanstd,
    spread_reduction,
    a=skipping_std_rule,
    mean=lambda g, out, a, axis, ddof, where, mean, correction: (
        -skipping_std_rule(g, out, a, axis, ddof, where, mean, correction)
    ),
)
define(np.nanmax, reduction, a=skipping_extremum_rule)
define(np.nanmin, reduction, a=skipping_extremum_rule)
define(
    np.nancumsum,
    cumulation,
    a=lambda g, a, axis: np.where(numbers(a), cumsum_rule(g, a.shape, axis), 0),
)
define(
    np.nancumprod,
    cumulation,
    a=lambda g, a, axis: np.where(numbers(a), cumprod_rule(g, np.where(numbers(a), a, 1), axis), 0),
)
for untracked in (np.nanargmax, np.nanargmin):
    define(untracked)
