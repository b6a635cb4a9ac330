"""The gate: every registered operation proves itself, from its registration alone.

Run one operation's with ``pytest tests/test_registry.py -k sinh``, and more examples of each with
``--hypothesis-profile nightly``.
"""

import contextlib
import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings

import autograd_core
import nn
from autograd_core import graph
from autograd_core.containers import flatten
from autograd_core.errors import MissingExtraError
from autograd_core.primitive import REGISTRY
from autograd_core.testing.drawer import RandomDrawer
from autograd_core.testing.gate import (
    CHECKS,
    Call,
    altered_rules,
    check_accumulation,
    draw_call,
    qualified_name,
)
from autograd_core.testing.report import GradientError
from autograd_core.testing.strategies import op_inputs

Function = Callable[..., Any]

# Some operations register only when they are first used; none may escape the gate.
for package in (autograd_core, nn):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        with contextlib.suppress(MissingExtraError):
            importlib.import_module(module.name)

OPERATIONS = {qualified_name(function): function for function in REGISTRY}
SAMPLED = [name for name in sorted(OPERATIONS) if REGISTRY[OPERATIONS[name]].sample is not None]
RULED = [name for name in SAMPLED if REGISTRY[OPERATIONS[name]].operands]

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
    kinked = []

    @settings(max_examples=EXAMPLES[check], phases=PHASES)
    @given(op_inputs(OPERATIONS[name]))
    def run(call: Call) -> None:
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


# -- the gate itself: it must catch rules that are wrong -------------------------------------------


def scaled(g: Any, gradient: Any) -> Any:
    return gradient * 1.01


def flipped(g: Any, gradient: Any) -> Any:
    return -gradient


def zeroed(g: Any, gradient: Any) -> Any:
    spoiled = np.array(gradient)
    spoiled.flat[np.argmax(np.abs(gradient))] = 0
    return spoiled


def aliased(g: Any, gradient: Any) -> Any:
    fits = isinstance(g, np.ndarray) and (g.shape, g.dtype) == (gradient.shape, gradient.dtype)
    if not fits or not g.flags.writeable or np.array_equal(g, gradient):
        return gradient
    np.copyto(g, gradient)
    return g


def caught(call: Call, *checks: str) -> bool:
    try:
        for check in checks:
            CHECKS[check](call)
    except (GradientError, ValueError):
        return True
    return False


def assert_caught(name: str, applied: list[Any]) -> None:
    """The first two examples in which a fault was applied must fail."""
    seen = 0
    for seed in range(EXAMPLES["gradient"]):
        call = draw_call(OPERATIONS[name], RandomDrawer(seed))
        applied.clear()
        found = caught(call, "accumulation")
        if applied:
            assert found or caught(call, "gradient", "complex"), call.code()
            seen += 1
        if seen == 2:
            break


@pytest.mark.parametrize("fault", [scaled, flipped, zeroed, aliased])
@pytest.mark.parametrize("name", RULED)
def test_wrong_rule_is_caught(name: str, fault: Callable[[Any, Any], Any]) -> None:
    primitive = REGISTRY[OPERATIONS[name]]
    applied: list[Any] = []
    for spoiled in range(len(primitive.operands)):

        def change(operand: int, g: Any, gradient: Any, spoiled: int = spoiled) -> Any:
            if operand != spoiled or not np.any(gradient):
                return gradient
            wrong = fault(g, gradient)
            applied.extend([] if wrong is gradient else [operand])
            return wrong

        with altered_rules(primitive, change):
            assert_caught(name, applied)


@pytest.mark.parametrize("name", RULED)
def test_forgotten_unbroadcast_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    applied: list[Any] = []

    def forget(gradient: Any, shape: tuple[int, ...], primitive: Any) -> Any:
        applied.append(shape)
        return gradient

    monkeypatch.setattr(graph, "unbroadcast", forget)
    assert_caught(name, applied)
