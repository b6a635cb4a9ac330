"""The Python array API standard over Tensor: what ``x.__array_namespace__()`` returns.

The functions are NumPy's own: they take Tensors and record. Only what makes arrays out of settings
(``creation``) and what the standard asks of a function beyond NumPy (``adapted``) is written here.
See https://data-apis.org/array-api/2024.12/.

>>> from autograd_core import Tensor, array_api as xp
>>> x = Tensor(xp.asarray([3.0, 4.0]), requires_grad=True)
>>> xp = x.__array_namespace__()
>>> xp.sqrt(xp.sum(xp.square(x))).backward()
>>> x.grad
array([0.6, 0.8])
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.array_api import adapted, creation
from autograd_core.array_api import fft as fft
from autograd_core.array_api import linalg as linalg
from autograd_core.array_api import special as special

__array_api_version__: str = getattr(np, "__array_api_version__", "2023.12")
__array_namespace_info__ = np.__array_namespace_info__

# Chapter by chapter of the standard, the names that are NumPy's.
NUMPY: dict[str, str] = {
    "constants": "e inf nan newaxis pi",
    "data types": """
        bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128
        astype can_cast isdtype result_type
    """,
    "creation": "empty_like full_like meshgrid ones_like tril triu zeros_like",
    "elementwise": """
        abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_invert
        bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor ceil conj copysign cos cosh
        divide equal exp expm1 floor floor_divide greater greater_equal hypot imag isfinite isinf
        isnan less less_equal log log10 log1p log2 logaddexp logical_and logical_not logical_or
        logical_xor maximum minimum multiply negative nextafter not_equal positive pow real
        reciprocal remainder round sign signbit sin sinh sqrt square subtract tan tanh trunc
    """,
    "indexing": "take",
    "linear algebra": "matmul matrix_transpose tensordot vecdot",
    "manipulation": """
        broadcast_arrays broadcast_to concat expand_dims flip moveaxis permute_dims repeat reshape
        roll squeeze stack tile unstack
    """,
    "searching": "argmax argmin nonzero searchsorted where",
    "sets": "unique_all unique_counts unique_inverse",
    "statistics": "cumulative_prod cumulative_sum max mean min prod std sum var",
    "utilities": "all any diff",
}

# All of the namespace: where each name is found.
NAMESPACE: dict[str, Any] = {
    **{name: np for names in NUMPY.values() for name in names.split()},
    **dict.fromkeys(creation.__all__, creation),
    **dict.fromkeys(adapted.__all__, adapted),
}

globals().update({name: getattr(module, name) for name, module in NAMESPACE.items()})


def __dir__() -> list[str]:
    return [*NAMESPACE, "fft", "linalg", "__array_api_version__", "__array_namespace_info__"]


if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
