"""Linear algebra of the array API standard: NumPy's functions."""

from typing import TYPE_CHECKING, Any

import numpy as np

NUMPY = """
    cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power matrix_rank
    matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm
"""

globals().update({name: getattr(np.linalg, name) for name in NUMPY.split()})


def __dir__() -> list[str]:
    return [*NUMPY.split()]


if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
