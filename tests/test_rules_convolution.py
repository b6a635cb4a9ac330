"""Convolution and pooling against loops written from their definitions, and their gradients."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autograd_core import Tensor, convolution, grad, gradients, pooling
from autograd_core.errors import ShapeError
from autograd_core.rules import convolution as rules
from autograd_core.rules import convolution_layout
from autograd_core.testing import gradcheck
from autograd_core.testing.drawer import HypothesisDrawer, RandomDrawer

CONVS = (convolution.conv1d, convolution.conv2d, convolution.conv3d)
TRANSPOSES = (
    convolution.conv_transpose1d,
    convolution.conv_transpose2d,
    convolution.conv_transpose3d,
)
MAX_POOLS = (pooling.max_pool1d, pooling.max_pool2d, pooling.max_pool3d)
AVG_POOLS = (pooling.avg_pool1d, pooling.avg_pool2d, pooling.avg_pool3d)


def windows_of(padded: Any, kernel: Any, stride: Any, dilation: Any) -> Any:
    """Each window of the spatial axes: where its result goes, and its elements."""
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    counts = [
        (n - span) // s + 1 for n, span, s in zip(padded.shape[2:], spans, stride, strict=True)
    ]
    for place in itertools.product(*map(range, counts)):
        corner = [k * s for k, s in zip(place, stride, strict=True)]
        cut = [slice(c, c + n, d) for c, n, d in zip(corner, spans, dilation, strict=True)]
        yield place, padded[(..., *cut)]


def conv_by_definition(
    x: Any, w: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    padded = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]])
    found = {}
    for place, window in windows_of(padded, w.shape[2:], stride, dilation):
        split = zip(np.split(window, groups, axis=1), np.split(w, groups), strict=True)
        axes = tuple(range(1, w.ndim))
        found[place] = np.concatenate([np.tensordot(a, b, (axes, axes)) for a, b in split], axis=1)
    counts = [max(place[k] for place in found) + 1 for k in range(len(padding))]
    return np.stack(list(found.values()), axis=-1).reshape(len(x), len(w), *counts)


def drawn_convolution(d: Any, dims: int, samples: int) -> tuple[Any, Any, dict[str, Any]]:
    kernel = [d.integer(1, 3) for _ in range(dims)]
    stride = [d.integer(1, 3) for _ in range(dims)]
    padding = [d.integer(0, 2) for _ in range(dims)]
    dilation = [d.integer(1, 2) for _ in range(dims)]
    groups, inputs, outputs = d.integer(1, 3), d.integer(1, 2), d.integer(1, 2)
    sides = [
        max(1, a * (k - 1) + 1 - 2 * p) + d.integer(0, 3)
        for k, p, a in zip(kernel, padding, dilation, strict=True)
    ]
    x = d.array((samples, groups * inputs, *sides))
    w = d.array((groups * outputs, inputs, *kernel))
    return x, w, dict(stride=stride, padding=padding, dilation=dilation, groups=groups)


@settings(max_examples=60)
@given(st.data(), st.sampled_from([1, 2, 3]), st.sampled_from([1, 2, 17]))
def test_convolution_is_what_its_definition_says(
    data: st.DataObject, dims: int, samples: int
) -> None:
    x, w, settings = drawn_convolution(HypothesisDrawer(data.draw), dims, samples)
    expected = conv_by_definition(x, w, **settings)
    np.testing.assert_allclose(CONVS[dims - 1](x, w, **settings), expected, atol=1e-12)


@settings(max_examples=40)
@given(st.data(), st.sampled_from([1, 2, 3]), st.sampled_from([1, 2, 17]))
def test_transposed_convolution_is_the_transpose(
    data: st.DataObject, dims: int, samples: int
) -> None:
    x, w, settings = drawn_convolution(HypothesisDrawer(data.draw), dims, samples)
    y = conv_by_definition(x, w, **settings)
    cotangent = np.random.default_rng(0).normal(size=y.shape)
    axes = (settings[key] for key in ("stride", "padding", "dilation"))
    lengths = zip(x.shape[2:], y.shape[2:], w.shape[2:], *axes, strict=True)
    extra = [n - (s * (m - 1) + a * (k - 1) + 1 - 2 * p) for n, m, k, s, p, a in lengths]
    larger = map(max, settings["stride"], settings["dilation"])
    assume(all(e < most for e, most in zip(extra, larger, strict=True)))
    spread = TRANSPOSES[dims - 1](cotangent, w, output_padding=extra, **settings)
    assert spread.shape == x.shape
    np.testing.assert_allclose(np.sum(spread * x), np.sum(cotangent * y), atol=1e-9)


@pytest.mark.parametrize("limit", [1, 2**30])
@pytest.mark.parametrize("batch", [1, 1000])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_memory_layout_changes_no_number(
    dims: int, batch: int, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples innermost or outermost, all windows at once or a few: gradients are the same."""
    monkeypatch.setattr(convolution_layout, "BATCH", batch)
    for module in (rules, convolution_layout):
        monkeypatch.setattr(module, "LIMIT", limit)
    for seed in range(8):
        x, w, settings = drawn_convolution(RandomDrawer(seed), dims, 3)

        def convolve(x: Any, w: Any, settings: Any = settings) -> Any:
            return CONVS[dims - 1](x, w, **settings)

        np.testing.assert_allclose(convolve(x, w), conv_by_definition(x, w, **settings), atol=1e-12)
        gradcheck(convolve, [x, w], mode="projection", order=2)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_large_batches_lie_innermost(dims: int) -> None:
    x = np.random.default_rng(0).normal(size=(32, 2, *[5] * dims)).astype(np.float32)
    w = np.ones((3, 2, *[2] * dims), np.float32)
    result = CONVS[dims - 1](x, w)
    assert result.dtype == np.float32
    assert result.strides[0] == result.itemsize


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("function", ["conv", "conv_transpose", "max_pool", "avg_pool"])
def test_a_batch_may_be_left_away(function: str, dims: int) -> None:
    d = RandomDrawer(0)
    x = d.array((2, *[4] * dims))
    w = 2 if function.endswith("pool") else d.array((2, 3, *[2] * dims))
    w = w if function != "conv" else np.moveaxis(w, 1, 0)
    module = pooling if function.endswith("pool") else convolution
    compute = getattr(module, f"{function}{dims}d")
    np.testing.assert_array_equal(compute(x, w), compute(x[None], w)[0])


def test_padding_same_keeps_lengths() -> None:
    x, w = np.arange(7.0).reshape(1, 1, 7), np.ones((1, 1, 4))
    np.testing.assert_array_equal(
        convolution.conv1d(x, w, padding="same"), [[[3, 6, 10, 14, 18, 15, 11]]]
    )
    assert convolution.conv1d(x, w, padding="same", dilation=2).shape == x.shape
    np.testing.assert_array_equal(
        convolution.conv1d(x, w, padding="valid"), convolution.conv1d(x, w)
    )


def test_complex_arrays_convolve_without_conjugation() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 2, 5)) + 1j * rng.normal(size=(2, 2, 5))
    w = rng.normal(size=(2, 2, 3)) + 1j * rng.normal(size=(2, 2, 3))
    expected = conv_by_definition(x, w, [2], [1], [1], 1)
    np.testing.assert_allclose(convolution.conv1d(x, w, stride=2, padding=1), expected)
    gradcheck(lambda x, w: convolution.conv1d(x, w, stride=2, padding=1), [x, w])


@pytest.mark.parametrize(
    ("message", "compute"),
    [
        ("expected 4 axes", lambda x, w: convolution.conv2d(x[0, 0], w)),
        ("expected 4 axes: two of channels", lambda x, w: convolution.conv2d(x, w[0])),
        (r"x.shape\[1\] == w.shape\[1\]", lambda x, w: convolution.conv2d(x[:, :1], w)),
        ("groups to divide", lambda x, w: convolution.conv2d(x, w[:3, :1], groups=2)),
        ("pad more", lambda x, w: convolution.conv2d(x[..., :1], w)),
        ("'same' with stride 1", lambda x, w: convolution.conv2d(x, w, stride=2, padding="same")),
        ("a number of at least 1", lambda x, w: convolution.conv2d(x, w, stride=0)),
        ("or 2 of them", lambda x, w: convolution.conv2d(x, w, padding=(1, 1, 1))),
        (r"x.shape\[1\] == w.shape\[0\]", convolution.conv_transpose2d),
        (
            "less than the stride",
            lambda x, w: convolution.conv_transpose2d(x, w[:2], output_padding=1),
        ),
        ("less padding", lambda x, w: convolution.conv_transpose2d(x, w[:2], padding=9)),
        ("at most half", lambda x, w: pooling.max_pool2d(x, 2, padding=2)),
        ("pad more", lambda x, w: pooling.avg_pool2d(x, 9)),
    ],
)
def test_arguments_that_do_not_fit(message: str, compute: Callable[..., Any]) -> None:
    x, w = Tensor(np.ones((2, 2, 4, 4)), requires_grad=True), np.ones((4, 2, 2, 2))
    with pytest.raises(ShapeError, match=message):
        compute(x, w)


# -- pooling ---------------------------------------------------------------------------------------


def pool_by_definition(
    x: Any, kernel: Any, stride: Any, padding: Any, ceil_mode: bool, reduce: Callable[..., Any]
) -> Any:
    """Windows as PyTorch's documentation defines them; ``reduce`` sees elements and their kinds."""
    dims = x.ndim - 2
    counts = []
    for n, k, s, p in zip(x.shape[2:], kernel, stride, padding, strict=True):
        count = -(-(n + 2 * p - k) // s) + 1 if ceil_mode else (n + 2 * p - k) // s + 1
        counts.append(count - 1 if ceil_mode and (count - 1) * s >= n + p else count)
    result = np.empty((*x.shape[:2], *counts))
    for place in itertools.product(*map(range, counts)):
        starts = [m * s - p for m, s, p in zip(place, stride, padding, strict=True)]
        inside = tuple(
            slice(max(a, 0), min(a + k, n))
            for a, k, n in zip(starts, kernel, x.shape[2:], strict=True)
        )
        with_padding = np.prod(
            [
                min(a + k, n + p) - a
                for a, k, n, p in zip(starts, kernel, x.shape[2:], padding, strict=True)
            ]
        )
        elements = x[(..., *inside)].reshape(*x.shape[:2], -1)
        result[(..., *place)] = reduce(elements, with_padding)
    assert dims == len(counts)
    return result


@settings(max_examples=60)
@given(st.data(), st.sampled_from([1, 2, 3]))
def test_pooling_is_what_its_definition_says(data: st.DataObject, dims: int) -> None:
    d = HypothesisDrawer(data.draw)
    kernel = [d.integer(1, 3) for _ in range(dims)]
    stride = [d.integer(1, 3) for _ in range(dims)]
    padding = [d.integer(0, k // 2) for k in kernel]
    sides = [max(1, k - 2 * p) + d.integer(0, 3) for k, p in zip(kernel, padding, strict=True)]
    x = d.array((2, 1, *sides))
    settings = dict(stride=stride, padding=padding, ceil_mode=d.boolean())
    np.testing.assert_array_equal(
        MAX_POOLS[dims - 1](x, kernel, **settings),
        pool_by_definition(x, kernel, **settings, reduce=lambda window, _: window.max(-1)),
    )
    np.testing.assert_allclose(
        AVG_POOLS[dims - 1](x, kernel, **settings),
        pool_by_definition(x, kernel, **settings, reduce=lambda window, n: window.sum(-1) / n),
    )
    np.testing.assert_allclose(
        AVG_POOLS[dims - 1](x, kernel, **settings, count_include_pad=False),
        pool_by_definition(x, kernel, **settings, reduce=lambda window, _: window.mean(-1)),
    )
    gradcheck(lambda x: MAX_POOLS[dims - 1](x, kernel, **settings), [x], mode="projection")
    gradcheck(lambda x: AVG_POOLS[dims - 1](x, kernel, **settings), [x], mode="projection")


def test_dilated_maxima() -> None:
    x = np.array([[[5.0, 1.0, 4.0, 9.0, 0.0]]])
    np.testing.assert_array_equal(pooling.max_pool1d(x, 2, 1, dilation=2), [[[5, 9, 4]]])


def test_equal_maxima_share_their_gradient() -> None:
    x = np.array([[[2.0, 2.0, 1.0, 0.0]]])
    slope = grad(lambda x: pooling.max_pool1d(x, 2).sum())(x)
    np.testing.assert_array_equal(slope, [[[0.5, 0.5, 1.0, 0.0]]])


def test_infinite_cotangents_stay_with_the_maximum() -> None:
    x = Tensor(np.array([[[2.0, 1.0, 3.0, 4.0]]]), requires_grad=True)
    pooling.max_pool1d(x, 2).backward(np.array([[[np.inf, 1.0]]]))
    np.testing.assert_array_equal(x.grad, [[[np.inf, 0.0, 0.0, 1.0]]])


def test_maximum_of_negative_numbers_ignores_the_padding() -> None:
    x = -np.ones((1, 1, 3), np.float32)
    result = pooling.max_pool1d(x, 3, 1, padding=1)
    np.testing.assert_array_equal(result, x)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(
        pooling.max_pool1d(np.array([[[-3, -1, -2]]]), 3, 1, padding=1), [[[-1, -1, -1]]]
    )


def test_float32_gradients_stay_float32() -> None:
    x = Tensor(np.random.default_rng(0).normal(size=(17, 2, 6, 6)).astype("f"), requires_grad=True)
    w = Tensor(np.ones((3, 2, 3, 3), np.float32), requires_grad=True)
    hidden = convolution.conv2d(x, w, padding=1)
    hidden = pooling.avg_pool2d(pooling.max_pool2d(hidden, 2), 2, padding=1, ceil_mode=True)
    for gradient in gradients(hidden.sum(), [x, w]):
        assert gradient.dtype == np.float32


def test_convolution_and_correlation_of_sequences() -> None:
    """All modes and lengths, real and complex, against NumPy's own results."""
    rng = np.random.default_rng(0)
    for n, m, kind in itertools.product(range(1, 6), range(1, 6), ("real", "complex")):
        a, v = rng.normal(size=n), rng.normal(size=m)
        if kind == "complex":
            a, v = a + 1j * rng.normal(size=n), v + 1j * rng.normal(size=m)
        for mode, function in itertools.product(
            ("full", "same", "valid"), (np.convolve, np.correlate)
        ):
            found = function(Tensor(a), v, mode)
            np.testing.assert_allclose(found.data, function(a, v, mode), atol=1e-12)
            gradcheck(lambda a, v, f=function, mode=mode: f(a, v, mode), [a, v])
