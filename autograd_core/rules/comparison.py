"""Operations without a derivative: comparisons, logic, bits, classification of values.

They have no rules, so their results are untracked Tensors.
"""

from __future__ import annotations

import numpy as np

from autograd_core.primitive import define

COMPARISONS = (
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
    np.equal,
    np.not_equal,
    np.isclose,
    np.allclose,
    np.array_equal,
    np.array_equiv,
)

LOGIC = (
    np.logical_and,
    np.logical_or,
    np.logical_xor,
    np.logical_not,
)

BITS_AND_INTEGERS = (
    np.bitwise_and,
    np.bitwise_or,
    np.bitwise_xor,
    np.invert,
    np.left_shift,
    np.right_shift,
    np.bitwise_count,
    np.gcd,
    np.lcm,
)

CLASSIFICATION = (
    np.isfinite,
    np.isinf,
    np.isnan,
    np.isnat,
    np.isposinf,
    np.isneginf,
    np.iscomplex,
    np.isreal,
    np.iscomplexobj,
    np.isrealobj,
    np.signbit,
)

# The next float and the distance to it describe the number format, not the number.
NUMBER_FORMAT = (np.nextafter, np.spacing)

for function in (*COMPARISONS, *LOGIC, *BITS_AND_INTEGERS, *CLASSIFICATION, *NUMBER_FORMAT):
    define(function)
