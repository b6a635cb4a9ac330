"""Losses of a choice among classes, and between distributions over them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from autograd_core import operation
from autograd_core.errors import ShapeError
from autograd_core.kernels import kernel
from autograd_core.primitive import UNIT, call
from autograd_core.tensor import as_array
from nn.errors import OptionError
from nn.functional.activation import log_softmax, softmax
from nn.functional.loss.reduction import (
    Reduction,
    check_reduction,
    over_weights,
    reduced,
    shared,
    weights_for,
)
from nn.functional.loss.targets import check_range, class_axis, class_indices, matching_target
from nn.functional.sums import sum_over

# -- one class for each sample ---------------------------------------------------------------------


def picked(d: Any) -> Any:
    """A draw of values, and of a class for each vector of them."""
    x = d.array(d.shape(min_dims=1))
    axis = class_axis(x)
    return call(x, d.rng.integers(0, x.shape[axis], x.shape[:axis] + x.shape[axis + 1 :]))


def scattered(d: Any) -> Any:
    """A draw of values, of a class for each, and of the shape with an axis of classes."""
    (x, target), _ = picked(d)
    return call(d.array(target.shape), target, x.shape)


def places(target: Any) -> tuple[Any, ...]:
    """The index that selects for each vector of classes the element at its target."""
    if target.ndim == 0:
        return (target,)
    if target.ndim == 1:  # as below, in a tenth of the time
        return np.arange(len(target)), target
    first, *others = np.indices(target.shape, sparse=True)
    return (first, target, *others)


def pick_rule(g: Any, input_shape: Any, target: Any) -> Any:
    """Back to where it was picked."""
    return spread(g, target, input_shape)


@operation(picked, input=pick_rule)
def pick(input: Any, target: Any) -> Any:
    """For each vector of classes the element at its target."""
    return input[places(target)]


def spread_rule(g: Any, target: Any) -> Any:
    """Only what stands at the targets."""
    return pick(g, target)


@operation(scattered, values=spread_rule)
def spread(values: Any, target: Any, shape: tuple[int, ...]) -> Any:
    """For each value a vector of classes, zero but for the value at its target: pick transposed."""
    result = np.zeros_like(values, shape=shape)
    result[places(target)] = values
    return result


def sample_weights(target: Any, weight: Any, ignore_index: int, dtype: Any) -> tuple[Any, Any]:
    """A class for each sample that is sure to exist, and the weight of that sample's loss."""
    counted = target != ignore_index
    target = np.where(counted, target, 0)
    return target, (counted.astype(dtype) if weight is None else np.take(weight, target) * counted)


def logs_and_classes(d: Any) -> Any:
    """A draw of logarithms of probabilities and of classes, some of them to be ignored."""
    (logs, target), _ = picked(d)
    weight = d.choice([None, d.rng.uniform(0.5, 2, logs.shape[class_axis(logs)])])
    ignored = -100 if d.boolean() else 0
    return call(logs, target, weight, ignored, d.choice(["mean", "sum", "none"]))


def class_losses_rule(
    g: Any, input_shape: Any, target: Any, weight: Any, ignore_index: int, reduction: Reduction
) -> Any:
    """Minus the weight of each sample, at its target."""
    target, weights = sample_weights(target, weight, ignore_index, g.dtype)
    return spread(over_weights(g, weights, reduction) * -weights, target, input_shape)


@operation(logs_and_classes, name="nll_loss", label="nll", input=class_losses_rule)
def class_losses(
    input: Any, target: Any, weight: Any, ignore_index: int, reduction: Reduction
) -> Any:
    """Minus the weighted logarithms at the targets, reduced; what is ignored may be infinite."""
    target, weights = sample_weights(target, weight, ignore_index, input.dtype)
    losses = -np.where(weights == 0, 0, pick(input, target)) * weights
    return losses if reduction == "none" else over_weights(losses.sum(), weights, reduction)


def lowered_sample(d: Any) -> Any:
    """A draw of values, of a class for each vector of them, and of amounts."""
    (x, target), _ = picked(d)
    return call(x, d.array(target.shape), target)


@operation(lowered_sample, input=lambda g: g, amounts=lambda g, target: -pick(g, target))
def lowered(input: Any, amounts: Any, target: Any) -> Any:
    """The input, with amounts subtracted at the targets."""
    result = input.copy(order="K")
    result[places(target)] -= amounts
    return result


def logits_rule(
    g: Any, input: Any, target: Any, weight: Any, ignore_index: int, reduction: Reduction
) -> Any:
    """Each sample's weight times its probabilities, without the one at its target."""
    target, weights = sample_weights(target, weight, ignore_index, g.dtype)
    shares = over_weights(g, weights, reduction) * weights
    axis = class_axis(input)
    return lowered(softmax(input, axis) * np.expand_dims(shares, axis), shares, target)


@kernel
def maximum_and_log_total(input: Any, axis: int) -> Any:
    """The largest of each vector of logits, and log Σ exp of what they are below it."""
    highest = input.max(axis=axis, keepdims=True)
    return highest, np.log(sum_over(np.exp(input - highest), axis))


@operation(logs_and_classes, name="cross_entropy", input=logits_rule)
def logit_losses(
    input: Any, target: Any, weight: Any, ignore_index: int, reduction: Reduction
) -> Any:
    """``class_losses`` of the log_softmax of logits, which is kept nowhere."""
    axis = class_axis(input)
    target, weights = sample_weights(target, weight, ignore_index, input.dtype)
    highest, log_total = (part.squeeze(axis) for part in maximum_and_log_total(input, axis))
    losses = log_total - (pick(input, target) - highest)
    losses = np.where(weights == 0, 0, losses) * weights
    return losses if reduction == "none" else over_weights(losses.sum(), weights, reduction)


def class_weights(loss: str, weight: Any, input: Any) -> Any:
    """One weight for each class, or None."""
    if weight is None:
        return None
    classes = (input.shape[class_axis(input)],)
    return np.broadcast_to(weights_for(loss, weight, classes, input.dtype), classes)


def nll_loss(
    input: Any,
    target: Any,
    weight: Any | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Any:
    """Negative log-likelihood: -w[y] log p[y], the mean over the sum of the weights.

    Shapes: input, log-probabilities, (n, classes, ...) or (classes,); target, integers, the same
    without the class axis; ``weight`` (classes,). Targets equal to ``ignore_index`` count nothing.
    Raises TargetError naming an index that is no class.

    >>> nll_loss(np.log([[0.25, 0.75]]), np.array([1])).item()
    0.2876820724517809
    """
    check_reduction("nll_loss", reduction)
    target = class_indices("nll_loss", input, target, ignore_index)
    weight = class_weights("nll_loss", weight, input)
    return class_losses(input, target, weight, ignore_index, reduction)


# -- a distribution for each sample ----------------------------------------------------------------


def sample_count(input: Any) -> int:
    """How many losses logits give: one for all classes together."""
    count: int = input.size // max(input.shape[class_axis(input)], 1)
    return count


def each_class(g: Any, input: Any, reduction: Reduction) -> Any:
    """The cotangent of each sample's loss, to multiply with something for each class."""
    axis = class_axis(input)
    return shared(
        g if reduction != "none" else np.expand_dims(g, axis), sample_count(input), reduction
    )


def logits_and_probabilities(d: Any) -> Any:
    """A draw of logits and of what stands for class probabilities."""
    shape = d.shape(min_dims=1)
    return call(d.array(shape), d.array(shape, UNIT), d.choice(["mean", "sum", "none"]))


@operation(
    logits_and_probabilities,
    name="cross_entropy",
    input=lambda g, input, target, reduction: (
        each_class(g, input, reduction)
        * (
            softmax(input, class_axis(input)) * target.sum(axis=class_axis(input), keepdims=True)
            - target
        )
    ),
    target=lambda g, input, reduction: (
        each_class(g, input, reduction) * -log_softmax(input, class_axis(input))
    ),
)
def probability_losses(input: Any, target: Any, reduction: Reduction) -> Any:
    """-Σ p log softmax(x) over the classes, reduced."""
    axis = class_axis(input)
    return reduced(-(target * log_softmax(input, axis)).sum(axis=axis), reduction)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """Categorical cross-entropy of logits: -Σ w p log softmax(x) over the classes.

    Shapes: input (n, classes, ...) or (classes,); target either class indices, integers of the
    input's shape without the class axis, or probabilities p of the input's shape, floating;
    ``weight`` w (classes,). ``label_smoothing`` ε takes (1 - ε) p + ε / classes for p (Szegedy et
    al., "Rethinking the Inception Architecture", 2016).

    The mean over class indices is over the weights of the targets, without those equal to
    ``ignore_index``; over probabilities it is over samples. Raises TargetError naming an index
    that is no class, or a value that is no probability.

    >>> cross_entropy(np.zeros((1, 4)), np.array([2])).item()
    1.3862943611198906
    """
    loss = "cross_entropy"
    check_reduction(loss, reduction)
    if not 0 <= label_smoothing <= 1:
        raise OptionError(f"{loss}: got label_smoothing={label_smoothing}; expected from 0 to 1")
    target = as_array(target)
    if target.dtype.kind == "f":
        target = matching_target(loss, input, target)
        if input.ndim == 0:
            raise ShapeError(f"{loss}: got input of shape (); expected an axis of classes")
        check_range(loss, target, 1)
        target = smoothed(target, class_weights(loss, weight, input), label_smoothing)
        return probability_losses(input, target, reduction)
    target = class_indices(loss, input, target, ignore_index)
    weight = class_weights(loss, weight, input)
    if not label_smoothing:
        return logit_losses(input, target, weight, ignore_index, reduction)
    classes, weights = sample_weights(target, weight, ignore_index, input.dtype)
    counted = (target != ignore_index).astype(input.dtype)
    truth = spread(np.ones_like(counted), classes, input.shape)
    truth = smoothed(truth, weight, label_smoothing) * np.expand_dims(counted, class_axis(input))
    if reduction == "none":
        return probability_losses(input, truth, "none")
    return over_weights(probability_losses(input, truth, "sum"), weights, reduction)


def smoothed(target: Any, weight: Any, label_smoothing: float) -> Any:
    """Probabilities with a share ε spread over all classes, times the weights of the classes."""
    axis = class_axis(target)
    if label_smoothing:
        target = (1 - label_smoothing) * target + label_smoothing / target.shape[axis]
    return (
        target if weight is None else target * weight.reshape(-1, *(1,) * (target.ndim - 1 - axis))
    )


def focal_loss(
    input: Any,
    target: Any,
    gamma: float = 2.0,
    weight: Any | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Any:
    """Cross-entropy of logits that forgets the easy: (1 - p[y])^γ times it; γ = 0 is the same.

    Shapes, weights, mean and errors as for class indices in ``cross_entropy``. Lin et al., "Focal
    Loss for Dense Object Detection" (2017), for many classes.

    >>> focal_loss(np.zeros((1, 2)), np.array([0])).item()
    0.17328679513998632
    """
    check_reduction("focal_loss", reduction)
    target = class_indices("focal_loss", input, target, ignore_index)
    weight = class_weights("focal_loss", weight, input)
    logs = log_softmax(input, class_axis(input))
    missed = -np.expm1(-class_losses(logs, target, None, ignore_index, "none"))
    losses = missed**gamma * class_losses(logs, target, weight, ignore_index, "none")
    if reduction == "none":
        return losses
    _, weights = sample_weights(target, weight, ignore_index, input.dtype)
    return over_weights(losses.sum(), weights, reduction)


# -- between distributions -------------------------------------------------------------------------


def kl_div(
    input: Any,
    target: Any,
    reduction: Reduction | Literal["batchmean"] = "mean",
    log_target: bool = False,
) -> Any:
    """Kullback-Leibler divergence of log-probabilities from probabilities: Σ p (log p - log q).

    ``input`` is log q, ``target`` p, or log p with ``log_target``; of one shape. As in PyTorch the
    mean is over all elements; the divergence itself is ``"batchmean"``, the sum over the length of
    the first axis. Where p = 0 the loss is 0. TargetError names a negative p.

    >>> kl_div(np.log([[0.5, 0.5]]), np.array([[1.0, 0.0]]), "batchmean").item()
    0.6931471805599453
    """
    check_reduction("kl_div", reduction, "batchmean")
    target = matching_target("kl_div", input, target)
    if log_target:
        losses = np.exp(target) * (target - input)
    else:
        check_range("kl_div", target, np.inf)
        there = target > 0
        # Both are replaced, so that neither logarithm of 0 reaches a product with 0.
        logs = np.log(np.where(there, target, 1)) - np.where(there, input, 0)
        losses = target * logs
    if reduction == "batchmean":
        return losses.sum() / max(input.shape[0] if input.ndim else 1, 1)
    return reduced(losses, reduction)
