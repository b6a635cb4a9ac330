"""The same steps in PyTorch, eager or through torch.compile."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks import workloads
from benchmarks.models import MODELS
from benchmarks.timing import fastest
from benchmarks.workloads import Workload

Step = Callable[[], Any]


def compiled(function: Callable[..., Any], wanted: bool) -> Callable[..., Any]:
    return torch.compile(function) if wanted else function


def array(value: Any) -> np.ndarray:
    return value.detach().numpy()


def model_of(work: Workload) -> nn.Module:
    model = MODELS[work.kind](nn, work.sizes)
    model.load_state_dict({name: torch.tensor(v) for name, v in work.parameters.items()})
    return model


# -- steps -----------------------------------------------------------------------------------------


def training(kind: str, sizes: Mapping[str, Any], compile: bool) -> Step:
    """Forward, backward and Adam on one batch, by the implementation of Adam that is fastest.

    torch.compile gets forward and, through it, backward; Adam's fused kernel needs no compiling.
    """
    work = workloads.workload(kind, sizes)
    first = model_of(work)
    x, y = torch.tensor(work.x), torch.tensor(work.y)
    criterion = {"mse": functional.mse_loss, "cross_entropy": functional.cross_entropy}[work.loss]

    def with_adam(**implementation: bool) -> Step:
        model = copy.deepcopy(first)
        optimizer = torch.optim.Adam(
            model.parameters(), lr=workloads.LEARNING_RATE, **implementation
        )

        def forward(x: Any, y: Any) -> Any:
            output = model(x)
            return criterion(output[0] if kind == "lstm" else output, y)

        loss_of = compiled(forward, compile)

        def step() -> Any:
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(x, y)
            loss.backward()
            optimizer.step()
            return loss

        return step

    if compile:
        return with_adam(fused=True)
    implementations = ({"fused": True}, {"foreach": True}, {"foreach": False})
    return fastest([partial(with_adam, **implementation) for implementation in implementations])


def chain(kind: str, sizes: Mapping[str, Any], compile: bool) -> Step:
    """The gradient of a chain of elementwise operations."""
    x = torch.tensor(workloads.chain_input(sizes["size"]), requires_grad=True)
    value = compiled(lambda x: workloads.chain(torch, x, sizes["steps"]), compile)
    return lambda: torch.autograd.grad(value(x), x)


def hessian_vector_product(kind: str, sizes: Mapping[str, Any], compile: bool) -> Step:
    """The curvature of the loss along one direction: backward twice, or forward over backward."""
    work = workloads.workload(kind, sizes)
    model = model_of(work)
    x, y = torch.tensor(work.x), torch.tensor(work.y)
    primals = dict(model.named_parameters())
    tensors = {name: value.detach() for name, value in primals.items()}
    directions = {n: torch.tensor(v) for n, v in workloads.vectors(work.parameters).items()}

    def loss(parameters: dict[str, Any]) -> Any:
        # Forward mode through mse_loss fails, "ZeroTensors are immutable", so by hand.
        return torch.square(torch.func.functional_call(model, parameters, x) - y).mean()

    def forward_over_backward() -> Step:
        run = compiled(lambda p, v: torch.func.jvp(torch.func.grad(loss), (p,), (v,))[1], compile)
        return lambda: list(run(tensors, directions).values())

    def backward_twice() -> Step:
        def run() -> Any:
            value = functional.mse_loss(model(x), y)
            inputs = tuple(primals.values())
            first = torch.autograd.grad(value, inputs, create_graph=True)
            return torch.autograd.grad(first, inputs, tuple(directions.values()))

        return run

    return forward_over_backward() if compile else fastest([forward_over_backward, backward_twice])


BUILDERS = dict.fromkeys(("mlp", "lenet", "lstm", "transformer"), training) | {
    "chain": chain,
    "hvp": hessian_vector_product,
}
