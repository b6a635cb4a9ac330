"""Batch, stochastic and mini-batch gradient descent: one loop, three batch sizes.

Run it: python examples/gradient_descent_variants.py

All three see the data equally often. The whole batch gives the exact gradient, but few steps; one
sample gives many steps, each noisy; a mini-batch gives many steps of little noise.
"""

from time import perf_counter

import numpy as np

import nn
from autograd_core import gradients

SAMPLES, EPOCHS, LEARNING_RATE, SEED = 1024, 10, 0.1, 0


def noise(model: nn.Module, data: nn.DataLoader, exact: np.ndarray) -> float:
    """How far the gradients of batches are from the exact one, in units of its length."""
    errors = [np.sum((gradient(model, *batch) - exact) ** 2) for batch in data]
    return float(np.sqrt(np.mean(errors)) / np.linalg.norm(exact))


def gradient(model: nn.Module, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient of the loss with respect to all parameters, as one vector."""
    loss = nn.functional.mse_loss(model(x), y)
    found = gradients(loss, list(model.parameters()))
    return np.concatenate([part.data.ravel() for part in found])


def main(samples: int = SAMPLES, epochs: int = EPOCHS) -> dict[str, tuple[float, float, int]]:
    """Compare the three on the product of two numbers: loss, noise of the gradient, and steps."""
    rng = np.random.default_rng(SEED)
    x = rng.uniform(-1, 1, size=(samples, 2)).astype(np.float32)
    y = x[:, :1] * x[:, 1:]
    found = {}
    print(f"{'':12} {'batch':>6} {'steps':>6} {'noise':>6} {'loss':>9} {'seconds':>8}")
    for name, batch_size in (("batch", samples), ("stochastic", 1), ("mini-batch", 32)):
        model = nn.MLP([2, 16, 1], "tanh", seed=SEED)
        data = nn.DataLoader(x, y, batch_size=batch_size, shuffle=True, seed=SEED)
        scatter = noise(model, data, gradient(model, x, y))
        start = perf_counter()
        history = nn.fit(
            model,
            data,
            loss=nn.functional.mse_loss,
            optimizer=nn.SGD(model.parameters(), lr=LEARNING_RATE),
            epochs=epochs,
            validation=nn.DataLoader(x, y, batch_size=256),
        )
        seconds = perf_counter() - start
        loss, steps = history["val_loss"][-1], epochs * len(data)
        found[name] = loss, scatter, steps
        print(f"{name:12} {batch_size:6} {steps:6} {scatter:6.2f} {loss:9.5f} {seconds:8.2f}")
    return found


if __name__ == "__main__":
    main()
