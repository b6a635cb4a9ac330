"""One step of a long short-term memory, forward and backward, as loops for numba to compile.

They compute what the functions of the same names in ``sequence`` do, each element in one go. Each
inner loop runs over one stretch of memory, which LLVM makes vector instructions of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core.compiler.vector_math import Precision, compiled

Loop = Callable[..., None]


def lstm_step(p: Precision) -> Loop:
    """The loop of ``sequence.lstm_step``."""
    sigmoid, tanh = compiled("sigmoid", p), compiled("tanh", p)

    def step(gates: Any, inputs: Any, bias: Any, c: Any, cells: Any, outputs: Any) -> None:
        samples, size = c.shape
        for n in range(samples):
            for j in range(size):
                gates[n, j] = sigmoid(gates[n, j] + inputs[n, j] + bias[j])
            for j in range(size):
                k = size + j
                gates[n, k] = sigmoid(gates[n, k] + inputs[n, k] + bias[k])
            for j in range(size):
                k = 2 * size + j
                gates[n, k] = tanh(gates[n, k] + inputs[n, k] + bias[k])
            for j in range(size):
                k = 3 * size + j
                gates[n, k] = sigmoid(gates[n, k] + inputs[n, k] + bias[k])
            for j in range(size):
                kept = gates[n, size + j] * c[n, j]
                cell = kept + gates[n, j] * gates[n, 2 * size + j]
                cells[n, j] = cell
                outputs[n, j] = gates[n, 3 * size + j] * tanh(cell)

    return step


def lstm_step_back(p: Precision) -> Loop:
    """The loop of ``sequence.lstm_step_back``."""
    tanh, one = compiled("tanh", p), p.real(1)

    def step(
        g_output: Any,
        g_cell: Any,
        g_activations: Any,
        activations: Any,
        cell: Any,
        before: Any,
        g_h: Any,
        g_c: Any,
        g_gates: Any,
    ) -> None:
        samples, size = g_h.shape
        for n in range(samples):
            for j in range(size):
                i, f = activations[n, j], activations[n, size + j]
                candidate, o = activations[n, 2 * size + j], activations[n, 3 * size + j]
                seen = tanh(cell[n, j])
                g_output_all = g_h[n, j] + g_output[n, j]
                g = g_c[n, j] + g_cell[n, j] + g_output_all * o * (one - seen * seen)
                g_i = g * candidate + g_activations[n, j]
                g_f = g * before[n, j] + g_activations[n, size + j]
                g_candidate = g * i + g_activations[n, 2 * size + j]
                g_o = g_output_all * seen + g_activations[n, 3 * size + j]
                g_gates[n, j] = g_i * i * (one - i)
                g_gates[n, size + j] = g_f * f * (one - f)
                g_gates[n, 2 * size + j] = g_candidate * (one - candidate * candidate)
                g_gates[n, 3 * size + j] = g_o * o * (one - o)
                g_c[n, j] = g * f

    return step
