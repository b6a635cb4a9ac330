"""Freeze what PyTorch's losses are: python tests/reference/make_losses.py (needs torch).

Writes losses.json beside this script: the operands by name, and for each case and dtype the loss
and its gradients with respect to the operands that are not targets; and the settings of the loss
modules with their defaults.
"""

import inspect
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(0)


def floats(values):
    # Rounded to float32, so that both dtypes start from the same numbers.
    return np.asarray(values).astype(np.float32).tolist()


def probabilities(*shape):
    e = np.exp(rng.normal(size=shape))
    return floats(e / e.sum(axis=1, keepdims=True))


OPERANDS = {
    "x": floats(2 * rng.normal(size=(5, 4))),
    "z": floats(2 * rng.normal(size=(5, 4))),
    "row": floats(2 * rng.normal(size=4)),
    "scores": floats(2 * rng.normal(size=6)),
    "others": floats(2 * rng.normal(size=6)),
    "image": floats(rng.normal(size=(2, 3, 2, 2))),
    "unit": floats(rng.uniform(0.05, 0.95, size=(5, 4))),
    "p": probabilities(5, 4),
    "log p": floats(np.log(probabilities(5, 4))),
    "log q": floats(np.log(probabilities(5, 4))),
    "holes": [[1.0, 0.0, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0], *probabilities(3, 4)],
    "truth": [[1.0, 0.0, 0.25, 1.0], [0.0, 0.0, 1.0, 0.0], *floats(rng.uniform(size=(3, 4)))],
    "signs": [1, -1, -1, 1, 1, -1],
    "sign of rows": [1, -1, 1, -1, -1],
    "classes": [0, 3, 2, 1, 3],
    "some ignored": [0, -100, 2, -100, 3],
    "some of class 2": [0, 2, 2, 1, 3],
    "class": 2,
    "pixels": rng.integers(0, 3, size=(2, 2, 2)).tolist(),
    "labels": [[3, 0, -1, 1], [1, -1, 2, 0], [-1, 0, 1, 2], [0, 1, 2, 3], [2, 2, -1, 0]],
    "weight of classes": [0.5, 2.0, 1.0, 0.25],
    "weight of 3": [0.5, 2.0, 1.0],
    "weight of all": floats(rng.uniform(0.1, 2, size=(5, 4))),
}
TARGETS = {"p", "holes", "truth", "log p"}
REDUCTIONS = [{}, {"reduction": "sum"}, {"reduction": "none"}]
CASES = [
    ("mse_loss", ["x", "z"], REDUCTIONS),
    ("mse_loss", ["x", "z"], [{"weight": "weight of all"}]),
    ("l1_loss", ["x", "z"], [*REDUCTIONS, {"weight": "weight of all"}]),
    ("huber_loss", ["x", "z"], [*REDUCTIONS, {"delta": 0.3}, {"weight": "weight of all"}]),
    ("smooth_l1_loss", ["x", "z"], [*REDUCTIONS, {"beta": 0.3}, {"beta": 0.0}]),
    ("binary_cross_entropy", ["unit", "truth"], [*REDUCTIONS, {"weight": "weight of all"}]),
    (
        "binary_cross_entropy_with_logits",
        ["x", "truth"],
        [
            *REDUCTIONS,
            {"weight": "weight of all"},
            {"pos_weight": "weight of classes"},
            {"weight": "weight of all", "pos_weight": "weight of classes", "reduction": "sum"},
        ],
    ),
    (
        "cross_entropy",
        ["x", "classes"],
        [
            *REDUCTIONS,
            {"weight": "weight of classes"},
            {"label_smoothing": 0.1},
            {"weight": "weight of classes", "label_smoothing": 0.2},
            {"weight": "weight of classes", "label_smoothing": 0.2, "reduction": "none"},
        ],
    ),
    (
        "cross_entropy",
        ["x", "some ignored"],
        [
            *REDUCTIONS,
            {"label_smoothing": 0.1},
            {"weight": "weight of classes", "label_smoothing": 0.2},
            {"label_smoothing": 0.2, "reduction": "sum"},
            {"label_smoothing": 0.2, "reduction": "none"},
        ],
    ),
    (
        "cross_entropy",
        ["x", "some of class 2"],
        [
            {"ignore_index": 2},
            {"ignore_index": 2, "label_smoothing": 0.1, "weight": "weight of classes"},
        ],
    ),
    (
        "cross_entropy",
        ["x", "p"],
        [
            *REDUCTIONS,
            {"weight": "weight of classes"},
            {"weight": "weight of classes", "label_smoothing": 0.2, "reduction": "sum"},
        ],
    ),
    ("cross_entropy", ["row", "class"], [{}, {"label_smoothing": 0.3}]),
    ("cross_entropy", ["image", "pixels"], [*REDUCTIONS, {"weight": "weight of 3"}]),
    ("cross_entropy", ["image", "pixels"], [{"weight": "weight of 3", "label_smoothing": 0.3}]),
    ("nll_loss", ["log q", "classes"], [*REDUCTIONS, {"weight": "weight of classes"}]),
    ("nll_loss", ["log q", "some ignored"], [*REDUCTIONS, {"weight": "weight of classes"}]),
    ("nll_loss", ["image", "pixels"], [{"weight": "weight of 3"}, {"reduction": "none"}]),
    ("kl_div", ["log q", "p"], [*REDUCTIONS, {"reduction": "batchmean"}]),
    ("kl_div", ["log q", "holes"], [{"reduction": "batchmean"}, {"reduction": "none"}]),
    ("kl_div", ["log q", "log p"], [{"log_target": True, "reduction": "batchmean"}]),
    ("hinge_embedding_loss", ["scores", "signs"], [*REDUCTIONS, {"margin": 0.4}]),
    ("soft_margin_loss", ["scores", "signs"], REDUCTIONS),
    ("margin_ranking_loss", ["scores", "others", "signs"], [*REDUCTIONS, {"margin": 0.7}]),
    (
        "multi_margin_loss",
        ["x", "classes"],
        [*REDUCTIONS, {"p": 2, "margin": 0.6}, {"weight": "weight of classes"}],
    ),
    ("multi_margin_loss", ["row", "class"], [{}]),
    ("multilabel_margin_loss", ["x", "labels"], REDUCTIONS),
    (
        "multilabel_soft_margin_loss",
        ["x", "truth"],
        [*REDUCTIONS, {"weight": "weight of classes"}],
    ),
    ("cosine_embedding_loss", ["x", "z", "sign of rows"], [*REDUCTIONS, {"margin": 0.3}]),
]

MODULES = [
    "MSELoss",
    "L1Loss",
    "HuberLoss",
    "SmoothL1Loss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "MultiLabelSoftMarginLoss",
    "CrossEntropyLoss",
    "NLLLoss",
    "KLDivLoss",
    "SoftMarginLoss",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "MultiMarginLoss",
    "MultiLabelMarginLoss",
    "CosineEmbeddingLoss",
]


def tensor(name, dtype):
    value = torch.tensor(OPERANDS[name])
    return value.to(dtype) if value.is_floating_point() else value


def run(loss, operands, options, dtype):
    given = [tensor(name, dtype) for name in operands]
    wanted = [
        value.requires_grad_()
        for name, value in zip(operands, given, strict=True)
        if value.is_floating_point() and name not in TARGETS
    ]
    settings = {
        name: tensor(value, dtype) if value in OPERANDS else value
        for name, value in options.items()
    }
    value = getattr(F, loss)(*given, **settings)
    value.sum().backward()
    return written(value), [written(operand.grad) for operand in wanted]


def written(value):
    """Nested lists with as many digits as the dtype has."""
    digits = {torch.float32: 9, torch.float64: 17}[value.dtype]
    numbers = [float(f"{number:.{digits}g}") for number in value.detach().double().ravel()]
    return np.reshape(numbers, value.shape).tolist()


def settings_of(module):
    parameters = inspect.signature(module.__init__).parameters.values()
    left_out = ("self", "size_average", "reduce")
    return [[p.name, p.default] for p in parameters if p.name not in left_out]


def main():
    cases = []
    for loss, operands, variants in CASES:
        for options in variants:
            for dtype in ("float32", "float64"):
                value, gradients = run(loss, operands, options, getattr(torch, dtype))
                cases.append(
                    {
                        "loss": loss,
                        "operands": operands,
                        "options": options,
                        "dtype": dtype,
                        "value": value,
                        "gradients": gradients,
                    }
                )
    made = {
        "torch": torch.__version__,
        "targets": sorted(TARGETS),
        "operands": OPERANDS,
        "cases": cases,
        "signatures": {name: settings_of(getattr(torch.nn, name)) for name in MODULES},
    }
    Path(__file__).with_name("losses.json").write_text(json.dumps(made) + "\n")


if __name__ == "__main__":
    main()
