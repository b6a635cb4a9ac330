"""The models in PyTorch's names, which are those of ``nn`` too: one text, two libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

Sizes = Mapping[str, Any]

ACTIVATIONS = {"relu": "ReLU", "tanh": "Tanh"}


def mlp(nn: Any, sizes: Sizes) -> Any:
    layers: list[Any] = []
    for inputs, outputs in pairwise(sizes["widths"]):
        layers += [nn.Linear(inputs, outputs), getattr(nn, ACTIVATIONS[sizes["activation"]])()]
    return nn.Sequential(*layers[:-1])


def lenet(nn: Any, sizes: Sizes) -> Any:
    """LeCun et al., "Gradient-based learning applied to document recognition" (1998), with ReLU."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def lstm(nn: Any, sizes: Sizes) -> Any:
    return nn.LSTM(sizes["inputs"], sizes["hidden"])


def transformer(nn: Any, sizes: Sizes) -> Any:
    settings = {"dropout": 0.0, "activation": "gelu", "batch_first": True, "norm_first": True}
    shape = sizes["width"], sizes["heads"], sizes["feed_forward"]
    blocks = range(sizes["blocks"])
    return nn.Sequential(*[nn.TransformerEncoderLayer(*shape, **settings) for _ in blocks])


MODELS: dict[str, Callable[[Any, Sizes], Any]] = {
    "mlp": mlp,
    "hvp": mlp,
    "lenet": lenet,
    "lstm": lstm,
    "transformer": transformer,
}
