"""Losses as modules: the functions of ``nn.functional`` with their settings kept."""

from __future__ import annotations

from typing import Any

from nn import functional
from nn.functional.loss import Reduction
from nn.module import Module


class Loss(Module):
    """Base of losses: keeps how the values of a batch are reduced."""

    def __init__(self, reduction: Reduction = "mean") -> None:
        self.reduction: Reduction = reduction

    def extra_repr(self) -> str:
        """The reduction."""
        return f"reduction={self.reduction!r}"


class MSELoss(Loss):
    """Mean squared error; see ``functional.mse_loss``."""

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of a batch."""
        return functional.mse_loss(input, target, self.reduction)


class HalfMSELoss(Module):
    """Half the squared error per sample; see ``functional.half_mse_loss``."""

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of a batch."""
        return functional.half_mse_loss(input, target)


class BCEWithLogitsLoss(Loss):
    """Binary cross-entropy of logits; see ``functional.binary_cross_entropy_with_logits``."""

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of a batch."""
        return functional.binary_cross_entropy_with_logits(input, target, self.reduction)


class CrossEntropyLoss(Loss):
    """Categorical cross-entropy of logits; see ``functional.cross_entropy``."""

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of a batch."""
        return functional.cross_entropy(input, target, self.reduction)
