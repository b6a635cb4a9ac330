"""Functions that select between values: clip, where, select, piecewise, interp."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core.errors import MutationError, ShapeError
from autograd_core.rules.arithmetic import is_constant
from autograd_core.rules.piecewise import choose, replace_nonfinite
from autograd_core.tensor import Tensor, as_tensor, composite

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np


@composite(np.where)
def where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    """Elements of x or y; with the condition alone, the indices where it holds."""
    if x is None and y is None:
        return np.nonzero(condition)
    if getattr(condition, "dtype", None) != np.bool_:
        condition = np.not_equal(condition, 0)
    return choose(condition, x, y)


@composite(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """Finite numbers in place of NaN and infinities."""
    if not copy:
        raise MutationError(
            "nan_to_num: copy=False would write into a Tensor, and Tensors are values; "
            "leave it away and use the result"
        )
    return replace_nonfinite(x, nan, posinf, neginf)


@composite(np.clip)
def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
    **keywords: Any,
) -> Any:
    """The minimum of a maximum, and so are its gradients at the bounds."""
    if out is not None:
        raise MutationError(
            "clip: out= cannot be recorded, Tensors are values; leave it away and use the result"
        )
    if (a_min is not None or a_max is not None) and (min is not None or max is not None):
        raise ValueError("clip: got bounds both as a_min, a_max and as min, max; pass one pair")
    low = a_min if min is None else min
    high = a_max if max is None else max
    a = as_tensor(a)
    if a.dtype.kind in "iu":
        # A Python integer that no element can pass is no bound, even if the dtype cannot hold it.
        low = None if type(low) is int and low <= np.iinfo(a.dtype).min else low
        high = None if type(high) is int and high >= np.iinfo(a.dtype).max else high
    if low is None and high is None:
        return np.positive(a, **keywords)
    if low is not None:
        a = np.maximum(a, low, **keywords)
    return a if high is None else np.minimum(a, high, **keywords)


@composite(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """For each element the first choice whose condition holds."""
    if len(condlist) != len(choicelist):
        raise ShapeError(
            f"select: got {len(condlist)} conditions and {len(choicelist)} choices; "
            "expected as many of each"
        )
    # Python numbers adapt to the dtype of the others.
    choices = [item if is_constant(item) else as_tensor(item) for item in (*choicelist, default)]
    result = choices[-1]
    for condition, choice in zip(reversed(condlist), reversed(choices[:-1]), strict=True):
        result = np.where(condition, choice, result)
    return result.astype(np.result_type(*choices))


@composite(np.piecewise)
def piecewise(
    x: Any, condlist: Any, funclist: Sequence[Any], *arguments: Any, **keywords: Any
) -> Any:
    """Each function where its condition holds, computed only there; the last condition wins."""
    x = as_tensor(x)
    sequence = isinstance(condlist, (list, tuple)) or np.ndim(condlist) > 0
    single = not sequence or (x.ndim > 0 and np.ndim(condlist[0]) == 0)
    conditions = [condlist] if single else list(condlist)
    if len(funclist) not in (len(conditions), len(conditions) + 1):
        raise ShapeError(
            f"piecewise: got {len(conditions)} conditions and {len(funclist)} functions; "
            "expected as many functions, or one more for everywhere else"
        )
    # Which function applies to each element; -1 where none does, and the value is 0.
    default = len(conditions) if len(funclist) > len(conditions) else -1
    number = np.full(x.shape, default)
    for k, condition in enumerate(conditions):
        number[np.broadcast_to(np.asarray(condition, dtype=bool), x.shape)] = k
    places = [np.flatnonzero(number == k) for k in range(-1, len(funclist))]
    pieces = [np.zeros_like(x.reshape(-1)[places[0]])]
    for function, place in zip(funclist, places[1:], strict=True):
        inside = x.reshape(-1)[place]
        value = call_or_constant(function, inside, arguments, keywords)
        pieces.append(np.broadcast_to(value, inside.shape))
    back = np.argsort(np.concatenate(places))
    return _np.concatenate(pieces)[back].reshape(x.shape).astype(x.dtype)


def call_or_constant(
    function: Callable[..., Any] | Any,
    inside: Any,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
) -> Any:
    """The value of one piece of ``piecewise``; like NumPy, functions never see empty arrays."""
    if not callable(function):
        return function
    return function(inside, *arguments, **keywords) if inside.size else inside


@composite(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """The polygon through the points (xp, fp), with gradients with respect to all of its inputs.

    At a corner the slope is the one to the right.
    """
    x, xp, fp = as_tensor(x), as_tensor(xp), as_tensor(fp)
    x, xp = x.astype(np.float64), xp.astype(np.float64)
    fp = fp.astype(np.result_type(fp.dtype, np.float64))
    if xp.ndim != 1 or xp.shape != fp.shape or xp.size == 0:
        raise ShapeError(
            f"interp: got points of shapes {xp.shape} and {fp.shape}; "
            "expected two arrays of one axis and the same length, at least 1"
        )
    if period is not None:
        x, xp, fp = unroll(x, xp, fp, abs(period))
        left = right = None
    last = xp.size - 1
    after = np.clip(np.searchsorted(xp, x, side="right"), min(1, last), last)
    before = np.maximum(after - 1, 0)
    width = xp[after] - xp[before]
    slope = (fp[after] - fp[before]) / np.where(width == 0, 1, width)
    inside = slope * (x - xp[before]) + fp[before]
    beyond = np.where(x > xp[-1], fp[-1] if right is None else right, inside)
    return np.where(x < xp[0], fp[0] if left is None else left, beyond)


def unroll(x: Tensor, xp: Tensor, fp: Tensor, period: float) -> tuple[Any, Any, Any]:
    """One period of a periodic polygon, with a point more at both ends."""
    if period == 0:
        raise ValueError("interp: got period 0; expected another number")
    x, xp = x % period, xp % period
    order = np.argsort(xp)
    xp, fp = xp[order], fp[order]
    xp = _np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, _np.concatenate([fp[-1:], fp, fp[:1]])
