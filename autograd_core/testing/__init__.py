"""Testing gradients: against differences, at drawn inputs, and of every registered operation."""

from autograd_core.testing.check import check_all, check_operation, check_target
from autograd_core.testing.drawer import Drawer, HypothesisDrawer, RandomDrawer, example_of
from autograd_core.testing.gate import CHECKS, Call, draw_call
from autograd_core.testing.gradcheck import gradcheck
from autograd_core.testing.report import GradientError, GradReport, Mismatch
from autograd_core.testing.strategies import (
    broadcastable,
    drawn,
    indices,
    matmul_operands,
    op_inputs,
    property_gradcheck,
    tensors,
)

__all__ = [
    # one function
    "gradcheck",
    "GradReport",
    "GradientError",
    "Mismatch",
    # properties, with Hypothesis
    "property_gradcheck",
    "tensors",
    "broadcastable",
    "matmul_operands",
    "indices",
    "op_inputs",
    "drawn",
    # operations, from their registration
    "check_operation",
    "check_all",
    "check_target",
    "CHECKS",
    "Call",
    "draw_call",
    "example_of",
    "Drawer",
    "HypothesisDrawer",
    "RandomDrawer",
]
