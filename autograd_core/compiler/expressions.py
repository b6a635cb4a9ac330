"""Which functions of NumPy a loop can compute, and what to write for them: one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

Dtype = np.dtype[Any]
Function = Callable[..., Any]


class Constant(NamedTuple):
    """A number among operands, which are numbers of values otherwise."""

    value: Any


class Expression(NamedTuple):
    """Python for a function: ``{0}``, ``{1}`` are operands, ``{t}`` is the dtype they have."""

    text: str
    kinds: str = "iuf"  # of the dtype that the operands are cast to
    nanoseconds: float = 0.02  # a float32 element, about


def call(name: str, operands: str = "{0}") -> Expression:
    """A call of a function of ``vector_math``."""
    return Expression(f"{name}_{{t}}({operands})", "f", 0.35)


EXPRESSIONS: dict[Function, Expression] = {
    np.add: Expression("{0} + {1}"),
    np.subtract: Expression("{0} - {1}"),
    np.multiply: Expression("{0} * {1}"),
    np.divide: Expression("{0} / {1}", "f", 0.06),
    np.negative: Expression("-{0}"),
    np.positive: Expression("+{0}"),
    np.square: Expression("{0} * {0}"),
    np.reciprocal: Expression("{t}(1) / {0}", "f", 0.06),
    np.sqrt: Expression("sqrt({0})", "f", 0.06),
    np.absolute: Expression("abs({0})", "if"),
    np.fabs: Expression("abs({0})", "f"),
    np.sign: Expression("{t}(1) if {0} > {t}(0) else ({t}(-1) if {0} < {t}(0) else {0})", "if"),
    np.copysign: Expression("with_sign_{t}({0}, {1})", "f"),
    np.maximum: Expression("{0} if ({0} >= {1}) | ({0} != {0}) else {1}", "biuf"),
    np.minimum: Expression("{0} if ({0} <= {1}) | ({0} != {0}) else {1}", "biuf"),
    np.where: Expression("{1} if {0} else {2}", "biuf"),
    np.astype: Expression("{0}", "biuf"),
    np.equal: Expression("{0} == {1}", "biuf"),
    np.not_equal: Expression("{0} != {1}", "biuf"),
    np.less: Expression("{0} < {1}", "biuf"),
    np.less_equal: Expression("{0} <= {1}", "biuf"),
    np.greater: Expression("{0} > {1}", "biuf"),
    np.greater_equal: Expression("{0} >= {1}", "biuf"),
    np.isnan: Expression("{0} != {0}", "f"),
    np.isinf: Expression("abs({0}) == {t}(inf)", "f"),
    np.isfinite: Expression("abs({0}) < {t}(inf)", "f"),
    np.logical_not: Expression("{0} == {t}(0)", "biuf"),
    np.logical_and: Expression("({0} != {t}(0)) & ({1} != {t}(0))", "biuf"),
    np.logical_or: Expression("({0} != {t}(0)) | ({1} != {t}(0))", "biuf"),
    np.logical_xor: Expression("({0} != {t}(0)) ^ ({1} != {t}(0))", "biuf"),
    np.bitwise_and: Expression("{0} & {1}", "biu"),
    np.bitwise_or: Expression("{0} | {1}", "biu"),
    np.bitwise_xor: Expression("{0} ^ {1}", "biu"),
    np.exp: call("exp"),
    np.expm1: call("expm1"),
    np.log: call("log"),
    np.log1p: call("log1p"),
    np.logaddexp: call("logaddexp", "{0}, {1}"),
    np.tanh: call("tanh"),
    np.sinh: call("sinh"),
    np.cosh: call("cosh"),
}

# Functions of other packages, which need not be there: by where they are defined and their name.
ELSEWHERE: dict[str, Expression] = {
    "scipy.special._ufuncs.erf": call("erf"),
    "scipy.special._ufuncs.erfc": call("erfc"),
    "scipy.special._ufuncs.expit": call("sigmoid"),
    "scipy.special._ufuncs.ndtr": call("normal_cdf"),
    "nn.functional.activation.relu": Expression("{t}(0) if {0} < {t}(0) else {0}"),
    "nn.functional.activation.sigmoid": call("sigmoid"),
    "nn.functional.normal.normal_cdf": call("normal_cdf"),
}

# Powers with a constant exponent.
POWERS: dict[float, Expression] = {
    -2: Expression("{t}(1) / ({0} * {0})", "f", 0.06),
    -1: Expression("{t}(1) / {0}", "f", 0.06),
    0.5: Expression("sqrt({0})", "f", 0.06),
    1: Expression("{0}", "f"),
    2: Expression("{0} * {0}", "iuf"),
    3: Expression("{0} * {0} * {0}", "f"),
    4: Expression("({0} * {0}) * ({0} * {0})", "f"),
}


class Reduction(NamedTuple):
    """How an accumulator {0} takes in an element {1}, and its value before the first."""

    floating: str
    integer: str
    start: Callable[[Dtype], str]

    def accumulate(self, dtype: Dtype, accumulator: str, element: str) -> str:
        """The next value of an accumulator."""
        if dtype.kind == "f":
            return self.floating.format(accumulator, element)
        return f"{dtype}({self.integer.format(accumulator, element)})"


def lowest(dtype: Dtype) -> str:
    """The number below or equal to all others."""
    return "-inf" if dtype.kind == "f" else str(np.iinfo(dtype).min)


def highest(dtype: Dtype) -> str:
    """The number above or equal to all others."""
    return "inf" if dtype.kind == "f" else str(np.iinfo(dtype).max)


REDUCTIONS: dict[Function, Reduction] = {
    np.sum: Reduction("plus({0}, {1})", "{0} + {1}", lambda dtype: "0"),
    np.max: Reduction("larger({0}, {1})", "max({0}, {1})", lowest),
    np.min: Reduction("smaller({0}, {1})", "min({0}, {1})", highest),
}


def expression(function: Function, operands: Sequence[Dtype | Constant]) -> Expression | None:
    """What to write for a function of these operands, if loops can compute it."""
    if function is np.power:
        exponent = operands[1]
        return POWERS.get(exponent.value) if isinstance(exponent, Constant) else None
    known = EXPRESSIONS.get(function)
    return known or ELSEWHERE.get(f"{home(function)}.{getattr(function, '__name__', '')}")


def home(function: Function) -> str:
    """The module of a function; SciPy's ufuncs do not say theirs."""
    if isinstance(function, np.ufunc):
        return "scipy.special._ufuncs"
    return getattr(function, "__module__", "")


def as_argument(operand: Dtype | Constant) -> Any:
    """An operand as NumPy's functions of dtypes want it: numbers of Python adapt to arrays."""
    return operand.value if isinstance(operand, Constant) else operand


def for_ufunc(operand: Dtype | Constant) -> Any:
    """An operand as ``resolve_dtypes`` wants it, which takes types instead of Python's numbers."""
    argument = as_argument(operand)
    if type(argument) in (int, float):
        return type(argument)
    return argument if isinstance(argument, np.dtype) else np.asarray(argument).dtype


def loop_dtypes(
    function: Function, operands: Sequence[Dtype | Constant], dtype: Dtype | None = None
) -> tuple[Dtype, ...]:
    """The dtypes that NumPy casts operands to, and that of the result (``dtype`` for astype).

    TypeError if there are none.

    >>> loop_dtypes(np.less, [np.dtype(np.float32), Constant(1)])
    (dtype('float32'), dtype('float32'), dtype('bool'))
    """
    if function is np.astype:
        (given,) = map(as_argument, operands)
        return given, dtype or given
    if isinstance(function, np.ufunc):
        return function.resolve_dtypes((*map(for_ufunc, operands), None))
    choice = function is np.where
    common = np.result_type(*map(as_argument, operands[choice:]))
    return (*[np.dtype(bool)] * choice, *[common] * (len(operands) - choice), common)


def computable(dtype: Dtype) -> bool:
    """Whether loops can compute with a dtype."""
    return dtype.kind in "biu" or (dtype.kind == "f" and dtype.itemsize in (4, 8))


def supports(function: Function, operands: Sequence[Dtype | Constant]) -> bool:
    """Whether a step of this function may be in a group, given dtypes and constants.

    >>> single = np.dtype(np.float32)
    >>> supports(np.tanh, [single]), supports(np.power, [single, Constant(2)])
    (True, True)
    >>> supports(np.arcsin, [single]), supports(np.tanh, [np.dtype(np.complex64)])
    (False, False)
    """
    dtypes = [each for each in operands if isinstance(each, np.dtype)]
    if not all(map(computable, dtypes)):
        return False
    if function in REDUCTIONS:
        return function is np.sum or dtypes[0].kind != "b"
    known = expression(function, operands)
    if known is None:
        return False
    try:
        loop = loop_dtypes(function, operands)
    except TypeError:
        return False
    kinds = known.kinds + "b" * (function is np.where)  # the condition
    return all(computable(each) and each.kind in kinds for each in loop[:-1])
