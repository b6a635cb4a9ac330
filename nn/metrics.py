"""Metrics: each is sums over samples and a number made of them, so that ranks can add them up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from autograd_core import Tensor
from nn.errors import OptionError, TargetError, check_positive

Array = npt.NDArray[Any]
Sums = npt.NDArray[np.float64]
Average = Literal["macro", "micro", "binary"]


@dataclass(frozen=True)
class Metric:
    """A number that tells how good outputs are: ``value`` of the sum of ``sums`` over batches.

    What no sum can tell, such as the order of all scores, is ``by_sample``: ``sums`` then gives a
    row for each sample, and rows of batches are put together instead of added. Called with outputs
    and targets (arrays or Tensors) a metric gives the number.
    """

    name: str
    sums: Callable[[Array, Array], Sums]
    value: Callable[[Sums], float]
    by_sample: bool = False

    def __call__(self, output: Any, target: Any) -> float:
        """The metric of all the samples given."""
        return self.value(self.add_up(output, target))

    def add_up(self, output: Any, target: Any) -> Sums:
        """The sums of a batch; those of several batches may be joined."""
        return self.sums(plain(output), plain(target))

    def join(self, first: Sums, second: Sums) -> Sums:
        """The sums of two batches together."""
        return np.concatenate([first, second]) if self.by_sample else first + second


def plain(values: Any) -> Array:
    """An array, of a Tensor too."""
    return values.detach().data if isinstance(values, Tensor) else np.asarray(values)


def ratio(sums: Sums) -> float:
    """The first sum over the second."""
    return float(sums[0] / sums[1])


# -- classes ---------------------------------------------------------------------------------------


def is_single(output: Array, target: Array) -> bool:
    """Whether there is one logit for two classes, and not one for each class."""
    return output.shape == target.shape or output.shape == (len(target), 1)


def predicted(output: Array, target: Array) -> Array:
    """The class each output speaks for: the largest, or 1 where a single logit is positive."""
    if is_single(output, target):
        return (output > 0).reshape(target.shape)
    return output.argmax(axis=1)


def hits(output: Array, target: Array) -> Sums:
    """How many predictions are right, and how many there are."""
    return np.array([(predicted(output, target) == target).sum(), target.size], np.float64)


accuracy = Metric("accuracy", hits, ratio)
"""The share of samples whose largest output is the target class (or, for a single logit, whose sign
tells it): outputs (n, classes) and class indices (n,), or both of one shape."""


def top_k(k: int) -> Metric:
    """The share of samples whose target is among the ``k`` largest outputs, (n, classes).

    Of equal outputs the lower class comes first, so ``top_k(1)`` is ``accuracy``.

    >>> top_k(2)([[0.1, 0.7, 0.2], [0.1, 0.7, 0.2]], [2, 0])
    0.5
    """
    check_positive("top_k", k=k)

    def sums(output: Array, target: Array) -> Sums:
        best = np.argsort(-output, axis=1, kind="stable")[:, :k]
        found = (best == np.expand_dims(target, 1)).any(axis=1)
        return np.array([found.sum(), target.size], np.float64)

    return Metric(f"top_{k}", sums, ratio)


def confusion(output: Array, target: Array) -> Sums:
    """The counts behind ``confusion_matrix``."""
    classes = 2 if is_single(output, target) else output.shape[1]
    wrong = (target < 0) | (target >= classes) | (target != target.astype(np.int64))
    if wrong.any():
        raise TargetError(
            f"confusion: got target {target[wrong][0]}; expected a class from 0 to {classes - 1}"
        )
    pairs = target.astype(np.int64) * classes + predicted(output, target)
    counts = np.bincount(pairs.ravel(), minlength=classes**2)
    return counts.reshape(classes, classes).astype(np.float64)


def confusion_matrix(output: Any, target: Any) -> npt.NDArray[np.int64]:
    """How many samples of each class (row) were taken for each class (column).

    Outputs (n, classes) and class indices (n,), or single logits of two classes. A target that is
    no class raises TargetError.

    >>> confusion_matrix([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]], [0, 1, 1])
    array([[1, 0],
           [1, 1]])
    """
    return confusion(plain(output), plain(target)).astype(np.int64)


def precision(average: Average = "macro") -> Metric:
    """How many of the samples taken for a class belong to it: TP / (TP + FP).

    "macro": the mean over the classes that occur among targets or predictions. "micro": of all
    classes together, which is the accuracy. "binary": of class 1 alone. Nothing over nothing
    counts 0. As in scikit-learn.

    >>> precision("binary")([1.0, 1.0, -1.0, 1.0], [1, 0, 1, 1])
    0.6666666666666666
    """
    return averaged("precision", average, lambda hit, took, had: (hit, took))


def recall(average: Average = "macro") -> Metric:
    """How many of the samples of a class are taken for it: TP / (TP + FN); see ``precision``.

    >>> recall("macro")([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]], [0, 1, 1])
    0.75
    """
    return averaged("recall", average, lambda hit, took, had: (hit, had))


def f1(average: Average = "macro") -> Metric:
    """The harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN); see ``precision``.

    >>> f1("micro")([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]], [0, 1, 1])
    0.6666666666666666
    """
    return averaged("f1", average, lambda hit, took, had: (2 * hit, took + had))


def averaged(name: str, average: str, fraction: Callable[..., tuple[Any, Any]]) -> Metric:
    """A metric of classes from their counts: right ones, predictions, and samples."""
    if average not in ("macro", "micro", "binary"):
        raise OptionError(f"{name}: got average={average!r}; expected 'macro', 'micro' or 'binary'")

    def value(matrix: Sums) -> float:
        counts = np.stack([np.diagonal(matrix), matrix.sum(axis=0), matrix.sum(axis=1)])
        if average == "binary":
            if len(matrix) != 2:
                raise OptionError(
                    f"{name}: average='binary' got {len(matrix)} classes; expected 2, or 'macro'"
                )
            counts = counts[:, 1:]
        elif average == "micro":
            counts = counts.sum(axis=1, keepdims=True)
        else:
            counts = counts[:, counts[1:].any(axis=0)]
        above, below = fraction(*counts)
        return float(np.mean(np.divide(above, below, out=np.zeros_like(above), where=below > 0)))

    return Metric(f"{name}_{average}", confusion, value)


# -- scores ----------------------------------------------------------------------------------------


def scored(output: Array, target: Array) -> Sums:
    """For each sample its target and its score for every class, or for class 1 of two."""
    scores = output.reshape(len(output), prod(output.shape[1:])).astype(np.float64)
    if scores.shape[1] == 2:
        scores = scores[:, 1:] - scores[:, :1]
    elif scores.shape[1] > 2:
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
    return np.column_stack([target.reshape(len(target)), scores])


def area(rows: Sums) -> float:
    """The area under the curve of one score, or the mean over classes against the rest."""
    target, scores = rows[:, 0], rows[:, 1:].T
    positives = [1] if len(scores) == 1 else range(len(scores))
    areas = [
        area_of(score, target == positive)
        for score, positive in zip(scores, positives, strict=True)
    ]
    return float(np.mean(areas))


def area_of(score: Sums, positive: npt.NDArray[np.bool_]) -> float:
    """The share of pairs of a positive and a negative in which the positive scores higher.

    Mann and Whitney: (Σ ranks of positives - P (P + 1) / 2) / (P N), ties with their mean rank.
    """
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    right = int(positive.sum())
    wrong = len(positive) - right
    if not right * wrong:
        return float("nan")
    return float((ranks[positive].sum() - right * (right + 1) / 2) / (right * wrong))


auc = Metric("auc", scored, area, by_sample=True)
"""The area under the ROC curve, exactly: outputs (n,), (n, 1) or (n, 2) and classes 0 and 1. With
more than two classes: the mean over classes of softmax against the rest. NaN without positives or
negatives."""


# -- quantities ------------------------------------------------------------------------------------


def deviations(output: Array, target: Array) -> Sums:
    """For each column the squared residuals, the targets, their squares, and the count."""
    output, target = (
        array.reshape(len(array), prod(array.shape[1:])).astype(np.float64)
        for array in (output, target)
    )
    columns = [
        ((target - output) ** 2).sum(axis=0),
        target.sum(axis=0),
        (target**2).sum(axis=0),
        np.full(target.shape[1], len(target)),
    ]
    return np.stack(columns)


def explained(sums: Sums) -> float:
    """1 - residual / total sum of squares, the mean over columns."""
    residual, total, squares, count = sums
    variation = squares - total**2 / count
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.mean(1 - residual / variation))


r2 = Metric("r2", deviations, explained)
"""The coefficient of determination R² = 1 - Σ(y - ŷ)² / Σ(y - ȳ)²: 1 is perfect, 0 no better than
the mean. Averaged over the columns of the target."""
