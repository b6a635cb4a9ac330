"""Where a NaN came from, and who wrote into an array: recording that looks at every value."""

from __future__ import annotations

import linecache
import os
import sys
from contextlib import ContextDecorator
from typing import Any, Self

import numpy as np

from autograd_core.errors import AnomalyError, MutationError
from autograd_core.graph import Node, Recorder

# Frames of these folders are not where a user wrote something.
OWN_FOLDERS = tuple(os.path.dirname(path) for path in (__file__, np.__file__))


class detect_anomaly(ContextDecorator, Recorder):
    """Check every value that is recorded or pulled back in this thread, and every saved array.

    Raises AnomalyError at the first operation whose result, or whose gradient, is not finite,
    with the line that recorded it; raises MutationError if an array that a rule
    needs was changed through NumPy. Costs a pass over every array: for finding faults.

    >>> from autograd_core import Tensor
    >>> x = Tensor(np.array(0.0), requires_grad=True)
    >>> with detect_anomaly(), np.errstate(divide="ignore"):
    ...     np.sqrt(x).backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    autograd_core.errors.AnomalyError: sqrt: the gradient of operand 0 is not finite; ...
    """

    def _recreate_cm(self) -> Self:
        return type(self)()  # a decorated function may run in several threads at once

    def recorded(self, node: Node, out: Any) -> None:
        """Note where an operation was recorded and what its saved arrays held; check its result."""
        place = user_line()
        node.notes = {
            "recorded at": place,
            "digests": [(array, digest(array)) for array in node.slots if is_array(array)],
        }
        outputs = out if node.primitive.multiple else (out,)
        if not all(is_finite(part) for part in outputs):
            raise AnomalyError(f"{node.primitive.name}: the result is not finite; recorded {place}")

    def walking(self, node: Node) -> None:
        """Check that the arrays a Node saved still hold what they held."""
        for array, before in (node.notes or {}).get("digests", ()):
            if digest(array) != before:
                raise MutationError(
                    f"{node.primitive.name}: an array of shape {array.shape} that its gradient "
                    f"needs was changed through NumPy since it was recorded {place_of(node)}; "
                    "change a copy"
                )

    def pulled(self, node: Node, source: Node, gradient: Any) -> None:
        """Check a gradient that a rule returned."""
        if not is_finite(gradient):
            operand = node.sources.index(source)
            raise AnomalyError(
                f"{node.primitive.name}: the gradient of operand {operand} is not finite; "
                f"recorded {place_of(node)}"
            )


def is_array(value: Any) -> bool:
    """Whether a saved value is an array that somebody could write into."""
    return isinstance(value, np.ndarray)


def is_finite(value: Any) -> bool:
    """Whether a value holds neither NaN nor infinity."""
    array = getattr(value, "data", value)
    return bool(np.all(np.isfinite(array if isinstance(array, np.ndarray) else value)))


def digest(array: np.ndarray[Any, Any]) -> int:
    """A checksum of an array's contents."""
    import zlib  # late: few look for anomalies

    return zlib.crc32(np.ascontiguousarray(array).tobytes())


def place_of(node: Node) -> str:
    """Where a Node was recorded, if that was noted."""
    return (node.notes or {}).get("recorded at", "outside detect_anomaly()")


def user_line() -> str:
    """The innermost line of the call stack that is neither ours nor NumPy's."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(OWN_FOLDERS):
        frame = frame.f_back
    path, number = frame.f_code.co_filename, frame.f_lineno
    return f'at {path}:{number}: "{linecache.getline(path, number).strip()}"'
