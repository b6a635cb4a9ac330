"""Models on autograd_core: modules, losses, optimizers, data and training, with PyTorch's names."""

from nn import data, functional, init, metrics
from nn.data import DataLoader
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
    Standardized,
    Tanh,
)
from nn.losses import (
    BCELoss,
    BCEWithLogitsLoss,
    CosineEmbeddingLoss,
    CrossEntropyLoss,
    FocalLoss,
    HalfMSELoss,
    HingeEmbeddingLoss,
    HingeLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MarginRankingLoss,
    MSELoss,
    MultiLabelMarginLoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    NLLLoss,
    SigmoidFocalLoss,
    SmoothL1Loss,
    SoftMarginLoss,
)
from nn.module import Module, Parameter
from nn.optim import SGD, Adam, Momentum, Optimizer
from nn.serialization import load, save
from nn.training import Callback, History, Strategy, evaluate, fit

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
    "Standardized",
    "Tanh",
    # Losses
    "BCELoss",
    "BCEWithLogitsLoss",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "FocalLoss",
    "HalfMSELoss",
    "HingeEmbeddingLoss",
    "HingeLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "SigmoidFocalLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    # Optimizers
    "Adam",
    "Momentum",
    "Optimizer",
    "SGD",
    # Training
    "Callback",
    "DataLoader",
    "History",
    "Strategy",
    "evaluate",
    "fit",
    "load",
    "save",
    # Modules of functions
    "data",
    "functional",
    "init",
    "metrics",
]
