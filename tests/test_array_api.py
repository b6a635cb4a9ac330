"""The namespace of the array API standard: complete, equal to NumPy, and differentiable."""

import operator
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.array_api import make_strategies_namespace

from autograd_core import Tensor
from autograd_core import array_api as xp
from autograd_core.errors import AutogradError, DtypeError

xps = make_strategies_namespace(xp, api_version="2024.12")

# -- the standard's names, chapter by chapter -----------------------------------------------------

STANDARD = """
    e inf nan newaxis pi

    bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128

    arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid ones ones_like
    tril triu zeros zeros_like

    astype can_cast finfo iinfo isdtype result_type

    abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_invert
    bitwise_or bitwise_right_shift bitwise_xor ceil clip conj copysign cos cosh divide equal exp
    expm1 floor floor_divide greater greater_equal hypot imag isfinite isinf isnan less less_equal
    log log1p log2 log10 logaddexp logical_and logical_not logical_or logical_xor maximum minimum
    multiply negative nextafter not_equal positive pow real reciprocal remainder round sign signbit
    sin sinh square sqrt subtract tan tanh trunc

    take take_along_axis

    __array_namespace_info__ __array_api_version__

    matmul matrix_transpose tensordot vecdot

    broadcast_arrays broadcast_to concat expand_dims flip moveaxis permute_dims repeat reshape roll
    squeeze stack tile unstack

    argmax argmin count_nonzero nonzero searchsorted where

    unique_all unique_counts unique_inverse unique_values

    argsort sort

    cumulative_prod cumulative_sum max mean min prod std sum var

    all any diff

    fft linalg
"""

LINALG = """
    cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power matrix_rank
    matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm
"""

FFT = """
    fft ifft fftn ifftn rfft irfft rfftn irfftn hfft ihfft fftfreq rfftfreq fftshift ifftshift
"""

ARRAY_OBJECT = """
    dtype device mT ndim shape size T

    __abs__ __add__ __and__ __array_namespace__ __bool__ __complex__ __dlpack__ __dlpack_device__
    __eq__ __float__ __floordiv__ __ge__ __getitem__ __gt__ __index__ __int__ __invert__ __le__
    __lshift__ __lt__ __matmul__ __mod__ __mul__ __ne__ __neg__ __or__ __pos__ __pow__ __rshift__
    __setitem__ __sub__ __truediv__ __xor__ to_device

    __iadd__ __isub__ __imul__ __itruediv__ __ifloordiv__ __ipow__ __imod__ __imatmul__ __iand__
    __ior__ __ixor__ __ilshift__ __irshift__

    __radd__ __rsub__ __rmul__ __rtruediv__ __rfloordiv__ __rpow__ __rmod__ __rmatmul__ __rand__
    __ror__ __rxor__ __rlshift__ __rrshift__
"""


@pytest.mark.parametrize(
    ("namespace", "names"), [(xp, STANDARD), (xp.linalg, LINALG), (xp.fft, FFT)]
)
def test_namespace_holds_the_standard_and_nothing_else(namespace: Any, names: str) -> None:
    assert sorted(dir(namespace)) == sorted(names.split())
    assert [name for name in names.split() if not hasattr(namespace, name)] == []


def test_array_object_has_what_the_standard_demands() -> None:
    assert [name for name in ARRAY_OBJECT.split() if not hasattr(Tensor, name)] == []


def test_arrays_lead_to_the_namespace() -> None:
    x = Tensor([1.0])
    assert x.__array_namespace__() is xp
    assert x.__array_namespace__(api_version="2023.12") is xp
    with pytest.raises(ValueError, match="1999"):
        x.__array_namespace__(api_version="1999.12")


# -- every function, called with all keywords the standard gives it -------------------------------

# Floating arrays; the letters stand for them in the calls below.
FLOATS = {
    "a": np.array([[0.31, 0.72, 0.53], [0.94, 0.25, 0.66]]),
    "b": np.array([[0.45, -0.82, 0.17], [-0.38, 0.91, 0.59]]),
    "v": np.array([0.8, -0.3, 0.5]),
    "h": np.array([1.2, 2.3, 1.9]),
    "m": np.array([[2.0, 0.3, -0.4], [0.1, -1.5, 0.2], [0.6, 0.5, 1.1]]),
    "s": np.array([[2.0, 0.3, 0.4], [0.3, 3.5, 0.2], [0.4, 0.2, 1.1]]),
    "x": np.linspace(-1.0, 1.0, 24).reshape(2, 3, 4) ** 3 + 0.1,
}
OTHERS = {
    "i": np.array([[1, 2, 0], [2, 0, 1]]),
    "j": np.array([2, 0, 1]),
    "p": np.array([[True, False, True], [False, False, True]]),
    "q": np.array([True, True, False]),
    "z": np.array([1.0 - 0.5j, 0.3 + 2.0j, -1.0 + 0.1j]),
}

# Gradients flow through these.
SMOOTH = """
    full_like(a, 2.0, dtype=float32) + astype(a, float32)
    meshgrid(v, h, indexing="ij")
    tril(m, k=-1)
    triu(x, k=1)
    astype(a, float64, copy=False)
    astype(a, complex128)

    abs(b)
    acos(a)
    acosh(h)
    add(a, b)
    add(a, 1)
    add(1.5, a)
    asin(a)
    asinh(b)
    atan(b)
    atan2(b, a)
    atanh(a)
    clip(b, -0.3, 0.5)
    clip(b, min=a)
    conj(z * v)
    copysign(a, b)
    cos(b)
    cosh(b)
    divide(b, a)
    exp(b)
    expm1(b)
    hypot(a, b)
    imag(z * v)
    log(a)
    log1p(a)
    log2(a)
    log10(a)
    logaddexp(a, b)
    maximum(a, b)
    minimum(a, 0.5)
    multiply(a, b)
    negative(b)
    positive(b)
    pow(a, b)
    pow(2.0, b)
    real(z * v)
    reciprocal(a)
    remainder(b, a)
    sin(b)
    sinh(b)
    square(b)
    sqrt(a)
    subtract(a, v)
    tan(b)
    tanh(b)

    take(a, j, axis=1)
    take_along_axis(a, i, axis=1)

    matmul(a, m)
    matrix_transpose(x)
    tensordot(a, m, axes=1)
    tensordot(a, b, axes=((0, 1), (0, 1)))
    vecdot(a, b, axis=-1)

    broadcast_arrays(a, v)
    broadcast_to(v, (2, 3))
    concat([a, b], axis=1)
    concat((a, b), axis=None)
    expand_dims(a, axis=1)
    flip(a, axis=0)
    moveaxis(x, (0, 1), (-1, 0))
    permute_dims(x, (2, 0, 1))
    repeat(a, 2, axis=1)
    repeat(v, j)
    reshape(a, (3, 2), copy=True)
    roll(a, (1, 2), axis=(0, 1))
    squeeze(a[:1, :], axis=0)
    stack([a, b], axis=-1)
    tile(v, (2, 2))
    unstack(a, axis=1)

    where(p, a, b)
    where(p, a, 0.0)
    sort(b, axis=0, stable=True)
    unique_values(b)

    cumulative_prod(b, axis=1, dtype=float64, include_initial=True)
    cumulative_sum(b, axis=0, include_initial=True)
    max(b, axis=0, keepdims=True)
    mean(b, axis=(0, 1), keepdims=True)
    min(b)
    prod(b, axis=1, dtype=float64, keepdims=True)
    std(b, axis=1, correction=1.0, keepdims=True)
    sum(b, axis=1, dtype=float64, keepdims=True)
    var(b, axis=(0, 1), correction=1, keepdims=False)
    diff(x, axis=1, n=2, prepend=x[:, :1, :], append=x[:, 1:2, :])

    linalg.cholesky(s, upper=False)
    linalg.cross(v, h, axis=-1)
    linalg.det(m)
    linalg.diagonal(x, offset=1)
    linalg.eigh(s)
    linalg.eigvalsh(s)
    linalg.inv(m)
    linalg.matmul(a, m)
    linalg.matrix_norm(a, keepdims=True, ord="fro")
    linalg.matrix_norm(m, ord=2)
    linalg.matrix_power(m, 3)
    linalg.matrix_transpose(x)
    linalg.outer(v, h)
    linalg.pinv(a, rtol=1e-8)
    linalg.qr(m, mode="reduced")
    linalg.slogdet(m)
    linalg.solve(m, v)
    linalg.solve(m, s)
    linalg.svd(a, full_matrices=False)
    linalg.svdvals(a)
    linalg.tensordot(a, m, axes=1)
    linalg.trace(m, offset=1, dtype=float64)
    linalg.vecdot(a, b, axis=-1)
    linalg.vector_norm(x, axis=(0, 2), keepdims=True, ord=3)
    linalg.vector_norm(a)

    fft.fft(a, n=4, axis=0, norm="ortho")
    fft.ifft(z * v, n=2)
    fft.fftn(x, s=(2, 4), axes=(0, 2), norm="forward")
    fft.ifftn(x)
    fft.rfft(x, n=5, axis=1)
    fft.irfft(z * v, n=4)
    fft.rfftn(x, s=(3, 3), axes=(1, 2))
    fft.irfftn(z * a, s=(2, 4), axes=(0, 1))
    fft.hfft(z * v, n=4)
    fft.ihfft(v)
    fft.fftshift(x, axes=(0, 1))
    fft.ifftshift(x, axes=1)
"""

# The results of these have no derivative.
FLAT = """
    empty_like(a, dtype=float32) * 0
    full_like(a, 3, dtype=int64)
    ones_like(a, dtype=float32)
    zeros_like(a)
    astype(a, int64)
    bitwise_and(i, j)
    bitwise_left_shift(i, j)
    bitwise_invert(i)
    bitwise_or(i, j)
    bitwise_right_shift(i, 1)
    bitwise_xor(p, q)
    equal(i, j)
    greater(a, b)
    greater_equal(a, 0.5)
    isfinite(a)
    isinf(a)
    isnan(a)
    less(a, b)
    less_equal(a, b)
    logical_and(p, q)
    logical_not(p)
    logical_or(p, q)
    logical_xor(p, q)
    nextafter(a, b)
    not_equal(a, b)
    signbit(b)
    argmax(b, axis=1, keepdims=True)
    argmin(b)
    count_nonzero(a, axis=0, keepdims=True)
    nonzero(a)
    searchsorted(v, a, side="right", sorter=asarray([1, 2, 0]))
    unique_all(i).counts
    unique_counts(i)
    unique_inverse(i)
    argsort(b, axis=0, stable=True)
    all(p, axis=1, keepdims=True)
    any(p, axis=0)
    linalg.matrix_rank(a, rtol=1e-3)
"""

# The derivative of these is zero.
STEPS = ["ceil(b)", "floor(b)", "floor_divide(b, a)", "round(b)", "sign(b)", "trunc(b)"]


def calls(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def leaves(result: Any) -> list[Any]:
    """The arrays of a result, in order."""
    if isinstance(result, (tuple, list)):
        return [leaf for part in result for leaf in leaves(part)]
    return [result]


def evaluate(call: str, namespace: Any, arrays: dict[str, Any]) -> list[Any]:
    return leaves(eval(call, {**vars(namespace), **arrays}))


def tensors(requires_grad: bool = False) -> dict[str, Tensor]:
    floats = {name: Tensor(array.copy(), requires_grad) for name, array in FLOATS.items()}
    return floats | {name: Tensor(array.copy()) for name, array in OTHERS.items()}


@pytest.mark.parametrize("call", [*calls(SMOOTH), *calls(FLAT), *STEPS])
def test_function_gives_tensors_equal_to_numpys(call: str) -> None:
    found = evaluate(call, xp, tensors())
    expected = evaluate(call, np, FLOATS | OTHERS)
    assert len(found) == len(expected)
    for tensor, array in zip(found, expected, strict=True):
        assert isinstance(tensor, Tensor)
        assert tensor.dtype == array.dtype
        np.testing.assert_allclose(tensor.data, array, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("call", calls(SMOOTH))
def test_gradient_flows(call: str) -> None:
    """Along a random direction, the derivative of a random sum of the results."""
    rng = np.random.default_rng(0)
    inputs = tensors(requires_grad=True)
    results = [part for part in evaluate(call, xp, inputs) if part.dtype.kind in "fc"]
    weights = [rng.normal(size=part.shape) for part in results]

    def total(parts: list[Any]) -> Any:
        return sum(
            np.sum(np.real(part * weight)) for part, weight in zip(parts, weights, strict=True)
        )

    single = any(part.dtype == np.float32 for part in results)
    assert all(part.requires_grad for part in results if not call.startswith("linalg.slogdet"))
    total(results).backward()
    direction = {name: rng.normal(size=array.shape) for name, array in FLOATS.items()}
    if "(s" in call:  # functions of symmetric matrices move among them
        direction["s"] = direction["s"] + direction["s"].T
    analytic = sum(
        np.sum(tensor.grad * direction[name])
        for name in FLOATS
        if (tensor := inputs[name]).grad is not None
    )

    def at(step: float) -> Any:
        moved = {name: array + step * direction[name] for name, array in FLOATS.items()}
        parts = evaluate(call, np, moved | OTHERS)
        return total([part for part in parts if part.dtype.kind in "fc"])

    step = 1e-2 if single else 1e-5
    numeric = (at(step) - at(-step)) / (2 * step)
    assert analytic != 0
    np.testing.assert_allclose(analytic, numeric, rtol=1e-4 if single else 1e-7, atol=1e-8)


@pytest.mark.parametrize("call", calls(FLAT))
def test_function_without_derivative_takes_tracked_tensors(call: str) -> None:
    assert not any(part.requires_grad for part in evaluate(call, xp, tensors(requires_grad=True)))


@pytest.mark.parametrize("call", STEPS)
def test_steps_have_gradient_zero(call: str) -> None:
    inputs = tensors(requires_grad=True)
    (result,) = evaluate(call, xp, inputs)
    result.sum().backward()
    np.testing.assert_array_equal(inputs["b"].grad, 0)


def test_every_function_is_called_above() -> None:
    text = SMOOTH + FLAT + "\n".join(STEPS)
    called = {name for line in calls(text) for name in line.replace("(", " ").split()}
    functions = {name for name in STANDARD.split() if callable(getattr(xp, name))}
    dtypes = {name for name in functions if isinstance(getattr(xp, name), type)}
    made = {"arange", "asarray", "empty", "eye", "from_dlpack", "full", "linspace", "ones", "zeros"}
    about = {"can_cast", "finfo", "iinfo", "isdtype", "result_type"}
    assert functions - dtypes - made - about - called == set()
    names = {f"linalg.{name}" for name in LINALG.split()} | {f"fft.{name}" for name in FFT.split()}
    assert names - called == {"fft.fftfreq", "fft.rfftfreq"}


# -- where the standard asks more than NumPy gives -------------------------------------------------


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("arange(3, dtype=xp.float32)", np.arange(3, dtype=np.float32)),
        ("arange(1, stop=7, step=2, device='cpu')", np.arange(1, 7, 2)),
        ("asarray([[1, 2]], dtype=xp.float32, device='cpu')", np.array([[1, 2]], np.float32)),
        ("asarray(True)", np.array(True)),
        ("empty((0, 2), dtype=xp.int8)", np.empty((0, 2), np.int8)),
        ("eye(2, 3, k=1, dtype=xp.float32, device='cpu')", np.eye(2, 3, 1, np.float32)),
        ("from_dlpack(np.arange(3.0), device='cpu', copy=True)", np.arange(3.0)),
        ("full((2,), 1.5)", np.full(2, 1.5)),
        ("full(2, True, dtype=xp.bool)", np.full(2, True)),
        ("linspace(0, 1, num=3, endpoint=False)", np.linspace(0, 1, 3, endpoint=False)),
        ("ones(2, dtype=xp.uint8)", np.ones(2, np.uint8)),
        ("zeros((), device='cpu')", np.zeros(())),
        ("fft.fftfreq(4, d=0.25, device='cpu')", np.array([0.0, 1.0, -2.0, -1.0])),
        ("fft.rfftfreq(4, d=0.25, dtype=xp.float32)", np.array([0.0, 1.0, 2.0], np.float32)),
        ("argsort(asarray([3, 1, 3, 2]), descending=True)", np.array([0, 2, 3, 1])),
        ("argsort(asarray([[3, 1], [3, 2]]), axis=0, descending=True)", [[0, 1], [1, 0]]),
        ("sort(asarray([3, 1, 2]), descending=True, stable=False)", np.array([3, 2, 1])),
        ("count_nonzero(asarray([0, 1, 2]))", np.array(2)),
        ("clip(asarray([1, 200], dtype=xp.uint8), -1, 300)", np.array([1, 200], np.uint8)),
        ("clip(asarray([1.0], dtype=xp.float32), asarray([2.0]))", np.array([2.0], np.float32)),
        ("take_along_axis(asarray([[3, 1]]), asarray([[1, 0]]))", np.array([[1, 3]])),
        ("unique_values(asarray([3, 1, 3, 2]))", np.array([1, 2, 3])),
    ],
)
def test_creation_and_adapted_functions(call: str, expected: Any) -> None:
    found = eval(
        f"xp.{call.replace('(asarray', '(xp.asarray').replace(', asarray', ', xp.asarray')}"
    )
    assert isinstance(found, Tensor)
    assert not found.requires_grad
    assert found.dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(found.data, expected)


def test_descending_sort_passes_gradients_back_to_their_places() -> None:
    x = Tensor(np.array([0.5, 2.0, 1.0]), requires_grad=True)
    (xp.sort(x, descending=True) * np.array([1.0, 10.0, 100.0])).sum().backward()
    np.testing.assert_array_equal(x.grad, [100.0, 1.0, 10.0])


@pytest.mark.parametrize("dtype", [xp.float32, xp.float64, xp.complex64, xp.complex128])
def test_finfo_holds_python_numbers(dtype: Any) -> None:
    for source in (dtype, xp.asarray(1, dtype=dtype)):
        info, reference = xp.finfo(source), np.finfo(dtype)
        for name in ("eps", "max", "min", "smallest_normal"):
            assert type(getattr(info, name)) is float
            assert getattr(info, name) == float(getattr(reference, name))
        assert (info.bits, info.dtype) == (reference.bits, reference.dtype)


@pytest.mark.parametrize("dtype", [xp.int8, xp.uint16, xp.int64, xp.uint64])
def test_iinfo(dtype: Any) -> None:
    for source in (dtype, xp.asarray(1, dtype=dtype)):
        info, reference = xp.iinfo(source), np.iinfo(dtype)
        assert (info.bits, info.max, info.min) == (reference.bits, reference.max, reference.min)
        assert info.dtype == dtype


def test_questions_about_dtypes() -> None:
    x = Tensor(np.ones(2, np.float32), requires_grad=True)
    assert xp.result_type(x, xp.int8) == xp.float32
    assert xp.result_type(x, 1.5) == xp.float32
    assert xp.result_type(x, xp.asarray(1.0)) == xp.float64
    assert xp.can_cast(x, xp.float64) is True
    assert xp.can_cast(xp.float64, xp.int8) is False
    assert xp.isdtype(x.dtype, ("real floating", "bool"))
    assert not xp.isdtype(x.dtype, "integral")


def test_inspection() -> None:
    info = xp.__array_namespace_info__()
    assert info.capabilities()["boolean indexing"] is True
    assert info.default_device() == xp.ones(1).device
    assert xp.ones(1).device in info.devices()
    assert xp.ones(1).dtype == info.default_dtypes()["real floating"]
    kinds = info.dtypes(kind="unsigned integer")
    assert kinds == {name: getattr(xp, name) for name in ("uint8", "uint16", "uint32", "uint64")}


def test_asarray_keeps_tensors_in_the_graph() -> None:
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    assert xp.asarray(x) is x
    assert xp.asarray(x, dtype=xp.float64, copy=False, device="cpu") is x
    copied = xp.asarray(x, copy=True)
    assert copied is not x
    assert not np.shares_memory(copied.data, x.data)
    (copied * xp.asarray(x, dtype=xp.float32)).sum().backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0])
    with pytest.raises(DtypeError, match="copy=False"):
        xp.asarray(x, dtype=xp.float32, copy=False)
    with pytest.raises(ValueError, match="gpu"):
        xp.asarray(x, device="gpu")


def test_asarray_shares_arrays_unless_it_copies() -> None:
    array = np.arange(3.0)
    assert xp.asarray(array).data is array
    assert not np.shares_memory(xp.asarray(array, copy=True).data, array)
    with pytest.raises(ValueError, match="copy"):
        xp.asarray([1.0, 2.0], copy=False)


# -- the array object, in the spirit of the standard's conformance tests ---------------------------

NUMERIC = xps.numeric_dtypes()
SHAPES = xps.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
SMALL = {"min_value": 0, "max_value": 5}
BINARY = {
    "arithmetic": [operator.add, operator.sub, operator.mul],
    "integers": [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift],
    "comparison": [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne],
}
IN_PLACE = [operator.iadd, operator.isub, operator.imul]


def assert_same(found: Any, expected: Any) -> None:
    assert isinstance(found, Tensor)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.data, expected)


@given(st.data())
def test_operators_promote_as_numpy(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(BINARY)))
    dtypes = xps.integer_dtypes() if kind == "integers" else NUMERIC
    if kind == "comparison":
        dtypes = xps.real_dtypes()
    shapes = data.draw(xps.mutually_broadcastable_shapes(2, max_dims=3, max_side=3)).input_shapes
    x, y = (data.draw(xps.arrays(data.draw(dtypes), shape, elements=SMALL)) for shape in shapes)
    act = data.draw(st.sampled_from(BINARY[kind]))
    try:
        expected = act(x.data, y.data)
    except TypeError:
        with pytest.raises(TypeError):
            act(x, y)
        return
    assert_same(act(x, y), np.asarray(expected))
    assert_same(act(x, y.data), np.asarray(expected))
    assert_same(act(x.data, y), np.asarray(expected))


@given(st.data())
def test_python_scalars_are_weak(data: st.DataObject) -> None:
    x = data.draw(xps.arrays(NUMERIC, SHAPES, elements=SMALL))
    scalars = {"f": [1, 1.5, True], "c": [1, 1.5, 1j, True]}.get(x.dtype.kind, [1, True])
    scalar = data.draw(st.sampled_from(scalars))
    act = data.draw(st.sampled_from(BINARY["arithmetic"]))
    assert_same(act(x, scalar), np.asarray(act(x.data, scalar)))
    assert_same(act(scalar, x), np.asarray(act(scalar, x.data)))
    assert act(x, scalar).dtype == x.dtype


@given(st.data())
def test_in_place_operators_keep_dtype_and_identity(data: st.DataObject) -> None:
    x = data.draw(xps.arrays(NUMERIC, SHAPES, elements=SMALL))
    act = data.draw(st.sampled_from(IN_PLACE))
    expected, before = x.data.copy(), x
    expected = act(expected, 2)
    assert act(x, 2) is before
    assert_same(x, expected)


@given(st.data())
def test_indexing_reads_and_writes_as_numpy(data: st.DataObject) -> None:
    x = data.draw(xps.arrays(NUMERIC, SHAPES, elements=SMALL))
    key = data.draw(
        xps.indices(x.shape, allow_newaxis=True)
        | xps.arrays(xps.boolean_dtypes(), st.just(x.shape))
    )
    plain = key.data if isinstance(key, Tensor) else key
    assert_same(x[key], np.asarray(x.data[plain]))
    expected = x.data.copy()
    expected[plain] = 7
    x[key] = 7
    assert_same(x, expected)


@given(st.data())
def test_integer_tensors_index(data: st.DataObject) -> None:
    x = data.draw(xps.arrays(xp.float64, xps.array_shapes(max_dims=2), elements=SMALL))
    places = data.draw(st.lists(st.integers(-x.shape[0], x.shape[0] - 1), min_size=1, max_size=5))
    index = xp.asarray(places)
    assert_same(x[index], x.data[np.asarray(places)])
    assert_same(x[index, ...], x.data[np.asarray(places), ...])


@given(st.data())
def test_unary_operators(data: st.DataObject) -> None:
    x = data.draw(xps.arrays(NUMERIC, SHAPES, elements=SMALL))
    for act in (operator.pos, operator.neg, operator.abs):
        assert_same(act(x), np.asarray(act(x.data)))
    assert not np.shares_memory((+x).data, x.data)


@pytest.mark.parametrize("convert", [bool, int, float, complex, operator.index])
@pytest.mark.parametrize("value", [True, 3, 0, 2.5, float("inf"), float("nan"), 1 + 0j])
def test_conversions_are_those_of_arrays(convert: Any, value: Any) -> None:
    array = np.array(value)
    if array.dtype.kind == "c" and convert in (int, float):
        pytest.skip("NumPy warns, which is its own matter")
    try:
        expected = convert(array)
    except (TypeError, ValueError, OverflowError) as error:
        with pytest.raises(type(error)):
            convert(Tensor(array))
        return
    found = convert(Tensor(array))
    assert type(found) is type(expected)
    assert found == expected or value != value


@pytest.mark.parametrize("convert", [int, float, complex, operator.index])
def test_conversions_never_drop_the_graph(convert: Any) -> None:
    with pytest.raises(AutogradError, match="detach"):
        convert(Tensor(np.array(2.0), requires_grad=True))


@given(st.data())
def test_reductions_to_nothing_stay_tensors(data: st.DataObject) -> None:
    x = data.draw(xps.arrays(xps.real_dtypes(), SHAPES, elements=SMALL))
    for name in ("sum", "prod", "all", "any", "count_nonzero"):
        assert_same(getattr(xp, name)(x), np.asarray(getattr(np, name)(x.data)))
    if x.size:
        for name in ("max", "min", "argmax", "argmin"):
            assert_same(getattr(xp, name)(x), np.asarray(getattr(np, name)(x.data)))


@given(xps.arrays(xp.int8, SHAPES, elements=SMALL), st.integers(0, 5))
def test_membership_is_that_of_arrays(x: Any, item: int) -> None:
    assert (item in x) is (item in x.data)


@given(xps.arrays(xps.scalar_dtypes(), SHAPES))
def test_dlpack_shares_memory_both_ways(x: Any) -> None:
    assert np.shares_memory(np.from_dlpack(x), x.data) or not x.size
    back = xp.from_dlpack(x)
    assert isinstance(back, Tensor)
    np.testing.assert_array_equal(back.data, x.data)
    copied = xp.from_dlpack(x, copy=True)
    assert not np.shares_memory(copied.data, x.data)


# -- code that was written for the standard --------------------------------------------------------


def report(code: str) -> Iterator[str]:
    """The lines a fresh interpreter prints, with SciPy's support of the standard switched on."""
    environment = os.environ | {"SCIPY_ARRAY_API": "1"}
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    yield from done.stdout.splitlines()


SHOW = """
import numpy as np
from autograd_core import Tensor

rng = np.random.default_rng(0)

def show(name, function, *arrays):
    expected = np.asarray(function(*arrays))
    found = function(*[Tensor(array.copy(), array.dtype.kind == "f") for array in arrays])
    same = np.allclose(found.data if isinstance(found, Tensor) else found, expected)
    print(name, type(found).__name__, same, getattr(found, "requires_grad", False))
"""


def test_scipy_takes_tensors_and_passes_gradients_on() -> None:
    pytest.importorskip("scipy")
    code = """
from scipy import differentiate, integrate, optimize, signal, special, stats
from scipy.cluster import vq
from scipy.spatial.transform import Rotation
x, y, p = rng.normal(size=(2, 12)), rng.normal(size=(2, 12)), rng.uniform(0.1, 0.9, size=12)
show("logsumexp", special.logsumexp, x)
show("softmax", special.softmax, x)
show("log_softmax", special.log_softmax, x)
show("xlogy", special.xlogy, p, p)
show("trapezoid", integrate.trapezoid, x)
show("rosen", optimize.rosen, x)
show("zscore", stats.zscore, x)
show("skew", stats.skew, x)
show("kurtosis", stats.kurtosis, x)
show("gmean", stats.gmean, p)
show("pearsonr", lambda x, y: stats.pearsonr(x, y, axis=1).statistic, x, y)
show("tmean", stats.tmean, p)
show("circmean", stats.circmean, p)
show("whiten", vq.whiten, x)
show("erf", special.erf, x)
show("gammaln", special.gammaln, p)
show("entropy", stats.entropy, p)
show("t-test", lambda x, y: stats.ttest_ind(x, y, axis=1).pvalue, x, y)
show("bartlett", lambda x, y: stats.bartlett(x, y, axis=1).pvalue, x, y)
show("convolution", lambda x, y: signal.fftconvolve(x, y, axes=1), x, y)
show("derivative", lambda x: differentiate.derivative(np.exp, x).df, x)
show("rotation", lambda v: Rotation.from_rotvec(v).as_matrix(), p[:3])
"""
    lines = list(report(SHOW + code))
    assert len(lines) == 22
    for line in lines:
        assert line.split()[1:] == ["Tensor", "True", "True"], line


def test_scikit_learn_takes_tensors_and_passes_gradients_on() -> None:
    pytest.importorskip("sklearn")
    code = """
import sklearn
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, log_loss
from sklearn.metrics.pairwise import cosine_similarity, euclidean_distances, rbf_kernel
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler
sklearn.set_config(array_api_dispatch=True)
x = rng.normal(size=(20, 3))
y = (x[:, 0] + 0.3 * rng.normal(size=20) > 0).astype(int)
show("standard", lambda x: StandardScaler().fit_transform(x), x)
show("min-max", lambda x: MinMaxScaler().fit_transform(x), x)
show("polynomial", lambda x: PolynomialFeatures().fit_transform(x), x)
show("ridge", lambda x, t: Ridge(solver="svd").fit(x, t).predict(x), x, x[:, 0] + 1)
show("rbf", rbf_kernel, x)
show("cosine", cosine_similarity, x)
show("euclidean", lambda x: euclidean_distances(x, 1 - x), x)
print()
show("discriminants", lambda x, y: LinearDiscriminantAnalysis().fit(x, y).predict(x), x, y)
show("accuracy", lambda y: accuracy_score(y, 1 - y), y)
show("log loss", lambda y: log_loss(y, y * 0.4 + 0.3), y)
"""
    lines = list(report(SHOW + code))
    flowing, classes = lines[: lines.index("")], lines[lines.index("") + 1 :]
    assert len(flowing) == 7
    for line in flowing:
        assert line.split()[1:] == ["Tensor", "True", "True"], line
    assert [line.split()[-2] for line in classes] == ["True"] * 3, classes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_einops_rearranges_tensors(dtype: Any) -> None:
    einops = pytest.importorskip("einops.array_api")
    x = Tensor(np.arange(24, dtype=dtype).reshape(2, 3, 4), requires_grad=True)
    for result in (
        einops.rearrange(x, "a b c -> c (a b)"),
        einops.reduce(x, "a b c -> a", "mean"),
        einops.repeat(x, "a b c -> a b c 2"),
        einops.rearrange([x, x], "n a b c -> a n b c"),
        einops.pack([x, x], "a b *")[0],
    ):
        assert isinstance(result, Tensor)
        assert result.requires_grad
        assert result.dtype == dtype
    np.testing.assert_array_equal(
        einops.rearrange(x, "a b c -> c (a b)").detach().data, x.data.reshape(6, 4).T
    )


def test_array_api_compat_knows_tensors() -> None:
    compat = pytest.importorskip("array_api_compat")
    x = Tensor(np.ones(2), requires_grad=True)
    assert compat.is_array_api_obj(x)
    assert compat.array_namespace(x, x.detach()) is xp
    assert compat.device(x) == "cpu"
    assert compat.size(x) == 2
    assert compat.to_device(x, "cpu") is x
