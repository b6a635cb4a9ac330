"""Rules of reductions along axes: what the gradient of one result is to each element it is of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.primitive import call, define, operation
from autograd_core.rules.arithmetic import is_constant

Shape = tuple[int, ...]

# NumPy's mark for a parameter that was not given.
MISSING = np._NoValue

# Up to this many elements, filling an array is faster than making a broadcast view of a small one.
SMALL = 2048


def reduced(shape: Shape, axis: Any) -> Shape:
    """A shape with the axes that were reduced kept at length 1.

    >>> reduced((2, 3, 4), axis=(0, -1))
    (1, 3, 1)
    """
    kept = list(shape)
    for one in reduced_axes(len(shape), axis):
        kept[one] = 1
    return tuple(kept)


def reduced_axes(ndim: int, axis: Any) -> Any:
    """The axes that are reduced; NumPy takes -1 and 0 for an array without axes, too."""
    if axis is None or ndim == 0:
        return range(ndim)
    return axis if isinstance(axis, (tuple, list)) else (axis,)


def spread(g: Any, a_shape: Shape, axis: Any) -> Any:
    """Broadcast what was reduced over axes back to the shape before."""
    kept = g.reshape(reduced(a_shape, axis))
    if type(kept) is np.ndarray and math.prod(a_shape) <= SMALL:
        result = np.empty(a_shape, kept.dtype)
        result[...] = kept
        return result
    return np.broadcast_to(kept, a_shape)


def chosen(values: Any, where: Any, otherwise: float = 0) -> Any:
    """The values of the elements that took part, another where the mask leaves them out."""
    if where is MISSING or where is True:
        return values
    return np.where(where, values, otherwise)


def count(shape: Shape, axis: Any, where: Any) -> Any:
    """How many elements are reduced into one: an int, or with a mask an array that broadcasts."""
    if where is MISSING or where is True:
        return math.prod([shape[one] for one in reduced_axes(len(shape), axis)])
    return np.add.reduce(np.broadcast_to(where, shape), axis=axis, keepdims=True, dtype=int)


def divide(g: Any, n: Any, a_shape: Shape, axis: Any) -> Any:
    """``g`` spread over the elements and divided by how many there are; NaN if there are none."""
    if isinstance(n, int):
        return spread(g * (1 / n if n > 0 else math.nan), a_shape, axis)
    divisor = np.where(n > 0, n, math.nan).astype(g.dtype)
    return np.broadcast_to(g.reshape(reduced(a_shape, axis)) / divisor, a_shape)


def lined_up(a: Any, axis: Any) -> Any:
    """An array with the axes to be reduced made into one, the last."""
    kept, axes = split_axes(a.ndim, axis)
    size = math.prod(a.shape[k] for k in axes)
    return np.transpose(a, (*kept, *axes)).reshape(*[a.shape[k] for k in kept], size)


def put_back(lined: Any, shape: Shape, axis: Any) -> Any:
    """Undo ``lined_up``."""
    kept, axes = split_axes(len(shape), axis)
    order = (*kept, *axes)
    undone = tuple(order.index(k) for k in range(len(shape)))
    return np.transpose(lined.reshape([shape[k] for k in order]), undone)


def split_axes(ndim: int, axis: Any) -> tuple[list[int], list[int]]:
    """The axes that stay and those that are reduced, all counted from the front."""
    axes = [one % ndim for one in reduced_axes(ndim, axis)]
    return [k for k in range(ndim) if k not in axes], axes


def shifted(values: Any, first: float) -> Any:
    """Along the last axis, what stood one place before; a constant comes first."""
    return np.concatenate([np.full_like(values[..., :1], first), values[..., :-1]], axis=-1)


# -- sums ------------------------------------------------------------------------------------------


def reduction(d: Any) -> Any:
    """Any array and axes, keeping them or not."""
    a = d.array()
    return call(a, axis=d.axes(a.ndim), keepdims=d.boolean())


def masked_reduction(d: Any) -> Any:
    """The same, at times of some elements only."""
    (a,), settings = reduction(d)
    if d.boolean():
        settings["where"] = d.rng.random(a.shape) < 0.7
    return call(a, **settings)


def sum_rule(g: Any, a_shape: Shape, axis: Any, where: Any) -> Any:
    """Every element counts once."""
    return chosen(spread(g, a_shape, axis), where)


def mean_rule(g: Any, a_shape: Shape, axis: Any, where: Any) -> Any:
    """Every element counts by its share."""
    return chosen(divide(g, count(a_shape, axis, where), a_shape, axis), where)


def sum_kernel(
    a: Any, axis: Any, dtype: Any, out: Any, keepdims: Any, initial: Any, where: Any
) -> Any:
    """What ``np.sum`` calls in the end."""
    if initial is MISSING and where is MISSING:
        keep = keepdims is not MISSING and keepdims
        return np.add.reduce(a, axis=axis, dtype=dtype, out=out, keepdims=keep)
    return np.sum(a, axis, dtype, out, keepdims, initial, where)


def mean_kernel(a: Any, axis: Any, dtype: Any, out: Any, keepdims: Any, where: Any) -> Any:
    """The sum over the number of elements; where NumPy does something else, let it."""
    if dtype is None and out is None and where is MISSING and a.dtype.char in "fdFD" and a.size:
        n = count(a.shape, axis, where)
        return np.add.reduce(a, axis, keepdims=keepdims is not MISSING and keepdims) / n
    return np.mean(a, axis, dtype, out, keepdims, where=where)


define(np.sum, masked_reduction, a=sum_rule, kernel=sum_kernel)
define(np.mean, reduction, a=mean_rule, kernel=mean_kernel)


# -- products --------------------------------------------------------------------------------------


def product_of_others(values: Any) -> Any:
    """Along the last axis, for each element the product of all others, without dividing by it."""
    before = shifted(np.cumprod(values, axis=-1), 1)
    after = shifted(np.cumprod(values[..., ::-1], axis=-1), 1)[..., ::-1]
    return before * after


def started_product(d: Any) -> Any:
    """The same, at times with a factor to start from."""
    (a,), settings = masked_reduction(d)
    if d.boolean():
        settings["initial"] = 2.5
    return call(a, **settings)


def prod_rule(g: Any, a: Any, axis: Any, initial: Any, where: Any) -> Any:
    """Every element is multiplied by all others: zeros need no special care."""
    others = put_back(product_of_others(lined_up(chosen(a, where, 1), axis)), a.shape, axis)
    g = g if initial is MISSING else g * initial
    return chosen(spread(g, a.shape, axis) * others, where)


define(np.prod, started_product, a=prod_rule)


# -- extrema ---------------------------------------------------------------------------------------


def reached(out: Any, a: Any, axis: Any, initial: Any, where: Any) -> tuple[Any, Any]:
    """Which elements are the extremum, and how many share it; NaN is the largest of all.

    ``initial`` is one more element, but a Python number is a constant bound: where that is reached,
    nothing flows.
    """
    out = out.reshape(reduced(a.shape, axis))
    hit = (a == out) | (a != a)
    if where is not MISSING:
        hit = hit & where
    if is_constant(initial):
        hit = hit & (out != initial)
    ties = np.add.reduce(hit, axis=axis, keepdims=True)
    if initial is not MISSING and not is_constant(initial):
        ties = ties + (out == initial)
    if where is not MISSING or initial is not MISSING:
        ties = np.maximum(ties, 1)
    return hit, ties


def extremum_rule(g: Any, out: Any, a: Any, axis: Any, initial: Any, where: Any) -> Any:
    """The largest (or smallest) elements share the gradient evenly."""
    hit, ties = reached(out, a, axis, initial, where)
    return np.where(hit, g.reshape(ties.shape) / ties.astype(g.dtype), 0)


def extremum_kernel(ufunc: Any, function: Any) -> Any:
    """What ``np.max`` and ``np.min`` call in the end."""

    def kernel(a: Any, axis: Any, out: Any, keepdims: Any, initial: Any, where: Any) -> Any:
        if initial is MISSING and where is MISSING:
            keep = keepdims is not MISSING and keepdims
            return ufunc.reduce(a, axis=axis, out=out, keepdims=keep)
        return function(a, axis, out, keepdims, initial, where)

    return kernel


for function, ufunc in (
    (np.max, np.maximum),
    (np.amax, np.maximum),
    (np.min, np.minimum),
    (np.amin, np.minimum),
):
    define(function, reduction, a=extremum_rule, kernel=extremum_kernel(ufunc, function))

for untracked in (
    np.argmax,
    np.argmin,
    np.any,
    np.all,
    np.count_nonzero,
):
    define(untracked)


# -- spread of the values --------------------------------------------------------------------------


def spread_reduction(d: Any) -> Any:
    """An array, axes, a correction that leaves a positive divisor, and at times another mean."""
    (a,), settings = reduction(d)
    many = count(a.shape, settings["axis"], MISSING) > 1
    settings[d.choice(["ddof", "correction"])] = d.choice([0, 1, 0.5]) if many else 0
    if d.boolean():
        settings["mean"] = d.array(reduced(a.shape, settings["axis"]))
    return call(a, **settings)


def centered(a: Any, mean: Any, axis: Any, where: Any) -> Any:
    """Differences from the mean, conjugated: ``|z|²`` has the derivative ``2 z̄`` (unconjugated)."""
    if mean is MISSING:
        mean = np.mean(a, axis=axis, keepdims=True, where=True if where is MISSING else where)
    difference = a - mean
    return chosen(np.conj(difference) if a.dtype.kind == "c" else difference, where)


def degrees(a: Any, axis: Any, where: Any, ddof: Any, correction: Any) -> Any:
    """What variances divide by: the number of elements less a correction."""
    n = count(a.shape, axis, where)
    return n - (ddof if correction is MISSING else correction)


def var_rule(g: Any, a: Any, axis: Any, ddof: Any, where: Any, mean: Any, correction: Any) -> Any:
    """``2 (a - mean) / (n - ddof)``; the mean's own dependence on ``a`` adds up to zero."""
    n = degrees(a, axis, where, ddof, correction)
    return divide(g * 2, n, a.shape, axis) * centered(a, mean, axis, where)


def std_rule(
    g: Any, out: Any, a: Any, axis: Any, ddof: Any, where: Any, mean: Any, correction: Any
) -> Any:
    """That of the variance over ``2 std``; 0 where all elements are equal."""
    return var_rule(over(g, out) / 2, a, axis, ddof, where, mean, correction)


def over(g: Any, out: Any) -> Any:
    """``g / out``, and 0 where ``out`` is 0: the subgradient of least norm at the tip of a cone."""
    zero = out == 0
    return np.where(zero, 0, g / np.where(zero, 1, out))


define(
    np.var,
    spread_reduction,
    a=var_rule,
    mean=lambda g, a, axis, ddof, where, mean, correction: (
        -var_rule(g, a, axis, ddof, where, mean, correction)
    ),
)
define(
    np.std,
    spread_reduction,
    a=std_rule,
    mean=lambda g, out, a, axis, ddof, where, mean, correction: (
        -std_rule(g, out, a, axis, ddof, where, mean, correction)
    ),
)


# -- lengths ---------------------------------------------------------------------------------------


def length_sample(d: Any) -> Any:
    """An array, an axis and a finite order."""
    a = d.array(d.shape(min_dims=1))
    return call(a, d.choice([1, 2, 3, 1.5, -1]), d.axis(a.ndim), d.boolean())


def conjugate(z: Any) -> Any:
    """The conjugate of complex numbers; real ones as they are."""
    return np.conj(z) if z.dtype.kind == "c" else z


def length_rule(g: Any, out: Any, x: Any, ord: float, axis: Any) -> Any:
    """``sign(x) (|x| / length)^(ord - 1)``, and 0 for elements or a length of 0."""
    kept = reduced(x.shape, axis)
    g, out = g.reshape(kept), out.reshape(kept)
    if ord == 2:
        return over(g, out) * conjugate(x)
    size = np.abs(x)
    power = over(size, out) ** (ord - 1) if ord >= 1 else over(out, size) ** (1 - ord)
    return g * conjugate(np.sign(x)) * power


@operation(length_sample, label="norm", x=length_rule)
def length(x: Any, ord: float, axis: Any, keepdims: Any) -> Any:
    """``(Σ |x|^ord)^(1/ord)`` over axes, for a finite order that is not 0."""
    if ord == 2:
        return np.sqrt(np.add.reduce((x * conjugate(x)).real, axis=axis, keepdims=keepdims))
    return np.add.reduce(np.abs(x) ** ord, axis=axis, keepdims=keepdims) ** (1 / ord)
