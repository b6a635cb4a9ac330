"""Polynomials as vectors of coefficients, that of the highest power first."""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.tensor import Tensor, as_tensor, composite, unwrap

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np


def coefficients(p: Any) -> Any:
    """A vector of at least one coefficient."""
    p = _np.atleast_1d(as_tensor(p))
    if p.ndim != 1:
        raise ShapeError(f"polynomial: got coefficients of shape {p.shape}; expected a vector")
    return p


def zeros(many: int, like: Any) -> Any:
    """As many zeros, of the dtype of another Tensor."""
    return np.zeros_like(like, shape=(many,))


def aligned(*polynomials: Any) -> list[Any]:
    """Polynomials with zeros in front, so that equal powers stand at equal places."""
    rows = [coefficients(p) for p in polynomials]
    longest = max(len(row) for row in rows)
    return [_np.concatenate([zeros(longest - len(row), row), row]) for row in rows]


# -- arithmetic -----------------------------------------------------------------------------------


@composite(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    """The sum."""
    a1, a2 = aligned(a1, a2)
    return a1 + a2


@composite(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    """The difference."""
    a1, a2 = aligned(a1, a2)
    return a1 - a2


@composite(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """The product: coefficients convolve."""
    return np.convolve(significant(a1), significant(a2))


def significant(p: Any) -> Any:
    """The coefficients from the first that is not zero, or a single zero."""
    trimmed = _np.trim_zeros(coefficients(p), "f")
    return trimmed if len(trimmed) else zeros(1, trimmed)


@composite(np.polydiv)
def polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """Quotient and remainder, by long division."""
    u, v = coefficients(u) + 0.0, coefficients(v) + 0.0
    remainder = u + 0 * v[0]
    quotient = []
    for k in range(len(u) - len(v) + 1):
        quotient.append(remainder[k] / v[0])
        rest = zeros(len(u) - len(v) - k, remainder)
        remainder = remainder - _np.concatenate([zeros(k, v), quotient[-1] * v, rest])
    while len(remainder) > 1 and np.allclose(remainder[0], 0, rtol=1e-14):
        remainder = remainder[1:]
    return (_np.stack(quotient) if quotient else zeros(1, remainder)), remainder


# -- calculus -------------------------------------------------------------------------------------


@composite(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    """The derivative of order m."""
    order = checked_order("polyder", m)
    p = as_tensor(p)
    for _ in range(order):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@composite(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The antiderivative of order m; ``k`` holds the constants, those of high powers first."""
    order = checked_order("polyint", m)
    p = as_tensor(p)
    constants = _np.atleast_1d(as_tensor(0.0 if k is None else k))
    if len(constants) == 1:
        constants = _np.broadcast_to(constants, (order,))
    if len(constants) < order:
        raise ShapeError(f"polyint: got {len(constants)} constants; expected one, or {order}")
    for constant in constants[:order]:
        p = _np.concatenate([p / np.arange(len(p), 0, -1), constant[None]])
    return p


def checked_order(name: str, m: Any) -> int:
    """How often to differentiate or integrate."""
    if m < 0:
        raise ValueError(f"{name}: got m={m}; expected how often to do it, 0 or more")
    return operator.index(m)


# -- zeros and fits -------------------------------------------------------------------------------


@composite(np.roots)
def roots(p: Any) -> Any:
    """The zeros: eigenvalues of the companion matrix (Horn and Johnson, Matrix Analysis, 3.3)."""
    p = coefficients(p)
    nonzero = np.flatnonzero(unwrap(p))
    if not len(nonzero):
        return Tensor(np.array([]))
    trailing = len(p) - 1 - int(nonzero[-1])
    p = p[int(nonzero[0]) : int(nonzero[-1]) + 1]
    p = p if p.dtype.kind in "fc" else p.astype(float)
    if len(p) == 1:
        return zeros(trailing, p)
    below = np.eye(len(p) - 2, len(p) - 1, dtype=p.dtype)
    companion = _np.concatenate([(-p[1:] / p[0])[None], below])
    found = np.linalg.eigvals(companion)
    return _np.concatenate([found, zeros(trailing, found)])


@composite(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """The polynomial with these zeros, or the characteristic polynomial of a matrix."""
    given = _np.atleast_1d(as_tensor(seq_of_zeros))
    if given.ndim == 2 and given.shape[0] == given.shape[1] > 0:
        given = np.linalg.eigvals(given)
    elif given.ndim != 1:
        raise ShapeError(f"poly: got shape {given.shape}; expected a vector or a square matrix")
    given = given if given.dtype.kind in "fc" else given.astype(float)
    if not len(given):
        return 1.0
    product = np.ones_like(given[:1])
    for zero in given:
        product = np.convolve(product, _np.stack([np.ones_like(zero), -zero]))
    values = np.sort(unwrap(given))
    if product.dtype.kind == "c" and np.array_equal(values, np.sort(values.conj())):
        return np.real(product)
    return product


@composite(np.polyfit)
def polyfit(
    x: Any,
    y: Any,
    deg: int,
    rcond: float | None = None,
    full: bool = False,
    w: Any = None,
    cov: Any = False,
) -> Any:
    """The polynomial through points that is best by the sum of squares."""
    x, y = as_tensor(x) + 0.0, as_tensor(y) + 0.0
    many = operator.index(deg) + 1
    if many < 1 or x.ndim != 1 or not x.size or y.ndim not in (1, 2) or len(x) != len(y):
        raise ShapeError(
            f"polyfit: got deg={deg} and points of shapes {x.shape} and {y.shape}; expected "
            "deg >= 0, and one vector x with as many elements as y has rows"
        )
    columns, values = _np.vander(x, many), y
    if w is not None:
        w = as_tensor(w) + 0.0
        if w.shape != x.shape:
            raise ShapeError(f"polyfit: got weights of shape {w.shape}; expected {x.shape}")
        columns, values = columns * w[:, None], values * (w[:, None] if y.ndim == 2 else w)
    scale = np.sqrt(np.sum(columns * columns, axis=0))
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    found, squares, rank, singular = np.linalg.lstsq(columns / scale, values, rcond)
    fitted = (found.T / scale).T
    if full:
        return fitted, squares, rank, singular, rcond
    if int(rank) != many:
        message = "polyfit: the points hardly determine the polynomial"
        warnings.warn(message, np.exceptions.RankWarning, stacklevel=2)
    if not cov:
        return fitted
    scaled = columns / scale
    covariance = np.linalg.inv(scaled.T @ scaled) / np.outer(scale, scale)
    if cov == "unscaled":
        factor: Any = np.ones((1,) * y.ndim)
    elif len(x) > many:
        factor = squares / (len(x) - many)
    else:
        raise ValueError(
            f"polyfit: got {len(x)} points for {many} coefficients; expected more to scale the "
            "covariance, or cov='unscaled'"
        )
    return fitted, covariance * factor if y.ndim == 1 else covariance[:, :, None] * factor


@composite(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """The array without the zeros in front and behind."""
    if trim.lower() not in ("f", "b", "fb", "bf"):
        raise ValueError(f"trim_zeros: got trim={trim!r}; expected 'f', 'b' or 'fb'")
    filt = as_tensor(filt)
    axes = range(filt.ndim) if axis is None else np.arange(filt.ndim)[np.atleast_1d(axis)]
    index = [slice(None)] * filt.ndim
    for one, places in enumerate(np.nonzero(unwrap(filt))):
        if one in axes and not len(places):
            index[one] = slice(0, 0)
        elif one in axes:
            first = int(places.min()) if "f" in trim.lower() else None
            index[one] = slice(first, int(places.max()) + 1 if "b" in trim.lower() else None)
    return filt[tuple(index)]
