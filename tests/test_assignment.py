"""Writing to Tensors as to values: what is rebound, what is written in place, what is refused."""

import operator as operators
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from agreement import spaced
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import Tensor, gradients, no_grad
from autograd_core.errors import (
    DtypeError,
    MutationError,
    ShapeError,
    TrackedValueError,
)
from autograd_core.testing import drawn, gradcheck
from autograd_core.testing.drawer import Drawer


def leaf(*values: Any) -> Tensor:
    return Tensor(np.array(values, dtype=float), requires_grad=True)


def assigned(d: Drawer) -> tuple[Any, Any, Any]:
    a = d.array()
    index = d.index(a.shape)
    shape = a[index].shape
    return a, index, d.array(tuple(d.choice([1, side]) for side in shape))


# -- items -----------------------------------------------------------------------------------------


@given(drawn(assigned))
def test_assignment_is_numpys_and_differentiable(case: tuple[Any, Any, Any]) -> None:
    a, index, values = case

    def written(x: Any, v: Any) -> Any:
        y = x * 2
        y[index] = v
        return y

    expected = written(a, values) if a.ndim else None
    if expected is not None:
        np.testing.assert_array_equal(written(Tensor(a), values).data, expected)
    gradcheck(written, [a, values], order=2)


@given(st.lists(st.integers(-3, 2), max_size=6))
def test_the_last_of_several_writes_wins(index: list[int]) -> None:
    x, v = leaf(1, 2, 3), Tensor(np.arange(4.0, 4 + len(index)), requires_grad=True)
    y = x * 1
    y[index] = v
    expected = np.array([1.0, 2, 3])
    expected[index] = v.data
    np.testing.assert_array_equal(y.data, expected)
    gx, gv = gradients(y.sum(), (x, v), allow_unused=True)
    last = {place % 3: number for number, place in enumerate(index)}
    np.testing.assert_array_equal(gx.data, [place not in last for place in range(3)])
    np.testing.assert_array_equal(gv.data, [k in last.values() for k in range(len(index))])


def test_only_the_written_tensor_changes() -> None:
    x = leaf(1, 2, 3)
    y = x * x
    before, view = y + 0, y[1:]
    y[1] = 10 * x[0]
    np.testing.assert_array_equal(y.data, [1, 10, 9])
    np.testing.assert_array_equal(before.data, [1, 4, 9])
    np.testing.assert_array_equal(view.data, [4, 9])
    np.testing.assert_array_equal(gradients(y.sum(), x, retain_graph=True).data, [12, 0, 6])
    np.testing.assert_array_equal(gradients(view.sum(), x).data, [0, 4, 6])


def test_a_value_read_before_keeps_its_gradient() -> None:
    x = leaf(1, 2, 3)
    y = x * 1
    y[:] = y[::-1]
    y[0] += y[1] * y[2]
    np.testing.assert_array_equal(gradients(y.sum(), x).data, [1 + 2, 1 + 1, 1])


def test_values_are_cast_and_broadcast_as_numpy_does() -> None:
    x = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    v = leaf(5)
    y = x * 1
    y[0] = v
    assert y.dtype == np.float32
    gx, gv = gradients(y.sum(), (x, v), retain_graph=True)
    assert (gx.dtype, gv.dtype, gv.shape) == (np.float32, np.float64, (1,))
    assert gv.item() == 3
    y[1] = np.ones((1, 1, 3))
    w = Tensor(np.full((1, 1, 3), 2.0), requires_grad=True)
    y[1] = w
    np.testing.assert_array_equal(gradients(y.sum(), w).data, np.ones((1, 1, 3)))
    with pytest.raises(ValueError, match="could not broadcast"):
        y[0] = np.ones(2)


def test_an_untracked_tensor_becomes_recorded_by_a_tracked_value() -> None:
    x = leaf(1, 2)
    table = Tensor(np.zeros((2, 2)))
    array = table.data
    table[0] = 7.0
    assert table.data is array and not table.requires_grad
    for k in range(2):
        table[k] = x * k
    np.testing.assert_array_equal(array, [[7, 7], [0, 0]])
    np.testing.assert_array_equal(gradients(table.sum(), x).data, [1, 1])


def test_integers_cannot_take_tracked_values() -> None:
    with pytest.raises(DtypeError, match="int64 cannot carry gradients"):
        Tensor(np.zeros(2, np.int64))[0] = leaf(1)[0]


def test_arrays_and_lists_cannot_take_tracked_values() -> None:
    x = leaf(1, 2)
    array = np.zeros(2)
    with pytest.raises(TrackedValueError, match="detach"):
        array[:] = x
    with pytest.raises(TrackedValueError, match=r"np\.stack"):
        (x * 1)[:] = [x[0], x[1]]


# -- operators -------------------------------------------------------------------------------------

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {}


def operator(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    OPERATORS[function.__name__] = function
    return function


@operator
def add(x: Any, v: Any) -> Any:
    x += v
    return x


@operator
def subtract(x: Any, v: Any) -> Any:
    x -= v
    return x


@operator
def multiply(x: Any, v: Any) -> Any:
    x *= v
    return x


@operator
def divide(x: Any, v: Any) -> Any:
    x /= v
    return x


@operator
def power(x: Any, v: Any) -> Any:
    x **= v
    return x


@operator
def floor_divide(x: Any, v: Any) -> Any:
    x //= v
    return x


@operator
def remainder(x: Any, v: Any) -> Any:
    x %= v
    return x


@operator
def matmul(x: Any, v: Any) -> Any:
    x @= v
    return x


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_operators_rebind_what_is_recorded(operator: Callable[[Any, Any], Any]) -> None:
    a, v = spaced(3, 3, above=0.5), spaced(3, 3, seed=1, above=0.7)
    np.testing.assert_allclose(operator(Tensor(a) * 1, v).data, operator(a.copy(), v), rtol=1e-13)
    gradcheck(lambda x, v: operator(x * 1, v), [a, v], order=2)
    y = Tensor(a, requires_grad=True) * 1
    assert operator(y, v) is y


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_operators_write_what_is_untracked_in_place(operator: Callable[[Any, Any], Any]) -> None:
    a, v = spaced(3, 3, above=0.5), spaced(3, 3, seed=1, above=0.7)
    x = Tensor(a.copy())
    array = x.data
    assert operator(x, v) is x
    assert x.data is array
    np.testing.assert_allclose(array, operator(a.copy(), v), rtol=1e-13)


def test_operators_on_integers_and_bits() -> None:
    x = Tensor(np.array([5, 6]))
    x <<= 1
    x >>= 2
    x |= 4
    x &= 7
    x ^= 1
    expected = (((np.array([5, 6]) << 1 >> 2) | 4) & 7) ^ 1
    np.testing.assert_array_equal(x.data, expected)


def test_operators_keep_shape_and_dtype() -> None:
    y = leaf(1, 2) * 1
    with pytest.raises(ShapeError, match="keeps the shape"):
        y += np.ones((3, 2))
    with pytest.raises(DtypeError, match="keeps the dtype"):
        y += 1j
    x = Tensor(np.ones(2, np.float32), requires_grad=True)
    z = x * 1
    z *= np.array([2.0, 3.0])
    assert z.dtype == np.float32
    np.testing.assert_array_equal(gradients(z.sum(), x).data, [2, 3])
    counter = Tensor(np.array([1, 2]))
    with pytest.raises(TypeError, match="Cannot cast"):
        counter += 0.5


def test_a_sum_may_grow_in_place() -> None:
    x = leaf(1, 2, 3)
    total = Tensor(0.0)
    for k in range(3):
        total += x[k] ** k
    np.testing.assert_array_equal(gradients(total, x).data, [0, 1, 6])


# -- leaves, views and no_grad ---------------------------------------------------------------------


def test_leaves_are_written_only_without_recording() -> None:
    x = leaf(1, 2)
    array = x.data
    with pytest.raises(MutationError, match="leaf that requires a gradient"):
        x[0] = 5
    with pytest.raises(MutationError, match=r"no_grad\(\)"):
        x += 1
    with no_grad():
        x[0] = 5
        x += 1
        x[1] *= 2
        x.fill(3 * x[0])
    assert x.data is array and x.is_leaf and x.requires_grad
    np.testing.assert_array_equal(array, [18, 18])


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.__setitem__(0, 7.0),
        lambda x: x.__iadd__(1),
        lambda x: x[1:].__setitem__(0, 7.0),
        lambda x: x.detach().__setitem__(0, 7.0),
        lambda x: x.reshape(2, 1).__imul__(2),
    ],
)
def test_backward_notices_a_leaf_that_was_written(write: Any) -> None:
    x = leaf(1, 2)
    y = x * x
    with no_grad():
        write(x)
    with pytest.raises(MutationError, match="was written to after it was recorded"):
        y.sum().backward()


def test_backward_notices_an_untracked_operand_that_was_written() -> None:
    x, data = leaf(1, 2), Tensor(np.ones((2, 2)))
    y = x * data[0]
    first, second = np.split(data, 2)
    second += 1
    with pytest.raises(MutationError, match="was written to"):
        y.sum().backward()
    del first


def test_a_copy_may_be_written_without_notice() -> None:
    x, data = leaf(1, 2), Tensor(np.ones(2))
    y = x * data
    data[[0, 1]] += 1  # reads a copy, then writes data itself
    with pytest.raises(MutationError):
        y.sum().backward()
    y = x * data
    picked = data[[0, 1]]
    picked += 1
    y.sum().backward()


@pytest.mark.parametrize("context", [False, True])
def test_recorded_values_are_never_written(context: bool) -> None:
    y = leaf(1, 2) * 2
    alias = y.detach()
    with no_grad() if context else pytest.MonkeyPatch.context():
        with pytest.raises(MutationError, match="recorded values are never written"):
            alias[0] = 1
        with pytest.raises(MutationError, match="recorded values are never written"):
            alias[:1].fill(0)
    with no_grad():
        with pytest.raises(MutationError, match="recorded values are never written"):
            y[0] = 1
        with pytest.raises(MutationError, match="recorded values are never written"):
            y += 1
    np.testing.assert_array_equal(y.data, [2, 4])


VIEWS: dict[str, Callable[[Any], Any]] = {
    "slice": lambda y: y[1:],
    "row": lambda y: y[0],
    "transpose": lambda y: y.T,
    "reshape": lambda y: y.reshape(-1),
    "piece": lambda y: np.split(y, 2)[0],
    "diagonal": np.diagonal,
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("tracked", [True, False])
def test_views_cannot_be_rebound(view: Callable[[Any], Any], tracked: bool) -> None:
    y = leaf([1, 2], [3, 4]) * 1 if tracked else Tensor(np.ones((2, 2)))
    v = leaf(1)
    part = view(y)
    with pytest.raises(MutationError, match="a view of another one"):
        part[...] = v
    with pytest.raises(MutationError, match="a view of another one"):
        part += v


def test_views_in_containers_cannot_be_rebound() -> None:
    v, y = leaf(3), leaf([1, 2], [3, 4]) * 1
    containers: list[Any] = [[y[0]], {0: y[0]}]
    for container in containers:
        with pytest.raises(MutationError, match="a view of another one"):
            container[0] *= v
    base = Tensor(np.ones(2))
    views = [base[:1]]
    with pytest.raises(MutationError, match="a view of another one"):
        views[0] += v
    values = [y * 2]
    values[0] *= v
    np.testing.assert_array_equal(values[0].data, [[6, 12], [18, 24]])
    np.testing.assert_array_equal(y.data, [[1, 2], [3, 4]])


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("tracked", [True, False])
def test_a_view_of_what_is_gone_is_a_value(view: Callable[[Any], Any], tracked: bool) -> None:
    x, v = leaf([1, 2], [3, 4]), leaf(1)
    part = view(x * 1 if tracked else Tensor(x.data.copy()))
    expected = view(x.data) + 1
    part += v
    np.testing.assert_array_equal(part.data, expected)
    part = view(x * 1)
    part[...] = 7.0
    np.testing.assert_array_equal(gradients(part.sum(), x).data, np.zeros((2, 2)))
    part = view(x * 1)
    sibling = part[...]
    with pytest.raises(MutationError, match="a view of another one"):
        part += v
    del sibling
    part += v
    part = view(x * 1)
    with pytest.raises(MutationError, match="a view of another one"):
        part.detach().__iadd__(v)


def test_an_item_may_be_updated_by_a_function_and_written_back() -> None:
    def portable(x: Any, index: Any, update: Any, v: Any) -> Any:
        x[index] = update(x[index], v)
        return x

    a, v = spaced(3, 2, above=0.5), spaced(2, seed=1, above=0.7)
    updates = [operators.iadd, operators.isub, operators.imul, operators.itruediv, operators.ipow]
    for index in (0, slice(1, None), (..., 1), np.array([True, False, True]), [2, 0]):
        for update in updates:
            value = v[0] if isinstance(index, tuple) else v
            gradcheck(lambda x, v, i=index, u=update: portable(x * 1, i, u, v), [a, value])

    def elsewhere(x: Any, index: Any, other: Any, v: Any) -> None:
        x[index] = operators.iadd(x[other], v)

    y = leaf([1, 2], [3, 4]) * 1
    for write in (
        lambda: elsewhere(y, 1, 0, 1),
        lambda: mixed([y[0]], y, 0, 1),
        lambda: mixed(leaf([1, 2]) * 1, y, 0, 1),
        lambda: operators.iadd(y[0], 1),
    ):
        for _ in range(20):  # until Python has specialized the calls
            with pytest.raises(MutationError, match="a view of another one"):
                write()


def mixed(container: Any, x: Any, index: Any, v: Any) -> None:
    container[index] = operators.iadd(x[index], v)


def test_copies_can_be_rebound() -> None:
    y = leaf([1, 2], [3, 4]) * 1
    copies = [y[[0]], y[y > 0], y[:, [1, 0]], y.copy(), y + 0, y.flatten(), np.take(y, [0, 1])]
    for copy in copies:
        copy[0] = 0.0
        add(copy, 1)
    number = y[0, 0]
    number += 1
    np.testing.assert_array_equal(y.data, [[1, 2], [3, 4]])


def test_items_of_items() -> None:
    x = leaf([1, 2], [3, 4])
    y = x * 1
    y[0] += 10
    y[:, 1] *= y[:, 0]
    y[1][0:]  # reading is fine
    with pytest.raises(MutationError, match="a view of another one"):
        y[1][0] = 5
    np.testing.assert_array_equal(y.data, [[11, 132], [3, 12]])
    np.testing.assert_array_equal(gradients(y.sum(), x).data, [[1 + 12, 11], [1 + 4, 3]])
    table = Tensor(np.zeros((2, 2)))
    table[0][1] = 5.0
    table[1] += x[0]
    np.testing.assert_array_equal(table.data, [[0, 5], [1, 2]])


# -- NumPy's functions that write ------------------------------------------------------------------


def mask() -> Any:
    return np.array([[True, False], [True, True]])


WRITERS: dict[str, Callable[[Any, Any], None]] = {
    "put": lambda x, v: np.put(x, [0, -1, 0], v),
    "put, wrapping": lambda x, v: np.put(x, [5, 6], v, mode="wrap"),
    "put, clipping": lambda x, v: np.put(x, [-5, 9], v, mode="clip"),
    "method put": lambda x, v: x.put([1, 2], v),
    "place": lambda x, v: np.place(x, mask(), v),
    "putmask": lambda x, v: np.putmask(x, mask(), v),
    "copyto": np.copyto,
    "copyto where": lambda x, v: np.copyto(x, v, where=mask()),
    "put_along_axis": lambda x, v: np.put_along_axis(x, np.array([[1, 0]]), v, 0),
    "put_along_axis, flat": lambda x, v: np.put_along_axis(x, np.array([3, 0]), v, None),
    "fill_diagonal": np.fill_diagonal,
    "fill": lambda x, v: x.fill(v[0]),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_functions_that_write(write: Callable[[Any, Any], None]) -> None:
    a, v = spaced(2, 2), spaced(2, seed=1)

    def written(x: Any, v: Any) -> Any:
        y = x * 1
        write(y, v)
        return y

    expected = written(a, v)
    np.testing.assert_array_equal(written(Tensor(a, requires_grad=True), v).data, expected)
    gradcheck(written, [a, v], order=2)
    untracked = Tensor(a.copy())
    array = untracked.data
    write(untracked, v)
    np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("write", [np.put_along_axis, np.put, np.place, np.putmask, np.copyto])
def test_functions_that_write_cannot_write_tracked_values_to_arrays(write: Any) -> None:
    array, v = np.zeros((2, 2)), leaf(1, 2)
    arguments: Any = {
        np.put: ([0, 1], v),
        np.place: (mask(), v),
        np.putmask: (mask(), v),
        np.put_along_axis: (np.array([[0, 1]]), v, 0),
    }.get(write, (v,))
    with pytest.raises(TrackedValueError, match="write to a Tensor"):
        write(array, *arguments)
    if write is np.copyto:
        write(array, Tensor(np.ones(2)))
        np.testing.assert_array_equal(array, np.ones((2, 2)))


def test_tall_diagonals_wrap_and_odd_shapes_are_named() -> None:
    y, a = leaf(*np.zeros((5, 2))) * 1, np.zeros((5, 2))
    for target in (y, a):
        np.fill_diagonal(target, 3.0, wrap=True)
    np.testing.assert_array_equal(y.data, a)
    with pytest.raises(ShapeError, match="fill_diagonal"):
        np.fill_diagonal(leaf(1) * 1, 1.0)
    with pytest.raises(TypeError, match="copyto"):
        np.copyto(leaf(1) * 1, np.array([1j]))
