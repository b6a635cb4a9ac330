"""Functions that print arrays or compute with bits, sets and dates: no derivative."""

from __future__ import annotations

import numpy as np

from autograd_core.primitive import define

TEXT = (np.array2string, np.array_repr, np.array_str)

BITS = (np.packbits, np.unpackbits)

DATES = (np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string)

# An old name of isin, gone since NumPy 2.4.
MEMBERSHIP = [getattr(np, name) for name in ("in1d",) if hasattr(np, name)]

for function in (*MEMBERSHIP, *TEXT, *BITS, *DATES, np.einsum_path):
    define(function)
