"""Freeze what PyTorch's optimizers do: python tests/reference/make_optimizers.py (needs torch).

Writes optimizers.json beside this script: initial parameters, the gradient of every step, and the
parameters after some of the steps for each optimizer, set of options and dtype.
"""

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
    ("Adam", {}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.1}),
]


def run(name, options, dtype, initial, gradients):
    parameters = [torch.tensor(array, dtype=dtype, requires_grad=True) for array in initial]
    optimizer = getattr(torch.optim, name)(parameters, **options)
    after = {}
    for step in range(1, STEPS + 1):
        for parameter, gradient in zip(parameters, gradients[step - 1], strict=True):
            parameter.grad = torch.tensor(gradient, dtype=dtype)
        optimizer.step()
        if step in SEEN:
            after[step] = [parameter.detach().numpy().tolist() for parameter in parameters]
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
    made = {"torch": torch.__version__, "initial": initial, "gradients": gradients, "cases": cases}
    Path(__file__).with_name("optimizers.json").write_text(json.dumps(made) + "\n")


if __name__ == "__main__":
    main()
