"""The gate: every registered operation proves itself, from its registration alone.

Run one operation's with ``pytest tests/test_registry.py -k sinh``, and more examples of each with
``--hypothesis-profile nightly``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import autograd_core  # noqa: F401 - registers
from autograd_core.containers import flatten
from autograd_core.primitive import REGISTRY
from autograd_core.testing.drawer import HypothesisDrawer, RandomDrawer
from autograd_core.testing.gate import (
    CHECKS,
    altered_rules,
    check_accumulation,
    draw_call,
    qualified_name,
)

Function = Callable[..., Any]

OPERATIONS = {qualified_name(function): function for function in REGISTRY}
SAMPLED = [name for name in sorted(OPERATIONS) if REGISTRY[OPERATIONS[name]].sample is not None]

# The gradient of every operation sees all examples of the profile; what varies less, one in five.
EXAMPLES = {check: settings.default.max_examples // 5 for check in CHECKS}
EXAMPLES["gradient"] = settings.default.max_examples

# Explaining a failure takes much longer than finding and shrinking it.
PHASES = set(Phase) - {Phase.explain}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_operation_is_described(name: str) -> None:
    primitive = REGISTRY[OPERATIONS[name]]
    assert primitive.label
    assert primitive.sample is not None or not primitive.operands


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", SAMPLED)
def test_operation(name: str, check: str) -> None:
    function = OPERATIONS[name]
    kinked = []

    @settings(max_examples=EXAMPLES[check], phases=PHASES)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        call = draw_call(function, HypothesisDrawer(data.draw))
        kinked.append(bool(CHECKS[check](call)))

    run()
    assert sum(kinked) <= 0.2 * len(kinked), "the sample draws too close to kinks"


@pytest.mark.parametrize("name", SAMPLED)
def test_every_rule_meets_a_cotangent(name: str) -> None:
    function = OPERATIONS[name]
    primitive = REGISTRY[function]
    met = set()

    def watch(operand: int, g: Any, gradient: Any) -> Any:
        if any(np.any(part != 0) for part in flatten(g)[0]):
            met.add(0 if primitive.sequence else operand)
        return gradient

    for seed in range(settings.default.max_examples):
        call = draw_call(function, RandomDrawer(seed))
        with altered_rules(primitive, watch):
            check_accumulation(call)
    assert met == set(range(1 if primitive.sequence else len(primitive.operands)))
