"""What numba has no name for: instructions of LLVM, arrays on the stack, calls without dispatch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from autograd_core.errors import require

# Held while numba compiles: its lock of its own does not cover all that it shares.
COMPILING = threading.RLock()

# Elements of a local array.
BLOCK = 128


@cache
def instructions() -> SimpleNamespace:
    """Functions that a compiled function may call, each a few instructions.

    ``muladd(x, y, z)`` is x y + z, rounded once where the machine can; ``polynomial(x, c)`` takes
    coefficients, the highest first; ``plus`` is a sum whose order LLVM may choose, and so is
    ``plus_product(x, y, z)``, x + y z; ``larger`` and ``smaller`` keep NaN.
    """
    require("numba", "fast")
    from llvmlite import ir
    from numba.extending import intrinsic

    def llvm(name: str, builder: Any, *values: Any) -> Any:
        kind = values[0].type
        signature = ir.FunctionType(kind, [kind] * len(values))
        operation = builder.module.declare_intrinsic(f"llvm.{name}", [kind], signature)
        return builder.call(operation, values)

    @intrinsic  # type: ignore[untyped-decorator]
    def muladd(typing: Any, x: Any, y: Any, z: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return llvm("fmuladd", builder, *values)

        return x(x, y, z), generate

    @intrinsic  # type: ignore[untyped-decorator]
    def polynomial(typing: Any, x: Any, coefficients: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            x, coefficients = values
            count = len(coefficients.type)
            value, *rest = [builder.extract_value(coefficients, i) for i in range(count)]
            for coefficient in rest:
                value = llvm("fmuladd", builder, value, x, coefficient)
            return value

        return x(x, coefficients), generate

    @intrinsic  # type: ignore[untyped-decorator]
    def plus(typing: Any, x: Any, y: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return builder.fadd(*values, flags=("reassoc",))

        return x(x, y), generate

    @intrinsic  # type: ignore[untyped-decorator]
    def plus_product(typing: Any, x: Any, y: Any, z: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            x, y, z = values
            product = builder.fmul(y, z, flags=("contract",))
            return builder.fadd(x, product, flags=("reassoc", "contract"))

        return x(x, y, z), generate

    def extremum(name: str) -> Any:
        @intrinsic  # type: ignore[untyped-decorator]
        def extremum(typing: Any, x: Any, y: Any) -> Any:
            def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
                return llvm(name, builder, *values)

            return x(x, y), generate

        return extremum

    return SimpleNamespace(
        muladd=muladd,
        polynomial=polynomial,
        plus=plus,
        plus_product=plus_product,
        larger=extremum("maximum"),
        smaller=extremum("minimum"),
    )


@cache
def local_array(dtype: str) -> Any:
    """A function that makes an array of ``BLOCK`` elements on the stack of its caller."""
    numba: Any = require("numba", "fast")
    from llvmlite import ir
    from numba.extending import intrinsic

    element = numba.from_dtype(np.dtype(dtype))

    @intrinsic  # type: ignore[untyped-decorator]
    def pointer(typing: Any) -> Any:
        def allocate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            kind = context.get_data_type(element)
            with builder.goto_entry_block():
                memory = builder.alloca(ir.ArrayType(kind, BLOCK))
                memory.align = 64
                return builder.bitcast(memory, kind.as_pointer())

        return numba.types.CPointer(element)(), allocate

    # Called without arguments: numba supplies the first one.
    allocated: Any = pointer

    def local_array() -> Any:
        return numba.carray(allocated(), BLOCK)

    return numba.njit(forceinline=True)(local_array)


def entry_point(function: Callable[..., Any], types: tuple[Any, ...]) -> Any:
    """A function compiled by numba, as a built-in one without numba's dispatch.

    ``njit`` cannot be told that arrays do not overlap. But without knowing LLVM has to compare all
    addresses at run time, and gives up vector instructions where there are many arrays.
    """
    compiler: Any = require("numba.core.compiler", "fast")
    target: Any = require("numba.core.registry", "fast").cpu_target
    none: Any = require("numba", "fast").none

    flags = compiler.Flags()
    flags.nrt = True
    flags.release_gil = True
    flags.error_model = "numpy"
    flags.noalias = True
    contexts = (target.typing_context, target.target_context)
    for context in contexts:
        context.refresh()
    result = compiler.compile_extra(*contexts, function, types, none, flags, {})
    return result.entry_point
