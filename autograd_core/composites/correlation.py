"""The correlation of sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.tensor import as_tensor, composite

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np


@composite(np.correlate)
def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """A convolution with the other sequence conjugated and reversed."""
    a, v = as_tensor(a), as_tensor(v)
    if v.size <= a.size:
        return np.convolve(a, np.conj(v)[::-1], mode)
    return _np.convolve(np.conj(v), a[::-1], mode)[::-1]
