"""SciPy's special functions over Tensor, where SciPy looks for them when it is told to dispatch.

The standard has no such extension yet; with ``SCIPY_ARRAY_API=1`` SciPy anticipates one.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def __getattr__(name: str) -> Any:
    from autograd_core.rules.special import special

    function = getattr(special, name, None)
    if isinstance(function, np.ufunc):
        return function
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
