"""Recurrent networks through all of time, each layer and direction as one operation.

Inputs come projected: their products with the weights of all gates, which one matrix product makes
for all times at once. Forward steps write into arrays made before. So do those backward through an
LSTM, an operation of their own (``lstm_pull``); its gradients, and with them all higher
derivatives, come from a formula that computes the same (``lstm_pull_formula``). What a step of an
LSTM does after its product runs as one loop where ``kernels`` suit (``sequence_loops``).

A sigmoid is computed as (1 + tanh(x / 2)) / 2, so that one tanh serves all gates of a step.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from autograd_core import operation, vjp
from autograd_core.errors import ShapeError
from autograd_core.kernels import are_alike, machine_code
from autograd_core.primitive import call
from nn.functional.linear import rows


def operands(d: Any, gates: int, parts: int = 1) -> tuple[Any, ...]:
    """A draw of projected inputs for a few steps, as many states as wanted, and a weight."""
    steps, samples, size = d.integer(1, 3), d.integer(1, 2), d.integer(1, 2)
    states = [d.array((samples, size)) for _ in range(parts)]
    return d.array((steps, samples, gates * size)), *states, d.array((gates * size, size))


def empty(gates: Any, size: int, dtype: Any) -> Any:
    """An array for numbers of some size at all times."""
    return np.empty_like(gates, dtype, "C", shape=(*gates.shape[:-1], size))


def check_width(name: str, gates: Any, weight: Any, h: Any, count: int) -> None:
    """Raise ShapeError unless projected inputs and the weight have ``count`` gates for a state."""
    samples, size = h.shape
    expected = (samples, count * size), (count * size, size)
    if (gates.shape[1:], weight.shape) != expected:
        raise ShapeError(
            f"{name}: got projected inputs of shape {gates.shape} and a weight of shape "
            f"{weight.shape} for a state of shape {h.shape}; expected (T, {samples}, "
            f"{count * size}) and {expected[1]}"
        )


def check_cells(name: str, c: Any, h: Any) -> None:
    """Raise ShapeError unless both parts of a state have the same shape."""
    if c.shape != h.shape:
        raise ShapeError(
            f"{name}: got a state of shapes {h.shape} and {c.shape}; expected the same shape"
        )


def in_c_order(array: Any) -> Any:
    """The array, or a copy whose elements lie in the order of its axes."""
    return array if array.flags.c_contiguous else array.copy()


def in_machine_code(name: str, given: Sequence[Any], dimensions: tuple[int, ...]) -> Any:
    """The loop for a step, where it is faster than NumPy; None elsewhere."""
    if not are_alike(*given):
        return None
    from nn.functional import sequence_loops

    return machine_code(getattr(sequence_loops, name), given[0].dtype, *dimensions)


def earlier(first: Any, states: Any) -> Any:
    """The state before each step."""
    return np.concatenate([first[None], states])[:-1]


def in_order(steps: list[Any], like: Any) -> Any:
    """What was computed from the last step to the first, as an array; like another if empty."""
    return np.stack(steps[::-1]) if steps else np.zeros_like(like)


def product_sum(g: Any, h: Any) -> Any:
    """The gradient of a weight that takes h to something with cotangent g, at all times."""
    return rows(g).T @ rows(h)


# -- Elman's network -------------------------------------------------------------------------------


def rnn_sample(d: Any) -> Any:
    """Operands, and which nonlinearity."""
    return call(*operands(d, 1), d.choice(["tanh", "relu"]))


def rnn_rule(g: Any, h: Any, weight: Any, nonlinearity: str, out: Any) -> Any:
    """Back through time; the slopes follow from the outputs."""
    slopes = 1 - out * out if nonlinearity == "tanh" else (out > 0).astype(out.dtype)
    g_h = np.zeros_like(h)
    steps = []
    for t in reversed(range(len(out))):
        step = (g_h + g[t]) * slopes[t]
        g_h = step @ weight
        steps.append(step)
    g_inputs = in_order(steps, out)
    return g_inputs, g_h, product_sum(g_inputs, earlier(h, out))


@operation(rnn_sample, joint=("inputs", "h", "weight"), all_three=rnn_rule)
def rnn_sequence(inputs: Any, h: Any, weight: Any, nonlinearity: str = "tanh") -> Any:
    """Outputs (T, N, H) of Elman's network: h' = tanh(x + U h), or with "relu".

    ``inputs`` (T, N, H) are projected, with every bias added; h (N, H) is the state before.

    >>> rnn_sequence(np.ones((2, 1, 1)), np.ones((1, 1)), np.ones((1, 1)), "relu").ravel()
    array([2., 3.])
    """
    check_width("rnn_sequence", inputs, weight, h, 1)
    outputs = empty(inputs, h.shape[-1], np.result_type(inputs, h, weight))
    weight = np.ascontiguousarray(weight.T)
    for t, x in enumerate(inputs):
        output = np.matmul(h, weight, out=outputs[t])
        output += x
        if nonlinearity == "tanh":
            np.tanh(output, out=output)
        else:
            np.maximum(output, 0, out=output)
        h = output
    return outputs


# -- long short-term memory ------------------------------------------------------------------------


def is_candidate(like: Any, width: int) -> Any:
    """1 at the candidate, which is a tanh, and 0 at the other gates: (4 H,)."""
    mask = np.zeros_like(like, like.real.dtype, shape=width)
    mask[width // 2 : width - width // 4] = 1
    return mask


def quarters(gates: Any) -> Any:
    """The four gates of one step, as views."""
    size = gates.shape[-1] // 4
    return (gates[:, k * size : (k + 1) * size] for k in range(4))


def lstm_step(like: Any, width: int) -> Callable[..., None]:
    """A function for one step of gates (N, 4 H), from the cells ``c`` before.

    ``gates``, the product of outputs and weight, become what the gates let through.
    """
    shift = 0.5 * (1 - is_candidate(like, width))
    scale = 1 - shift

    def step(gates: Any, inputs: Any, bias: Any, c: Any, cells: Any, outputs: Any) -> None:
        gates += inputs
        gates += bias
        gates *= scale
        np.tanh(gates, out=gates)
        gates *= scale
        gates += shift
        i, f, candidate, o = quarters(gates)
        np.multiply(f, c, out=cells)
        np.multiply(i, candidate, out=outputs)
        cells += outputs
        np.tanh(cells, out=outputs)
        outputs *= o

    return step


def lstm_step_back(like: Any, width: int) -> Callable[..., None]:
    """A function for one step back through gates (N, 4 H).

    ``g_h`` and ``g_c`` are what later steps give to outputs and cells; ``g_c`` becomes what this
    one gives to the cells ``before``. The derivative of a sigmoid s is s (1 - s), that of a tanh t
    is (1 + t)(1 - t).
    """
    mask = is_candidate(like, width)
    slopes = np.empty_like(like, shape=(len(like), width))

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
        i, f, candidate, o = quarters(activations)
        g_i, g_f, g_candidate, g_o = quarters(g_gates)
        g_h += g_output
        seen = np.tanh(cell, dtype=g_h.dtype)
        np.multiply(g_h, seen, out=g_o)
        seen *= seen
        np.subtract(1, seen, out=seen)
        seen *= o
        seen *= g_h
        g_c += seen
        g_c += g_cell
        np.multiply(g_c, candidate, out=g_i)
        np.multiply(g_c, before, out=g_f)
        np.multiply(g_c, i, out=g_candidate)
        g_gates += g_activations
        g_gates *= np.add(activations, mask, out=slopes)
        g_gates *= np.subtract(1, activations, out=slopes)
        g_c *= f

    return step


def lstm_pull_formula(
    g_outputs: Any,
    g_cells: Any,
    g_activations: Any,
    h: Any,
    c: Any,
    weight: Any,
    outputs: Any,
    cells: Any,
    activations: Any,
) -> Any:
    """What ``lstm_pull`` computes, as a formula of operations that can be differentiated."""
    i, f, candidate, o = np.split(activations, 4, axis=-1)
    seen = np.tanh(cells)
    slopes = (activations + is_candidate(activations, activations.shape[-1])) * (1 - activations)
    factors = np.concatenate([candidate, earlier(c, cells), i, seen], axis=-1)
    through = o * (1 - seen * seen)
    g_h, g_c = np.zeros_like(h), np.zeros_like(c)
    steps = []
    for t in reversed(range(len(outputs))):
        g_h = g_h + g_outputs[t]
        g_c = g_c + g_cells[t] + g_h * through[t]
        step = np.concatenate([g_c, g_c, g_c, g_h], axis=-1) * factors[t]
        step = (step + g_activations[t]) * slopes[t]
        g_h, g_c = step @ weight, g_c * f[t]
        steps.append(step)
    g_gates = in_order(steps, activations)
    return g_gates, g_h, g_c, product_sum(g_gates, earlier(h, outputs))


def lstm_pull_sample(d: Any) -> Any:
    """Cotangents, operands and results, which need not belong together."""
    gates, h, c, weight = operands(d, 4, parts=2)
    like = [(*gates.shape[:2], h.shape[1])] * 2 + [gates.shape]
    return call(*map(d.array, like), h, c, weight, *map(d.array, like))


def derived(formula: Callable[..., Any]) -> Callable[..., Any]:
    """The rule of an operation that computes what a formula does, from the formula's gradients.

    Rules are not conjugated, as the results of ``vjp`` are.
    """

    @wraps(formula)
    def rule(g: Any, *operands: Any) -> Any:
        _, pull = vjp(formula, *operands)
        return tuple(map(np.conj, pull(tuple(map(np.conj, g)))))

    return rule


@operation(
    lstm_pull_sample,
    multiple=True,
    joint=tuple(inspect.signature(lstm_pull_formula).parameters),
    all_nine=derived(lstm_pull_formula),
)
def lstm_pull(
    g_outputs: Any,
    g_cells: Any,
    g_activations: Any,
    h: Any,
    c: Any,
    weight: Any,
    outputs: Any,
    cells: Any,
    activations: Any,
) -> Any:
    """Gradients of what ``lstm_sequence`` takes, back through time in arrays made before."""
    check_width("lstm_pull", activations, weight, h, 4)
    check_cells("lstm_pull", c, h)
    given = (g_outputs, g_cells, g_activations, h, c, weight, cells, activations)
    dtype = np.result_type(*given)
    g_gates = empty(activations, len(weight), dtype)
    g_h, g_c = (np.zeros_like(h, dtype, "C") for _ in range(2))
    loop = in_machine_code("lstm_step_back", given, (2,) * 9)
    step_back = loop or lstm_step_back(g_h, len(weight))
    cells, c, activations = map(in_c_order, (cells, c, activations))
    cotangents = [*map(in_c_order, (g_outputs, g_cells, g_activations))]
    for t in reversed(range(len(outputs))):
        before = cells[t - 1] if t else c
        taken = [each[t] for each in (*cotangents, activations, cells)]
        step_back(*taken, before, g_h, g_c, g_gates[t])
        np.matmul(g_gates[t], weight, out=g_h)
    return g_gates, g_h, g_c, product_sum(g_gates, earlier(h, outputs))


def lstm_rule(g: Any, h: Any, c: Any, weight: Any, out: Any) -> Any:
    """Back through time."""
    outputs, cells, activations = out
    g_outputs, g_cells, g_activations = g
    gradients = lstm_pull(
        g_outputs, g_cells, g_activations, h, c, weight, outputs, cells, activations
    )
    return *gradients, rows(gradients[0]).sum(axis=0)


def lstm_sample(d: Any) -> Any:
    """Operands, with a bias."""
    gates, h, c, weight = operands(d, 4, parts=2)
    return call(gates, h, c, weight, d.array((len(weight),)))


@operation(
    lstm_sample, multiple=True, joint=("gates", "h", "c", "weight", "bias"), all_five=lstm_rule
)
def lstm_sequence(gates: Any, h: Any, c: Any, weight: Any, bias: Any) -> Any:
    """Outputs and cells (T, N, H) of a long short-term memory, and its gates (T, N, 4 H).

    ``gates`` (T, N, 4 H) are projected inputs, h and c (N, H) the state before, ``weight``
    (4 H, H) and ``bias`` (4 H,) take outputs to gates. Each step is that of ``lstm_cell``.

    >>> state, weight, bias = np.ones((1, 1)), np.zeros((4, 1)), np.zeros(4)
    >>> outputs, cells, _ = lstm_sequence(np.zeros((1, 1, 4)), state, state, weight, bias)
    >>> outputs, cells
    (array([[[0.23105858]]]), array([[[0.5]]]))
    """
    check_width("lstm_sequence", gates, weight, h, 4)
    check_cells("lstm_sequence", c, h)
    bias = np.broadcast_to(bias, (len(weight),))
    given = (gates, h, c, weight, bias)
    size, dtype = h.shape[-1], np.result_type(*given)
    outputs, cells, activations = (empty(gates, width * size, dtype) for width in (1, 1, 4))
    step = in_machine_code("lstm_step", given, (2, 2, 1, 2, 2, 2)) or lstm_step(outputs, 4 * size)
    gates, bias, c, weight = map(in_c_order, (gates, bias, c, weight.T))
    for t, inputs in enumerate(gates):
        np.matmul(h, weight, out=activations[t])
        step(activations[t], inputs, bias, c, cells[t], outputs[t])
        h, c = outputs[t], cells[t]
    return outputs, cells, activations


# -- gated recurrent units -------------------------------------------------------------------------


def gru_sample(d: Any) -> Any:
    """Operands, with a bias or without."""
    gates, h, weight = operands(d, 3)
    return call(gates, h, weight, d.array((len(weight),)))


def gru_rule(g: Any, h: Any, weight: Any, out: Any) -> Any:
    """Back through time, with everything but the recurrence computed before."""
    g_outputs, g_activations, g_parts = g
    outputs, activations, parts = out
    before = earlier(h, outputs)
    reset, update, candidate = np.split(activations, 3, axis=-1)
    own_reset, own_update, own_candidate = np.split(g_activations, 3, axis=-1)
    slope = 1 - candidate * candidate
    to_candidate = (1 - update) * slope
    to_update = (before - candidate) * (update * (1 - update))
    to_reset = parts * (reset * (1 - reset))
    own_candidate = own_candidate * slope
    own_update = own_update * (update * (1 - update))
    own_reset = own_reset * (reset * (1 - reset))
    g_h = np.zeros_like(h)
    x_steps, h_steps = [], []
    for t in reversed(range(len(outputs))):
        g_h = g_h + g_outputs[t]
        g_new = g_h * to_candidate[t] + own_candidate[t]
        shared = [g_new * to_reset[t] + own_reset[t], g_h * to_update[t] + own_update[t]]
        h_step = np.concatenate([*shared, g_new * reset[t] + g_parts[t]], axis=-1)
        x_steps.append(np.concatenate([*shared, g_new], axis=-1))
        h_steps.append(h_step)
        g_h = g_h * update[t] + h_step @ weight
    g_gates = in_order(h_steps, activations)
    return (
        in_order(x_steps, activations),
        g_h,
        product_sum(g_gates, before),
        rows(g_gates).sum(axis=0),
    )


@operation(gru_sample, multiple=True, joint=("gates", "h", "weight", "bias"), all_four=gru_rule)
def gru_sequence(gates: Any, h: Any, weight: Any, bias: Any) -> Any:
    """Outputs (T, N, H) of gated recurrent units, their gates (T, N, 3 H), and Uₙ h + bₙ.

    ``gates`` (T, N, 3 H) are projected inputs, h (N, H) is the state before, ``weight`` (3 H, H)
    and ``bias`` (3 H,) take outputs to gates. Each step is that of ``gru_cell``.

    >>> weight, bias = np.zeros((3, 1)), np.zeros(3)
    >>> gru_sequence(np.zeros((2, 1, 3)), np.ones((1, 1)), weight, bias)[0].ravel()
    array([0.5 , 0.25])
    """
    check_width("gru_sequence", gates, weight, h, 3)
    size, dtype = h.shape[-1], np.result_type(gates, h, weight, bias)
    outputs, activations, parts = (empty(gates, width * size, dtype) for width in (1, 3, 1))
    weight = np.ascontiguousarray(weight.T)
    for t, inputs in enumerate(gates):
        step = np.matmul(h, weight, out=activations[t])
        step += bias
        parts[t] = step[:, 2 * size :]
        both, candidate = step[:, : 2 * size], step[:, 2 * size :]
        both += inputs[:, : 2 * size]
        both *= 0.5
        np.tanh(both, out=both)
        both *= 0.5
        both += 0.5
        reset, update = both[:, :size], both[:, size:]
        np.multiply(reset, parts[t], out=candidate)
        candidate += inputs[:, 2 * size :]
        np.tanh(candidate, out=candidate)
        h = np.subtract(h, candidate, out=outputs[t])
        h *= update
        h += candidate
    return outputs, activations, parts
