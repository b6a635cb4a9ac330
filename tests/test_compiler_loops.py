"""Loops compute what NumPy does, step by step, whatever the group, its sizes and the threads."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import workers
from autograd_core.compiler import expressions, loops
from autograd_core.compiler.expressions import Constant, supports
from autograd_core.compiler.loops import Group, Kind, Step, build, source

pytest.importorskip("numba")

SINGLE, DOUBLE, INTEGER, BOOL = map(np.dtype, (np.float32, np.float64, np.int32, np.bool_))

# Functions that round each result correctly, or not at all: NumPy's bits are expected.
EXACT = [
    np.add,
    np.subtract,
    np.multiply,
    np.divide,
    np.negative,
    np.square,
    np.reciprocal,
    np.sqrt,
    np.absolute,
    np.sign,
    np.copysign,
    np.maximum,
    np.minimum,
    np.where,
    np.equal,
    np.less,
    np.greater_equal,
    np.isnan,
    np.isinf,
    np.isfinite,
    np.logical_not,
    np.logical_and,
    np.logical_xor,
    np.bitwise_or,
]
ELEMENTARY = [np.exp, np.expm1, np.log, np.log1p, np.tanh, np.sinh, np.cosh, np.logaddexp]
ARITY = {np.where: 3}
CONSTANTS = st.sampled_from([0.1, -2.5, 3, 0, 1, 1.0, -0.0, np.float64(1.5), np.float32(0.7), True])


def arity(function):
    """How many operands a function takes."""
    return ARITY.get(function) or function.nin


def joined(kinds):
    """The kind that values of these kinds broadcast to."""
    kinds = set(kinds)
    if Kind.FULL in kinds or kinds >= {Kind.ROW, Kind.COLUMN}:
        return Kind.FULL
    return next((kind for kind in (Kind.ROW, Kind.COLUMN) if kind in kinds), Kind.SCALAR)


def shape(kind, rows, columns):
    """The shape with which NumPy broadcasts a value."""
    return {
        Kind.FULL: (rows, columns),
        Kind.ROW: (rows, 1),
        Kind.COLUMN: (1, columns),
        Kind.SCALAR: (1, 1),
    }[kind]


def reduced(function, value, step):
    """A reduction in NumPy."""
    axis = {"last": 1, "leading": 0, "all": (0, 1)}[step.reduces]
    options = {"dtype": step.dtype} if function is np.sum else {}
    return function(value, axis=axis, keepdims=True, **options)


def evaluate(step, values):
    """A step in NumPy."""
    operands = [values[each] if isinstance(each, int) else each.value for each in step.operands]
    if step.reduces:
        return reduced(step.function, operands[0], step)
    return step.function(*operands)


@st.composite
def groups(draw, functions, sums):
    """A group with all its steps written out, and the sizes of its nest."""
    flat = draw(st.booleans())
    kinds = [Kind.FULL, Kind.SCALAR] if flat else list(Kind)
    dtypes = st.sampled_from([SINGLE, SINGLE, DOUBLE, INTEGER, BOOL])
    inputs = [(Kind.FULL, draw(dtypes))]
    inputs += draw(st.lists(st.tuples(st.sampled_from(kinds), dtypes), max_size=3))
    values = list(inputs)  # kind and dtype
    after = set()
    steps = []
    for _ in range(draw(st.integers(1, 14))):
        number = len(values)
        if draw(st.integers(0, 4)) == 0:
            operand = draw(st.integers(0, number - 1))
            kind, dtype = values[operand]
            ways = {
                Kind.FULL: [("all", Kind.SCALAR)]
                + [("last", Kind.ROW), ("leading", Kind.COLUMN)] * (not flat),
                Kind.ROW: [("leading", Kind.SCALAR)],
                Kind.COLUMN: [("all", Kind.SCALAR)],
                Kind.SCALAR: [],
            }[kind]
            usable = [f for f in (np.max, np.min, np.sum) if supports(f, [dtype])]
            if not sums and dtype.kind == "f":
                usable = [f for f in usable if f is not np.sum]
            if not ways or not usable:
                continue
            reduces, kind = draw(st.sampled_from(ways))
            function = draw(st.sampled_from(usable))
            if function is np.sum and dtype.kind in "bi":
                dtype = np.dtype(np.int64)
            steps.append(Step(function, (operand,), dtype, kind, reduces))
            in_rows = values[operand][0] in (Kind.FULL, Kind.ROW)
            if (reduces != "last" and in_rows) or operand in after:
                after.add(number)
        else:
            function = draw(st.sampled_from(functions))
            operands = [draw(st.integers(0, number - 1))]
            for _ in range(arity(function) - 1):
                operands.append(draw(st.integers(0, number - 1) | CONSTANTS.map(Constant)))
            operands = tuple(draw(st.permutations(operands)))
            types = [values[o][1] if isinstance(o, int) else o for o in operands]
            kind = joined(values[o][0] for o in operands if isinstance(o, int))
            late = any(o in after for o in operands if isinstance(o, int))
            if not supports(function, types) or (late and kind in (Kind.FULL, Kind.ROW)):
                continue
            examples = [np.zeros(0, t) if isinstance(t, np.dtype) else t.value for t in types]
            steps.append(Step(function, operands, function(*examples).dtype, kind))
            if late:
                after.add(number)
        values.append((steps[-1].kind, steps[-1].dtype))
    outputs = tuple(range(len(inputs), len(values)))
    sizes = st.sampled_from([1, 2, 3, 17, 64, 131])
    rows = 1 if flat else draw(sizes)
    return Group(tuple(inputs), tuple(steps), outputs), rows, draw(sizes) * (7 if flat else 1)


def arrays(group, rows, columns, seed):
    """Inputs with a few special values, and outputs full of something else."""
    rng = np.random.default_rng(seed)
    inputs = []
    for kind, dtype in group.inputs:
        size = shape(kind, rows, columns)
        value = rng.normal(size=size) * 3
        if dtype.kind == "f":
            value[rng.random(size) < 0.02] = rng.choice([np.inf, -np.inf, np.nan, 0.0, -0.0])
            inputs.append(value.astype(dtype))
        else:
            inputs.append(np.asarray(np.round(value) if dtype.kind == "i" else value > 0, dtype))
    steps = [group.steps[number - len(inputs)] for number in group.outputs]
    outputs = [np.full(shape(step.kind, rows, columns), 77).astype(step.dtype) for step in steps]
    return inputs, outputs


def viewed(group, array, kind):
    """An array in the shape that kernels take."""
    return array if kind is Kind.FULL and not group.flat else array.reshape(-1)


def run(group, inputs, outputs):
    """Call the kernel with arrays of two dimensions."""
    kinds = [kind for kind, _ in group.inputs]
    kinds += [group.steps[number - len(inputs)].kind for number in group.outputs]
    build(group)(*[viewed(group, *each) for each in zip((*inputs, *outputs), kinds, strict=True)])


def same(actual, expected):
    """Equal, NaN too."""
    np.testing.assert_array_equal(actual, expected)


@given(groups(EXACT, sums=False), st.data())
def test_arithmetic_has_the_bits_of_numpy(drawn, data):
    group, rows, columns = drawn
    if not group.steps:
        return
    wanted = data.draw(st.sets(st.sampled_from(group.outputs), min_size=1))
    group = Group(group.inputs, group.steps, tuple(sorted(wanted)))
    inputs, outputs = arrays(group, rows, columns, seed=rows + columns)
    with np.errstate(all="ignore"):
        run(group, inputs, outputs)
        values = list(inputs)
        for step in group.steps:
            values.append(evaluate(step, values))
    for number, actual in zip(group.outputs, outputs, strict=True):
        same(actual, values[number])


@given(groups([np.add, np.multiply, np.subtract, np.where, *ELEMENTARY], sums=True))
def test_each_step_is_near_numpy(drawn):
    group, rows, columns = drawn
    if not group.steps:
        return
    inputs, outputs = arrays(group, rows, columns, seed=rows + columns)
    with np.errstate(all="ignore"):
        run(group, inputs, outputs)
        check_steps(group, [*inputs, *outputs])


def check_steps(group, values):
    """Each step from the values that the kernel itself has computed."""
    for number, step in enumerate(group.steps, len(group.inputs)):
        actual, expected = values[number], evaluate(step, values)
        assert expected.dtype == actual.dtype
        if step.function is np.sum and step.dtype.kind == "f":
            terms = values[step.operands[0]].astype(np.longdouble)
            exact = reduced(np.sum, terms, Step(np.sum, (0,), terms.dtype, step.kind, step.reduces))
            slack = 4 * reduced(
                np.sum, abs(terms), Step(np.sum, (0,), terms.dtype, step.kind, step.reduces)
            )
            finite = np.isfinite(exact) & (abs(exact) < np.finfo(step.dtype).max)
            error = abs(actual.astype(np.longdouble) - exact)
            assert np.all(error[finite] <= slack[finite] * np.finfo(step.dtype).eps)
            same(np.isnan(actual), np.isnan(exact))
        elif step.dtype.kind == "f":
            eps, smallest = np.finfo(step.dtype).eps, np.finfo(step.dtype).smallest_subnormal
            slack = 2 * smallest
            if step.function is np.logaddexp:  # near zero it is the difference of larger numbers
                terms = [
                    values[each] if isinstance(each, int) else each.value for each in step.operands
                ]
                size = np.maximum(*np.abs(np.asarray(np.broadcast_arrays(*terms), step.dtype)))
                slack = slack + 4 * eps * np.where(np.isfinite(size), size, 0)
            close = abs(actual - expected) <= slack + 4 * eps * abs(expected)
            assert np.all(close | (actual == expected) | (np.isnan(actual) & np.isnan(expected)))
        else:
            same(actual, expected)


@given(drawn=groups([np.add, np.multiply, np.maximum, np.tanh], sums=True))
def test_threads_share_the_rows(three_threads, drawn):
    group, rows, columns = drawn
    if not group.steps:
        return
    inputs, outputs = arrays(group, rows, columns, seed=rows)
    with np.errstate(all="ignore"):
        run(group, inputs, outputs)
        check_steps(group, [*inputs, *outputs])
        again = [np.empty_like(output) for output in outputs]
        run(group, inputs, again)
    for first, second in zip(outputs, again, strict=True):
        same(first, second)


@pytest.fixture(scope="module")
def three_threads():
    """Three threads, even for a single element."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loops, "thread_count", lambda: 3)
        patch.setattr(loops, "WORTH_A_THREAD", 1e-9)
        yield


def chain(repeats):
    """Multiply, add and tanh, many times."""
    steps = []
    value = 0
    for _ in range(repeats):
        for function, operand in ((np.multiply, 0.9), (np.add, 1), (np.tanh, None)):
            other = 1 if function is np.add else Constant(operand)
            operands = (value,) if operand is None else (value, other)
            steps.append(Step(function, operands, SINGLE, Kind.FULL))
            value = len(steps) + 1
    return Group(((Kind.FULL, SINGLE),) * 2, tuple(steps), (value,))


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 128, 129, 1000])
def test_long_groups_run_in_blocks(size):
    group = chain(8)
    assert "local_float32" in source(group)
    x, y = np.random.default_rng(0).normal(size=(2, size)).astype(np.float32)
    out = np.full(size + 1, 77, np.float32)
    build(group)(x, y, out[:size])
    for _ in range(8):
        x = np.tanh(x * np.float32(0.9) + y)
    np.testing.assert_allclose(out[:size], x, atol=1e-6)
    assert out[size] == 77


def softmax():
    """Softmax along the rows."""
    row = (SINGLE, Kind.ROW, "last")
    return Group(
        ((Kind.FULL, SINGLE),),
        (
            Step(np.max, (0,), *row),
            Step(np.subtract, (0, 1), SINGLE, Kind.FULL),
            Step(np.exp, (2,), SINGLE, Kind.FULL),
            Step(np.sum, (3,), *row),
            Step(np.divide, (3, 4), SINGLE, Kind.FULL),
        ),
        (5,),
    )


@pytest.mark.parametrize("rows, columns", [(0, 5), (1, 1), (3, 100), (200, 3)])
def test_values_on_both_sides_of_a_reduction_along_the_row(rows, columns):
    x = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32) * 9
    out = np.empty_like(x)
    build(softmax())(x, out)
    expected = np.exp(x - x.max(axis=1, keepdims=True))
    np.testing.assert_allclose(out, expected / expected.sum(axis=1, keepdims=True), rtol=2e-6)


def test_sums_of_nothing_are_zero():
    group = Group(
        ((Kind.FULL, SINGLE),), (Step(np.sum, (0,), SINGLE, Kind.COLUMN, "leading"),), (1,)
    )
    out = np.full(3, 77, np.float32)
    build(group)(np.empty((0, 3), np.float32), out)
    assert not out.any()


def test_an_output_in_the_place_of_an_input():
    group = softmax()
    assert loops.may_share(group, 0, 0)
    doubled = Group(((Kind.FULL, SINGLE),), (Step(np.add, (0, 0), SINGLE, Kind.FULL),), (1,))
    assert loops.may_share(doubled, 0, 0)
    x = np.arange(1000, dtype=np.float32)
    build(doubled)(x, x)
    same(x, 2 * np.arange(1000, dtype=np.float32))


def test_an_input_read_again_may_not_be_overwritten():
    steps = (
        Step(np.square, (0,), SINGLE, Kind.FULL),
        Step(np.sum, (1,), SINGLE, Kind.ROW, "last"),
        Step(np.multiply, (0, 2), SINGLE, Kind.FULL),
    )
    group = Group(((Kind.FULL, SINGLE),), steps, (1, 3))
    assert not loops.may_share(group, 0, 0)
    assert loops.may_share(group, 0, 1)


def test_powers():
    x = np.array([-np.inf, -2, -0.0, 0.0, 0.3, 7, np.inf, np.nan], np.float32)
    for exponent in expressions.POWERS:
        step = Step(np.power, (0, Constant(exponent)), SINGLE, Kind.FULL)
        out = np.empty_like(x)
        build(Group(((Kind.FULL, SINGLE),), (step,), (1,)))(x, out)
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(out, np.power(x, exponent), rtol=3e-7)


def test_rows_may_not_depend_on_a_sum_over_rows():
    steps = (
        Step(np.sum, (0,), SINGLE, Kind.COLUMN, "leading"),
        Step(np.subtract, (0, 1), SINGLE, Kind.FULL),
    )
    with pytest.raises(ValueError, match="start another group"):
        build(Group(((Kind.FULL, SINGLE),), steps, (2,)))


def test_equal_groups_are_compiled_once():
    build(softmax())
    before = loops.machine_code.cache_info().misses
    build(softmax())
    assert loops.machine_code.cache_info().misses == before


def test_functions_of_scipy():
    special = pytest.importorskip("scipy.special")
    x = np.linspace(-9, 9, 1001).astype(np.float32)
    for function in (special.erf, special.erfc, special.expit, special.ndtr):
        assert supports(function, [SINGLE])
        out = np.empty_like(x)
        group = Group(((Kind.FULL, SINGLE),), (Step(function, (0,), SINGLE, Kind.FULL),), (1,))
        build(group)(x, out)
        np.testing.assert_allclose(out, function(x.astype(float)), rtol=3e-7)


def test_what_loops_cannot_do():
    assert not supports(np.arcsin, [SINGLE])
    assert not supports(np.add, [np.dtype(np.complex64), SINGLE])
    assert not supports(np.add, [np.dtype(np.float16)] * 2)
    assert not supports(np.power, [SINGLE, SINGLE])
    assert not supports(np.power, [SINGLE, Constant(2.5)])
    assert not supports(np.subtract, [BOOL, BOOL])
    assert not supports(lambda x: x, [SINGLE])


def test_importing_does_not_load_numba():
    program = "import autograd_core.compiler.loops, sys; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


def test_the_environment_limits_the_threads(monkeypatch):
    for name in workers.LIMITS:
        monkeypatch.delenv(name, raising=False)
    cores = workers.thread_count.__wrapped__()
    assert 1 <= cores <= (os.cpu_count() or 1)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert workers.thread_count.__wrapped__() == 1
