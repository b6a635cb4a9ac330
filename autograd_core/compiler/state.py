"""What programs call to change what lives outside: arrays, and the gradients of leaves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autograd_core.graph import Leaf


def write(array: Any, index: Any, value: Any) -> None:
    """Write into an array."""
    array[index] = value


def write_gradient(leaf: Leaf, gradient: Any) -> Any:
    """Make a copy of an array the gradient of a leaf."""
    leaf.write(gradient)
    return leaf.grad


def add_gradient(leaf: Leaf, gradient: Any) -> Any:
    """Add an array to the gradient of a leaf."""
    leaf.grad += gradient
    return leaf.grad


def accumulate_gradient(leaf: Leaf, gradient: Any) -> Any:
    """Add an array to the gradient of a leaf, if it has one, and else make it that."""
    return write_gradient(leaf, gradient) if leaf.grad is None else add_gradient(leaf, gradient)


def gradient_of(leaf: Leaf) -> Any:
    """The gradient a leaf has."""
    return leaf.grad


def forget(leaves: Iterable[Leaf]) -> None:
    """Forget the gradients of leaves."""
    for leaf in leaves:
        leaf.grad = None
