"""The transformer's encoder."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt

from nn.errors import check_positive
from nn.layers.activation import activation_named
from nn.layers.attention import MultiheadAttention
from nn.layers.container import ModuleList
from nn.layers.dropout import Dropout
from nn.layers.linear import Linear
from nn.layers.normalization import LayerNorm
from nn.module import Module


class TransformerEncoderLayer(Module):
    """Self-attention, then two linear layers, each with dropout, a residual and a LayerNorm.

    Shapes: (L, N, d_model), or (N, L, d_model) with ``batch_first``, unchanged. ``activation`` is
    the name of the one between the linear layers ("relu", "gelu" …). ``norm_first`` normalizes what
    goes into a branch instead of the sum, which trains more easily when there are many layers.
    Masks are those of ``MultiheadAttention``. Vaswani et al., "Attention Is All You Need" (2017);
    names and defaults are PyTorch's.

    >>> TransformerEncoderLayer(8, 2, 16)(np.zeros((5, 3, 8))).shape
    (5, 3, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        rng: np.random.Generator | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first, rng=rng, dtype=dtype
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, rng=rng, dtype=dtype)
        self.dropout = Dropout(dropout, rng=rng)
        self.linear2 = Linear(dim_feedforward, d_model, bias, rng=rng, dtype=dtype)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1 = Dropout(dropout, rng=rng)
        self.dropout2 = Dropout(dropout, rng=rng)
        self.activation = activation_named(activation, dtype)

    def forward(
        self,
        src: Any,
        src_mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool = False,
    ) -> Any:
        """Both branches, one after the other."""
        masks = {
            "attn_mask": src_mask,
            "key_padding_mask": src_key_padding_mask,
            "is_causal": is_causal,
        }
        if self.norm_first:
            x = src + self.attend(self.norm1(src), masks)
            return x + self.feed_forward(self.norm2(x))
        x = self.norm1(src + self.attend(src, masks))
        return self.norm2(x + self.feed_forward(x))

    def attend(self, x: Any, masks: dict[str, Any]) -> Any:
        """What every position gathers from the others."""
        return self.dropout1(self.self_attn(x, x, x, need_weights=False, **masks)[0])

    def feed_forward(self, x: Any) -> Any:
        """What every position makes of itself."""
        hidden = self.dropout(self.activation(self.linear1(x)))
        return self.dropout2(self.linear2(hidden))


class TransformerEncoder(Module):
    """``num_layers`` copies of an encoder layer, one after the other, then ``norm`` if given.

    As in PyTorch the copies start with equal weights. They draw dropout from one generator.

    >>> layer = TransformerEncoderLayer(8, 2, 16, batch_first=True)
    >>> TransformerEncoder(layer, 2)(np.zeros((3, 5, 8))).shape
    (3, 5, 8)
    """

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        check_positive("TransformerEncoder", num_layers=num_layers)
        generators = [getattr(module, "rng", None) for module in encoder_layer.modules()]
        # Copied generators would drop the same elements in every layer.
        shared = {id(rng): rng for rng in generators if rng is not None}
        self.layers = ModuleList(
            copy.deepcopy(encoder_layer, dict(shared)) for _ in range(num_layers)
        )
        self.norm = norm

    def forward(
        self,
        src: Any,
        mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool = False,
    ) -> Any:
        """All layers with the same masks."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, is_causal)
        return src if self.norm is None else self.norm(src)
