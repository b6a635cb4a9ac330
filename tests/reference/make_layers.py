"""Freeze what PyTorch's layers compute: python tests/reference/make_layers.py (needs torch).

Writes layers.json beside this script: for every case the state dict, the input, and in train and
eval mode the outputs, the gradients of a weighted sum of them, and the buffers afterwards, all in
float64. Numbers that go in are rounded to float32. An "eval" of null is the same as "train".
"""

import json
from pathlib import Path

import torch
from torch import nn

# Layer, its arguments, the shape of the input, and keywords of the call.
CASES = [
    ("ELU", {"alpha": 0.7}, (3, 4)),
    ("GELU", {}, (3, 4)),
    ("GELU", {"approximate": "tanh"}, (3, 4)),
    ("LeakyReLU", {"negative_slope": 0.2}, (3, 4)),
    ("PReLU", {}, (3, 4)),
    ("PReLU", {"num_parameters": 4}, (3, 4, 2)),
    ("ReLU", {}, (3, 4)),
    ("SELU", {}, (3, 4)),
    ("SiLU", {}, (3, 4)),
    ("Sigmoid", {}, (3, 4)),
    ("Softplus", {}, (3, 4)),
    ("Softplus", {"beta": 2.0}, (3, 4)),
    ("Tanh", {}, (3, 4)),
    ("Linear", {"in_features": 4, "out_features": 3}, (2, 3, 4)),
    ("Linear", {"in_features": 4, "out_features": 3, "bias": False}, (2, 4)),
    ("Flatten", {}, (2, 3, 2)),
    ("LayerNorm", {"normalized_shape": 5}, (3, 5)),
    ("LayerNorm", {"normalized_shape": [2, 3], "bias": False}, (3, 2, 3)),
    ("RMSNorm", {"normalized_shape": 5}, (3, 5)),
    ("RMSNorm", {"normalized_shape": [2, 3], "eps": 0.01}, (3, 2, 3)),
    ("GroupNorm", {"num_groups": 2, "num_channels": 4}, (3, 4, 2)),
    ("GroupNorm", {"num_groups": 1, "num_channels": 4, "affine": False}, (3, 4, 2, 2)),
    ("BatchNorm1d", {"num_features": 3}, (5, 3)),
    ("BatchNorm1d", {"num_features": 3, "momentum": None}, (4, 3, 2)),
    ("BatchNorm1d", {"num_features": 3, "track_running_stats": False}, (4, 3)),
    ("BatchNorm2d", {"num_features": 2, "momentum": 0.3, "eps": 1e-3}, (3, 2, 2, 3)),
    ("BatchNorm2d", {"num_features": 2, "affine": False}, (3, 2, 2, 3)),
    ("BatchNorm3d", {"num_features": 2}, (2, 2, 2, 1, 2)),
]
CASES = [(*case, {}) for case in CASES]


def rounded(shape):
    return torch.randn(shape).to(torch.float32).to(torch.float64)


def flat(results):
    """Tensors in nested tuples."""
    if isinstance(results, torch.Tensor):
        return [results]
    return [tensor for result in results or () for tensor in flat(result)]


def run(layer, x, training, keywords):
    layer.train(training)
    layer.zero_grad()
    x = x.clone().requires_grad_()
    results = flat(layer(x, **keywords))
    # Cotangents that anyone can make again.
    sum((result * cosines(result)).sum() for result in results).backward()
    return {
        "outputs": [result.tolist() for result in results],
        "gradients": [x.grad.tolist(), *(p.grad.tolist() for p in layer.parameters())],
        "buffers": [buffer.tolist() for buffer in layer.buffers()],
    }


def cosines(result):
    return torch.cos(torch.arange(result.numel(), dtype=result.dtype)).reshape(result.shape)


def freeze(name, options, shape, keywords):
    layer = getattr(nn, name)(**options).double()
    for parameter in layer.parameters():
        parameter.data = rounded(parameter.shape) * 0.5
    state = {key: tensor.clone() for key, tensor in layer.state_dict().items()}
    x = rounded(shape)
    case = {"layer": name, "options": options, "keywords": keywords, "x": x.tolist()}
    case["state"] = {key: tensor.tolist() for key, tensor in state.items()}
    for mode in ("train", "eval"):
        layer.load_state_dict(state)
        case[mode] = run(layer, x, mode == "train", keywords)
    if case["train"] == case["eval"]:
        case["eval"] = None
    return case


def main():
    torch.manual_seed(0)
    lines = ",\n".join(json.dumps(freeze(*case), separators=(",", ":")) for case in CASES)
    made = f'{{"torch":"{torch.__version__}","cases":[\n{lines}\n]}}\n'
    Path(__file__).with_name("layers.json").write_text(made)


if __name__ == "__main__":
    main()
