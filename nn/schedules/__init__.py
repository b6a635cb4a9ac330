"""Learning-rate schedules: the rate as a function of the epoch or batch, with PyTorch's names."""

from nn.schedules.combined import ChainedScheduler, SequentialLR
from nn.schedules.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from nn.schedules.factors import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiStepLR,
    StepLR,
)
from nn.schedules.one_cycle import OneCycleLR
from nn.schedules.plateau import ReduceLROnPlateau
from nn.schedules.scheduler import LRScheduler

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
