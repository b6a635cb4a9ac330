"""Forward plus backward of small operations, per operation: ``python -m benchmarks.bench_ops``.

Each row is a chain of 100 operations on one element (what is measured is the engine, not the
arithmetic), recorded and walked back. PyTorch is measured in the same rounds if it is installed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core import Tensor
from benchmarks.timing import interleaved

LENGTH = 100

# One step of each chain, from a module (NumPy or PyTorch), the running value and a leaf.
STEPS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "y + w": lambda m, y, w: y + w,
    "y - 0.1": lambda m, y, w: y - 0.1,
    "y * w": lambda m, y, w: y * w,
    "y * 0.999": lambda m, y, w: y * 0.999,
    "y / w": lambda m, y, w: y / w,
    "-y": lambda m, y, w: -y,
    "sin(y)": lambda m, y, w: m.sin(y),
    "tanh(y)": lambda m, y, w: m.tanh(y),
    "exp(y) - 1": lambda m, y, w: m.exp(y) - 1,
    "tanh(y * 0.999 + w) - 0.1": lambda m, y, w: m.tanh(y * 0.999 + w) - 0.1,
}
OPERATIONS_A_STEP = {"exp(y) - 1": 2, "tanh(y * 0.999 + w) - 0.1": 4}


def chain(module: Any, leaves: tuple[Any, Any], step: Callable[..., Any]) -> Callable[[], None]:
    """A function that records the chain and walks it back."""
    x, w = leaves

    def run() -> None:
        x.grad = w.grad = None
        y = x
        for _ in range(LENGTH):
            y = step(module, y, w)
        y.backward()

    return run


def numpy_leaves() -> tuple[Tensor, Tensor]:
    return tuple(Tensor(np.full(1, v, np.float32), requires_grad=True) for v in (0.1, 1.01))  # type: ignore[return-value]


def main() -> None:
    """Print microseconds per operation, ours and PyTorch's, and their ratio."""
    try:
        torch: Any = importlib.import_module("torch")
        torch.set_num_threads(2)
    except ImportError:
        torch = None
    print(f"{'operation':28}{'ours':>8}{'torch':>8}{'ratio':>8}   µs per operation")
    for name, step in STEPS.items():
        candidates = {"ours": chain(np, numpy_leaves(), step)}
        if torch is not None:
            leaves = tuple(torch.full((1,), v, requires_grad=True) for v in (0.1, 1.01))
            candidates["torch"] = chain(torch, leaves, step)  # type: ignore[arg-type]
        medians = interleaved(candidates)
        per_operation = 1e6 / LENGTH / OPERATIONS_A_STEP.get(name, 1)
        ours = medians["ours"] * per_operation
        if torch is None:
            print(f"{name:28}{ours:8.2f}")
        else:
            theirs = medians["torch"] * per_operation
            print(f"{name:28}{ours:8.2f}{theirs:8.2f}{ours / theirs:8.2f}")


if __name__ == "__main__":
    main()
