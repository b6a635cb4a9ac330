"""Losses of yes-or-no predictions, one or many for each sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core import operation
from autograd_core.primitive import UNIT, Domain, call
from nn.functional.activation import sigmoid
from nn.functional.loss.reduction import (
    Reduction,
    check_reduction,
    reduced,
    shared,
    weighted,
    weights_for,
)
from nn.functional.loss.targets import check_range, matching_target

PROBABILITY = Domain(0.05, 0.95)


def checked_target(loss: str, input: Any, target: Any) -> Any:
    """The target, shaped like the input, after a look at its values: all in [0, 1]."""
    target = matching_target(loss, input, target)
    check_range(loss, target, 1)
    return target


def logits_and_truth(d: Any) -> Any:
    """A draw of logits and targets of one shape."""
    shape = d.shape()
    return call(d.array(shape), d.array(shape, UNIT), d.choice(["mean", "sum", "none"]))


def softplus_of_minus_size(x: Any) -> Any:
    """log(1 + exp(-|x|)), what a logistic loss adds to the lines it approaches."""
    return np.log1p(np.exp(-np.fabs(x)))


@operation(
    logits_and_truth,
    label="bce",
    input=lambda g, input, target, reduction: (
        shared(g, input.size, reduction) * (sigmoid(input) - target)
    ),
    target=lambda g, input, reduction: shared(g, input.size, reduction) * -input,
)
def logistic_losses(input: Any, target: Any, reduction: Reduction) -> Any:
    """log(1 + exp(x)) - x y, reduced; written so that nothing overflows or cancels."""
    return reduced(np.maximum(input, 0) - input * target + softplus_of_minus_size(input), reduction)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any | None = None,
    reduction: Reduction = "mean",
    pos_weight: Any | None = None,
) -> Any:
    """Binary cross-entropy of logits: -w (p y log σ(x) + (1 - y) log(1 - σ(x))).

    Shapes: input and target the same; ``weight`` w and ``pos_weight`` p, the weight of positive
    examples against negative ones, broadcast to it. The mean is over all elements. Targets y are
    in [0, 1]; TargetError names one that is not.

    >>> binary_cross_entropy_with_logits(np.array([0.0]), np.array([1])).item()
    0.6931471805599453
    """
    loss = "binary_cross_entropy_with_logits"
    check_reduction(loss, reduction)
    target = checked_target(loss, input, target)
    if weight is None and pos_weight is None:
        return logistic_losses(input, target, reduction)
    losses = logistic_losses(input, target, "none")
    if pos_weight is not None:
        # What is more than the weight 1 counts as another positive example.
        more = weights_for(loss, pos_weight, input.shape, input.dtype) - 1
        losses = losses + more * target * logistic_losses(input, np.ones_like(target), "none")
    return reduced(weighted(loss, losses, weight), reduction)


def bounded_log(p: Any) -> Any:
    """Log p, but no less than -100, so that a sure and wrong prediction costs a finite amount."""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(p), -100)


def probability_and_truth(d: Any) -> Any:
    """A draw of probabilities and targets of one shape."""
    shape = d.shape()
    return call(d.array(shape, PROBABILITY), d.array(shape, UNIT))


@operation(
    probability_and_truth,
    name="binary_cross_entropy",
    label="bce",
    input=lambda g, input, target: g * ((input - target) / np.maximum(input * (1 - input), 1e-12)),
    target=lambda g, input: g * (bounded_log(1 - input) - bounded_log(input)),
)
def bernoulli_losses(input: Any, target: Any) -> Any:
    """-y log p - (1 - y) log(1 - p), with logarithms of at least -100."""
    return (target - 1) * bounded_log(1 - input) - target * bounded_log(input)


def binary_cross_entropy(
    input: Any, target: Any, weight: Any | None = None, reduction: Reduction = "mean"
) -> Any:
    """Binary cross-entropy of probabilities: -w (y log p + (1 - y) log(1 - p)).

    Logarithms are held at -100 or more, as in PyTorch; with logits at hand,
    ``binary_cross_entropy_with_logits`` is exact. Shapes: input and target the same, ``weight``
    broadcasts to it. TargetError names a probability or target outside [0, 1].

    >>> binary_cross_entropy(np.array([0.5, 0.0]), np.array([1.0, 1.0]), reduction="none")
    array([  0.69314718, 100.        ])
    """
    check_reduction("binary_cross_entropy", reduction)
    target = checked_target("binary_cross_entropy", input, target)
    check_range("binary_cross_entropy", input, 1, "probability")
    losses = bernoulli_losses(input, target)
    return reduced(weighted("binary_cross_entropy", losses, weight), reduction)


def sigmoid_focal_loss(
    input: Any,
    target: Any,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
    reduction: Reduction = "mean",
) -> Any:
    """Binary cross-entropy of logits that forgets the easy: α_t (1 - p_t)^γ times it.

    p_t is the probability given to the truth; α_t is ``alpha`` for y = 1 and 1 - ``alpha`` for
    y = 0 (None: 1 for both). Lin et al., "Focal Loss for Dense Object Detection" (2017), as in
    torchvision, but the mean by default.

    >>> sigmoid_focal_loss(np.array([0.0]), np.array([1.0])).item()
    0.04332169878499658
    """
    check_reduction("sigmoid_focal_loss", reduction)
    target = checked_target("sigmoid_focal_loss", input, target)
    missed = sigmoid(-input) * target + sigmoid(input) * (1 - target)
    losses = missed**gamma * logistic_losses(input, target, "none")
    if alpha is not None:
        losses = losses * (alpha * target + (1 - alpha) * (1 - target))
    return reduced(losses, reduction)


def multilabel_soft_margin_loss(
    input: Any, target: Any, weight: Any | None = None, reduction: Reduction = "mean"
) -> Any:
    """Binary cross-entropy of logits of many labels, averaged over the labels of each sample.

    Shapes: input and target (..., labels), the result of ``reduction="none"`` (...); ``weight``,
    one for each label, broadcasts to the input. Targets are in [0, 1]; TargetError names one that
    is not.

    >>> multilabel_soft_margin_loss(np.zeros((2, 3)), np.ones((2, 3)), reduction="none")
    array([0.69314718, 0.69314718])
    """
    loss = "multilabel_soft_margin_loss"
    check_reduction(loss, reduction)
    losses = logistic_losses(input, checked_target(loss, input, target), "none")
    losses = weighted(loss, losses, weight)
    labels = input.shape[-1] if input.ndim else 1
    return reduced(losses.sum(axis=-1 if input.ndim else None) / max(labels, 1), reduction)
