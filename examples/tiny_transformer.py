"""A tiny transformer learns to sort digits: python examples/tiny_transformer.py.

Every position of the output may depend on every position of the input, and on which position it is:
attention gives the one, the positional encoding the other.
"""

import numpy as np

import nn
from autograd_core import Tensor, manual_seed, no_grad

DIGITS = 10


def positional_encoding(length: int, width: int) -> np.ndarray:
    """Sines and cosines of the position, in wavelengths from 2π to 10000 · 2π: (length, width).

    Vaswani et al., "Attention Is All You Need" (2017), section 3.5.
    """
    angles = np.arange(length)[:, None] / 10_000 ** (np.arange(0, width, 2) / width)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(length, width)


class Sorter(nn.Module):
    """Digits (N, L) to scores (N, L, 10) for the digit at every place of the sorted sequence."""

    def __init__(self, length: int, width: int = 32, layers: int = 2) -> None:
        self.embedding = nn.Embedding(DIGITS, width)
        self.register_buffer("positions", positional_encoding(length, width).astype(np.float32))
        block = nn.TransformerEncoderLayer(
            width, 4, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(block, layers, nn.LayerNorm(width))
        self.head = nn.Linear(width, DIGITS)

    def forward(self, digits: np.ndarray) -> Tensor:
        return self.head(self.encoder(self.embedding(digits) + self.positions))


def accuracy(model: Sorter, digits: np.ndarray) -> float:
    """The share of places that have the right digit."""
    with no_grad():
        scores = model.eval()(digits)
    model.train()
    return float((scores.data.argmax(axis=-1) == np.sort(digits)).mean())


def main(length: int = 8, steps: int = 600, seed: int = 0) -> float:
    manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = Sorter(length)
    optimizer = nn.Adam(model.parameters(), lr=3e-3)
    unseen = rng.integers(DIGITS, size=(500, length))
    for step in range(1, steps + 1):
        digits = rng.integers(DIGITS, size=(64, length))
        scores = model(digits).reshape(-1, DIGITS)
        loss = nn.functional.cross_entropy(scores, np.sort(digits).reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % max(steps // 6, 1) == 0:
            found = accuracy(model, unseen)
            print(f"Step {step:4d}: loss = {loss.item():.4f}, accuracy = {found:.4f}")
    digits = unseen[:1]
    with no_grad():
        result = model.eval()(digits).data.argmax(axis=-1)
    print(f"{digits[0]} sorted is {result[0]}")
    return accuracy(model, unseen)


if __name__ == "__main__":
    main()
