"""What is measured: the rows of the table, their bounds, and who competes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bound:
    """Our time may be at most ``ratio`` times that of ``peer``, or of the best peer."""

    ratio: float
    peer: str = "best"

    def __str__(self) -> str:
        return f"{self.ratio:g} × {self.peer}"


@dataclass(frozen=True)
class Candidate:
    """Who does the work: a module with ``BUILDERS``, and how it is asked to do it.

    ``role``: "ours", "peer", or "reference", which is shown and not compared with.
    """

    title: str
    module: str
    library: str
    role: str = "peer"
    compiled: bool = False
    numba: bool = True


OURS = ("benchmarks.ours", "autograd_core", "ours")
CANDIDATES = {
    "ours": Candidate("eager", *OURS),
    "ours-plain": Candidate("eager, no numba", *OURS, numba=False),
    "ours-compiled": Candidate("compiled", *OURS, compiled=True),
    "ours-compiled-plain": Candidate("compiled, no numba", *OURS, compiled=True, numba=False),
    "torch": Candidate("PyTorch", "benchmarks.peers_torch", "torch"),
    "torch-compile": Candidate("torch.compile", "benchmarks.peers_torch", "torch", compiled=True),
    "jax": Candidate("jax.jit", "benchmarks.peers_jax", "jax", compiled=True),
    "numpy": Candidate("NumPy by hand", "benchmarks.reference", "numpy", "reference"),
}

# Who is asked about memory.
FRUGAL = ("ours", "ours-plain", "ours-compiled", "ours-compiled-plain", "torch")


@dataclass(frozen=True)
class Row:
    """One workload: ``kind`` names what every candidate's module builds from ``sizes``.

    A sample is the seconds of one call in a turn, or, if ``unit`` is not "s" or the work happens in
    a process of its own (``calls_itself``), what the call returns.
    """

    name: str
    title: str
    kind: str
    sizes: Mapping[str, Any]
    eager: Bound
    compiled: Bound | None = None
    unit: str = "s"
    calls_itself: bool = False
    candidates: tuple[str, ...] = tuple(CANDIDATES)


CHAIN = {"steps": 50}
SMALL = {"batch": 64, "widths": (32, 64, 64, 1), "activation": "tanh", "loss": "mse"}
MEDIUM = {"batch": 128, "widths": (784, 512, 256, 10), "activation": "relu"}
LARGE = {"batch": 256, "widths": (1024, 2048, 2048, 1000), "activation": "relu"}
BLOCK = {"batch": 8, "steps": 64, "width": 128, "heads": 4, "feed_forward": 512}

ROWS = (
    Row(
        "chain-1",
        "chain of 200 operations, 1 element",
        "chain",
        {**CHAIN, "size": 1},
        Bound(0.6, "torch"),
        Bound(0.2, "torch"),
    ),
    Row(
        "chain-1000",
        "chain of 200 operations, 1,000 elements",
        "chain",
        {**CHAIN, "size": 1000},
        Bound(0.6, "torch"),
        Bound(1.2, "jax"),
    ),
    Row(
        "chain-100000",
        "chain of 200 operations, 100,000 elements",
        "chain",
        {**CHAIN, "size": 100_000},
        Bound(0.9, "torch"),
        Bound(1.0, "jax"),
    ),
    Row("mlp-small", "MLP, small", "mlp", SMALL, Bound(1.0), Bound(0.65)),
    Row("mlp-medium", "MLP, medium", "mlp", MEDIUM, Bound(1.05), Bound(0.95)),
    Row("mlp-large", "MLP, large", "mlp", LARGE, Bound(1.0), Bound(0.92)),
    Row("lenet", "LeNet, batch 64, 28 × 28", "lenet", {"batch": 64}, Bound(1.2), Bound(1.0)),
    Row(
        "lstm",
        "LSTM, batch 32, 32 steps, 64 → 128",
        "lstm",
        {"batch": 32, "steps": 32, "inputs": 64, "hidden": 128},
        Bound(1.5),
        Bound(1.1),
    ),
    Row(
        "transformer",
        "Transformer encoder layer",
        "transformer",
        {**BLOCK, "blocks": 1},
        Bound(1.2),
        Bound(1.0),
    ),
    Row(
        "hvp",
        "Hessian-vector product, small MLP",
        "hvp",
        SMALL,
        Bound(0.8, "torch"),
        Bound(1.0),
    ),
    Row(
        "import",
        "import",
        "import",
        {},
        Bound(0.15),
        calls_itself=True,
        candidates=("ours", "torch", "jax", "numpy"),
    ),
    Row(
        "memory-mlp",
        "peak memory, large MLP",
        "memory",
        {"of": "mlp", **LARGE},
        Bound(1.0),
        Bound(0.9),
        unit="B",
        calls_itself=True,
        candidates=FRUGAL,
    ),
    Row(
        "memory-transformer",
        "peak memory, transformer of 12 blocks",
        "memory",
        {"of": "transformer", **BLOCK, "blocks": 12},
        Bound(1.0),
        Bound(0.9),
        unit="B",
        calls_itself=True,
        candidates=FRUGAL,
    ),
)
