"""Losses: each one operation, stable from logits, reduced by mean, sum or not at all.

A loss is a function ℓ of (input, target), elementwise or one value a sample. With n values the
mean is Σℓ / n, and 0 when n = 0, so that an empty part of a batch contributes nothing.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from autograd_core import Tensor, operation
from autograd_core.errors import DtypeError, ShapeError
from autograd_core.primitive import UNIT, call
from nn.errors import OptionError, TargetError
from nn.functional.activation import log_softmax, sigmoid, softmax

Reduction = Literal["mean", "sum", "none"]


def reduced(losses: Any, reduction: Reduction) -> Any:
    """The losses of a batch as one number, or as they are."""
    if reduction == "mean":
        return losses.sum() / max(losses.size, 1)
    return losses.sum() if reduction == "sum" else losses


def shared(g: Any, count: int, reduction: Reduction) -> Any:
    """The cotangent of each of ``count`` losses, given that of what ``reduced`` made of them."""
    return g / max(count, 1) if reduction == "mean" else g


def check_reduction(loss: str, reduction: str) -> None:
    """Raise OptionError for a reduction that does not exist."""
    if reduction not in ("mean", "sum", "none"):
        raise OptionError(f"{loss}: got reduction={reduction!r}; expected 'mean', 'sum' or 'none'")


def matching_target(loss: str, input: Any, target: Any) -> Any:
    """The target, in the input's dtype if it holds integers; its shape must be the input's.

    A target of shape (n,) beside predictions of shape (n, 1) would broadcast to (n, n): a mistake
    that trains, badly, without a word.
    """
    if not isinstance(target, Tensor):
        target = np.asarray(target)
    if input.shape != target.shape:
        raise ShapeError(
            f"{loss}: got input of shape {input.shape} and target of shape {target.shape}; "
            "expected the same shape; reshape the target"
        )
    return target if target.dtype.kind in "fc" else target.astype(input.dtype)


def two_alike(d: Any) -> Any:
    """A draw of an input and a target of one shape."""
    shape = d.shape()
    return call(d.array(shape), d.array(shape, UNIT), d.choice(["mean", "sum", "none"]))


@operation(
    two_alike,
    name="mse_loss",
    label="mse",
    input=lambda g, input, target, reduction: (
        shared(g, input.size, reduction) * (2 * (input - target))
    ),
    target=lambda g, input, target, reduction: (
        shared(g, input.size, reduction) * (2 * (target - input))
    ),
)
def squared_errors(input: Any, target: Any, reduction: Reduction) -> Any:
    """(input - target)², reduced."""
    return reduced(np.square(input - target), reduction)


def mse_loss(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """Mean squared error: Σ (ŷ - y)² / n over all n elements.

    >>> mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])).item()
    2.0
    """
    check_reduction("mse_loss", reduction)
    return squared_errors(input, matching_target("mse_loss", input, target), reduction)


def half_mse_loss(input: Any, target: Any) -> Any:
    """Half the squared error per sample: Σ (ŷ - y)² / 2N for N samples along the first axis.

    The form whose derivative with respect to ŷ is (ŷ - y) / N, without a factor 2.

    >>> half_mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])).item()
    1.0
    """
    samples = input.shape[0] if input.ndim else 1
    target = matching_target("half_mse_loss", input, target)
    return squared_errors(input, target, "sum") * (0.5 / max(samples, 1))


@operation(
    two_alike,
    label="bce",
    input=lambda g, input, target, reduction: (
        shared(g, input.size, reduction) * (sigmoid(input) - target)
    ),
    target=lambda g, input, reduction: shared(g, input.size, reduction) * -input,
)
def logistic_losses(input: Any, target: Any, reduction: Reduction) -> Any:
    """log(1 + exp(x)) - x y, reduced; the first term alone would overflow in exp."""
    return reduced(np.logaddexp(0, input) - input * target, reduction)


def binary_cross_entropy_with_logits(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """Binary cross-entropy of logits: -y log σ(x) - (1 - y) log(1 - σ(x)).

    Shapes: both the same. Targets y are in [0, 1]; TargetError names one that is not.

    >>> binary_cross_entropy_with_logits(np.array([0.0]), np.array([1])).item()
    0.6931471805599453
    """
    check_reduction("binary_cross_entropy_with_logits", reduction)
    target = matching_target("binary_cross_entropy_with_logits", input, target)
    check_range("binary_cross_entropy_with_logits", target, 1)
    return logistic_losses(input, target, reduction)


def check_range(loss: str, target: Any, highest: int) -> None:
    """Raise TargetError naming a target outside [0, highest]."""
    values = target.data if isinstance(target, Tensor) else target
    if values.size == 0:
        return
    least, most = values.min(), values.max()
    if least < 0 or most > highest:
        raise TargetError(
            f"{loss}: got the target {least if least < 0 else most}; "
            f"expected values from 0 to {highest}"
        )


def class_axis(input: Any) -> int:
    """The axis of the classes: the second, or the only one."""
    return 1 if input.ndim > 1 else 0


def logits_and_classes(d: Any) -> Any:
    """A draw of logits and class indices."""
    shape = d.shape(min_dims=1)
    axis = min(1, len(shape) - 1)
    target = d.rng.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :])
    return call(d.array(shape), target, d.choice(["mean", "sum", "none"]))


def one_hot(target: Any, like: Any) -> Any:
    """Booleans shaped like the logits, true at the target class of each sample."""
    axis = class_axis(like)
    classes = np.arange(like.shape[axis]).reshape(-1, *(1,) * (like.ndim - 1 - axis))
    return np.expand_dims(target, axis) == classes


def each_class(g: Any, count: int, reduction: Reduction, axis: int) -> Any:
    """The cotangent of each sample's loss, to multiply with something for each class."""
    return shared(g if reduction != "none" else np.expand_dims(g, axis), count, reduction)


@operation(
    logits_and_classes,
    name="cross_entropy",
    input=lambda g, input, target, reduction: (
        each_class(g, target.size, reduction, class_axis(input))
        * (softmax(input, class_axis(input)) - one_hot(target, input))
    ),
)
def index_cross_entropy(input: Any, target: Any, reduction: Reduction) -> Any:
    """-x[target] + log Σ exp(x), reduced."""
    axis = class_axis(input)
    logs = log_softmax(input, axis)
    losses = -np.take_along_axis(logs, np.expand_dims(target, axis), axis)
    return reduced(np.squeeze(losses, axis), reduction)


def logits_and_probabilities(d: Any) -> Any:
    """A draw of logits and of what stands for class probabilities."""
    shape = d.shape(min_dims=1)
    return call(d.array(shape), d.array(shape, UNIT), d.choice(["mean", "sum", "none"]))


@operation(
    logits_and_probabilities,
    name="cross_entropy",
    input=lambda g, input, target, reduction: (
        each_class(g, sample_count(input), reduction, class_axis(input))
        * (
            softmax(input, class_axis(input)) * target.sum(axis=class_axis(input), keepdims=True)
            - target
        )
    ),
    target=lambda g, input, reduction: (
        each_class(g, sample_count(input), reduction, class_axis(input))
        * -log_softmax(input, class_axis(input))
    ),
)
def probability_cross_entropy(input: Any, target: Any, reduction: Reduction) -> Any:
    """-Σ p log softmax(x) over the classes, reduced."""
    axis = class_axis(input)
    return reduced(-(target * log_softmax(input, axis)).sum(axis=axis), reduction)


def sample_count(input: Any) -> int:
    """How many losses logits give: one for all classes together."""
    count: int = input.size // max(input.shape[class_axis(input)], 1)
    return count


def cross_entropy(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """Categorical cross-entropy of logits: -log softmax(x)[y], the mean over samples.

    Shapes: input (n, classes, ...) or (classes,); target either class indices, integers of the
    input's shape without the class axis, or probabilities of the input's shape, floating. Raises
    TargetError naming an index that is no class.

    >>> cross_entropy(np.zeros((1, 4)), np.array([2])).item()
    1.3862943611198906
    """
    check_reduction("cross_entropy", reduction)
    if not isinstance(target, Tensor):
        target = np.asarray(target)
    if input.ndim == 0:
        raise ShapeError("cross_entropy: got input of shape (); expected an axis of classes")
    axis = class_axis(input)
    if target.dtype.kind == "f":
        target = matching_target("cross_entropy", input, target)
        return probability_cross_entropy(input, target, reduction)
    if target.dtype.kind not in "iu":
        raise DtypeError(
            f"cross_entropy: got targets of dtype {target.dtype}; expected class indices "
            "(integers) or probabilities (floating)"
        )
    expected = input.shape[:axis] + input.shape[axis + 1 :]
    if target.shape != expected:
        raise ShapeError(
            f"cross_entropy: got class indices of shape {target.shape} for input of shape "
            f"{input.shape}; expected {expected}"
        )
    check_range("cross_entropy", target, input.shape[axis] - 1)
    return index_cross_entropy(input, target, reduction)
