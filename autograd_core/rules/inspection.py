"""Functions that print arrays or compute with bits and dates: no derivative."""

from __future__ import annotations

import numpy as np

from autograd_core.primitive import define

TEXT = (np.array2string, np.array_repr, np.array_str)

BITS = (np.packbits, np.unpackbits)

DATES = (np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string)

for function in (*TEXT, *BITS, *DATES, np.einsum_path):
    define(function)
