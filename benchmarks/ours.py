"""What is measured of autograd_core and nn: builders of one step, eager or compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

import autograd_core
import nn
from autograd_core import Tensor, gradients, hvp
from benchmarks import workloads
from benchmarks.models import MODELS
from benchmarks.workloads import Workload

Step = Callable[[], Any]


def compiled(function: Callable[..., Any], wanted: bool) -> Callable[..., Any]:
    """The function, or its compiled form."""
    return autograd_core.compile(function) if wanted else function  # type: ignore[attr-defined]


def array(value: Any) -> np.ndarray:
    return value.data if isinstance(value, Tensor) else value


def model_of(work: Workload) -> nn.Module:
    model = MODELS[work.kind](nn, work.sizes)
    model.load_state_dict(work.parameters)
    return model


# -- steps -----------------------------------------------------------------------------------------


def training(kind: str, sizes: Mapping[str, Any], compile: bool) -> Step:
    """Forward, backward and Adam on one batch."""
    work = workloads.workload(kind, sizes)
    model = model_of(work)
    criterion = getattr(nn.functional, f"{work.loss}{'_loss' if work.loss == 'mse' else ''}")
    fused = find_spec("numba") is not None
    optimizer = nn.Adam(model.parameters(), lr=workloads.LEARNING_RATE, fused=fused)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        output = model(x)
        loss = criterion(output[0] if kind == "lstm" else output, y)
        loss.backward()
        optimizer.step()
        return loss

    run = compiled(step, compile)
    return lambda: run(work.x, work.y)


def chain(kind: str, sizes: Mapping[str, Any], compile: bool) -> Step:
    """The gradient of a chain of elementwise operations."""
    x = Tensor(workloads.chain_input(sizes["size"]), requires_grad=True)
    run = compiled(lambda x: gradients(workloads.chain(np, x, sizes["steps"]), x), compile)
    return lambda: run(x)


def hessian_vector_product(kind: str, sizes: Mapping[str, Any], compile: bool) -> Step:
    """The curvature of the loss along one direction."""
    work = workloads.workload(kind, sizes)
    activation = getattr(np, work.sizes["activation"])
    names = list(work.parameters)

    def loss(*parameters: Any) -> Any:
        x = work.x
        *hidden, last = zip(parameters[::2], parameters[1::2], strict=True)
        for weight, bias in hidden:
            x = activation(nn.functional.linear(x, weight, bias))
        return nn.functional.mse_loss(nn.functional.linear(x, *last), work.y)

    directions = workloads.vectors(work.parameters)
    primals = [work.parameters[name] for name in names]
    vectors = [directions[name] for name in names]
    run = compiled(lambda primals, vectors: hvp(loss, primals, vectors), compile)
    return lambda: run(primals, vectors)


BUILDERS = dict.fromkeys(("mlp", "lenet", "lstm", "transformer"), training) | {
    "chain": chain,
    "hvp": hessian_vector_product,
}
