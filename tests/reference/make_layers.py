"""Freeze what PyTorch's layers compute: python tests/reference/make_layers.py (needs torch).

Writes layers.json beside this script: for every case the state dict, the input, and in train and
eval mode the outputs, the gradients of a weighted sum of them, and the buffers afterwards, all in
float64. Numbers that go in have three decimals. An "eval" of null is the same as "train".
"""

import json
from pathlib import Path

import torch
from torch import nn

# Layer, its arguments, and the shape of the input.
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
    ("Conv1d", {"in_channels": 2, "out_channels": 3, "kernel_size": 3}, (2, 2, 5)),
    (
        "Conv1d",
        {
            "in_channels": 2,
            "out_channels": 2,
            "kernel_size": 3,
            "padding": 2,
            "padding_mode": "circular",
            "groups": 2,
            "bias": False,
        },
        (2, 2, 4),
    ),
    (
        "Conv1d",
        {
            "in_channels": 2,
            "out_channels": 1,
            "kernel_size": 4,
            "padding": "same",
            "padding_mode": "replicate",
        },
        (2, 5),
    ),
    (
        "Conv2d",
        {
            "in_channels": 4,
            "out_channels": 2,
            "kernel_size": [3, 2],
            "stride": [2, 1],
            "padding": [2, 1],
            "dilation": [1, 2],
            "groups": 2,
        },
        (2, 4, 4, 5),
    ),
    (
        "Conv2d",
        {
            "in_channels": 2,
            "out_channels": 1,
            "kernel_size": 3,
            "padding": 1,
            "padding_mode": "reflect",
        },
        (1, 2, 3, 3),
    ),
    (
        "Conv2d",
        {"in_channels": 2, "out_channels": 1, "kernel_size": 2, "padding": "same"},
        (2, 3, 3),
    ),
    ("Conv3d", {"in_channels": 2, "out_channels": 2, "kernel_size": 2}, (1, 2, 2, 3, 2)),
    (
        "ConvTranspose1d",
        {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "stride": 2},
        (2, 2, 3),
    ),
    (
        "ConvTranspose2d",
        {
            "in_channels": 4,
            "out_channels": 2,
            "kernel_size": [3, 2],
            "stride": [2, 3],
            "padding": [1, 0],
            "output_padding": [1, 2],
            "groups": 2,
            "dilation": [2, 1],
        },
        (2, 4, 2, 3),
    ),
    (
        "ConvTranspose3d",
        {"in_channels": 2, "out_channels": 1, "kernel_size": 2, "bias": False},
        (1, 2, 2, 1, 2),
    ),
    ("MaxPool1d", {"kernel_size": 2}, (2, 2, 5)),
    ("MaxPool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, (1, 2, 4, 6)),
    ("MaxPool3d", {"kernel_size": 2, "dilation": 2, "stride": 1}, (1, 1, 3, 4, 3)),
    ("AvgPool1d", {"kernel_size": 2, "stride": 1, "padding": 1}, (2, 2, 4)),
    (
        "AvgPool2d",
        {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
        (1, 2, 4, 5),
    ),
    ("AvgPool3d", {"kernel_size": 2, "ceil_mode": True}, (1, 1, 3, 2, 3)),
    ("AdaptiveAvgPool1d", {"output_size": 3}, (2, 2, 7)),
    ("AdaptiveAvgPool2d", {"output_size": [None, 2]}, (2, 2, 3, 5)),
    ("AdaptiveAvgPool3d", {"output_size": 1}, (1, 2, 2, 3, 2)),
    ("AdaptiveMaxPool1d", {"output_size": 3}, (2, 2, 7)),
    ("AdaptiveMaxPool2d", {"output_size": [2, 3]}, (2, 5, 4)),
    ("AdaptiveMaxPool3d", {"output_size": [2, None, 1]}, (1, 1, 3, 2, 2)),
]
# The same with the shapes of all inputs, and keywords of the call.
CASES = [(name, options, [shape], {}) for name, options, shape in CASES]
STACKED = {"input_size": 2, "hidden_size": 3, "num_layers": 2, "bidirectional": True}
ATTENTION = {"embed_dim": 4, "num_heads": 2}
ENCODER = {"d_model": 4, "nhead": 2, "dim_feedforward": 3, "dropout": 0.0}
HIDDEN = [[False, True, False], [False, False, True], [True, False, False]]
PADDING = [[False, False, True], [False, False, False]]
CASES += [
    ("RNN", {"input_size": 2, "hidden_size": 3}, [(4, 2, 2)], {}),
    ("RNN", {**STACKED, "nonlinearity": "relu"}, [(3, 2, 2), (4, 2, 3)], {}),
    ("LSTM", {"input_size": 2, "hidden_size": 3, "bias": False}, [(3, 2)], {}),
    ("LSTM", {**STACKED, "batch_first": True}, [(2, 3, 2)], {}),
    ("GRU", {"input_size": 2, "hidden_size": 3, "batch_first": True}, [(2, 3, 2)], {}),
    ("GRU", STACKED, [(3, 2, 2), (4, 2, 3)], {}),
    ("MultiheadAttention", ATTENTION, [(3, 2, 4)], {}),
    ("MultiheadAttention", {**ATTENTION, "bias": False}, [(3, 4), (2, 4), (2, 4)], {}),
    (
        "MultiheadAttention",
        {**ATTENTION, "batch_first": True},
        [(2, 3, 4), (2, 3, 4), (2, 3, 4)],
        {"attn_mask": HIDDEN, "key_padding_mask": PADDING, "average_attn_weights": False},
    ),
    (
        "MultiheadAttention",
        ATTENTION,
        [(2, 2, 4)],
        {"attn_mask": [[0.5, -1.0], [0.25, 2.0]], "need_weights": False},
    ),
    ("TransformerEncoderLayer", {**ENCODER, "activation": "gelu"}, [(3, 2, 4)], {}),
    (
        "TransformerEncoderLayer",
        {**ENCODER, "norm_first": True, "batch_first": True},
        [(2, 3, 4)],
        {"src_mask": HIDDEN, "src_key_padding_mask": PADDING},
    ),
]


def rounded(shape):
    return torch.round(torch.randn(shape, dtype=torch.float64), decimals=3)


def flat(results):
    """Tensors in nested tuples."""
    if isinstance(results, torch.Tensor):
        return [results]
    return [tensor for result in results or () for tensor in flat(result)]


def run(layer, inputs, training, keywords):
    layer.train(training)
    layer.zero_grad()
    inputs = [x.clone().requires_grad_() for x in inputs]
    keywords = {k: torch.tensor(v) if isinstance(v, list) else v for k, v in keywords.items()}
    results = flat(layer(*arguments(layer, inputs), **keywords))
    # Cotangents that anyone can make again.
    sum((result * cosines(result)).sum() for result in results).backward()
    return {
        "outputs": [result.tolist() for result in results],
        "gradients": [leaf.grad.tolist() for leaf in (*inputs, *layer.parameters())],
        "buffers": [buffer.tolist() for buffer in layer.buffers()],
    }


def arguments(layer, inputs):
    """One input of an attention is query, key and value."""
    alone = isinstance(layer, nn.MultiheadAttention) and len(inputs) == 1
    return inputs * 3 if alone else inputs


def cosines(result):
    return torch.cos(torch.arange(result.numel(), dtype=result.dtype)).reshape(result.shape)


def freeze(name, options, shapes, keywords):
    layer = getattr(nn, name)(**options).double()
    for parameter in layer.parameters():
        parameter.data = rounded(parameter.shape) * 0.5
    state = {key: tensor.clone() for key, tensor in layer.state_dict().items()}
    inputs = [rounded(shape) for shape in shapes]
    case = {"layer": name, "options": options, "keywords": keywords}
    case["inputs"] = [x.tolist() for x in inputs]
    case["state"] = {key: tensor.tolist() for key, tensor in state.items()}
    for mode in ("train", "eval"):
        layer.load_state_dict(state)
        case[mode] = short(run(layer, inputs, mode == "train", keywords))
    if case["train"] == case["eval"]:
        case["eval"] = None
    return case


def short(value):
    """The value with twelve digits of every number, which is plenty."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, list):
        return [short(item) for item in value]
    return {k: short(v) for k, v in value.items()} if isinstance(value, dict) else value


def main():
    torch.manual_seed(0)
    lines = ",\n".join(json.dumps(freeze(*case), separators=(",", ":")) for case in CASES)
    made = f'{{"torch":"{torch.__version__}","cases":[\n{lines}\n]}}\n'
    Path(__file__).with_name("layers.json").write_text(made)


if __name__ == "__main__":
    main()
