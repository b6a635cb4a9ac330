"""The same steps written by hand in NumPy: what a regression is measured against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt
from typing import Any

import numpy as np

from benchmarks import workloads
from benchmarks.workloads import Array

Step = Callable[[], Any]
Parameters = dict[str, Array]
# Loss and gradients, the latter written into the arrays of a dict.
Derivative = Callable[[Parameters, Parameters, Array, Array], Any]


def array(value: Any) -> Array:
    return np.asarray(value)


def flat(like: Parameters) -> tuple[Array, Parameters]:
    """One array of zeros, and its parts shaped like the arrays of a dict."""
    whole, parts, start = np.zeros(sum(v.size for v in like.values()), np.float32), {}, 0
    for name, value in like.items():
        parts[name] = whole[start : start + value.size].reshape(value.shape)
        start += value.size
    return whole, parts


def adam(value: Array, gradient: Array, mean: Array, square: Array, t: int) -> None:
    """Kingma and Ba, "Adam: a method for stochastic optimization" (2015)."""
    mean += np.float32(0.1) * (gradient - mean)
    square += np.float32(0.001) * (gradient * gradient - square)
    deviation = np.sqrt(square) * np.float32(1 / sqrt(1 - 0.999**t)) + np.float32(1e-8)
    value -= np.float32(workloads.LEARNING_RATE / (1 - 0.9**t)) * mean / deviation


# -- derivatives -----------------------------------------------------------------------------------


def mean_square(output: Array, y: Array) -> tuple[Any, Array]:
    """The loss, and its gradient by the output."""
    difference = output - y
    return np.mean(difference * difference), difference * np.float32(2 / y.size)


def cross_entropy(output: Array, y: Array) -> tuple[Any, Array]:
    rows = np.arange(len(y))
    shifted = output - output.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    total = powers.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - shifted[rows, y])
    powers /= total
    powers[rows, y] -= 1
    powers *= np.float32(1 / len(y))
    return loss, powers


LOSSES = {"mse": mean_square, "cross_entropy": cross_entropy}


def tanh_slope(g: Array, out: Array) -> Array:
    return g * (1 - out * out)


def relu_slope(g: Array, out: Array) -> Array:
    return g * (out > 0)


ACTIVATIONS: dict[str, tuple[Callable[..., Array], Callable[..., Array]]] = {
    "tanh": (np.tanh, tanh_slope),
    "relu": (lambda x: np.maximum(x, np.float32(0)), relu_slope),
}


def mlp(sizes: Mapping[str, Any]) -> Derivative:
    activation, slope = ACTIVATIONS[sizes["activation"]]
    names = [f"{2 * k}" for k in range(len(sizes["widths"]) - 1)]
    criterion = LOSSES[sizes.get("loss", "cross_entropy")]

    def derivative(p: Parameters, into: Parameters, x: Array, y: Array) -> Any:
        inputs = [x]
        for name in names:
            x = inputs[-1] @ p[f"{name}.weight"].T + p[f"{name}.bias"]
            inputs.append(activation(x) if name != names[-1] else x)
        loss, g = criterion(inputs.pop(), y)
        for name, x in zip(reversed(names), reversed(inputs), strict=True):
            np.matmul(g.T, x, out=into[f"{name}.weight"])
            g.sum(axis=0, out=into[f"{name}.bias"])
            if name != names[0]:
                g = slope(g @ p[f"{name}.weight"], x)
        return loss

    return derivative


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def lstm(sizes: Mapping[str, Any]) -> Derivative:
    """Backward through time; gates in PyTorch's order: input, forget, cell, output."""
    width = sizes["hidden"]

    def derivative(p: Parameters, into: Parameters, x: Array, y: Array) -> Any:
        steps, n, _ = x.shape
        weight = p["weight_hh_l0"]
        projected = x @ p["weight_ih_l0"].T + (p["bias_ih_l0"] + p["bias_hh_l0"])
        hs = np.zeros((steps + 1, n, width), np.float32)
        cs = np.zeros((steps + 1, n, width), np.float32)
        kept = []
        for t in range(steps):
            total = projected[t] + hs[t] @ weight.T
            i, f, _, o = gates = [sigmoid(part) for part in np.split(total, 4, axis=1)]
            gates[2] = np.tanh(total[:, 2 * width : 3 * width])
            cs[t + 1] = f * cs[t] + i * gates[2]
            bent = np.tanh(cs[t + 1])
            hs[t + 1] = o * bent
            kept.append((*gates, bent))
        loss, slopes = mean_square(hs[1:], y)
        totals = np.empty((steps, n, 4 * width), np.float32)
        dh = dc = np.zeros((n, width), np.float32)
        for t in reversed(range(steps)):
            i, f, g, o, bent = kept[t]
            dh = dh + slopes[t]
            dc = dc + dh * o * (1 - bent * bent)
            parts = dc * g * i * (1 - i), dc * cs[t] * f * (1 - f), dc * i * (1 - g * g)
            np.concatenate([*parts, dh * bent * o * (1 - o)], axis=1, out=totals[t])
            dh, dc = totals[t] @ weight, dc * f
        rows = totals.reshape(-1, 4 * width)
        np.matmul(rows.T, x.reshape(len(rows), -1), out=into["weight_ih_l0"])
        np.matmul(rows.T, hs[:-1].reshape(len(rows), -1), out=into["weight_hh_l0"])
        into["bias_ih_l0"][:] = into["bias_hh_l0"][:] = rows.sum(axis=0)
        return loss

    return derivative


DERIVATIVES = {"mlp": mlp, "lstm": lstm}


# -- steps -----------------------------------------------------------------------------------------


def training(kind: str, sizes: Mapping[str, Any], compile: bool) -> Step:
    """Forward, backward and Adam on one batch, with all parameters in one array."""
    work = workloads.workload(kind, sizes)
    values, parameters = flat(work.parameters)
    for name, value in work.parameters.items():
        parameters[name][...] = value
    slopes, gradients = flat(work.parameters)
    mean, square = np.zeros_like(values), np.zeros_like(values)
    derivative = DERIVATIVES[kind](sizes)
    t = 0

    def step() -> Any:
        nonlocal t
        t += 1
        loss = derivative(parameters, gradients, work.x, work.y)
        adam(values, slopes, mean, square, t)
        return loss

    return step


def chain(kind: str, sizes: Mapping[str, Any], compile: bool) -> Step:
    """The gradient of a chain of elementwise operations, from the results of tanh that are kept."""
    x = workloads.chain_input(sizes["size"])
    factor, shift = np.float32(0.999), np.float32(0.1)

    def step() -> Array:
        y, kept = x, []
        for _ in range(sizes["steps"]):
            bent = np.tanh(y * factor + x)
            kept.append(bent)
            y = bent - shift
        y.sum()
        g, gradient = np.ones_like(x), np.zeros_like(x)
        for bent in reversed(kept):
            slope = g * (1 - bent * bent)
            gradient += slope
            g = slope * factor
        gradient += g
        return gradient

    return step


BUILDERS = {"chain": chain, "mlp": training, "lstm": training}
