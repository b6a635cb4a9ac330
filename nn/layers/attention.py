"""Attention with several heads."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core.tensor import as_array
from nn import functional, init
from nn.errors import LayerShapeError, OptionError, check_positive
from nn.functional.attention import attention_weights, causal_mask, restricted
from nn.functional.dropout import check_probability
from nn.layers.linear import Linear
from nn.module import Module, Parameter


class MultiheadAttention(Module):
    """Attend with ``num_heads`` projections of queries, keys and values at once.

    Shapes: query (L, N, E), key and value (S, N, E); (N, L, E) with ``batch_first``; without N too.
    Returns the output, shaped like the query, and, unless ``need_weights`` is False (then None),
    the attention (N, L, S), averaged over heads or for each head: (N, heads, L, S).

    Masks are PyTorch's: ``attn_mask`` (L, S) or (N heads, L, S) is True where attention is *not*
    allowed, or a number to add; ``key_padding_mask`` (N, S) is True for keys to ignore;
    ``is_causal`` hides keys later than the query. Attention is dropped in training with probability
    ``dropout``. Projections start as Xavier's, biases at zero. Parameters are ``in_proj_weight``
    (3 E, E), ``in_proj_bias``, ``out_proj``. Wrong shapes raise LayerShapeError. Vaswani et al.,
    "Attention Is All You Need" (2017).

    >>> x = np.zeros((5, 2, 8))
    >>> output, weights = MultiheadAttention(8, 2)(x, x, x)
    >>> output.shape, weights.shape
    ((5, 2, 8), (2, 5, 5))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        batch_first: bool = False,
        *,
        rng: np.random.Generator | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        check_positive("MultiheadAttention", embed_dim=embed_dim, num_heads=num_heads)
        check_probability("MultiheadAttention", dropout)
        if embed_dim % num_heads:
            raise OptionError(
                f"MultiheadAttention: got embed_dim={embed_dim}; expected a multiple of "
                f"num_heads={num_heads}"
            )
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.rng = rng
        self.in_proj_weight = Parameter(np.empty((3 * embed_dim, embed_dim), dtype))
        init.xavier_uniform_(self.in_proj_weight, rng=rng)
        self.in_proj_bias = Parameter(np.zeros(3 * embed_dim, dtype)) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, rng=rng, dtype=dtype)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """The output, and the attention or None."""
        self.check(query, key, value)
        single = query.ndim == 2
        projected = self.project(query, key, value)
        q, k, v = (self.heads(part, single) for part in projected)
        mask = self.mask(q.shape, k.shape[2], attn_mask, key_padding_mask, is_causal)
        weights = attention_weights(q, k, mask)
        attended = functional.dropout(weights, self.dropout, self.training, self.rng) @ v
        output = self.out_proj(self.joined(attended, single))
        if not need_weights:
            return output, None
        if average_attn_weights:
            weights = weights.mean(axis=1)
        return output, weights[0] if single else weights

    def project(self, query: Any, key: Any, value: Any) -> list[Any]:
        """Queries, keys and values of all heads, still side by side."""
        weight, bias = self.in_proj_weight, self.in_proj_bias
        if query is key is value:
            return np.split(functional.linear(query, weight, bias), 3, axis=-1)
        biases = [None] * 3 if bias is None else np.split(bias, 3)
        parts = zip((query, key, value), np.split(weight, 3), biases, strict=True)
        return [functional.linear(*part) for part in parts]

    def heads(self, x: Any, single: bool) -> Any:
        """From the layout of the input to (N, heads, L, E / heads)."""
        if single:
            x = x[None]
        elif not self.batch_first:
            x = np.swapaxes(x, 0, 1)
        n, length, width = x.shape
        split = x.reshape(n, length, self.num_heads, width // self.num_heads)
        return np.swapaxes(split, 1, 2)

    def joined(self, x: Any, single: bool) -> Any:
        """From (N, heads, L, E / heads) to the layout of the input."""
        n, _, length, _ = x.shape
        x = np.swapaxes(x, 1, 2).reshape(n, length, self.embed_dim)
        if single:
            return x[0]
        return x if self.batch_first else np.swapaxes(x, 0, 1)

    def mask(
        self, shape: tuple[int, ...], keys: int, attn_mask: Any, padding: Any, is_causal: bool
    ) -> Any:
        """All masks as one for (N, heads, L, S): True where allowed, or numbers to add; or None."""
        n, heads, queries, _ = shape
        mask = None
        if attn_mask is not None:
            mask = as_array(attn_mask)
            if mask.shape not in ((queries, keys), (n * heads, queries, keys)):
                raise LayerShapeError(
                    "MultiheadAttention",
                    f"expected attn_mask of shape {(queries, keys)} or "
                    f"{(n * heads, queries, keys)}, got {mask.shape}",
                )
            mask = ~mask if mask.dtype == bool else mask
            if mask.ndim == 3:
                mask = mask.reshape(n, heads, queries, keys)
        allowed = causal_mask(queries, keys) if is_causal else None
        if padding is not None:
            padding = as_array(padding)
            if padding.shape not in ((n, keys), (keys,)) or padding.dtype != bool:
                raise LayerShapeError(
                    "MultiheadAttention",
                    f"expected a boolean key_padding_mask of shape {(n, keys)}, "
                    f"got {padding.dtype} {padding.shape}",
                )
            kept = ~padding.reshape(n, 1, 1, keys)
            allowed = kept if allowed is None else kept & allowed
        if mask is None or allowed is None:
            return allowed if mask is None else mask
        return restricted(mask, allowed)

    def check(self, query: Any, key: Any, value: Any) -> None:
        """Raise LayerShapeError unless the three fit each other and the layer."""
        batch = 0 if self.batch_first else 1
        for name, x in (("query", query), ("key", key), ("value", value)):
            fits = x.ndim == query.ndim and x.ndim in (2, 3) and x.shape[-1] == self.embed_dim
            if not fits or (x.ndim == 3 and x.shape[batch] != query.shape[batch]):
                order = "(N, L, E)" if self.batch_first else "(L, N, E)"
                raise LayerShapeError(
                    "MultiheadAttention",
                    f"expected {name} as {order} or (L, E) with E = {self.embed_dim} and one N, "
                    f"got shape {x.shape} for query {query.shape}",
                )
        if key.shape != value.shape:
            raise LayerShapeError(
                "MultiheadAttention",
                f"expected a value for each key, got shapes {value.shape} and {key.shape}",
            )

    def extra_repr(self) -> str:
        """Sizes and settings."""
        return f"{self.embed_dim}, {self.num_heads}, dropout={self.dropout}"
