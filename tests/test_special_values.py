"""Gradients at the points where one must choose, and the choice that was made.

The rule is PyTorch's: differentiable, exact; locally convex or concave, the (sub)gradient of least
norm over all array operands together; else by continuity, infinity allowed; undefined, NaN. What
does not contribute never contaminates. A Python number is a constant, an array is not, whether or
not it is tracked.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from autograd_core import Tensor, gradients, special
from autograd_core.errors import DtypeError

INF, NAN = np.inf, np.nan


class Case(NamedTuple):
    """A function, its operands, and what the gradient of each array among them must be."""

    name: str
    function: Callable[..., Any]
    operands: list[Any]
    expected: list[Any]
    # Of the result; 1, 2, 3 … unless given, since equal cotangents hide permutations.
    cotangent: Any = None


def f64(*numbers: Any) -> Any:
    return np.array(numbers, np.float64)


def scalar(number: float) -> Any:
    return np.array(number, np.float64)


TIES = [
    Case("max: ties are split", np.max, [f64(1, 3, 3)], [[0, 0.5, 0.5]]),
    Case("min: ties are split", np.min, [f64(1, 1, 3)], [[0.5, 0.5, 0]]),
    Case("amax: ties are split", np.amax, [f64(2, 2, 2, 2)], [[0.25] * 4]),
    Case("nanmax: ties are split", np.nanmax, [f64(NAN, 3, 3)], [[0, 0.5, 0.5]]),
    Case(
        "max along an axis: each line is split on its own",
        lambda x: np.max(x, axis=1),
        [f64([1, 1], [0, 2])],
        [[[0.5, 0.5], [0, 2]]],
    ),
    Case(
        "max: so many ties that float16 cannot count them",
        np.max,
        [np.zeros(4096, np.float16)],
        [np.full(4096, 1 / 4096)],
    ),
    Case("ptp of equal elements", np.ptp, [f64(2, 2)], [[0, 0]]),
    Case("maximum: arrays share a tie", np.maximum, [f64(0), f64(0)], [[0.5], [0.5]]),
    Case("minimum: arrays share a tie", np.minimum, [f64(0), f64(0)], [[0.5], [0.5]]),
    Case("fmax: arrays share a tie", np.fmax, [f64(0), f64(0)], [[0.5], [0.5]]),
    Case("fmin: arrays share a tie", np.fmin, [f64(0), f64(0)], [[0.5], [0.5]]),
    Case(
        "maximum: an untracked array shares a tie too",
        lambda x: np.maximum(x, np.zeros(1)),
        [f64(0)],
        [[0.5]],
    ),
    Case("maximum: a number bounds", lambda x: np.maximum(x, 0.0), [f64(0, 1)], [[0, 2]]),
    Case("maximum: a number bounds from the left", lambda x: np.maximum(0, x), [f64(0)], [[0]]),
    Case("minimum: a number bounds", lambda x: np.minimum(x, 0.0), [f64(0, -1)], [[0, 2]]),
    Case("fmax: NaN gets nothing", np.fmax, [f64(NAN, 1), f64(2, NAN)], [[0, 2], [1, 0]]),
    Case("clip: numbers bound", lambda x: np.clip(x, 0, 1), [f64(0, 0.5, 1)], [[0, 2, 0]]),
    Case("clip: no upper bound", lambda x: np.clip(x, 0, None), [f64(0, 0.5)], [[0, 2]]),
    Case(
        "clip: an array shares the lower bound",
        lambda x, low: np.clip(x, low, 1),
        [f64(0), f64(0)],
        [[0.5], [0.5]],
    ),
    Case(
        "clip: an array shares the upper bound",
        lambda x, high: np.clip(x, -1, high),
        [f64(0), f64(0)],
        [[0.5], [0.5]],
    ),
    Case("sort: ties in their order", np.sort, [f64(2, 1, 1)], [[3, 1, 2]]),
    Case(
        "sort: ties in their order, many axes",
        lambda x: np.sort(x, axis=0),
        [f64([2, 1], [2, 0])],
        [[[1, 4], [3, 2]]],
    ),
    Case("median: ties in their order", np.median, [f64(1, 1, 1)], [[0, 1, 0]]),
    Case("median of two: both", np.median, [f64(4, 1, 1, 4)], [[0.5, 0, 0.5, 0]]),
]


def start_at(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, started from its second operand."""
    return lambda x, initial: function(x, initial=initial)


def at_fraction(method: str = "linear") -> Callable[..., Any]:
    """Quantiles at the second operand."""
    return lambda x, q: np.quantile(x, q, method=method)


START_TIE = [[0, 1 / 3, 1 / 3], 1 / 3]
MID = [[0, 0, 1], 2]
FLAT = [[0, 1], 0]

START = [
    Case("max: the start shares a tie", start_at(np.max), [f64(1, 3, 3), scalar(3)], START_TIE),
    Case("min: the start shares a tie", start_at(np.min), [f64(5, 3, 3), scalar(3)], START_TIE),
    Case("max: the start wins", start_at(np.max), [f64(1, 3), scalar(4)], [[0, 0], 1]),
    Case("max of nothing but the start", start_at(np.max), [f64(), scalar(4)], [[], 1]),
    Case("nanmax: the start beats NaN", start_at(np.nanmax), [f64(NAN, 1), scalar(4)], [[0, 0], 1]),
    Case(
        "max: an untracked start shares a tie too",
        lambda x: np.max(x, initial=np.array(3.0)),
        [f64(3, 1)],
        [[0.5, 0]],
    ),
    Case("max: a number to start from bounds", lambda x: np.max(x, initial=3.0), [f64(3)], [[0]]),
    Case("prod: started at 0", start_at(np.prod), [f64(2, 3), scalar(0)], [[0, 0], 6]),
    Case("sum: started", start_at(np.sum), [f64(2, 3), scalar(1)], [[1, 1], 1]),
    Case("quantile: a bend has the flatter slope", at_fraction(), [f64(5, 0, 1), scalar(0.5)], MID),
    Case(
        "quantile: the first has one side", at_fraction(), [f64(5, 0, 1), scalar(0)], [[0, 1, 0], 2]
    ),
    Case(
        "quantile: the last has one side", at_fraction(), [f64(5, 0, 1), scalar(1)], [[1, 0, 0], 8]
    ),
    Case("quantile: hazen is flat at the ends", at_fraction("hazen"), [f64(5, 0), scalar(0)], FLAT),
    Case("quantile: of one element", at_fraction(), [f64(5), scalar(0.5)], [[1], 0]),
    Case("quantile: a step is flat", at_fraction("lower"), [f64(5, 0), scalar(0.3)], [[0, 1], 0]),
    Case(
        "nanquantile: by the numbers there are",
        np.nanquantile,
        [f64(5, NAN, 1), scalar(0.25)],
        [[0.25, 0, 0.75], 4],
    ),
]

ZEROS = [
    Case("abs at 0", np.abs, [f64(0, -2)], [[0, -2]]),
    Case("fabs at 0", np.fabs, [f64(0)], [[0]]),
    Case("abs of a complex zero", np.abs, [np.zeros(1, complex)], [[0]]),
    Case("sign at 0", np.sign, [f64(0)], [[0]]),
    Case("power: x where y is 0", np.power, [f64(0, 2), f64(0, 0)], [[0, 0], [0, 2 * np.log(2)]]),
    Case(
        "power: y where x is 0 and y is not negative",
        np.power,
        [f64(0, 0), f64(2, 0)],
        [[0, 0], [0, 0]],
    ),
    Case("power: y where x is 0 and y is negative", np.power, [f64(0), f64(-1)], [[-INF], [-INF]]),
    Case("power: a constant exponent of a negative base", lambda x: x**3, [f64(-2)], [[12]]),
    Case("power: an array exponent of a negative base", np.power, [f64(-2), f64(3)], [[12], [NAN]]),
    Case("power: x**1 at 0", lambda x: x**1, [f64(0)], [[1]]),
    Case("power: x**2 at 0", lambda x: x**2, [f64(0)], [[0]]),
    Case("power: x**0 at 0", lambda x: x**0, [f64(0)], [[0]]),
    Case("power: x**0.5 at 0", lambda x: x**0.5, [f64(0)], [[INF]]),
    Case("float_power: x where y is 0", np.float_power, [f64(0), f64(0)], [[0], [0]]),
    Case("sqrt at 0: by continuity", np.sqrt, [f64(0)], [[INF]]),
    Case("cbrt at 0: by continuity", np.cbrt, [f64(0)], [[INF]]),
    Case("log at 0: by continuity", np.log, [f64(0)], [[INF]]),
    Case("arcsin at 1: by continuity", np.arcsin, [f64(1)], [[INF]]),
    Case("hypot at 0", np.hypot, [f64(0, 3), f64(0, 4)], [[0, 1.2], [0, 1.6]]),
    Case("sinc at 0", np.sinc, [f64(0)], [[0]]),
    Case("prod: one zero", np.prod, [f64(2, 0, 3)], [[0, 6, 0]]),
    Case("prod: two zeros", np.prod, [f64(0, 0, 3)], [[0, 0, 0]]),
    Case("nanprod: one zero", np.nanprod, [f64(2, 0, NAN)], [[0, 2, 0]]),
    Case(
        "prod along an axis: one zero",
        lambda x: np.prod(x, axis=0),
        [f64([0, 2], [3, 0])],
        [[[3, 0], [0, 4]]],
    ),
    Case("cumprod: one zero", np.cumprod, [f64(2, 0, 3)], [[1, 22, 0]]),
    Case("std of equal elements", np.std, [f64(2, 2, 2)], [[0, 0, 0]]),
    Case("nanstd of equal elements", np.nanstd, [f64(2, 2, NAN)], [[0, 0, 0]]),
    Case(
        "std: one line of equal elements",
        lambda x: np.std(x, axis=1),
        [f64([1, 1], [0, 2])],
        [[[0, 0], [-1, 1]]],
    ),
    Case("norm at 0", np.linalg.norm, [f64(0, 0)], [[0, 0]]),
    Case("norm of a matrix at 0", np.linalg.norm, [np.zeros((2, 2))], [np.zeros((2, 2))]),
    Case("vector_norm at 0", np.linalg.vector_norm, [f64(0, 0)], [[0, 0]]),
    *(
        Case(
            f"norm at 0, ord={order}",
            lambda x, order=order: np.linalg.norm(x, order),
            [f64(0, 0)],
            [[0, 0]],
        )
        for order in (1, 2, 3, INF, 0.5, -1, -INF)
    ),
    *(
        Case(
            f"norm where one element is 0, ord={order}",
            lambda x, order=order: np.linalg.norm(x, order),
            [f64(0, 4)],
            [[0, slope]],
        )
        for order, slope in ((0.5, 1), (1, 1), (3, 1), (-1, 0))
    ),
    *(
        Case(
            f"norm of a matrix at 0, ord={order!r}",
            lambda x, order=order: np.linalg.norm(x, order),
            [np.zeros((2, 3))],
            [np.zeros((2, 3))],
        )
        for order in (1, -1, 2, -2, INF, -INF, "fro", "nuc")
    ),
    Case(
        "nuclear norm: singular values of 0 add nothing",
        lambda x: np.linalg.norm(x, "nuc"),
        [np.diag(f64(3, 0))],
        [np.diag([1, 0])],
    ),
    Case(
        "spectral norm: equal singular values share",
        lambda x: np.linalg.norm(x, 2),
        [np.eye(2)],
        [np.eye(2) / 2],
    ),
    Case(
        "singular values at 0",
        lambda x: np.linalg.svd(x, full_matrices=False)[1],
        [np.zeros((2, 2))],
        [np.zeros((2, 2))],
    ),
    Case(
        "norm along an axis: one row is 0",
        lambda x: np.linalg.norm(x, axis=1),
        [f64([0, 0], [3, 4])],
        [[[0, 0], [1.2, 1.6]]],
    ),
]

INFINITIES = [
    Case("logaddexp of two -inf", np.logaddexp, [f64(-INF), f64(-INF)], [[0], [0]]),
    Case("logaddexp of one -inf", np.logaddexp, [f64(-INF), f64(1)], [[0], [1]]),
    Case("logaddexp2 of two -inf", np.logaddexp2, [f64(-INF), f64(-INF)], [[0], [0]]),
    Case("logaddexp of one inf", np.logaddexp, [f64(INF, 1), f64(1, INF)], [[1, 0], [0, 2]]),
    Case("logaddexp of two inf", np.logaddexp, [f64(INF), f64(INF)], [[0.5], [0.5]]),
    Case("logaddexp2 of two inf", np.logaddexp2, [f64(INF), f64(INF)], [[0.5], [0.5]]),
    Case("logaddexp of inf and -inf", np.logaddexp, [f64(INF), f64(-INF)], [[1], [0]]),
    Case("logaddexp keeps float32", np.logaddexp, [np.float32([1]), np.float32([1])], [[0.5]] * 2),
    Case("logaddexp of large numbers", np.logaddexp, [f64(1e200), f64(1e200)], [[0.5], [0.5]]),
    Case("logaddexp2 of large numbers", np.logaddexp2, [f64(-1e20), f64(-1e20)], [[0.5], [0.5]]),
    Case(
        "logsumexp of large numbers in float32",
        special.logsumexp,
        [np.float32([1e6, 1e6])],
        [[0.5, 0.5]],
    ),
    Case("logsumexp of one inf", special.logsumexp, [f64(INF, 5, -INF)], [[1, 0, 0]]),
    Case("logsumexp of two inf", special.logsumexp, [f64(INF, 5, INF)], [[0.5, 0, 0.5]]),
    Case(
        "logsumexp of weighted inf",
        lambda a, b: special.logsumexp(a, b=b),
        [f64(INF, 5, INF), f64(1, 1, 3)],
        [[0.25, 0, 0.75], [0.25, 0, 0.25]],
    ),
    Case("logsumexp of -inf only", special.logsumexp, [f64(-INF, -INF)], [[0, 0]]),
    Case("logsumexp of one -inf", special.logsumexp, [f64(-INF, 5)], [[0, 1]]),
    Case("softmax of far apart logits", special.softmax, [f64(1000, 0)], [[0, 0]]),
    Case("softmax of one -inf", special.softmax, [f64(-INF, 0)], [[0, 0]]),
    Case("log_softmax of far apart logits", special.log_softmax, [f64(1000, 0)], [[-2, 2]]),
    Case("tanh, saturated", np.tanh, [f64(1000, -1000)], [[0, 0]]),
    Case("var where N equals ddof", lambda x: np.var(x, ddof=1), [f64(5)], [[NAN]]),
    Case(
        "var over several axes",
        lambda x: np.var(x, axis=(0, 1)),
        [f64([[1], [3]], [[5], [7]])],
        [[[[-1.5], [-0.5]], [[0.5], [1.5]]]],
    ),
    Case("var keeps float32", np.var, [np.float32([1, 3])], [[-1, 1]]),
    Case("std keeps float32", np.std, [np.float32([1, 3])], [[-0.5, 0.5]]),
    Case(
        "where: an infinite cotangent stays on its side",
        lambda a, b: np.where(np.array([True, False]), a, b),
        [f64(1, 1), f64(2, 2)],
        [[INF, 0], [0, INF]],
        f64(INF, INF),
    ),
    Case(
        "where: NaN in the cotangent stays on its side",
        lambda a, b: np.where(np.array([True, False]), a, b),
        [f64(1, 1), f64(2, 2)],
        [[NAN, 0], [0, 1]],
        f64(NAN, 1),
    ),
    Case(
        "where: each branch has a shape of its own",
        lambda a, b: np.where(np.array([[True, False, True]]), a, b),
        [scalar(1), np.ones((2, 1))],
        [14, [[2], [5]]],
    ),
    Case(
        "where: a double where keeps log finite",
        lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0),
        [f64(0, 2)],
        [[0, 1]],
    ),
    Case(
        "maximum: an infinite cotangent stays on its side",
        np.maximum,
        [f64(1), f64(2)],
        [[0], [INF]],
        f64(INF),
    ),
    Case(
        "max: an infinite cotangent stays on its element",
        np.max,
        [f64(1, 2)],
        [[0, INF]],
        scalar(INF),
    ),
    Case("nansum: NaN gets nothing", np.nansum, [f64(NAN, 2)], [[0, 1]]),
    Case(
        "nan_to_num: what is replaced gets nothing", np.nan_to_num, [f64(NAN, INF, 2)], [[0, 0, 3]]
    ),
]

SHAPES = [
    Case(
        "broadcasting against an empty axis gives zeros",
        np.multiply,
        [f64(2), np.zeros((0,))],
        [[0], []],
    ),
    Case("sum of nothing", np.sum, [np.zeros((0, 2))], [np.zeros((0, 2))]),
    Case(
        "a scalar added to a matrix", np.add, [scalar(1), np.ones((2, 2))], [10, [[1, 2], [3, 4]]]
    ),
    Case("float32 with float64", np.multiply, [np.float32([2]), f64(3)], [[3], [2]]),
    Case("repeated indices add up", lambda x: x[[0, 2, 0]], [f64(1, 2, 3)], [[4, 0, 2]]),
    Case("take with repeated indices", lambda x: np.take(x, [1, 1]), [f64(1, 2)], [[0, 3]]),
    Case("a mask", lambda x: x[np.array([True, False, True])], [f64(1, 2, 3)], [[1, 0, 2]]),
    Case("negative step", lambda x: x[::-2], [f64(1, 2, 3)], [[2, 0, 1]]),
    Case("a reversed operand", np.multiply, [f64(1, 2)[::-1], f64(3, 4)], [[3, 8], [2, 2]]),
    Case("a broadcast operand", np.square, [np.broadcast_to(3.0, (2,))], [[6, 12]]),
    Case("one operand twice", lambda x: x + x, [f64(1, 2)], [[2, 4]]),
    Case("vector @ vector", np.matmul, [f64(1, 2), f64(3, 4)], [[3, 4], [1, 2]]),
    Case(
        "matrix @ vector",
        np.matmul,
        [f64([1, 2], [3, 4]), f64(5, 6)],
        [[[5, 6], [10, 12]], [7, 10]],
    ),
    Case(
        "vector @ matrix",
        np.matmul,
        [f64(5, 6), f64([1, 2], [3, 4])],
        [[5, 11], [[5, 10], [6, 12]]],
    ),
    Case(
        "vector @ stack of matrices",
        np.matmul,
        [f64(5, 6), f64([[1], [3]], [[2], [4]])],
        [[5, 11], [[[5], [6]], [[10], [12]]]],
    ),
    Case("einsum: trace", lambda x: np.einsum("ii->", x), [np.ones((2, 2))], [np.eye(2)]),
    Case("einsum: diagonal", lambda x: np.einsum("ii->i", x), [np.ones((2, 2))], [np.diag([1, 2])]),
    Case(
        "einsum: labels that are only summed",
        lambda x: np.einsum("ij->i", x),
        [np.ones((2, 3))],
        [[[1] * 3, [2] * 3]],
    ),
    Case(
        "einsum: a label of length one",
        lambda x, y: np.einsum("ij,ij->ij", x, y),
        [np.ones((2, 1)), f64([1, 2], [3, 4])],
        [[[5], [25]], [[1, 2], [3, 4]]],
    ),
    Case(
        "einsum: ellipsis",
        lambda x, y: np.einsum("...i,...i->...", x, y),
        [np.ones((2, 1, 2)), f64([1, 2])],
        [[[[1, 2]], [[2, 4]]], [[3, 3]]],
    ),
    Case(
        "diag of a matrix that is not square", np.diag, [np.ones((2, 3))], [[[1, 0, 0], [0, 2, 0]]]
    ),
    Case("outer flattens", np.outer, [f64([1], [2]), f64(3, 4)], [[[11], [25]], [7, 10]]),
    Case("broadcast_to adds axes", lambda x: np.broadcast_to(x, (2, 1, 2)), [f64(1, 2)], [[4, 6]]),
]

COMPLEX = [
    Case(
        "the gradient of Re z² is the conjugate of 2 z",
        lambda z: np.real(z * z),
        [np.array([1 + 2j])],
        [[2 - 4j]],
    ),
    Case(
        "the gradient of |z|² is 2 z",
        lambda z: np.real(z * np.conj(z)),
        [np.array([1 + 2j])],
        [[2 + 4j]],
    ),
    Case("a real operand keeps the real part", lambda x: np.imag(x * (3 + 4j)), [f64(1)], [[4]]),
]

CASES = TIES + START + ZEROS + INFINITIES + SHAPES + COMPLEX


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradient(case: Case) -> None:
    tensors = [
        Tensor(operand, requires_grad=True) if isinstance(operand, np.ndarray) else operand
        for operand in case.operands
    ]
    result = case.function(*tensors)
    cotangent = case.cotangent
    if cotangent is None:
        cotangent = np.arange(1, result.size + 1, dtype=result.dtype).reshape(result.shape)
    result.backward(cotangent)
    for tensor, expected in zip(tensors, case.expected, strict=True):
        assert type(tensor.grad) is np.ndarray
        assert (tensor.grad.shape, tensor.grad.dtype) == (tensor.shape, tensor.dtype)
        np.testing.assert_allclose(tensor.grad, np.reshape(expected, tensor.shape), rtol=1e-6)


def second_derivative(function: Callable[[Any], Any], x: Any) -> Any:
    tensor = Tensor(x, requires_grad=True)
    weights = np.arange(1.0, x.size + 1).reshape(x.shape)
    first = gradients(function(tensor), tensor, create_graph=True)
    return gradients(np.sum(first * weights), tensor, allow_unused=True)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (lambda x: np.sum(x**1), f64(0, 2), [0, 0]),
        (lambda x: np.sum(x**2), f64(0, 2), [2, 4]),
        (lambda x: np.sum(x**3), f64(0, 2), [0, 24]),
        (np.prod, f64(2, 0, 3), [6, 3 + 6, 4]),
        (np.prod, f64(0, 0, 3), [6, 3, 0]),
        (lambda x: np.sum(np.cumprod(x)), f64(2, 0, 3), [2 * (1 + 3), 1 + 3 + 3 * 2, 2 * 2]),
        (lambda x: np.sum(np.sinc(x)), f64(0), [-(np.pi**2) / 3]),
        (lambda x: np.sum(np.abs(x)), f64(0, 2), [0, 0]),
        (np.linalg.norm, f64(0, 0), [0, 0]),
        (lambda x: np.hypot(x[0], x[1]), f64(0, 0), [0, 0]),
        # The second derivatives of x₀x₃ - x₁x₂ by ij and kl, times 1, 2, 3, 4 for ij.
        (np.linalg.det, np.zeros((2, 2)), [[4, -3], [-2, 1]]),
        (np.linalg.det, np.ones((2, 2)), [[4, -3], [-2, 1]]),
        (np.linalg.det, np.diag(f64(2, 0, 0)), [[0, 0, 0], [0, 18, -16], [0, -12, 10]]),
    ],
    ids=[
        *("x**1", "x**2", "x**3", "prod, one zero", "prod, two zeros", "cumprod", "sinc", "abs"),
        *("norm", "hypot", "det of zeros", "det of rank 1", "det of rank 1 of 3"),
    ],
)
def test_second_derivative(function: Any, x: Any, expected: Any) -> None:
    found = second_derivative(function, x)
    found = np.zeros_like(x) if found is None else found.data
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_assigning_to_an_index_twice_keeps_the_last_value() -> None:
    x = Tensor(f64(1, 2, 3), requires_grad=True)
    values = Tensor(f64(4, 5), requires_grad=True)
    y = x * 1.0
    y[[0, 0]] = values
    np.testing.assert_array_equal(y.data, [5, 2, 3])
    y.backward(f64(1, 2, 3))
    np.testing.assert_array_equal(values.grad, [0, 1])
    np.testing.assert_array_equal(x.grad, [0, 2, 3])


def test_integers_have_no_gradients() -> None:
    with pytest.raises(DtypeError, match=r"int64.*astype\(float\)"):
        Tensor(np.arange(3), requires_grad=True)
    x, powers = Tensor(f64(2, 3), requires_grad=True), Tensor(np.array([2, 1]))
    (x**powers).backward(f64(1, 1))
    np.testing.assert_array_equal(x.grad, [4, 1])
    assert powers.grad is None
