"""What a gradient check found: a report if all is well, an error that reproduces itself if not."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.errors import AutogradError
from autograd_core.tensor import Tensor
from autograd_core.testing.differences import Verdict


class GradientError(AutogradError, AssertionError):
    """A gradient is wrong; the message says where, by how much, and how to see it again."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One place where the analytic gradient and the differences disagree.

    ``place`` names the input and the index in it (or the direction, for projections); ``output``
    the element of the result it is a derivative of, if one was singled out.
    """

    place: str
    output: str
    analytic: float
    numeric: float
    allowed: float
    verdict: Verdict

    def __str__(self) -> str:
        of = f" of {self.output}" if self.output else ""
        return (
            f"{self.place}{of}: analytic {self.analytic:.10g}, numeric {self.numeric:.10g} "
            f"(differ by {abs(self.analytic - self.numeric):.2g}, allowed {self.allowed:.2g}), "
            f"verdict: {self.verdict}"
        )


@dataclass(frozen=True, slots=True)
class GradReport:
    """What ``gradcheck`` compared.

    ``mode`` is how (elementwise, full or projection) and ``order`` of which derivative;
    ``comparisons`` counts the numbers compared, ``evaluations`` the forward calls that took;
    ``error`` is the largest difference seen where the function is smooth. ``nonsmooth`` lists the
    kinks and jumps that were accepted.
    """

    mode: str
    order: int
    comparisons: int
    evaluations: int
    error: float
    nonsmooth: tuple[Mismatch, ...]


def reproducer(fn: Callable[..., Any], inputs: Sequence[Any], options: Mapping[str, Any]) -> str:
    """Python code that runs the same check again.

    >>> print(reproducer(np.tanh, [np.array([1.0])], {"order": 2}))
    import numpy as np
    from autograd_core.testing import gradcheck
    <BLANKLINE>
    gradcheck(np.tanh, [np.array([1.0])], order=2)
    """
    statement, expression = source_of(fn)
    arguments = [expression, value_code(list(inputs))]
    arguments += [f"{name}={value!r}" for name, value in options.items()]
    call = f"gradcheck({', '.join(arguments)})"
    special = "from numpy import inf, nan" if re.search(r"\b(inf|nan)\b", call) else ""
    ours = "from autograd_core.testing import gradcheck"
    lines = ["import numpy as np", special, ours, statement]
    return "\n".join(line for line in lines if line) + f"\n\n{call}"


def source_of(fn: Callable[..., Any]) -> tuple[str, str]:
    """An import statement (or nothing) and an expression that give a function again."""
    write: Callable[[], tuple[str, str]] | None = getattr(fn, "code", None)
    if write is not None:
        return write()
    # SciPy's ufuncs have no more than a short name, and do not say where they are from.
    name = getattr(fn, "__qualname__", getattr(fn, "__name__", type(fn).__qualname__))
    module = getattr(fn, "__module__", None) or "scipy.special"
    if getattr(np, name, None) is fn:
        return "", f"np.{name}"
    if name.isidentifier() and module != "__main__":
        return f"from {module} import {name}", name
    try:
        where = f"{inspect.getsourcefile(fn)}:{inspect.getsourcelines(fn)[1]}"
    except (OSError, TypeError):
        where = module
    return f"fn = ...  # {name} of {where}", "fn"


DEFAULT_DTYPES = {np.array(value).dtype for value in (True, 1, 1.0, 1j)}


def value_code(value: Any) -> str:
    """An expression for an array, a number or a container of them, exact to the last bit."""
    if isinstance(value, Tensor):
        return value_code(value.data)
    if isinstance(value, np.ndarray):
        # A list tells its dtype only if that is the default, and without elements not its shape.
        data = f"{value.tolist()!r}" if value.size else f"np.zeros({value.shape})"
        told = value.size and value.dtype in DEFAULT_DTYPES
        return f"np.array({data})" if told else f"np.array({data}, dtype=np.{value.dtype})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {value_code(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        items = ", ".join(map(value_code, value))
        if isinstance(value, list):
            return f"[{items}]"
        return f"({items},)" if len(value) == 1 else f"({items})"
    return source_of(value)[1] if callable(value) else repr(value)
