"""The numbers every candidate starts from: parameters by PyTorch's names, inputs and targets.

NumPy alone makes them, so that no candidate loads another one's library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Shapes = dict[str, tuple[int, ...]]

LEARNING_RATE = 1e-6  # so small that training goes nowhere: numbers near zero would be slow


@dataclass(frozen=True)
class Workload:
    """A model's sizes and first parameters, and one batch. ``loss``: "mse" or "cross_entropy"."""

    kind: str
    sizes: Mapping[str, Any]
    parameters: dict[str, Array]
    x: Array
    y: Array
    loss: str


def linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def mlp(*, widths: tuple[int, ...], **_: Any) -> Shapes:
    shapes = {}
    for k, (inputs, outputs) in enumerate(pairwise(widths)):
        shapes |= linear(f"{2 * k}", inputs, outputs)
    return shapes


def lenet(**_: Any) -> Shapes:
    return {
        "0.weight": (6, 1, 5, 5),
        "0.bias": (6,),
        "3.weight": (16, 6, 5, 5),
        "3.bias": (16,),
        **linear("7", 400, 120),
        **linear("9", 120, 84),
        **linear("11", 84, 10),
    }


def lstm(*, inputs: int, hidden: int, **_: Any) -> Shapes:
    return {
        "weight_ih_l0": (4 * hidden, inputs),
        "weight_hh_l0": (4 * hidden, hidden),
        "bias_ih_l0": (4 * hidden,),
        "bias_hh_l0": (4 * hidden,),
    }


def transformer(*, width: int, feed_forward: int, blocks: int, **_: Any) -> Shapes:
    block = {
        "self_attn.in_proj_weight": (3 * width, width),
        "self_attn.in_proj_bias": (3 * width,),
        **linear("self_attn.out_proj", width, width),
        **linear("linear1", width, feed_forward),
        **linear("linear2", feed_forward, width),
        "norm1.weight": (width,),
        "norm1.bias": (width,),
        "norm2.weight": (width,),
        "norm2.bias": (width,),
    }
    return {f"{k}.{name}": shape for k in range(blocks) for name, shape in block.items()}


SHAPES: dict[str, Callable[..., Shapes]] = {
    "mlp": mlp,
    "hvp": mlp,
    "lenet": lenet,
    "lstm": lstm,
    "transformer": transformer,
}


def batch(kind: str, rng: np.random.Generator, sizes: Mapping[str, Any]) -> tuple[Array, Array]:
    """Inputs and targets of one batch: numbers to come near to, or classes to recognize."""

    def normal(*shape: int) -> Array:
        return rng.standard_normal(shape, np.float32)

    n = sizes["batch"]
    if kind == "lenet":
        return normal(n, 1, 28, 28), rng.integers(10, size=n)
    if kind == "lstm":
        return normal(sizes["steps"], n, sizes["inputs"]), normal(
            sizes["steps"], n, sizes["hidden"]
        )
    if kind == "transformer":
        shape = n, sizes["steps"], sizes["width"]
        return normal(*shape), normal(*shape)
    inputs, *_, outputs = sizes["widths"]
    y = normal(n, outputs) if "loss" in sizes else rng.integers(outputs, size=n)
    return normal(n, inputs), y


def workload(kind: str, sizes: Mapping[str, Any]) -> Workload:
    """The same bits at every call."""
    rng = np.random.default_rng(0)
    parameters = {}
    for name, shape in SHAPES[kind](**sizes).items():
        bound = 1 / sqrt(prod(shape[1:])) if len(shape) > 1 else 0.1
        parameters[name] = rng.uniform(-bound, bound, shape).astype(np.float32)
        if "norm" in name and name.endswith("weight"):
            parameters[name] += 1
    x, y = batch(kind, rng, sizes)
    loss = "mse" if y.dtype.kind == "f" else "cross_entropy"
    return Workload(kind, sizes, parameters, x, y, loss)


def smaller(kind: str, sizes: Mapping[str, Any]) -> dict[str, Any]:
    """The same model with few parameters: what loads, or compiles, the code that it needs."""
    few = {"blocks": 2} if "blocks" in sizes else {"widths": (4,) * len(sizes["widths"])}
    return {**sizes, **few}


def vectors(parameters: Mapping[str, Array]) -> dict[str, Array]:
    """Directions for Hessian-vector products, one beside each parameter."""
    rng = np.random.default_rng(1)
    return {
        name: rng.standard_normal(value.shape, np.float32) for name, value in parameters.items()
    }


def chain(module: Any, x: Any, steps: int) -> Any:
    """Four operations a step, from a module (NumPy, PyTorch, jax.numpy) and its array."""
    y = x
    for _ in range(steps):
        y = module.tanh(y * 0.999 + x) - 0.1
    return y.sum()


def chain_input(size: int) -> Array:
    return np.linspace(-1, 1, size, dtype=np.float32) if size > 1 else np.array([0.1], np.float32)
