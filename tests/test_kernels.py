"""Operations that run as compiled loops on large arrays compute what NumPy computes."""

import gc
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autograd_core
import nn
from autograd_core import Tensor, convolution, gradients, hvp, kernels, pooling
from autograd_core.kernels import kernel, use_kernels
from nn import functional as F
from nn.functional.sequence import lstm_sequence

pytest.importorskip("numba", reason="needs the extra fast")

Operands = dict[str, Any]
TOLERANCES = {np.float32: 2e-5, np.float64: 1e-12}


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Loops for arrays of any size."""
    monkeypatch.setattr(kernels, "LARGE", 1)
    yield
    use_kernels()


def causal(scores: Any) -> Any:
    return F.scaled_dot_product_attention(scores, scores, scores, is_causal=True)


def biased(query: Any, mask: Any) -> Any:
    return F.scaled_dot_product_attention(query, query, query, mask)


def ignoring(logits: Any) -> Any:
    target = np.arange(logits.shape[0]) % logits.shape[1]
    target[0] = -100
    weight = np.linspace(0.5, 1.5, logits.shape[1])
    return F.cross_entropy(logits, target, weight)


def of_images(logits: Any) -> Any:
    return F.cross_entropy(logits, np.zeros((2, 5), int), reduction="none")


def normalized(x: Any, weight: Any, bias: Any) -> Any:
    return F.layer_norm(x, weight.shape, weight, bias)


CASES: dict[str, tuple[Callable[..., Any], list[tuple[int, ...]]]] = {
    "gelu": (F.gelu, [(3, 5)]),
    "gelu of a vector": (F.gelu, [(7,)]),
    "gelu, approximate": (lambda x: F.gelu(x, "tanh"), [(3, 5)]),
    "softmax": (F.softmax, [(2, 3, 5)]),
    "softmax along the first axis": (lambda x: F.softmax(x, 0), [(3, 5)]),
    "log_softmax": (F.log_softmax, [(2, 3, 5)]),
    "layer_norm": (normalized, [(2, 3, 5), (5,), (5,)]),
    "layer_norm of two axes": (normalized, [(2, 3, 5), (3, 5), (3, 5)]),
    "cross_entropy": (ignoring, [(4, 3)]),
    "cross_entropy of images": (of_images, [(2, 3, 5)]),
    "attention": (F.scaled_dot_product_attention, [(2, 3, 4), (2, 5, 4), (2, 5, 3)]),
    "causal attention": (causal, [(2, 3, 4)]),
    "attention with a tracked mask": (biased, [(2, 3, 4), (3, 3)]),
    "lstm": (lstm_sequence, [(3, 2, 20), (2, 5), (2, 5), (20, 5), (20,)]),
    "lstm of one step": (lstm_sequence, [(1, 2, 20), (2, 5), (2, 5), (20, 5), (20,)]),
}


def results(function: Callable[..., Any], operands: list[np.ndarray]) -> list[np.ndarray]:
    """What a function returns, and the gradients of the sum of cosines of all that."""
    tensors = [Tensor(operand, requires_grad=True) for operand in operands]
    outputs = function(*tensors)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    slopes = gradients(sum(np.cos(output).sum() for output in outputs), tensors)
    return [each.data for each in (*outputs, *slopes)]


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_loops_agree_with_numpy(case: str, dtype: type) -> None:
    function, shapes = CASES[case]
    rng = np.random.default_rng(0)
    operands = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    looped = results(function, operands)
    repeated = results(function, [operand.copy() for operand in operands])
    compiled = results(autograd_core.compile(function, fuse=False, verify=False), operands)
    use_kernels(False)
    rows = zip(looped, repeated, compiled, results(function, operands), strict=True)
    for ours, again, replayed, expected in rows:
        assert ours.dtype == dtype
        np.testing.assert_array_equal(again, ours)
        np.testing.assert_allclose(ours, expected, rtol=TOLERANCES[dtype], atol=TOLERANCES[dtype])
        np.testing.assert_array_equal(replayed, ours)


@pytest.mark.usefixtures("always")
def test_loops_keep_what_is_not_a_number() -> None:
    x = np.array([[np.nan, 0.0], [np.inf, 0.0], [-np.inf, 0.0]])
    looped = F.gelu(x), F.softmax(x), F.log_softmax(x)
    use_kernels(False)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(looped, (F.gelu(x), F.softmax(x), F.log_softmax(x)))


@pytest.mark.usefixtures("always")
def test_loops_are_made_for_arrays_in_any_order() -> None:
    x = np.random.default_rng(0).standard_normal((4, 6))
    x = np.asfortranarray(x)[::-1, ::2]
    np.testing.assert_allclose(F.gelu(x), F.gelu(np.ascontiguousarray(x)), rtol=1e-14)


@pytest.mark.usefixtures("always")
def test_what_loops_do_not_know_stays_with_numpy() -> None:
    calls = []

    @kernel
    def doubled(x: Any, scale: Any = 2) -> Any:
        calls.append(type(x))
        return scale * x

    for x in (np.ones(3, np.float16), np.ones(3, complex), np.float64(1), np.ones(0)):
        doubled(x)
    doubled(np.ones(3), scale=np.ones(3, np.float32))
    assert len(calls) == 5
    doubled(np.ones(3))
    doubled(np.ones(3), scale=2)
    doubled(np.ones(3), scale=np.ones(3))
    assert len([kind for kind in calls if kind is np.ndarray]) == 4


def test_small_arrays_are_left_to_numpy() -> None:
    x = np.random.default_rng(0).standard_normal((10, 10)).astype(np.float32)
    before = F.gelu(x)
    use_kernels(False)
    try:
        np.testing.assert_array_equal(F.gelu(x), before)
    finally:
        use_kernels()


def test_the_environment_turns_loops_off() -> None:
    code = "import autograd_core.kernels as k, numpy as np; print(k.suits(np.ones(10**6)))"
    for value, expected in (("0", "False"), ("1", "True")):
        environment = {**os.environ, kernels.VARIABLE: value}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected


# -- convolution and pooling -----------------------------------------------------------------------


def assert_same(function: Callable[..., Any], operands: list[np.ndarray], tolerance: float) -> None:
    """Loops and NumPy give the same results and gradients."""
    use_kernels()
    looped = results(function, operands)
    use_kernels(False)
    for ours, expected in zip(looped, results(function, operands), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=tolerance, atol=tolerance)


def draw_image(draw: Any, channels: int, innermost: bool) -> np.ndarray:
    """Images of any size, in either order in memory, with values that are often equal."""
    samples = 17 if innermost else 2
    height, width = draw(st.integers(4, 7)), draw(st.integers(4, 7))
    numbers = np.random.default_rng(draw(st.integers(0, 99)))
    image = numbers.integers(-3, 4, (height, channels, width, samples)).astype(np.float64)
    image = image.transpose(3, 1, 0, 2)
    return image if innermost else np.ascontiguousarray(image)


@pytest.mark.usefixtures("always")
@given(st.data(), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_convolutions_in_place_are_those_of_copies(data: Any, innermost: bool) -> None:
    channels, outputs = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 5))
    x = draw_image(data.draw, channels, innermost)
    kernel = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    w = np.random.default_rng(0).standard_normal((outputs, channels, *kernel))
    options = {
        "stride": data.draw(st.tuples(st.integers(1, 2), st.integers(1, 2))),
        "padding": data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2))),
        "dilation": data.draw(st.integers(1, 1 if max(kernel) == 3 else 2)),
    }
    assert_same(lambda x, w: convolution.conv2d(x, w, **options), [x, w], 1e-9)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("innermost", [True, False])
@given(st.data())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_convolutions_along_one_axis(innermost: bool, data: Any) -> None:
    x = np.random.default_rng(0).standard_normal((17 if innermost else 2, 2, 9))
    w = np.random.default_rng(1).standard_normal((3, 2, data.draw(st.integers(1, 3))))
    options = {"stride": data.draw(st.integers(1, 2)), "padding": data.draw(st.integers(0, 2))}
    assert_same(lambda x, w: convolution.conv1d(x, w, **options), [x, w], 1e-9)


@pytest.mark.usefixtures("always")
@given(st.data(), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_maximum_pooling_has_the_bits_of_numpy(data: Any, innermost: bool) -> None:
    x = draw_image(data.draw, 16, innermost)
    if not innermost:  # but the channels
        x = x.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)
    if data.draw(st.booleans()):
        x[0, 0, 1, 1] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    kernel = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    options = {
        "kernel_size": kernel,
        "stride": data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        "padding": tuple(data.draw(st.integers(0, k // 2)) for k in kernel),
        "dilation": data.draw(st.integers(1, 1 if max(kernel) == 3 else 2)),
    }
    with np.errstate(invalid="ignore"):
        assert_same(lambda x: pooling.max_pool2d(x, **options), [x], 0)


IMAGES = np.random.default_rng(0).standard_normal((4, 3, 12, 34))
FILTERS = np.random.default_rng(1).standard_normal((5, 3, 3, 3))
SIGNAL = IMAGES.reshape(1, 1, -1)
SOBEL = np.array([[[[1, 0, -1], [2, 0, -2], [1, 0, -1]]]])


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(
    ("x", "w"),
    [
        pytest.param(IMAGES[..., ::2], FILTERS, id="gaps"),
        pytest.param(IMAGES[:, :, ::-1, ::-1], FILTERS, id="flipped"),
        pytest.param(IMAGES, FILTERS[..., ::-1, ::-1], id="flipped kernel"),
        pytest.param(IMAGES[:, :1], np.broadcast_to(1 / 9, (1, 1, 3, 3)), id="broadcast kernel"),
        pytest.param((IMAGES + 1j).real, FILTERS, id="real part"),
        pytest.param(
            IMAGES.transpose(0, 2, 3, 1).copy()[..., :1].transpose(0, 3, 1, 2),
            FILTERS[:, :1],
            id="one of many channels",
        ),
        pytest.param(IMAGES[:, :1], SOBEL, id="whole numbers in the kernel"),
        pytest.param(IMAGES[:, :1].astype(np.float32), SOBEL, id="whole numbers and single"),
        pytest.param((IMAGES[:, :1] * 9).astype(int), SOBEL / 2, id="whole numbers in the image"),
        pytest.param(IMAGES[:, :1], SOBEL > 0, id="truth values"),
        pytest.param(SIGNAL[..., ::-1], FILTERS[:1, :1, 0], id="flipped signal"),
    ],
)
def test_convolutions_of_arrays_of_any_kind(x: np.ndarray, w: np.ndarray) -> None:
    convolve = convolution.conv1d if x.ndim == 3 else convolution.conv2d
    spread = convolution.conv_transpose1d if x.ndim == 3 else convolution.conv_transpose2d

    def outcomes(wanted: bool) -> list[np.ndarray]:
        use_kernels(wanted)
        found = [np.asarray(convolve(x, w)), np.asarray(spread(x, np.swapaxes(w, 0, 1)))]
        operands = [Tensor(a, requires_grad=True) for a in (x, w) if a.dtype.kind == "f"]
        tracked = iter(operands)
        y = convolve(*(next(tracked) if a.dtype.kind == "f" else a for a in (x, w)))
        y.sum().backward()  # a cotangent that is one number everywhere
        return found + [each.grad for each in operands]

    for ours, expected in zip(outcomes(True), outcomes(False), strict=True):
        assert ours.dtype == expected.dtype
        np.testing.assert_allclose(
            ours, expected, rtol=1e-4, atol=1e-4 if x.itemsize == 4 else 1e-9
        )


@pytest.mark.usefixtures("always")
def test_a_state_of_whole_numbers() -> None:
    model = nn.LSTM(3, 4, dtype=np.float64, rng=np.random.default_rng(0))
    x, one = IMAGES[0].transpose(1, 2, 0), np.ones((1, 34, 4), int)
    found = model(x, (one, one))[0].data
    use_kernels(False)
    np.testing.assert_allclose(found, model(x, (one, one))[0].data, rtol=1e-12)


@pytest.mark.usefixtures("always")
def test_scales_for_each_sample_normalize_too() -> None:
    weight = np.random.default_rng(0).standard_normal((4, 3, 1, 34))
    assert_same(lambda x, w: F.layer_norm(x, (34,), w, w[0, 0, 0]), [IMAGES, weight], 1e-9)


@pytest.mark.usefixtures("always")
def test_windows_of_nothing_but_minus_infinity() -> None:
    x = np.full((5, 1, 5, 17), -np.inf).transpose(3, 1, 0, 2)
    for wanted in (True, False):
        use_kernels(wanted)
        t = Tensor(x, requires_grad=True)
        pooling.max_pool2d(t, 3, stride=2, padding=1).sum().backward()
        assert t.grad is not None
        assert t.grad[0].sum() == pytest.approx(9)  # nothing is lost to the padding


def test_padded_pooling_of_large_images_compiles() -> None:
    x = Tensor(np.random.default_rng(0).standard_normal((2, 3, 112, 112)), requires_grad=True)

    def loss(x: Any) -> Any:
        return (pooling.max_pool2d(x, 3, stride=2, padding=1) ** 2).sum()

    autograd_core.compile(loss)(x).backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad, gradients(loss(x), x).data)


def test_programs_of_kernels_keep_no_buffers() -> None:
    operands = [np.ones(shape, np.float32) for shape in ((2048, 512), (512,), (512,))]
    normalized(*operands)
    gc.collect()
    tracemalloc.start()
    normalized(np.ones((2049, 512), np.float32), *operands[1:])
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < operands[0].nbytes / 2


@pytest.mark.usefixtures("always")
def test_gradients_of_gradients_of_loops() -> None:
    numbers = np.random.default_rng(0)
    x, w = numbers.standard_normal((17, 1, 5, 5)), numbers.standard_normal((2, 1, 2, 2))

    def network(x: Any, w: Any) -> Any:
        return F.gelu(pooling.max_pool2d(convolution.conv2d(x, w), 2)).sum()

    direction = numbers.standard_normal(w.shape)
    looped = hvp(lambda w: network(x, w), (w,), (direction,))
    use_kernels(False)
    np.testing.assert_allclose(looped, hvp(lambda w: network(x, w), (w,), (direction,)), rtol=1e-9)
