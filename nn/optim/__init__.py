"""Optimizers: an update rule each, over the flat buffer."""

from nn.optim.adam import Adam
from nn.optim.optimizer import Optimizer
from nn.optim.sgd import SGD, Momentum

__all__ = ["Adam", "Momentum", "Optimizer", "SGD"]
