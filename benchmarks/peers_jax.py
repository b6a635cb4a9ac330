"""The same steps in JAX under jit, with parameters and Adam's state donated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import workloads
from benchmarks.timing import fastest

Step = Callable[[], Any]
Parameters = dict[str, Any]

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}


def array(value: Any) -> np.ndarray:
    return np.asarray(value)


# -- models: functions of parameters and inputs ----------------------------------------------------


def linear(p: Parameters, name: str, x: Any) -> Any:
    return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]


def mlp(p: Parameters, x: Any, sizes: Mapping[str, Any]) -> Any:
    activation = ACTIVATIONS[sizes["activation"]]
    layers = len(sizes["widths"]) - 1
    for k in range(layers):
        x = linear(p, f"{2 * k}", x)
        x = activation(x) if k < layers - 1 else x
    return x


def convolution(p: Parameters, name: str, x: Any, padding: int) -> Any:
    pads = [(padding, padding)] * 2
    y = jax.lax.conv_general_dilated(
        x, p[f"{name}.weight"], (1, 1), pads, dimension_numbers=("NHWC", "OIHW", "NHWC")
    )
    return y + p[f"{name}.bias"]


def pooled(x: Any) -> Any:
    """Max pooling: by XLA's window reduction over 2 × 2 places."""
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def lenet(p: Parameters, x: Any, sizes: Mapping[str, Any]) -> Any:
    x = jnp.transpose(x, (0, 2, 3, 1))  # XLA's convolutions on CPUs want channels last
    x = pooled(jax.nn.relu(convolution(p, "0", x, 2)))
    x = pooled(jax.nn.relu(convolution(p, "3", x, 0)))
    x = jnp.transpose(x, (0, 3, 1, 2)).reshape(x.shape[0], -1)
    x = jax.nn.relu(linear(p, "7", x))
    x = jax.nn.relu(linear(p, "9", x))
    return linear(p, "11", x)


def lstm(p: Parameters, x: Any, sizes: Mapping[str, Any], unroll: int = 1) -> Any:
    projected = x @ p["weight_ih_l0"].T + (p["bias_ih_l0"] + p["bias_hh_l0"])
    weight = p["weight_hh_l0"].T

    def cell(state: Any, inputs: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(inputs + h @ weight, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros((x.shape[1], sizes["hidden"]), x.dtype)
    return jax.lax.scan(cell, (zeros, zeros), projected, unroll=unroll)[1]


def layer_norm(p: Parameters, name: str, x: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    deviation = jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5)
    return centred * deviation * p[f"{name}.weight"] + p[f"{name}.bias"]


def attention(p: Parameters, name: str, x: Any, heads: int) -> Any:
    n, length, width = x.shape
    projected = x @ p[f"{name}.in_proj_weight"].T + p[f"{name}.in_proj_bias"]
    q, k, v = jnp.split(projected.reshape(n, length, 3 * heads, width // heads), 3, axis=2)
    attended = jax.nn.dot_product_attention(q, k, v).reshape(n, length, width)
    return linear(p, f"{name}.out_proj", attended)


def transformer(p: Parameters, x: Any, sizes: Mapping[str, Any]) -> Any:
    for k in range(sizes["blocks"]):
        x = x + attention(p, f"{k}.self_attn", layer_norm(p, f"{k}.norm1", x), sizes["heads"])
        hidden = linear(p, f"{k}.linear1", layer_norm(p, f"{k}.norm2", x))
        x = x + linear(p, f"{k}.linear2", jax.nn.gelu(hidden, approximate=False))
    return x


# Forms of the same model; the fastest is measured.
MODELS: dict[str, list[Callable[..., Any]]] = {
    "mlp": [mlp],
    "hvp": [mlp],
    "lenet": [lenet],
    "lstm": [lstm, partial(lstm, unroll=4), partial(lstm, unroll=32)],
    "transformer": [transformer],
}


# -- steps -----------------------------------------------------------------------------------------


def mean_square(output: Any, y: Any) -> Any:
    return jnp.mean((output - y) ** 2)


def cross_entropy(output: Any, y: Any) -> Any:
    chosen = jnp.take_along_axis(jax.nn.log_softmax(output), y[:, None], axis=-1)
    return -chosen.mean()


LOSSES = {"mse": mean_square, "cross_entropy": cross_entropy}


def adam(
    parameters: Parameters, gradients: Parameters, means: Parameters, squares: Parameters, t: Any
) -> tuple[Parameters, Parameters, Parameters]:
    """Kingma and Ba, "Adam: a method for stochastic optimization" (2015)."""
    each = jax.tree.map
    means = each(lambda m, g: 0.9 * m + 0.1 * g, means, gradients)
    squares = each(lambda v, g: 0.999 * v + 0.001 * g * g, squares, gradients)
    rate, correction = workloads.LEARNING_RATE / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
    parameters = each(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v) * correction + 1e-8),
        parameters,
        means,
        squares,
    )
    return parameters, means, squares


def training(kind: str, sizes: Mapping[str, Any], compile: bool) -> Step:
    """Forward, backward and Adam on one batch, in one compiled function."""
    work = workloads.workload(kind, sizes)
    x, y = jnp.asarray(work.x), jnp.asarray(work.y)
    criterion = LOSSES[work.loss]

    def with_model(model: Callable[..., Any]) -> Step:
        @partial(jax.jit, donate_argnums=0)
        def update(state: Any, x: Any, y: Any) -> Any:
            parameters, means, squares, t = state

            def loss(p: Parameters) -> Any:
                return criterion(model(p, x, sizes), y)

            value, gradients = jax.value_and_grad(loss)(parameters)
            t = t + 1
            return value, (*adam(parameters, gradients, means, squares, t), t)

        parameters = {name: jnp.array(value) for name, value in work.parameters.items()}
        zeros = [jax.tree.map(jnp.zeros_like, parameters) for _ in range(2)]
        state = (parameters, *zeros, jnp.zeros((), jnp.float32))

        def step() -> Any:
            nonlocal state
            loss, state = jax.block_until_ready(update(state, x, y))
            return loss

        return step

    return fastest([partial(with_model, model) for model in MODELS[kind]])


def chain(kind: str, sizes: Mapping[str, Any], compile: bool) -> Step:
    """The gradient of a chain of elementwise operations."""
    x = jnp.asarray(workloads.chain_input(sizes["size"]))
    run = jax.jit(jax.grad(lambda x: workloads.chain(jnp, x, sizes["steps"])))
    return lambda: run(x).block_until_ready()


def hessian_vector_product(kind: str, sizes: Mapping[str, Any], compile: bool) -> Step:
    """The curvature of the loss along one direction: forward over backward."""
    work = workloads.workload(kind, sizes)
    x, y = jnp.asarray(work.x), jnp.asarray(work.y)
    parameters = jax.tree.map(jnp.asarray, work.parameters)
    directions = jax.tree.map(jnp.asarray, workloads.vectors(work.parameters))
    gradient = jax.grad(lambda p: mean_square(mlp(p, x, sizes), y))
    run = jax.jit(lambda p, v: jax.jvp(gradient, (p,), (v,))[1])
    return lambda: list(jax.block_until_ready(run(parameters, directions)).values())


BUILDERS = dict.fromkeys(("mlp", "lenet", "lstm", "transformer"), training) | {
    "chain": chain,
    "hvp": hessian_vector_product,
}
