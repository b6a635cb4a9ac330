"""Backpropagation by hand beside the engine's: one hidden layer, sigmoids throughout, on XOR.

    z₁ = X W₁ + b₁    a₁ = σ(z₁)    z₂ = a₁ W₂ + b₂    ŷ = σ(z₂)

Run it: python examples/sigmoid_mlp.py
"""

import numpy as np

from autograd_core import Tensor
from nn.functional import binary_cross_entropy_with_logits, half_mse_loss, sigmoid

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])
HIDDEN = 8

Arrays = list[np.ndarray]


def initial(seed: int) -> Arrays:
    """W₁, b₁, W₂ and b₂."""
    rng = np.random.default_rng(seed)
    return [
        rng.normal(size=(2, HIDDEN)),
        np.zeros(HIDDEN),
        rng.normal(size=(HIDDEN, 1)),
        np.zeros(1),
    ]


def forward(parameters: list[Tensor]) -> Tensor:
    """The logits z₂, recorded by the engine."""
    w1, b1, w2, b2 = parameters
    return sigmoid(X @ w1 + b1) @ w2 + b2


def gradients_by_hand(parameters: Arrays, loss: str) -> Arrays:
    """The gradients of the four parameters, from the equations."""
    w1, b1, w2, b2 = parameters
    a1 = sigmoid(X @ w1 + b1)
    prediction = sigmoid(a1 @ w2 + b2)
    # δ₂ = ∂L/∂z₂. That it is ŷ - y is often said of the mean squared error, but it is the
    # cross-entropy, summed over the samples (divide by N for the mean), whose logarithm cancels the
    # derivative of the sigmoid at the output. The squared error (1/2N) Σ (ŷ - y)² keeps it.
    if loss == "cross-entropy":
        delta2 = prediction - Y
    else:
        delta2 = (prediction - Y) * prediction * (1 - prediction) / len(X)
    delta1 = delta2 @ w2.T * (a1 * (1 - a1))
    return [X.T @ delta1, delta1.sum(axis=0), a1.T @ delta2, delta2.sum(axis=0)]


def gradients_by_engine(parameters: Arrays, loss: str) -> Arrays:
    """The same, from the recorded graph."""
    leaves = [Tensor(array, requires_grad=True) for array in parameters]
    logits = forward(leaves)
    if loss == "cross-entropy":
        binary_cross_entropy_with_logits(logits, Y, reduction="sum").backward()
    else:
        half_mse_loss(sigmoid(logits), Y).backward()
    return [np.asarray(leaf.grad) for leaf in leaves]


def difference(parameters: Arrays, loss: str) -> float:
    """The largest difference between the two."""
    by_hand, by_engine = gradients_by_hand(parameters, loss), gradients_by_engine(parameters, loss)
    return max(np.abs(a - b).max() for a, b in zip(by_hand, by_engine, strict=True))


def main(steps: int = 2000, learning_rate: float = 0.5, seed: int = 0) -> dict[str, float]:
    """Compare the gradients, then learn XOR by plain gradient descent."""
    found = {}
    for loss in ("cross-entropy", "half mean squared error"):
        found[loss] = difference(initial(seed), loss)
        print(f"{loss}: by hand and by engine differ by {found[loss]:.1e} at most")

    parameters = [Tensor(array, requires_grad=True) for array in initial(seed)]
    for step in range(steps + 1):
        loss = binary_cross_entropy_with_logits(forward(parameters), Y, reduction="sum")
        if step % (steps // 4) == 0:
            print(f"step {step:4}: loss = {loss.item():.4f}")
        loss.backward()
        for parameter in parameters:
            parameter.data = parameter.data - learning_rate * parameter.grad
            parameter.grad = None
    prediction = sigmoid(forward(parameters)).detach()
    print(f"ŷ = {prediction.data.ravel().round(3)} for y = {Y.ravel()}")
    return found | {"error": float(np.abs(prediction.data - Y).max())}


if __name__ == "__main__":
    main()
