"""Layers without parameters, and losses: functions of Tensors (and of plain arrays)."""

from nn.functional.activation import leaky_relu, log_softmax, relu, sigmoid, softmax, tanh
from nn.functional.linear import linear
from nn.functional.loss import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_mse_loss,
    mse_loss,
)

__all__ = [
    "leaky_relu",
    "log_softmax",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
    "linear",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "half_mse_loss",
    "mse_loss",
]
