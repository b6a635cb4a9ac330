"""Freeze what PyTorch's optimizers do: python tests/reference/make_optimizers.py (needs torch).

Writes optimizers.json beside this script: initial parameters, the gradient of every step, and the
parameters after some of the steps for each optimizer, set of options and dtype; and for L-BFGS a
loss, and the parameters and the number of evaluations after every step; and the options of all with
their defaults.
"""

import inspect
import json
from pathlib import Path

import numpy as np
import torch

STEPS = 20
SHAPES = [(3, 2), (3,), (1, 3)]
SEEN = [1, 2, 5, STEPS]
CASES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.05, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.05, "betas": (0.5, 0.6), "amsgrad": True}),
    ("Adam", {"lr": 0.05, "maximize": True, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.3}),
    ("AdamW", {"lr": 0.05, "betas": (0.5, 0.6), "amsgrad": True, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.02, "momentum": 0.9}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.8, "centered": True, "eps": 1e-2}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.8, "centered": True, "momentum": 0.5, "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3, "maximize": True}),
]
LBFGS = [
    {"lr": 0.3, "max_iter": 4},
    {"lr": 0.3, "max_iter": 5, "history_size": 2},
    {"max_iter": 4, "line_search_fn": "strong_wolfe"},
    {"max_iter": 3, "history_size": 2, "line_search_fn": "strong_wolfe"},
    {"lr": 5.0, "max_iter": 4, "line_search_fn": "strong_wolfe"},
    {"lr": 0.1, "max_iter": 4, "line_search_fn": "strong_wolfe"},
    {"max_iter": 8, "max_eval": 6, "line_search_fn": "strong_wolfe"},
]
LBFGS_STEPS = 5
# Options about how PyTorch computes and not what, and one that we have for fewer optimizers.
INTERNAL = {"self", "params", "foreach", "capturable", "differentiable", "decoupled_weight_decay"}
UNFUSED = {"Adagrad": {"fused"}}


def options_of(name):
    parameters = inspect.signature(getattr(torch.optim, name).__init__).parameters.values()
    left_out = INTERNAL | UNFUSED.get(name, set())
    return [[p.name, p.default] for p in parameters if p.name not in left_out]


def run(name, options, dtype, initial, gradients):
    parameters = [torch.tensor(array, dtype=dtype, requires_grad=True) for array in initial]
    optimizer = getattr(torch.optim, name)(parameters, **options)
    after = {}
    for step in range(1, STEPS + 1):
        for parameter, gradient in zip(parameters, gradients[step - 1], strict=True):
            parameter.grad = torch.tensor(gradient, dtype=dtype)
        optimizer.step()
        if step in SEEN:
            after[step] = written(parameters)
    return after


def written(parameters):
    """Nested lists with as many digits as the dtype has."""
    digits = {torch.float32: 9, torch.float64: 17}
    return [
        np.reshape(
            [float(f"{x:.{digits[p.dtype]}g}") for x in p.detach().double().ravel()], p.shape
        ).tolist()
        for p in parameters
    ]


def run_lbfgs(options, dtype, initial, loss):
    parameters = [torch.tensor(array, dtype=dtype, requires_grad=True) for array in initial]
    center, matrix = [torch.tensor(loss[name], dtype=dtype) for name in ("center", "matrix")]
    optimizer = torch.optim.LBFGS(parameters, **options)
    evaluations = 0

    def closure():
        nonlocal evaluations
        evaluations += 1
        optimizer.zero_grad()
        x = torch.cat([parameter.ravel() for parameter in parameters])
        value = ((x - center) ** 2).sum() + 0.1 * ((matrix @ x) ** 4).sum()
        value.backward()
        return value

    after = []
    for _ in range(LBFGS_STEPS):
        before = optimizer.step(closure).item()
        after.append(
            {"loss": before, "parameters": written(parameters), "evaluations": evaluations}
        )
    return after


def main():
    rng = np.random.default_rng(0)

    def draw():
        # Rounded to float32, so that both dtypes start from the same numbers.
        return [rng.normal(size=shape).astype(np.float32).tolist() for shape in SHAPES]

    initial, gradients = draw(), [draw() for _ in range(STEPS)]
    cases = [
        {
            "optimizer": name,
            "options": options,
            "dtype": dtype,
            "after": run(name, options, getattr(torch, dtype), initial, gradients),
        }
        for name, options in CASES
        for dtype in ("float32", "float64")
    ]
    size = sum(int(np.prod(shape)) for shape in SHAPES)
    loss = {
        "center": rng.normal(size=size).astype(np.float32).tolist(),
        "matrix": (rng.normal(size=(4, size)) / 2).round(2).tolist(),
    }
    lbfgs = [
        {
            "options": options,
            "dtype": dtype,
            "after": run_lbfgs(options, getattr(torch, dtype), initial, loss),
        }
        for options in LBFGS
        for dtype in ("float32", "float64")
    ]
    made = {"torch": torch.__version__, "initial": initial, "gradients": gradients, "cases": cases}
    names = [*dict.fromkeys(name for name, _ in CASES), "LBFGS"]
    signatures = {name: options_of(name) for name in names}
    made |= {"loss": loss, "lbfgs": lbfgs, "signatures": signatures}
    Path(__file__).with_name("optimizers.json").write_text(json.dumps(made) + "\n")


if __name__ == "__main__":
    main()
