"""Losses as modules: the functions of ``nn.functional`` with their settings kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np

from autograd_core import Tensor
from nn import functional
from nn.functional.loss import Reduction
from nn.module import Module


class Loss(Module):
    """Base of losses. A subclass is the function it calls and the settings it keeps for it.

    Settings are attributes; arrays among them (weights) are buffers, saved with the model under
    the names that PyTorch gives them.
    """

    function: ClassVar[Callable[..., Any]]

    def __init__(self, **settings: Any) -> None:
        self.settings = tuple(settings)
        for name, value in settings.items():
            if isinstance(value, (np.ndarray, Tensor, list, tuple)):
                self.register_buffer(name, value if isinstance(value, Tensor) else np.array(value))
            else:
                setattr(self, name, value)

    def forward(self, *operands: Any) -> Any:
        """The loss of a batch."""
        settings = {name: getattr(self, name) for name in self.settings}
        return type(self).function(*operands, **settings)

    def extra_repr(self) -> str:
        """The settings that are not arrays."""
        values = {name: getattr(self, name) for name in self.settings if name not in self._buffers}
        return ", ".join(f"{name}={v!r}" for name, v in values.items() if v is not None)


# -- quantities ------------------------------------------------------------------------------------


class MSELoss(Loss):
    """Mean squared error; see ``functional.mse_loss``."""

    function = functional.mse_loss

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)


class HalfMSELoss(Loss):
    """Half the squared error per sample; see ``functional.half_mse_loss``."""

    function = functional.half_mse_loss


class L1Loss(Loss):
    """Mean absolute error; see ``functional.l1_loss``."""

    function = functional.l1_loss

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)


class HuberLoss(Loss):
    """Squares for small errors, sizes for large ones; see ``functional.huber_loss``."""

    function = functional.huber_loss

    def __init__(self, reduction: Reduction = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction, delta=delta)


class SmoothL1Loss(Loss):
    """Huber's loss with slope 1 at large errors; see ``functional.smooth_l1_loss``."""

    function = functional.smooth_l1_loss

    def __init__(self, reduction: Reduction = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction, beta=beta)


# -- yes or no -------------------------------------------------------------------------------------


class BCELoss(Loss):
    """Binary cross-entropy of probabilities; see ``functional.binary_cross_entropy``."""

    function = functional.binary_cross_entropy

    def __init__(self, weight: Any | None = None, reduction: Reduction = "mean") -> None:
        super().__init__(weight=weight, reduction=reduction)


class BCEWithLogitsLoss(Loss):
    """Binary cross-entropy of logits; see ``functional.binary_cross_entropy_with_logits``."""

    function = functional.binary_cross_entropy_with_logits

    def __init__(
        self,
        weight: Any | None = None,
        reduction: Reduction = "mean",
        pos_weight: Any | None = None,
    ) -> None:
        super().__init__(weight=weight, reduction=reduction, pos_weight=pos_weight)


class SigmoidFocalLoss(Loss):
    """Binary cross-entropy that forgets the easy; see ``functional.sigmoid_focal_loss``."""

    function = functional.sigmoid_focal_loss

    def __init__(
        self, alpha: float | None = 0.25, gamma: float = 2.0, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(alpha=alpha, gamma=gamma, reduction=reduction)


class MultiLabelSoftMarginLoss(Loss):
    """Binary cross-entropy of many labels; see ``functional.multilabel_soft_margin_loss``."""

    function = functional.multilabel_soft_margin_loss

    def __init__(self, weight: Any | None = None, reduction: Reduction = "mean") -> None:
        super().__init__(weight=weight, reduction=reduction)


# -- classes ---------------------------------------------------------------------------------------


class CrossEntropyLoss(Loss):
    """Categorical cross-entropy of logits; see ``functional.cross_entropy``."""

    function = functional.cross_entropy

    def __init__(
        self,
        weight: Any | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )


class NLLLoss(Loss):
    """Negative log-likelihood of log-probabilities; see ``functional.nll_loss``."""

    function = functional.nll_loss

    def __init__(
        self, weight: Any | None = None, ignore_index: int = -100, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction)


class FocalLoss(Loss):
    """Categorical cross-entropy that forgets the easy; see ``functional.focal_loss``."""

    function = functional.focal_loss

    def __init__(
        self,
        gamma: float = 2.0,
        weight: Any | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(gamma=gamma, weight=weight, ignore_index=ignore_index, reduction=reduction)


class KLDivLoss(Loss):
    """Kullback-Leibler divergence from log-probabilities; see ``functional.kl_div``."""

    function = functional.kl_div

    def __init__(
        self, reduction: Reduction | Literal["batchmean"] = "mean", log_target: bool = False
    ) -> None:
        super().__init__(reduction=reduction, log_target=log_target)


# -- margins and directions ------------------------------------------------------------------------


class HingeLoss(Loss):
    """Hinge loss of support vector machines; see ``functional.hinge_loss``."""

    function = functional.hinge_loss

    def __init__(self, margin: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(margin=margin, reduction=reduction)


class SoftMarginLoss(Loss):
    """Logistic loss of scores; see ``functional.soft_margin_loss``."""

    function = functional.soft_margin_loss

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)


class HingeEmbeddingLoss(Loss):
    """Hinge loss of distances; see ``functional.hinge_embedding_loss``."""

    function = functional.hinge_embedding_loss

    def __init__(self, margin: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(margin=margin, reduction=reduction)


class MarginRankingLoss(Loss):
    """Hinge loss of an order; see ``functional.margin_ranking_loss``."""

    function = functional.margin_ranking_loss

    def __init__(self, margin: float = 0.0, reduction: Reduction = "mean") -> None:
        super().__init__(margin=margin, reduction=reduction)


class MultiMarginLoss(Loss):
    """Hinge loss of many classes; see ``functional.multi_margin_loss``."""

    function = functional.multi_margin_loss

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Any | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(p=p, margin=margin, weight=weight, reduction=reduction)


class MultiLabelMarginLoss(Loss):
    """Hinge loss of many labels; see ``functional.multilabel_margin_loss``."""

    function = functional.multilabel_margin_loss

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)


class CosineEmbeddingLoss(Loss):
    """Hinge loss of directions; see ``functional.cosine_embedding_loss``."""

    function = functional.cosine_embedding_loss

    def __init__(self, margin: float = 0.0, reduction: Reduction = "mean") -> None:
        super().__init__(margin=margin, reduction=reduction)
