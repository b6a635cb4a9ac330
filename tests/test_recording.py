"""The generated recorders do what the general function does, and no more is kept."""

from typing import Any

import numpy as np
import pytest

import nn
from autograd_core import Tensor, no_grad
from autograd_core.primitive import REGISTRY, operation
from autograd_core.tensor import record_row
from autograd_core.testing.drawer import RandomDrawer
from autograd_core.testing.gate import draw_call, qualified_name

FUNCTIONS = {
    qualified_name(function): function
    for function, primitive in REGISTRY.items()
    if primitive.sample is not None
    and primitive.operands
    and not (primitive.sequence or primitive.multiple)
}


def as_kept(slot: Any) -> Any:
    """What can be compared of a slot."""
    return np.asarray(slot).tobytes() if isinstance(slot, (np.ndarray, np.generic)) else repr(slot)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_recorder_makes_the_node_the_general_function_makes(name: str) -> None:
    primitive = REGISTRY[FUNCTIONS[name]]
    for seed in range(3):
        call = draw_call(FUNCTIONS[name], RandomDrawer(seed))
        for tracked in range(1, 2 ** len(call.positions)):
            operands = [Tensor(a, bool(tracked >> k & 1)) for k, a in enumerate(call.arrays)]
            args, kwargs = call.filled(operands)
            fast = primitive.record(*args, **kwargs)
            general = record_row(primitive, primitive.bind(*args, **kwargs))
            np.testing.assert_array_equal(fast.data, general.data)
            assert (fast.node is None) == (general.node is None)
            if fast.node is None:
                continue
            assert fast.node.sources == general.node.sources
            assert fast.node.versions == general.node.versions
            assert (fast.node.shape, fast.node.dtype) == (general.node.shape, general.node.dtype)
            # Settings, which tell what was done, stay; others only if a rule reads them.
            settings = set(range(len(primitive.parameters))) - set(primitive.operand_slots)
            for slot, (ours, theirs) in enumerate(
                zip(fast.node.slots, general.node.slots, strict=True)
            ):
                assert as_kept(ours) == as_kept(theirs) or (slot in settings and theirs is None)


def test_a_recorder_tracks_nothing_while_nothing_records() -> None:
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    with no_grad():
        results: list[Any] = [x * x, np.sum(x), nn.functional.linear(x, x), x[0]]
    assert [result.requires_grad for result in results] == [False] * 4
    assert not np.sum(x.detach()).requires_grad


def test_operands_and_settings_that_hold_tensors_are_left_to_the_general_function() -> None:
    x: Any = Tensor(np.array(3.0), requires_grad=True)
    total: Any = np.sum(Tensor(np.ones(2)), initial=x)
    total.backward()
    assert (total.item(), x.grad) == (5.0, 1.0)
    doubled: Any = Tensor(np.ones(2), requires_grad=True) * [1.0, 2.0]
    assert doubled.tolist() == [1.0, 2.0]


def test_a_parameter_may_be_called_as_a_place_is() -> None:
    @operation(x=lambda g, into: g * into)
    def scaled(x: Any, into: Any) -> Any:
        return x * into

    x = Tensor(np.ones(3), requires_grad=True)
    scaled(x, 2.0).sum().backward()
    np.testing.assert_array_equal(x.grad, [2.0, 2.0, 2.0])
