"""Random programs: graphs of registered operations whose parts are used more than once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note, settings

from autograd_core import grad
from autograd_core.primitive import REGISTRY, Domain, Elementwise
from autograd_core.testing import Drawer, GradientError, RandomDrawer, drawn, gradcheck
from autograd_core.testing.gate import altered_rules, qualified_name

SIDE = 3

ELEMENTWISE = sorted(
    (
        function
        for function, primitive in REGISTRY.items()
        if isinstance(primitive.sample, Elementwise) and not primitive.multiple
    ),
    key=qualified_name,
)
# Not std: in programs it meets elements that are equal up to rounding, where it has no slope.
REDUCTIONS = [np.sum, np.mean, np.max, np.min, np.prod, np.var, np.median]
SCANS = [np.cumsum, np.cumprod, np.sort, np.flip]
KINDS = [ELEMENTWISE, ELEMENTWISE, REDUCTIONS, SCANS, [np.matmul], [np.transpose]]


def squash(x: Any, domain: Domain, sample: Elementwise, engine: Any) -> Any:
    """Any values, smoothly brought into a domain, so that every operation can follow any other.

    Operations with kinks are kept on one side of zero, where some have infinite slopes.
    """
    low, high = max(domain.low, -3.0 if sample.kinks is None else 0.3), min(domain.high, 3.0)
    return (low + high) / 2 + 0.45 * (high - low) * engine.tanh(x)


@dataclass(frozen=True)
class Step:
    """One operation on earlier values: the inputs and the results of the steps before."""

    function: Callable[..., Any]
    operands: tuple[int, ...]
    axis: int | None = None

    def run(self, values: list[Any], engine: Any) -> Any:
        operands = [values[k] for k in self.operands]
        function = self.function if engine is np else getattr(engine, self.function.__name__)
        if self.function is np.matmul:
            x, y = (operand * np.ones((SIDE, SIDE)) for operand in operands)
            return x @ y
        if self.function is np.transpose:
            return function(operands[0])
        if self.function in REDUCTIONS:
            return function(operands[0], axis=self.axis, keepdims=True)
        if self.function in SCANS:
            return function(engine.tanh(operands[0]), axis=self.axis)
        sample: Any = REGISTRY[self.function].sample
        pairs = zip(operands, sample.domains, strict=True)
        return function(*(squash(x, domain, sample, engine) for x, domain in pairs))


def draw_program(d: Drawer, kinds: list[Any] = KINDS) -> tuple[list[Step], list[Any]]:
    """Steps, and the inputs they start from: matrices, rows, columns and numbers."""
    shapes = [tuple(d.choice([SIDE, 1]) for _ in range(2)) for _ in range(d.integer(1, 3))]
    inputs = [d.array(shape) for shape in shapes]
    steps = []
    for count in range(len(inputs), len(inputs) + d.integer(1, 8)):
        function = d.choice(d.choice(kinds))
        arity = 2 if function is np.matmul else 1
        if function in ELEMENTWISE:
            arity = len(REGISTRY[function].sample.domains)  # type: ignore[union-attr]
        operands = tuple(count - 1 - d.integer(0, count - 1) for _ in range(arity))
        steps.append(Step(function, operands, d.axis(2)))
    return steps, inputs


def run(steps: list[Step], inputs: tuple[Any, ...], engine: Any = np) -> list[Any]:
    values = list(inputs)
    for step in steps:
        values.append(step.run(values, engine))
    return values[len(inputs) :]


def describe(steps: list[Step], inputs: list[Any]) -> None:
    for number, step in enumerate(steps, len(inputs)):
        note(f"v{number} = {qualified_name(step.function)}{step.operands}, axis={step.axis}")


@pytest.mark.parametrize(("order", "share"), [(1, 4), (2, 1)])
def test_gradients_of_programs_agree_with_differences(order: int, share: int) -> None:
    @settings(max_examples=share * settings.default.max_examples)
    @given(drawn(draw_program))
    def check(program: tuple[list[Step], list[Any]]) -> None:
        steps, inputs = program
        describe(steps, inputs)
        gradcheck(lambda *values: run(steps, values), inputs, order=order, rtol=1e-5)

    check()


def test_gradients_of_programs_agree_with_an_independent_engine() -> None:
    """HIPS autograd (github.com/HIPS/autograd), where it is installed."""
    engine = pytest.importorskip("autograd.numpy")
    independent = pytest.importorskip("autograd")
    with_rules = pytest.importorskip("autograd.core").primitive_vjps
    elementwise = [
        function
        for function in ELEMENTWISE
        if isinstance(function, np.ufunc)  # elsewhere sinc has no slope at 0
        and getattr(np, function.__name__, None) is function
        and getattr(engine, function.__name__) in with_rules
    ]
    assert len(elementwise) > 30
    # Not prod, which divides by its factors there.
    reductions = [np.sum, np.max, np.min, np.mean, np.var]
    kinds = [elementwise, elementwise, reductions, [np.cumsum]]

    @settings(max_examples=4 * settings.default.max_examples)
    @given(drawn(lambda d: draw_program(d, [*kinds, [np.matmul]])))
    def check(program: tuple[list[Step], list[Any]]) -> None:
        steps, inputs = program
        describe(steps, inputs)
        weights = [1 / (2 + k) for k in range(len(steps))]

        def total(np_like: Any) -> Callable[..., Any]:
            return lambda *values: sum(
                weight * np_like.sum(np_like.arctan(result))
                for weight, result in zip(weights, run(steps, values, np_like), strict=True)
            )

        numbers = tuple(range(len(inputs)))
        found = grad(total(np), numbers)(*inputs)
        with np.errstate(over="ignore"):  # it squares hyperbolic cosines
            expected = independent.grad(total(engine), numbers)(*inputs)
        for ours, theirs in zip(found, expected, strict=True):
            scale = max(1.0, float(np.max(np.abs(theirs))))
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9 * scale)

    check()


def test_a_wrong_rule_somewhere_in_a_program_is_caught() -> None:
    def program(x: Any, y: Any) -> Any:
        shared = np.exp(x) * y
        return np.sum(shared, axis=0) @ np.tanh(shared - y).T, np.max(shared)

    inputs = [RandomDrawer(0).array((2, 3)), RandomDrawer(1).array(3)]
    gradcheck(program, inputs)
    for function in (np.exp, np.multiply, np.sum, np.matmul, np.tanh, np.subtract, np.max):
        wrong = altered_rules(REGISTRY[function], lambda operand, g, gradient: gradient * 1.0001)
        with wrong, pytest.raises(GradientError, match="verdict: wrong"):
            gradcheck(program, inputs)
