"""Losses that ask for a margin: nothing is paid for what is right by more than it."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.tensor import as_array
from nn.errors import OptionError
from nn.functional.loss.categorical import class_weights, pick, spread
from nn.functional.loss.reduction import Reduction, check_reduction, reduced
from nn.functional.loss.targets import (
    check_range,
    check_signs,
    class_axis,
    class_indices,
    matching_target,
    values_of,
)


def signed_target(loss: str, input: Any, target: Any) -> Any:
    """The target, shaped like the input, after a look at its values: 1 or -1 each."""
    target = matching_target(loss, input, target)
    check_signs(loss, target)
    return target


def hinge_loss(input: Any, target: Any, margin: float = 1.0, reduction: Reduction = "mean") -> Any:
    """Hinge loss of support vector machines: max(0, margin - y x), y = ±1, of one shape.

    Cortes and Vapnik, "Support-vector networks" (1995). TargetError names a y that is not ±1.

    >>> hinge_loss(np.array([0.5, 2.0]), np.array([1, 1]), reduction="none")
    array([0.5, 0. ])
    """
    check_reduction("hinge_loss", reduction)
    target = signed_target("hinge_loss", input, target)
    return reduced(np.maximum(margin - target * input, 0), reduction)


def soft_margin_loss(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """Logistic loss of scores: log(1 + exp(-y x)), y = ±1, of one shape.

    >>> soft_margin_loss(np.array([0.0]), np.array([-1])).item()
    0.6931471805599453
    """
    check_reduction("soft_margin_loss", reduction)
    target = signed_target("soft_margin_loss", input, target)
    return reduced(np.logaddexp(0, -target * input), reduction)


def hinge_embedding_loss(
    input: Any, target: Any, margin: float = 1.0, reduction: Reduction = "mean"
) -> Any:
    """Loss of distances: x where y = 1, max(0, margin - x) where y = -1, of one shape.

    >>> hinge_embedding_loss(np.array([0.25, 0.25]), np.array([1, -1]), reduction="none")
    array([0.25, 0.75])
    """
    check_reduction("hinge_embedding_loss", reduction)
    target = signed_target("hinge_embedding_loss", input, target)
    return reduced(np.where(target == 1, input, np.maximum(margin - input, 0)), reduction)


def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0.0,
    reduction: Reduction = "mean",
) -> Any:
    """Loss of an order: max(0, margin - y (x₁ - x₂)); y = 1 wants x₁ above x₂, y = -1 below.

    >>> margin_ranking_loss(np.array([1.0]), np.array([3.0]), np.array([1])).item()
    2.0
    """
    check_reduction("margin_ranking_loss", reduction)
    matching_target("margin_ranking_loss", input1, input2)
    target = signed_target("margin_ranking_loss", input1, target)
    return reduced(np.maximum(margin - target * (input1 - input2), 0), reduction)


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any | None = None,
    reduction: Reduction = "mean",
) -> Any:
    """Hinge loss of many classes: Σ max(0, margin - x[y] + x[c])^p / classes over c ≠ y.

    Shapes: input (n, classes) or (classes,), target, integers, the same without the classes;
    ``weight`` (classes,), that of the target multiplies the loss. Crammer and Singer, "On the
    algorithmic implementation of multiclass kernel-based vector machines" (2001).

    >>> multi_margin_loss(np.array([[0.0, 0.5]]), np.array([1])).item()
    0.25
    """
    check_reduction("multi_margin_loss", reduction)
    if p not in (1, 2):
        raise OptionError(f"multi_margin_loss: got p={p}; expected 1 or 2")
    target = class_indices("multi_margin_loss", input, target)
    axis = class_axis(input)
    classes = input.shape[axis]
    short = np.maximum(margin - np.expand_dims(pick(input, target), axis) + input, 0) ** p
    others = 1 - spread(np.ones_like(target, dtype=input.dtype), target, input.shape)
    losses = (short * others).sum(axis=axis) / max(classes, 1)
    weight = class_weights("multi_margin_loss", weight, input)
    return reduced(losses if weight is None else losses * np.take(weight, target), reduction)


def multilabel_margin_loss(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """Hinge loss of many labels: Σ max(0, 1 - x[y] + x[c]) / classes over labels y and others c.

    Shapes: input (n, classes) or (classes,), target the same: the integers before the first -1 of
    a row are the labels of that sample.

    >>> multilabel_margin_loss(np.array([0.0, 0.25, 0.5, 1.0]), np.array([3, 0, -1, 1])).item()
    0.875
    """
    loss = "multilabel_margin_loss"
    check_reduction(loss, reduction)
    labels = values_of(as_array(target))
    if labels.shape != input.shape or input.ndim not in (1, 2) or labels.dtype.kind not in "iu":
        raise ShapeError(
            f"{loss}: got input of shape {input.shape} and {labels.dtype} target of shape "
            f"{labels.shape}; expected both (classes,) or (n, classes), the target integer"
        )
    named = np.logical_and.accumulate(labels != -1, axis=-1)
    check_range(loss, np.where(named, labels, 0), input.shape[-1] - 1)
    # How often each class is named: PyTorch counts repeated labels, too.
    times = (np.expand_dims(labels, -1) == np.arange(input.shape[-1])) & np.expand_dims(named, -1)
    mine = times.sum(axis=-2).astype(input.dtype)
    pairs = np.expand_dims(mine, -1) * np.expand_dims((mine == 0).astype(input.dtype), -2)
    short = np.maximum(1 - np.expand_dims(input, -1) + np.expand_dims(input, -2), 0)
    return reduced((pairs * short).sum(axis=(-2, -1)) / max(input.shape[-1], 1), reduction)
