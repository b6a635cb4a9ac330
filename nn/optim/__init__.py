"""Optimizers: an update rule each, over the flat buffer."""

from nn.optim.adagrad import Adagrad
from nn.optim.adam import Adam, AdamW
from nn.optim.lbfgs import LBFGS
from nn.optim.lion import Lion
from nn.optim.optimizer import Optimizer
from nn.optim.rmsprop import RMSprop
from nn.optim.sgd import SGD, Momentum

__all__ = ["LBFGS", "SGD", "Adagrad", "Adam", "AdamW", "Lion", "Momentum", "Optimizer", "RMSprop"]
