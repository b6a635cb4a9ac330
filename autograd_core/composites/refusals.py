"""What composites refuse, as recorded operations do."""

from __future__ import annotations

from typing import Any

from autograd_core.errors import MutationError


def refuse_out(name: str, out: Any) -> None:
    """Raise if a function was asked to write its result into an array."""
    if out is not None:
        raise MutationError(
            f"{name}: out= cannot be recorded, Tensors are values; leave it away and use the result"
        )
