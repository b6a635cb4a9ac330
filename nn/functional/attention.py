"""Attention: averages of values, weighted by how well their keys fit a query."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from autograd_core import operation
from autograd_core.errors import ShapeError
from autograd_core.kernels import kernel
from autograd_core.primitive import call
from autograd_core.rules.piecewise import keep
from nn.functional.activation import softmax, softmax_rule
from nn.functional.dropout import dropout

# What to add to a score to hide it; finite, so that a query without keys has no NaN.
HIDDEN = -1e30


def causal_mask(queries: int, keys: int) -> Any:
    """Where query i may look at key k: not later than itself.

    >>> causal_mask(2, 2)
    array([[ True, False],
           [ True,  True]])
    """
    return np.tri(queries, keys, dtype=bool)


def scores_and_mask(d: Any) -> Any:
    """A draw of scores, of a mask of each kind that broadcasts with them, and a scale."""
    scores = d.array(d.shape(min_dims=2))
    shape = scores.shape[-d.integer(1, scores.ndim) :]
    masks = None, d.rng.random(shape) < 0.7, d.rng.standard_normal(shape)
    return call(scores, d.choice(masks), d.choice([1.0, 0.5]))


def shown(scores: Any, mask: Any) -> Any:
    """Scores with those hidden that a mask of truth values hides."""
    if mask is None or mask.dtype != bool:
        return scores
    return keep(scores, np.broadcast_to(mask, scores.shape))


@kernel
def scores_rule(g: Any, out: Any, mask: Any, scale: float) -> Any:
    """Remove what would change the sum; hidden scores do not matter."""
    return shown(scale * softmax_rule(g, out, -1), mask)


def mask_rule(g: Any, out: Any) -> Any:
    """As for the scores, which the mask is added to."""
    return softmax_rule(g, out, -1)


@operation(scores_and_mask, label="softmax", scores=scores_rule, mask=mask_rule)
@kernel
def masked_softmax(scores: Any, mask: Any, scale: float) -> Any:
    """Softmax along the last axis of scores times ``scale``, masked as ``attention_weights`` says.

    >>> masked_softmax(np.zeros((1, 2)), np.array([True, False]), 1.0)
    array([[1., 0.]])
    """
    scores = scores * scale
    if mask is not None:
        hides = mask.dtype == bool
        lowest = np.finfo(scores.dtype).min
        scores = np.where(mask, scores, lowest) if hides else scores + mask.astype(scores.dtype)
    return softmax(scores, axis=-1)


def attention_weights(query: Any, key: Any, mask: Any = None) -> Any:
    """Softmax of the scaled scores q · k / √E: (..., L, S).

    ``mask`` broadcasts with the scores: True where a key takes part, or numbers to add. A query
    for which no key takes part looks at all of them evenly.
    """
    return masked_softmax(query @ np.swapaxes(key, -1, -2), mask, 1 / sqrt(query.shape[-1]))


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    rng: np.random.Generator | None = None,
) -> Any:
    """Attend from queries (..., L, E) to keys (..., S, E) with values (..., S, V): (..., L, V).

    softmax(q kᵀ / √E + mask) v. ``attn_mask`` (..., L, S) is True where a key takes part, or a
    number to add; ``is_causal`` also hides keys later than the query. Weights are dropped with
    probability ``dropout_p``, always. Vaswani et al., "Attention Is All You Need" (2017). Raises
    ShapeError if the shapes do not fit.

    >>> one = np.ones((1, 2, 4))
    >>> value = np.array([[[0.0], [2.0]]])
    >>> scaled_dot_product_attention(one, one, value, is_causal=True)
    array([[[0.],
            [1.]]])
    """
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ShapeError(
            f"scaled_dot_product_attention: got query {query.shape}, key {key.shape} and value "
            f"{value.shape}; expected (..., L, E), (..., S, E) and (..., S, V)"
        )
    if is_causal:
        causal = causal_mask(query.shape[-2], key.shape[-2])
        attn_mask = causal if attn_mask is None else restricted(attn_mask, causal)
    weights = attention_weights(query, key, attn_mask)
    return dropout(weights, dropout_p, rng=rng) @ value


def restricted(mask: Any, allowed: Any) -> Any:
    """A mask of either kind, only where keys are allowed."""
    if mask.dtype == bool:
        return mask & allowed
    return np.where(allowed, mask, HIDDEN)
