"""Rules of running sums, products and extrema."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.primitive import call, define, operation
from autograd_core.rules.reductions import Shape, shifted


def cumulation(d: Any) -> Any:
    """An array and an axis, or None to run through all of it."""
    a = d.array()
    return call(a, axis=d.choice([None, d.axis(a.ndim)]) if a.ndim else None)


def cumsum_rule(g: Any, a_shape: Shape, axis: Any) -> Any:
    """An element is part of all sums from its own onwards."""
    onwards = np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis)
    return onwards.reshape(a_shape)


define(np.cumsum, cumulation, a=cumsum_rule)


# -- linear recurrences ----------------------------------------------------------------------------


def recurrence(d: Any) -> Any:
    """Factors and terms of one shape."""
    shape = d.shape(min_dims=1)
    return call(d.array(shape), d.array(shape))


def onwards(factors: Any, g: Any) -> Any:
    """The transpose of ``recur``: ``s[i] = g[i] + factors[i+1] s[i+1]``."""
    following = np.concatenate([factors[..., 1:], np.zeros_like(factors[..., :1])], axis=-1)
    return recur(following[..., ::-1], g[..., ::-1])[..., ::-1]


@operation(
    recurrence,
    factors=lambda g, out, factors: onwards(factors, g) * shifted(out, 0),
    terms=lambda g, factors: onwards(factors, g),
)
def recur(factors: Any, terms: Any) -> Any:
    """``y[i] = factors[i] y[i-1] + terms[i]`` along the last axis, in log₂(n) steps.

    W. D. Hillis and G. L. Steele, "Data parallel algorithms" (1986). ``factors[0]`` meets nothing.
    """
    factors, result = factors.copy(), terms.copy()
    step = 1
    while step < result.shape[-1]:
        result[..., step:] += factors[..., step:] * result[..., :-step]
        factors[..., step:] *= factors[..., :-step]
        step *= 2
    return result


def cumprod_rule(g: Any, a: Any, axis: Any) -> Any:
    """All factors before an element, times what each later product makes of it; no division."""
    if axis is None or a.ndim == 0:
        return cumprod_rule(g, a.reshape(-1), 0).reshape(a.shape)
    g, a = np.moveaxis(g, axis, -1), np.moveaxis(a, axis, -1)
    return np.moveaxis(shifted(np.cumprod(a, axis=-1), 1) * onwards(a, g), -1, axis)


define(np.cumprod, cumulation, a=cumprod_rule)


# -- running extrema -------------------------------------------------------------------------------


def running(d: Any) -> Any:
    """An array and one of its axes."""
    a = d.array(d.shape(min_dims=1))
    return call(a, d.axis(a.ndim))


def running_rule(g: Any, out: Any, a: Any, axis: int) -> Any:
    """Each running extremum flows to the elements so far that equal it, in equal parts."""
    g, out, a = (np.moveaxis(each, axis, -1) for each in (g, out, a))
    same = (out == shifted(out, np.nan)).astype(g.dtype)
    hit = (a == out).astype(g.dtype)
    ties = recur(same, hit)
    return np.moveaxis(hit * onwards(same, g / ties), -1, axis)


@operation(running, a=running_rule)
def running_max(a: Any, axis: int) -> Any:
    """The largest element so far along an axis: ``np.maximum.accumulate``."""
    return np.maximum.accumulate(a, axis=axis)


@operation(running, a=running_rule)
def running_min(a: Any, axis: int) -> Any:
    """The smallest element so far along an axis: ``np.minimum.accumulate``."""
    return np.minimum.accumulate(a, axis=axis)
