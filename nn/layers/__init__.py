"""Layers: modules with parameters, activations as modules, and what puts them together."""

from nn.layers.activation import LeakyReLU, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from nn.layers.container import MLP, Sequential
from nn.layers.linear import Identity, Linear
from nn.layers.standardized import Standardized

__all__ = [
    "LeakyReLU",
    "LogSoftmax",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "MLP",
    "Sequential",
    "Identity",
    "Linear",
    "Standardized",
]
