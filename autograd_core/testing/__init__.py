"""Testing gradients: against differences, from drawn inputs, and of every registered operation."""

from autograd_core.testing.drawer import Drawer, HypothesisDrawer, RandomDrawer, example_of
from autograd_core.testing.gradcheck import gradcheck
from autograd_core.testing.report import GradientError, GradReport, Mismatch

__all__ = [
    "gradcheck",
    "GradReport",
    "GradientError",
    "Mismatch",
    "Drawer",
    "HypothesisDrawer",
    "RandomDrawer",
    "example_of",
]
