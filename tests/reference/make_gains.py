"""Freeze PyTorch's gains and initializer signatures: python tests/reference/make_gains.py.

Needs torch. Writes gains.json beside this script.
"""

import inspect
import json
from pathlib import Path

import torch
from torch.nn import init

GAINS = [
    ("linear", None),
    ("conv1d", None),
    ("conv2d", None),
    ("conv3d", None),
    ("sigmoid", None),
    ("tanh", None),
    ("relu", None),
    ("leaky_relu", None),
    ("leaky_relu", 0.2),
    ("selu", None),
]
FUNCTIONS = [
    "constant_",
    "zeros_",
    "ones_",
    "uniform_",
    "normal_",
    "trunc_normal_",
    "xavier_uniform_",
    "xavier_normal_",
    "kaiming_uniform_",
    "kaiming_normal_",
    "orthogonal_",
    "calculate_gain",
]


def main():
    made = {
        "torch": torch.__version__,
        "gains": [
            [name, parameter, init.calculate_gain(name, parameter)] for name, parameter in GAINS
        ],
        "signatures": {
            name: list(inspect.signature(getattr(init, name)).parameters) for name in FUNCTIONS
        },
    }
    Path(__file__).with_name("gains.json").write_text(json.dumps(made) + "\n")


if __name__ == "__main__":
    main()
