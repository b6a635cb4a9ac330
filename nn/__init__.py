"""Models on autograd_core: modules, losses, optimizers, data and training, with PyTorch's names."""

from nn import functional, init
from nn.layers import (
    MLP,
    Identity,
    LeakyReLU,
    Linear,
    LogSoftmax,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)
from nn.losses import BCEWithLogitsLoss, CrossEntropyLoss, HalfMSELoss, MSELoss
from nn.module import Module, Parameter
from nn.optim import SGD, Adam, Momentum, Optimizer

__all__ = [
    # Modules
    "Module",
    "Parameter",
    "Identity",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MLP",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    # Losses
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HalfMSELoss",
    "MSELoss",
    # Optimizers
    "Adam",
    "Momentum",
    "Optimizer",
    "SGD",
    # Functions
    "functional",
    "init",
]
