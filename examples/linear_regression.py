"""Linear regression as the smallest neural network: learn the line y = 2x + 1.

Run it: python examples/linear_regression.py
"""

import numpy as np

import nn

TRUE_WEIGHT, TRUE_BIAS = 2.0, 1.0
SAMPLES, BATCH_SIZE, EPOCHS, LEARNING_RATE = 8192, 32, 30, 1e-3


def main(epochs: int = EPOCHS, seed: int = 0) -> tuple[float, float]:
    """Train, report, and return the learned weight and bias."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(SAMPLES, 1)).astype(np.float32)
    y = TRUE_WEIGHT * x + TRUE_BIAS

    model = nn.Linear(1, 1, rng=rng)
    optimizer = nn.Adam(model.parameters(), lr=LEARNING_RATE)
    loader = nn.DataLoader(x, y, batch_size=BATCH_SIZE, shuffle=True, seed=seed)

    for epoch in range(epochs):
        total = 0.0
        for inputs, targets in loader:
            loss = nn.functional.mse_loss(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch % 5 == 0 or epoch == epochs - 1:
            print(f"Epoch {epoch + 1:2}/{epochs}: average loss = {total / len(loader):.6f}")

    weight, bias = (parameter.item() for parameter in model.parameters())
    print(f"Learned weight: {weight:.6f}")
    print(f"Learned bias:   {bias:.6f}")
    errors = abs(weight - TRUE_WEIGHT), abs(bias - TRUE_BIAS)
    for name, error, true in zip(("Weight", "Bias"), errors, (TRUE_WEIGHT, TRUE_BIAS), strict=True):
        print(f"{name} error: {error:.6f} ({100 * error / true:.2f}%)")
    verdict = (
        "excellent" if max(errors) < 0.01 else "good" if max(errors) < 0.1 else "not there yet"
    )
    print(f"Model quality: {verdict}")
    return weight, bias


if __name__ == "__main__":
    main()
