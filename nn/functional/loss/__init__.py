"""Losses: stable, differentiable twice, reduced by mean, sum or not at all.

A loss is a function ℓ of (input, target), elementwise or one value a sample. With n values the
mean is Σℓ / n, and 0 when n = 0, so that an empty part of a batch contributes nothing.
"""

from nn.functional.loss.binary import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    multilabel_soft_margin_loss,
    sigmoid_focal_loss,
)
from nn.functional.loss.categorical import cross_entropy, focal_loss, kl_div, nll_loss
from nn.functional.loss.margin import (
    hinge_embedding_loss,
    hinge_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    soft_margin_loss,
)
from nn.functional.loss.penalty import l1_penalty, l2_penalty
from nn.functional.loss.reduction import Reduction
from nn.functional.loss.regression import (
    half_mse_loss,
    huber_loss,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)
from nn.functional.loss.similarity import cosine_embedding_loss, cosine_similarity

__all__ = [
    "Reduction",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "focal_loss",
    "half_mse_loss",
    "hinge_embedding_loss",
    "hinge_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "l1_penalty",
    "l2_penalty",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "sigmoid_focal_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
]
