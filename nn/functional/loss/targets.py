"""Checks of what losses are given: shapes that match, targets that mean something."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core import Tensor
from autograd_core.effects import effect
from autograd_core.errors import DtypeError, ShapeError
from autograd_core.tensor import as_array
from nn.errors import TargetError


def matching_target(loss: str, input: Any, target: Any) -> Any:
    """The target, in the input's dtype if it holds integers; its shape must be the input's.

    A target of shape (n,) beside predictions of shape (n, 1) would broadcast to (n, n): a mistake
    that trains, badly, without a word.
    """
    target = as_array(target)
    if input.shape != target.shape:
        raise ShapeError(
            f"{loss}: got input of shape {input.shape} and target of shape {target.shape}; "
            "expected the same shape; reshape the target"
        )
    return target if target.dtype.kind in "fc" else target.astype(input.dtype)


def values_of(array: Any) -> Any:
    """The values of a Tensor or an array, to be looked at."""
    return array.data if isinstance(array, Tensor) else array


@effect(changes=False)
def check_range(loss: str, target: Any, highest: float, what: str = "target") -> None:
    """Raise TargetError naming a value outside [0, highest]; NaN is let through."""
    values = values_of(target)
    if values.size == 0:
        return
    least, most = values.min(), values.max()
    # Floating values may have been rounded.
    slack = 1e-6 * highest if values.dtype.kind == "f" else 0
    if least < 0 or most > highest + slack:
        expected = "at least 0" if highest == np.inf else f"values from 0 to {highest}"
        raise TargetError(
            f"{loss}: got the {what} {least if least < 0 else most}; expected {expected}"
        )


@effect(changes=False)
def check_signs(loss: str, target: Any) -> None:
    """Raise TargetError naming a target that is neither 1 nor -1."""
    values = values_of(target)
    wrong = values[np.abs(values) != 1]
    if wrong.size:
        raise TargetError(f"{loss}: got the target {wrong[0]}; expected 1 or -1")


def class_axis(input: Any) -> int:
    """The axis of the classes: the second, or the only one."""
    return 1 if input.ndim > 1 else 0


def class_indices(loss: str, input: Any, target: Any, ignore_index: int | None = None) -> Any:
    """The target as class indices that fit the input: an integer for each vector of classes.

    Raises DtypeError or ShapeError, or TargetError naming an index that is no class and not the
    one to ignore.
    """
    target = as_array(target)
    if input.ndim == 0:
        raise ShapeError(f"{loss}: got input of shape (); expected an axis of classes")
    if target.dtype.kind not in "iu":
        raise DtypeError(
            f"{loss}: got targets of dtype {target.dtype}; expected class indices (integers)"
        )
    axis = class_axis(input)
    expected = input.shape[:axis] + input.shape[axis + 1 :]
    if target.shape != expected:
        raise ShapeError(
            f"{loss}: got class indices of shape {target.shape} for input of shape "
            f"{input.shape}; expected {expected}"
        )
    check_classes(loss, target, input.shape[axis], ignore_index)
    return target


@effect(changes=False)
def check_classes(loss: str, target: Any, classes: int, ignore_index: int | None) -> None:
    """Raise TargetError naming an index that is no class, and not the one to ignore."""
    values = values_of(target)
    if values.size and (values.min() < 0 or values.max() >= classes):
        check_range(loss, values[values != ignore_index], classes - 1)
