"""The gate: what every registered operation must prove, from its registration alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

import numpy as np

from autograd_core.compiler import compile
from autograd_core.containers import flatten
from autograd_core.primitive import REGISTRY, Primitive
from autograd_core.tensor import Tensor, record
from autograd_core.testing.drawer import Drawer, example_of
from autograd_core.testing.gradcheck import check_form, check_rounding, gradcheck
from autograd_core.testing.layouts import LAYOUTS
from autograd_core.testing.point import (
    Array,
    Point,
    is_differentiable,
    random_signs,
    results_of,
    vjp_at,
)
from autograd_core.testing.report import GradientError, source_of, value_code
from autograd_core.transforms import gradients, jvp, vjp

# What NumPy raises for arguments that an operation is not made for.
UNFIT = (TypeError, ValueError, IndexError, ZeroDivisionError, Warning)


# NumPy's take(mode="wrap") never returns if two axes are empty.
HANGING = {np.take}


# -- calls of operations ---------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Call:
    """One call of a registered operation, as a function of its differentiable operands.

    ``leaves`` are all arguments and ``positions`` says which of them are floating arrays that the
    operation has rules for; the others stay what they are.
    """

    function: Callable[..., Any]
    leaves: list[Any]
    rebuild: Callable[[list[Any]], Any]
    positions: list[int]

    @property
    def primitive(self) -> Primitive:
        """The operation."""
        return REGISTRY[self.function]

    @property
    def arrays(self) -> list[Array]:
        """The differentiable operands."""
        return [self.leaves[position] for position in self.positions]

    def __repr__(self) -> str:
        return f"{self.code()[1]} at {self.arrays}"

    def filled(self, operands: Iterable[Any]) -> Any:
        """``(args, kwargs)`` with other operands in their places."""
        leaves = list(self.leaves)
        for position, operand in zip(self.positions, operands, strict=True):
            leaves[position] = operand
        return self.rebuild(leaves)

    def __call__(self, *operands: Any) -> Any:
        """The result, recorded where operands are tracked Tensors."""
        args, kwargs = self.filled(operands)
        return self.recorded(*args, **kwargs)

    @property
    def recorded(self) -> Callable[..., Any]:
        """What a user would call with Tensors."""
        dispatches = isinstance(self.function, np.ufunc) or hasattr(self.function, "__wrapped__")
        return self.function if dispatches else partial(record, self.primitive)

    def plain(self, operands: Iterable[Any]) -> Any:
        """The result of the forward function itself, on arrays."""
        args, kwargs = self.filled(operands)
        return self.primitive.forward(*args, **kwargs)

    def code(self) -> tuple[str, str]:
        """Python code for this call, as reproducers print it: an import and a lambda."""
        statement, name = source_of(self.function)
        variables = [Name(f"x{k}") for k in range(len(self.positions))]
        args, kwargs = self.filled(variables)
        written = [*map(value_code, args), *(f"{k}={value_code(v)}" for k, v in kwargs.items())]
        return statement, f"lambda {', '.join(variables)}: {name}({', '.join(written)})"


class Name(str):
    """A variable, which code shows without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def draw_call(function: Callable[..., Any], drawer: Drawer) -> Call:
    """A safe call of a registered operation, as its sample draws it."""
    primitive = REGISTRY[function]
    args, kwargs = example_of(primitive, drawer)
    if not primitive.ready:
        primitive.resolve()
    row = primitive.bind(*args, **kwargs)
    # What has no rules has no operands: then no argument may make a difference.
    slots = primitive.operand_slots or range(len(row))
    operands = {id(leaf) for slot in slots for leaf in flatten(row[slot])[0]}
    leaves, rebuild = flatten((args, kwargs))
    positions = [
        k for k, leaf in enumerate(leaves) if id(leaf) in operands and is_differentiable(leaf)
    ]
    return Call(function, leaves, rebuild, positions)


def qualified_name(function: Callable[..., Any]) -> str:
    """The name an operation is listed under.

    >>> qualified_name(np.multiply), qualified_name(np.linalg.norm)
    ('np.multiply', 'numpy.linalg.norm')
    """
    statement, name = source_of(function)
    return ".".join([*statement.split()[1:2], name])


# -- rules, watched or altered ---------------------------------------------------------------------

# Takes (operand number, cotangent, gradient) and returns the gradient to use instead.
Change = Callable[[int, Any, Any], Any]


@contextmanager
def altered_rules(primitive: Primitive, change: Change) -> Iterator[None]:
    """Pass what the rules of an operation return through a function, to count or to spoil it."""

    def altered(k: int, rule: Callable[..., Any]) -> Callable[..., Any]:
        def run(g: Any, slots: Any, **element: int) -> Any:
            result = rule(g, slots, **element)
            if primitive.joint:
                return tuple(change(n, g, gradient) for n, gradient in enumerate(result))
            return change(element.get("i", k), g, result)

        return run

    if not primitive.ready:
        primitive.resolve()
    rules = primitive.rules
    primitive.rules = tuple(altered(k, rule) for k, rule in enumerate(rules))
    try:
        yield
    finally:
        primitive.rules = rules


# -- checks ----------------------------------------------------------------------------------------


def check_forward(call: Call) -> None:
    """Called with Tensors, the operation gives what it gives with arrays, in memory of its own."""
    before = [array.tobytes() for array in call.arrays]
    expected, _ = flatten(call.plain(call.arrays))
    for tracked in (False, True):
        result, _ = flatten(call(*(Tensor(array, tracked) for array in call.arrays)))
        for number, array in zip(result, expected, strict=True):
            agree(call, "the result on Tensors", values_of(number), array, exact=True)
            if isinstance(array, (np.ndarray, np.generic)) and not isinstance(number, Tensor):
                fail(call, f"the result on Tensors is {type(number).__name__}; expected Tensor")
            if not call.primitive.view and any(
                np.shares_memory(values_of(number), operand) for operand in call.arrays
            ):
                fail(call, "the result shares memory with an operand; define it with view=True")
    if before != [array.tobytes() for array in call.arrays]:
        fail(call, "an operand was written to")


def of_derivatives(check: Callable[[Call], int | None]) -> Callable[[Call], int | None]:
    """A check that passes over calls with nothing to differentiate: no operand, or no result."""

    @wraps(check)
    def checked(call: Call) -> int | None:
        return check(call) if call.arrays and gives_numbers(call, call.arrays) else None

    return checked


@of_derivatives
def check_gradient(call: Call) -> int | None:
    """The gradient of each operand agrees with differences; returns how many kinks were met."""
    return len(gradcheck(call, call.arrays).nonsmooth)


@of_derivatives
def check_second_order(call: Call) -> int | None:
    """The gradient of the gradient agrees with differences; returns how many kinks were met."""
    return len(gradcheck(*vjp_at(Point(call, call.arrays, seed=0)), seed=1).nonsmooth)


@of_derivatives
def check_accumulation(call: Call) -> None:
    """``backward`` adds to ``.grad``, which is memory of its own; cotangents are left as they are.

    Each result is added to an older value, to which the cotangent goes on: a rule that wrote into
    it would be seen there.
    """
    rng = np.random.default_rng(0)
    values = [result.data for result in results_of(call(*call.arrays))]
    cotangents = [random_signs(rng, array.shape).astype(array.dtype) for array in values]
    addends = [Tensor(np.zeros_like(array), requires_grad=True) for array in values]
    older = [np.positive(addend) for addend in addends]
    leaves = [Tensor(array, requires_grad=True) for array in call.arrays]
    results = results_of(call(*leaves))
    sums = [result + addend for result, addend in zip(results, older, strict=True)]
    first: list[Any] = []
    reached: list[Tensor] = []
    for _ in range(2):
        for total, cotangent in zip(sums, cotangents, strict=True):
            total.backward(cotangent, retain_graph=True)
        reached = [leaf for leaf in leaves if leaf.grad is not None]
        first = first or [np.array(leaf.grad) for leaf in reached]
    grads: list[Any] = [leaf.grad for leaf in reached]
    for grad, once in zip(grads, first, strict=True):
        agree(call, ".grad after a second backward()", grad, 2 * once)
    for addend, cotangent in zip(addends, cotangents, strict=True):
        agree(call, "a cotangent that a rule has used", addend.grad, 2 * cotangent)
    arrays = [*call.arrays, *cotangents, *(result.data for result in results)]
    for grad in grads:
        if any(np.shares_memory(grad, array) for array in arrays):
            fail(call, "a .grad shares memory with another array")
        arrays.append(grad)


@of_derivatives
def check_dtype(call: Call) -> None:
    """float32 operands get float32 gradients, computed in float32, close to the float64 ones."""
    created = []

    def watch(operand: int, g: Any, gradient: Any) -> Any:
        low = all(part.dtype == np.float32 for part in flatten(g)[0])
        if low and gradient.dtype == np.float64:
            created.append(operand)
        return gradient

    single = [array.astype(np.float32) for array in call.arrays]
    point = Point(call, single, seed=0)
    with altered_rules(call.primitive, watch):
        _, vjp = point.record(single)
        low = vjp(point.cotangents)
    if created:
        fail(call, f"rule {created[0]} makes float64 of float32 operands and cotangents")
    _, vjp = point.record(point.references)
    check_form(point, low)
    check_rounding(point, low, vjp(point.exact_cotangents))


# Complex vectors of these come in phases that nothing defines, and only what does not depend on
# phases has a derivative: tests/test_rules_linalg.py checks that.
ARBITRARY_PHASES = {"numpy.linalg.eigh", "autograd_core.rules.decompositions.svd"}


@of_derivatives
def check_complex(call: Call) -> None:
    """Where NumPy takes complex operands, their gradients agree with differences too."""
    if qualified_name(call.function) in ARBITRARY_PHASES:
        return
    turned = [array + 0.3j * np.roll(array, 1) for array in call.arrays]
    for operands in (turned, [*call.arrays[:-1], turned[-1]]):
        if accepts(call, operands):
            gradcheck(call, operands)


@of_derivatives
def check_layouts(call: Call) -> None:
    """Neither values nor gradients depend on how operands and cotangents lie in memory."""
    for layout, arranged in LAYOUTS.items():
        arrays = [arranged(array) for array in call.arrays]
        packed = [np.array(array, order="C") for array in arrays]
        if not accepts(call, packed):
            continue
        point = Point(call, packed, seed=0)
        with np.errstate(all="ignore"):
            expected, expected_vjp = point.record(packed)
            result, vjp = point.record(arrays)
        cotangents = [arranged(cotangent) for cotangent in point.cotangents]
        packed_cotangents = [np.array(cotangent, order="C") for cotangent in cotangents]
        with np.errstate(all="ignore"):
            found = [*result, *vjp(cotangents)]
            wanted = [*expected, *expected_vjp(packed_cotangents)]
        for one, other in zip(found, wanted, strict=True):
            agree(call, f"a value or gradient of {layout} arrays", one, other)


@of_derivatives
def check_empty(call: Call) -> None:
    """Where NumPy takes operands without elements, the gradients have the right shape."""
    shapes = [array.shape for array in call.arrays]
    for length in {side for shape in shapes for side in shape}:
        if call.function in HANGING and any(shape.count(length) > 1 for shape in shapes):
            continue
        emptied = [
            array[tuple(slice(0 if side == length else None) for side in array.shape)]
            for array in call.arrays
        ]
        if accepts(call, emptied):
            gradcheck(call, emptied)


@of_derivatives
def check_forward_mode(call: Call) -> None:
    """Pushing tangents forward and pulling cotangents back are transposes of each other."""
    rng = np.random.default_rng(0)
    tangents = [random_signs(rng, array.shape).astype(array.dtype) for array in call.arrays]
    results, moved = jvp(
        lambda *operands: tuple(results_of(call(*operands))), call.arrays, tangents
    )
    cotangents = tuple(random_signs(rng, result.shape).astype(result.dtype) for result in results)
    _, pull = vjp(lambda *operands: tuple(results_of(call(*operands))), *call.arrays)
    pushed = sum(np.vdot(u, v).real for u, v in zip(cotangents, moved, strict=True))
    pulled = sum(np.vdot(u, v).real for u, v in zip(pull(cotangents), tangents, strict=True))
    size = sum(float(np.sum(np.abs(v))) for v in moved) + 1.0
    if abs(pushed - pulled) > 1e-9 * size:
        fail(call, f"forward mode gives {pushed} where reverse mode gives {pulled}")


@of_derivatives
def check_compiled(call: Call) -> None:
    """Compiled, the operation and its gradients have the same bits, however often it is called."""
    rng = np.random.default_rng(0)
    results = results_of(call(*call.arrays))
    cotangents = [random_signs(rng, each.shape).astype(each.dtype) for each in results]

    def both(*arrays: Array) -> Any:
        leaves = [Tensor(array, requires_grad=True) for array in arrays]
        results = results_of(call(*leaves))
        tracked = [k for k, result in enumerate(results) if result.requires_grad]
        found = gradients(
            [results[k] for k in tracked],
            leaves,
            [cotangents[k] for k in tracked],
            allow_unused=True,
        )
        return [result.detach() for result in results], found

    compiled = compile(both, fuse=False)
    expected, _ = flatten(both(*call.arrays))
    for _ in range(3):
        for found, wanted in zip(flatten(compiled(*call.arrays))[0], expected, strict=True):
            agree(call, "what the compiled call gives", found.data, wanted.data, exact=True)


CHECKS: dict[str, Callable[[Call], int | None]] = {
    "forward": check_forward,
    "gradient": check_gradient,
    "second_order": check_second_order,
    "forward_mode": check_forward_mode,
    "accumulation": check_accumulation,
    "dtype": check_dtype,
    "complex": check_complex,
    "layouts": check_layouts,
    "empty": check_empty,
    "compiled": check_compiled,
}


# -- helpers ---------------------------------------------------------------------------------------


def accepts(call: Call, operands: Sequence[Array]) -> bool:
    """Whether NumPy itself computes numbers from these operands, without error or warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return gives_numbers(call, operands)
        except UNFIT:
            return False


def gives_numbers(call: Call, operands: Sequence[Array]) -> bool:
    """Whether any of the results is floating or complex."""
    return any(map(is_differentiable, flatten(call.plain(operands))[0]))


def values_of(value: Any) -> Any:
    """The array of a Tensor, and other values as they are."""
    return value.data if isinstance(value, Tensor) else value


def agree(call: Call, what: str, found: Any, expected: Any, exact: bool = False) -> None:
    """Raise unless two arrays have one shape, one dtype and the same values (or nearly so)."""
    found, expected = np.asarray(found), np.asarray(expected)
    if (found.shape, found.dtype) != (expected.shape, expected.dtype):
        fail(
            call,
            f"{what} is {found.dtype} {found.shape}; expected {expected.dtype} {expected.shape}",
        )
    largest = np.max(np.abs(expected), where=np.isfinite(expected), initial=0.0)
    scale = 0.0 if exact else 1e-11 * float(largest)
    if not np.allclose(found, expected, rtol=0, atol=scale, equal_nan=True):
        fail(call, f"{what} is {found.tolist()}; expected {expected.tolist()}")


def fail(call: Call, sentence: str) -> None:
    """Raise with the code that makes the call."""
    statement, expression = call.code()
    arguments = ", ".join(map(value_code, call.arrays))
    raise GradientError(
        f"{qualified_name(call.function)}: {sentence}\n\n{statement}\n({expression})({arguments})"
    )
