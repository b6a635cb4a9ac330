"""gradcheck: the gradients of a function against differences of its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from autograd_core.errors import require
from autograd_core.tensor import Tensor, enable_grad
from autograd_core.testing.differences import STEP, Vector, judge, richardson, rounding
from autograd_core.testing.point import Array, Point, Pullback, as_vector, random_signs, vjp_at
from autograd_core.testing.report import GradientError, GradReport, Mismatch, reproducer

Mode = Literal["auto", "elementwise", "full", "projection"]
Nonsmooth = Literal["accept", "raise", "reject"]

# Up to how many input elements each is checked on its own; along how many directions otherwise;
# and up to how many pairs of input and output elements a failure is narrowed down to one of them.
ELEMENTWISE = 256
DIRECTIONS = 8
FULL = 4096
# Rounding of a low-precision gradient, in units of the lowest eps and of its largest element.
LOW_PRECISION = 200


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of ``gradcheck``."""

    order: int = 1
    mode: Mode = "auto"
    h: float | None = None
    rtol: float = 1e-6
    atol: float = 1e-7
    nondet_tol: float = 0.0
    nonsmooth: Nonsmooth = "accept"
    seed: int = 0

    def changed(self) -> dict[str, Any]:
        """The options that differ from their defaults."""
        values = asdict(self)
        return {f.name: values[f.name] for f in fields(self) if values[f.name] != f.default}


def gradcheck(
    fn: Callable[..., Any],
    inputs: Any,
    *,
    order: int = 1,
    mode: Mode = "auto",
    h: float | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-7,
    nondet_tol: float = 0.0,
    nonsmooth: Nonsmooth = "accept",
    seed: int = 0,
) -> GradReport:
    """Check the gradients of ``fn`` at ``inputs`` against differences of its values.

    ``inputs`` is a sequence of arguments, or a single array. Every floating or complex array or
    Tensor in them, also inside lists, tuples and dicts, is differentiated; the rest is passed on.
    ``fn`` receives Tensors and returns one, or a container of them. Complex gradients are
    ∂L/∂Re + i ∂L/∂Im, as PyTorch's are.

    Differences are central, in float64, and extrapolated (``h``: their relative step, 1e-4), in one
    of three modes: ``elementwise`` takes one random cotangent and each input element in turn,
    ``full`` each input and each output element, ``projection`` only a few random directions; that
    is what one can afford for models, and it misses small errors. ``auto`` is elementwise up to 256
    input elements. Numbers may differ by ``rtol`` of their size, ``atol`` of the largest one, and
    what rounding explains. float32 and float16 are never differenced: their gradients are compared
    with those in float64 at the same point. ``order=2`` checks the gradient of the gradient too.

    Also checked: shapes and dtypes of gradients; that no input and no cotangent is written to, and
    no gradient shares memory with an input or a result; that forward and backward give the same
    again (within ``nondet_tol``); that the gradient is linear in the cotangent.

    ``nonsmooth`` says what to do where a kink or a jump lies right at the inputs, where gradients
    are a matter of choice: accept and report it, raise, or reject the example (Hypothesis).

    Raises GradientError, an AssertionError that names input, index, both values and a verdict
    (wrong, kink or jump), and prints code that reproduces it.

    >>> gradcheck(lambda x, y: np.tanh(x) * y, [np.array([0.1, 0.2]), np.array(3.0)]).comparisons
    3
    """
    arguments = [inputs] if isinstance(inputs, (np.ndarray, Tensor)) else list(inputs)
    settings = Settings(order, mode, h, rtol, atol, nondet_tol, nonsmooth, seed)
    try:
        with enable_grad():
            point = Point(fn, arguments, seed)
            report = check(point, settings)
            for current in range(2, order + 1):
                point = Point(*vjp_at(point), seed + 1)
                report = replace(check(point, settings), order=current)
    except GradientError as error:
        code = reproducer(fn, arguments, settings.changed())
        raise GradientError(f"gradcheck: {error}\n\n{code}") from None
    return report


def check(point: Point, settings: Settings) -> GradReport:
    """Check all that ``gradcheck`` promises of one function at one point."""
    tolerance = settings.nondet_tol
    values = point.forward(point.given)
    check_repeatable("the function", values, point.forward(point.given), tolerance)
    before = point.snapshot()
    recorded, vjp = point.record(point.given)
    check_repeatable("recording", values, recorded, tolerance)
    gradients = vjp(point.cotangents)
    check_form(point, gradients)
    check_sharing(point, gradients, recorded)
    check_repeatable("the backward pass", gradients, vjp(point.cotangents), tolerance)
    check_linear(point, gradients, vjp)
    check_untouched(before, point.snapshot())
    check_repeatable("reading the result after the backward pass", values, recorded, tolerance)
    if point.low_precision:
        _, vjp = point.record(point.references)
        check_rounding(point, gradients, vjp(point.exact_cotangents))
    return compare(point, vjp, settings)


# -- what must hold besides the numbers ------------------------------------------------------------


def check_repeatable(
    what: str, first: Sequence[Array], second: Sequence[Array], tolerance: float
) -> None:
    """The same computation gives the same arrays."""
    for one, other in zip(first, second, strict=True):
        same = one.tobytes() == other.tobytes()
        if not (same or np.allclose(one, other, rtol=0, atol=tolerance, equal_nan=True)):
            raise GradientError(
                f"{what} gave other values for the same inputs, up to "
                f"{np.nanmax(np.abs(one - other)):.3g} away; seed what is random, or pass "
                "nondet_tol to allow it"
            )


def check_form(point: Point, gradients: Sequence[Array]) -> None:
    """A gradient has the shape and the dtype of its input."""
    for name, array, gradient in zip(point.names, point.given, gradients, strict=True):
        if (gradient.shape, gradient.dtype) != (array.shape, array.dtype):
            raise GradientError(
                f"the gradient of {name} is {gradient.dtype} {gradient.shape}; expected "
                f"{array.dtype} {array.shape}, as the input"
            )


def check_sharing(point: Point, gradients: Sequence[Array], values: Sequence[Array]) -> None:
    """A gradient is not the memory of an input or of a result."""
    for name, gradient in zip(point.names, gradients, strict=True):
        for owner, arrays in (("an input", point.given), ("a result", values)):
            if any(np.shares_memory(gradient, array) for array in arrays):
                raise GradientError(f"the gradient of {name} shares memory with {owner}")


def check_linear(point: Point, gradients: Sequence[Array], vjp: Pullback) -> None:
    """The gradient is linear in the cotangent, which may come read-only and in Fortran order."""
    doubled = vjp([read_only_fortran(2 * cotangent) for cotangent in point.cotangents])
    nothing = vjp([np.zeros_like(cotangent) for cotangent in point.cotangents])
    for name, gradient, double, zero in zip(point.names, gradients, doubled, nothing, strict=True):
        finite = np.isfinite(gradient)
        eps = 1e3 * float(np.finfo(gradient.dtype).eps)
        scale = float(np.max(np.abs(gradient[finite]), initial=0.0))
        if not np.allclose(double[finite], 2 * gradient[finite], rtol=eps, atol=eps * (scale + 1)):
            raise GradientError(f"the gradient of {name} does not double when the cotangent does")
        if np.any(zero[finite]):
            raise GradientError(f"the gradient of {name} is not zero when the cotangent is")


def read_only_fortran(array: Array) -> Array:
    """The array in Fortran order and protected from writes."""
    result = np.array(array, order="F")
    result.flags.writeable = False
    return result


def check_untouched(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
    """Nothing that was given has been written to."""
    for name, content in before.items():
        if after[name] != content:
            raise GradientError(f"{name} was written to")


def check_rounding(point: Point, low: Sequence[Array], exact: Sequence[Array]) -> None:
    """A gradient in low precision is the one in float64, but for rounding."""
    eps = max(float(np.finfo(array.dtype).eps) for array in point.given)
    for name, gradient, reference in zip(point.names, low, exact, strict=True):
        scale = float(np.max(np.abs(reference), initial=0.0))
        error = float(np.max(np.abs(gradient - reference), initial=0.0))
        # Where terms cancel, their rounding stays: that of numbers of the size of the cotangents.
        if not error <= eps * (LOW_PRECISION * scale + 4):
            raise GradientError(
                f"the {gradient.dtype} gradient of {name} is {error:.3g} away from the one "
                f"computed in float64, whose largest element is {scale:.3g}"
            )


# -- the numbers -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """Derivatives of both kinds: a row for each direction, a column for each cotangent."""

    mode: str
    directions: Vector
    steps: Vector
    cotangents: Vector
    analytic: Vector
    numeric: Vector
    magnitude: Vector
    allowed: Vector

    @property
    def error(self) -> Vector:
        """How far the two derivatives are apart."""
        return np.abs(self.analytic - self.numeric)

    @property
    def agree(self) -> npt.NDArray[np.bool_]:
        """Where they are close enough."""
        return self.error <= self.allowed

    def mismatch(self, point: Point, row: int, column: int) -> Mismatch:
        """What there is to say of one place in the table where the derivatives disagree."""
        numbers = (self.analytic, self.numeric, self.allowed)
        analytic, numeric, allowed = (float(array[row, column]) for array in numbers)
        step, magnitude = float(self.steps[row]), float(self.magnitude[column])
        line = point.line(self.directions[row])
        return Mismatch(
            place=f"direction {row}" if self.mode == "projection" else point.place(row),
            output=point.output_place(column) if self.mode == "full" else "",
            analytic=analytic,
            numeric=numeric,
            allowed=allowed,
            verdict=judge(line, self.cotangents[column], analytic, step, allowed, magnitude),
        )


def tabulate(point: Point, vjp: Pullback, mode: str, settings: Settings) -> Table:
    """Both derivatives, along each input element or along random directions."""
    every_output = mode == "full"
    seeds = np.eye(point.result_size) if every_output else as_vector(point.exact_cotangents)[None]
    rows = [as_vector(vjp(point.split(seed))) for seed in seeds]
    gradients = np.array(rows).reshape(len(seeds), point.size)
    scale = np.maximum(1.0, np.abs(point.base))
    step = STEP if settings.h is None else settings.h
    if mode == "projection":
        rng = np.random.default_rng(settings.seed)
        directions = random_signs(rng, (DIRECTIONS, point.size)) * scale
        steps, analytic = np.full(DIRECTIONS, step), directions @ gradients.T
    else:
        directions, steps, analytic = np.eye(point.size), step * scale, gradients.T
    lines = zip(map(point.line, directions), steps.tolist(), strict=True)
    numeric = np.array([seeds @ richardson(line, h) for line, h in lines]).reshape(analytic.shape)
    magnitude = np.linalg.norm(seeds * as_vector(point.forward(point.references)), axis=1)
    largest = np.max(np.abs(numeric), axis=0, where=np.isfinite(numeric), initial=0.0)
    allowed = settings.rtol * np.abs(numeric) + settings.atol * largest
    allowed = allowed + rounding(magnitude, steps[:, None])
    return Table(mode, directions, steps, seeds, analytic, numeric, magnitude, allowed)


def compare(point: Point, vjp: Pullback, settings: Settings) -> GradReport:
    """Compare analytic with numeric derivatives, and find out why where they disagree."""
    mode = settings.mode
    if mode == "auto":
        mode = "elementwise" if point.size <= ELEMENTWISE else "projection"
    table = tabulate(point, vjp, mode, settings)
    disagreeing = np.argwhere(~table.agree).tolist()
    nonsmooth = []
    for row, column in disagreeing:
        mismatch = table.mismatch(point, row, column)
        if mismatch.verdict == "wrong" or settings.nonsmooth == "raise":
            if mode == "elementwise" and 1 < point.result_size <= FULL // point.size:
                compare(point, vjp, replace(settings, mode="full"))
            count = f"{len(disagreeing)} of {table.agree.size} numbers disagree"
            raise GradientError(f"{count}, the first is {mismatch}")
        nonsmooth.append(mismatch)
    if nonsmooth and settings.nonsmooth == "reject":
        require("hypothesis", "dev").reject()
    return GradReport(
        mode=mode,
        order=1,
        comparisons=table.agree.size,
        evaluations=point.evaluations,
        error=float(np.max(table.error, where=table.agree, initial=0.0)),
        nonsmooth=tuple(nonsmooth),
    )
