"""Vanishing and exploding gradients: the same deep network with other activations and weights.

Run it: python examples/vanishing_gradients.py

Going backward through a layer multiplies the gradient by the weights and by the slope of the
activation. That of the sigmoid is at most 1/4: after 20 layers nothing is left. Rectifiers have
slope 1, and initial weights of the right size keep the variance from layer to layer; twice the size
explodes. Normalizing before each sigmoid helps, but cannot make its slope steeper.
"""

import numpy as np

import nn
from nn.statistics import diagnose

DEPTH, WIDTH, SAMPLES, SEED = 20, 64, 256, 0

# Name, activation, factor of the initial weights, and the norm before every activation.
NETWORKS = [
    ("sigmoid", "sigmoid", 1.0, None),
    ("tanh", "tanh", 1.0, None),
    ("ReLU", "relu", 1.0, None),
    ("ReLU, weights twice as large", "relu", 2.0, None),
    ("sigmoid after LayerNorm", "sigmoid", 1.0, "layer"),
]


def main(depth: int = DEPTH, width: int = WIDTH) -> dict[str, list[float]]:
    """Print, and return, the size of the gradient at every layer of every network."""
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(SAMPLES, 8)).astype(np.float32)
    y = np.sin(x.sum(axis=1, keepdims=True))
    signals = {}
    for name, activation, factor, norm in NETWORKS:
        sizes = [8, *[width] * depth, 1]
        model = nn.MLP(sizes, activation, norm=norm, seed=SEED)
        for parameter in model.parameters():
            parameter.data *= factor
        found = diagnose(model, x, y, nn.functional.mse_loss)
        signals[name] = [layer.signal for layer in found.layers if layer.kind == "Linear"]
        first, middle, last = (signals[name][k] for k in (0, depth // 2, -1))
        print(f"{name}: ∂L/∂z, backward: {last:.0e} (output), {middle:.0e}, {first:.0e} (input)")
        for finding in found.findings or ["healthy"]:
            print(f"    {finding}")
    return signals


if __name__ == "__main__":
    main()
