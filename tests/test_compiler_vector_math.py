"""Elementary functions for loops: accurate to three units in the last place, right in corners."""

import math
import re

import numpy as np
import pytest

from autograd_core.compiler import vector_math

numba = pytest.importorskip("numba")


def normal_cdf(x):
    """Φ(x) from the standard library, for an array."""
    return np.vectorize(lambda x: math.erfc(-x / math.sqrt(2)) / 2, otypes=[float])(x)


REFERENCES = {
    "exp": np.exp,
    "expm1": np.expm1,
    "tanh": np.tanh,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "sigmoid": lambda x: np.where(x < 0, np.exp(-abs(x)), 1) / (1 + np.exp(-abs(x))),
    "log": np.log,
    "log1p": np.log1p,
    "erf": np.vectorize(math.erf, otypes=[float]),
    "erfc": np.vectorize(math.erfc, otypes=[float]),
    "normal_cdf": normal_cdf,
}
# From the standard library in float64, which has errors of its own.
LIBRARY = {"erf": 1.0, "erfc": 3.0}
DTYPES = [np.float32, np.float64]


def looped(name, *arrays):
    """A function in a loop over arrays."""
    function = vector_math.compiled(name, vector_math.PRECISIONS[arrays[0].dtype])
    if len(arrays) == 1:

        def loop(x, out):
            for i in range(x.size):
                out[i] = function(x[i])

    else:

        def loop(x, y, out):
            for i in range(x.size):
                out[i] = function(x[i], y[i])

    out = np.empty_like(arrays[0])
    compiled = numba.njit(error_model="numpy")(loop)
    compiled(*arrays, out)
    return out, compiled


def numbers(name, dtype):
    """Numbers of all sizes, most of them where something happens."""
    rng = np.random.default_rng(0)
    info = np.finfo(dtype)
    overflow = math.log(float(info.max))
    parts = [
        rng.uniform(-1, 1, 20_000),
        rng.uniform(-10, 10, 20_000),
        rng.uniform(-overflow, overflow, 20_000),
        rng.choice([-1, 1], 20_000) * np.exp2(rng.uniform(info.minexp, info.maxexp - 1, 20_000)),
    ]
    x = np.concatenate(parts).astype(dtype)
    return abs(x) if name == "log" else x[x > -1] if name == "log1p" else x


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", REFERENCES)
def test_within_three_units_in_the_last_place(name, dtype):
    x = numbers(name, dtype)
    wide = np.float64 if dtype is np.float32 else np.longdouble
    if np.finfo(wide).eps >= np.finfo(dtype).eps:
        pytest.skip("long double is no wider than double here")
    with np.errstate(all="ignore"):
        exact = REFERENCES[name](x.astype(wide)).astype(wide)
        rounded = exact.astype(dtype)
    out, _ = looped(name, x)
    normal = np.isfinite(rounded) & (abs(rounded) >= np.finfo(dtype).smallest_normal)
    unit = np.spacing(abs(rounded[normal])).astype(wide)
    error = abs(out[normal].astype(wide) - exact[normal]) / unit
    if name == "normal_cdf" and dtype is np.float64:
        # √½ is rounded in the reference, which counts as often as x² / 2 is large.
        error /= 1 + x[normal].astype(wide) ** 2
    assert error.max() <= 3 + LIBRARY.get(name, 0) * (dtype is np.float64)
    subnormal = np.isfinite(rounded) & ~normal
    smallest = np.finfo(dtype).smallest_subnormal
    slack = 2 if name not in ("erfc", "normal_cdf") else 8
    reference = 1e-12 if name == "normal_cdf" else 0
    allowed = slack * smallest + reference * rounded[subnormal]
    assert np.all(abs(out[subnormal] - rounded[subnormal]) <= allowed)
    np.testing.assert_array_equal(np.isinf(out), np.isinf(rounded))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", REFERENCES)
def test_corners(name, dtype):
    info = np.finfo(dtype)
    corners = [0.0, np.inf, 1.0, info.max, info.smallest_normal, info.smallest_subnormal]
    x = np.array([*corners, *np.negative(corners), np.nan], dtype)
    with np.errstate(all="ignore"):
        expected = REFERENCES[name](x).astype(dtype)
    out, _ = looped(name, x)
    np.testing.assert_allclose(out, expected, rtol=4 * info.eps, atol=0)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(out[known]), np.signbit(expected[known]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_logaddexp(dtype):
    some = np.array([-np.inf, np.inf, np.nan, 0, 1, -1, 1e-3, 80, -80, 3e4], dtype)
    x, y = (each.ravel() for each in np.meshgrid(some, some))
    out, _ = looped("logaddexp", x, y)
    with np.errstate(all="ignore"):
        expected = np.logaddexp(x, y)
    np.testing.assert_allclose(out, expected, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [each.__name__ for each in vector_math.FUNCTIONS])
def test_loops_are_vectorized(name, dtype):
    x = np.ones(4, dtype)
    arrays = (x, x) if name == "logaddexp" else (x,)
    _, compiled = looped(name, *arrays)
    (code,) = compiled.inspect_llvm().values()
    element = "float" if dtype is np.float32 else "double"
    # Multiplications of several elements, by their number and type.
    assert re.search(rf"fmul <\d+ x {element}>", code)
