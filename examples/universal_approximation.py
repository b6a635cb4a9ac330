"""Universal approximation: one hidden layer fits a continuous function the better the wider it is.

Run it: python examples/universal_approximation.py [plot.png]

Cybenko (1989) and Hornik (1991): sums of sigmoids come as close as one likes to any continuous
function on a closed interval. They say nothing of how to find the weights; here Adam does.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

import nn

WIDTHS, EPOCHS, SAMPLES, SEED = (1, 2, 4, 8, 16, 32, 64), 3000, 256, 0


def target(x: np.ndarray) -> np.ndarray:
    """A continuous function with a bend that is not smooth."""
    return np.sin(3 * x) + 0.5 * np.abs(x) - 0.3 * np.cos(7 * x)


def approximate(x: np.ndarray, width: int, epochs: int) -> np.ndarray:
    """What a network with one hidden layer of ``width`` makes of the function."""
    model = nn.MLP([1, width, 1], "tanh", seed=SEED, dtype=np.float64)
    # Bends all over the interval, and not all at 0 where biases of 0 would put them.
    rng = np.random.default_rng(SEED)
    model[0].weight.data[:] = rng.normal(size=(width, 1)) * 3
    model[0].bias.data[:] = -model[0].weight.data[:, 0] * np.linspace(-2, 2, width)
    optimizer = nn.Adam(model.parameters(), lr=0.02)
    nn.fit(
        model,
        nn.DataLoader(x, target(x), batch_size=len(x)),
        loss=nn.functional.mse_loss,
        optimizer=optimizer,
        epochs=epochs,
        callbacks=[nn.BestWeights("loss")],
    )
    return model(x).data


def plot(path: str | Path, x: np.ndarray, fits: dict[int, np.ndarray], errors: Any) -> None:
    """Draw the function with its approximations, and the error against the width."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(x, target(x), "k", linewidth=2, label="function")
    for width, fit in fits.items():
        left.plot(x, fit, linewidth=1, label=f"width {width}")
    left.legend(fontsize="small")
    right.loglog(list(errors), list(errors.values()), "o-")
    right.set_xlabel("width of the hidden layer")
    right.set_ylabel("root mean square error")
    figure.savefig(path)


def main(
    widths: tuple[int, ...] = WIDTHS, epochs: int = EPOCHS, path: str | Path | None = None
) -> dict[int, float]:
    """Print, and return, the error for every width; draw it if there is a path."""
    x = np.linspace(-2, 2, SAMPLES)[:, None]
    fits, errors = {}, {}
    for width in widths:
        fits[width] = approximate(x, width, epochs)
        errors[width] = float(np.sqrt(np.mean((fits[width] - target(x)) ** 2)))
        print(f"width {width:3}: root mean square error {errors[width]:.5f}", flush=True)
    if path is not None:
        plot(path, x, fits, errors)
    return errors


if __name__ == "__main__":
    main(path=sys.argv[1] if len(sys.argv) > 1 else None)
