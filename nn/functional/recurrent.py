"""One step of gated recurrent networks: everything after the matrix products, as one operation."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core import operation
from autograd_core.primitive import call
from nn.functional.activation import sigmoid


def lstm_sample(d: Any) -> Any:
    """Gates and a cell."""
    *leading, size = d.shape(min_dims=1, max_dims=2, min_side=2)
    return call(d.array((*leading, 4 * size)), d.array((*leading, size)))


def lstm_rule(g: Any, gates: Any, c: Any, out: Any) -> Any:
    """Gradients of the gates before their sigmoids, and of the cell."""
    g_h, g_c = g
    i, f, _, o = np.split(sigmoid(gates), 4, axis=-1)
    candidate = np.tanh(np.split(gates, 4, axis=-1)[2])
    seen = np.tanh(out[1])
    g_c = g_c + g_h * o * (1 - seen * seen)
    parts = [
        g_c * candidate * (i * (1 - i)),
        g_c * c * (f * (1 - f)),
        g_c * i * (1 - candidate * candidate),
        g_h * seen * (o * (1 - o)),
    ]
    return np.concatenate(parts, axis=-1), g_c * f


@operation(lstm_sample, multiple=True, joint=("gates", "c"), both=lstm_rule)
def lstm_cell(gates: Any, c: Any) -> Any:
    """The next state (h, c) of a long short-term memory.

    ``gates`` (..., 4 H) are input, forget, candidate and output gate before their sigmoids (tanh
    for the candidate), in PyTorch's order: c' = f c + i g, h' = o tanh(c'). Hochreiter and
    Schmidhuber (1997), Gers et al. (2000).

    >>> lstm_cell(np.zeros(4), np.ones(1))
    (array([0.23105858]), array([0.5]))
    """
    i, f, _, o = np.split(sigmoid(gates), 4, axis=-1)
    c = f * c + i * np.tanh(np.split(gates, 4, axis=-1)[2])
    return o * np.tanh(c), c


def gru_sample(d: Any) -> Any:
    """Gates of inputs and of a state, and the state."""
    *leading, size = d.shape(min_dims=1, max_dims=2, min_side=2)
    gates = (*leading, 3 * size)
    return call(d.array(gates), d.array(gates), d.array((*leading, size)))


def gru_gates(x_gates: Any, h_gates: Any) -> Any:
    """Reset gate, update gate, candidate, and the state's part of the candidate."""
    x_reset, x_update, x_new = np.split(x_gates, 3, axis=-1)
    h_reset, h_update, h_new = np.split(h_gates, 3, axis=-1)
    reset, update = sigmoid(x_reset + h_reset), sigmoid(x_update + h_update)
    return reset, update, np.tanh(x_new + reset * h_new), h_new


def gru_rule(g: Any, x_gates: Any, h_gates: Any, h: Any) -> Any:
    """Gradients of both gates before their sigmoids, and of the state."""
    reset, update, candidate, h_new = gru_gates(x_gates, h_gates)
    g_new = g * (1 - update) * (1 - candidate * candidate)
    g_update = g * (h - candidate) * (update * (1 - update))
    g_reset = g_new * h_new * (reset * (1 - reset))
    return (
        np.concatenate([g_reset, g_update, g_new], axis=-1),
        np.concatenate([g_reset, g_update, g_new * reset], axis=-1),
        g * update,
    )


@operation(gru_sample, joint=("x_gates", "h_gates", "h"), all_three=gru_rule)
def gru_cell(x_gates: Any, h_gates: Any, h: Any) -> Any:
    """The next state of a gated recurrent unit.

    ``x_gates`` and ``h_gates`` (..., 3 H) are the products of input and state with their weights,
    for reset gate r, update gate z and candidate: n = tanh(xₙ + r hₙ), h' = (1 - z) n + z h, in
    PyTorch's order and form. Cho et al. (2014).

    >>> gru_cell(np.zeros(3), np.zeros(3), np.ones(1))
    array([0.5])
    """
    _, update, candidate, _ = gru_gates(x_gates, h_gates)
    return candidate + update * (h - candidate)
