"""Recurrent layers: stacked, in one or both directions, with PyTorch's names and gates."""

from __future__ import annotations

from math import sqrt
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from nn import functional, init
from nn.errors import LayerShapeError, OptionError, check_positive
from nn.functional.dropout import check_probability
from nn.functional.sequence import gru_sequence, lstm_sequence, rnn_sequence
from nn.module import Module, Parameter

# The state of one layer in one direction: (h,), or (h, c) for LSTM.
State = tuple[Any, ...]


class Recurrent(Module):
    """What recurrent layers share: the parameters, stacked layers, directions and states."""

    # How many gates one step computes, and how many arrays a state is made of.
    gates: ClassVar[int] = 1
    parts: ClassVar[int] = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        rng: np.random.Generator | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        name = type(self).__name__
        check_positive(name, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        check_probability(name, dropout)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.rng = rng
        # The order of the states: layer by layer, forward before backward.
        directions = ("", "_reverse") if bidirectional else ("",)
        self.runs = [f"l{k}{direction}" for k in range(num_layers) for direction in directions]
        bound, rows = 1 / sqrt(hidden_size), self.gates * hidden_size
        for run in self.runs:
            width = input_size if run.startswith("l0") else hidden_size * len(directions)
            shapes: dict[str, tuple[int, ...]] = {
                "weight_ih": (rows, width),
                "weight_hh": (rows, hidden_size),
            }
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            for kind, shape in shapes.items():
                parameter = Parameter(np.empty(shape, dtype))
                setattr(self, f"{kind}_{run}", init.uniform_(parameter, -bound, bound, rng))

    def forward(self, x: Any, state: Any = None) -> Any:
        """The outputs of the last layer at all times, and the last state of every layer."""
        self.check(x)
        single = x.ndim == 2
        if single:
            x = x[:, None]
        elif self.batch_first:
            x = np.swapaxes(x, 0, 1)
        states = self.states(x.shape[1], state, single)
        width = 2 if self.bidirectional else 1
        for first in range(0, len(self.runs), width):
            if first:
                x = functional.dropout(x, self.dropout, self.training, self.rng)
            outputs = []
            for k in range(first, first + width):
                output, states[k] = self.through_time(x, self.runs[k], states[k])
                outputs.append(output)
            x = outputs[0] if width == 1 else np.concatenate(outputs, axis=-1)
        last = [np.stack(parts) for parts in zip(*states, strict=True)]
        if single:
            x, last = x[:, 0], [part[:, 0] for part in last]
        elif self.batch_first:
            x = np.swapaxes(x, 0, 1)
        return x, last[0] if self.parts == 1 else tuple(last)

    def through_time(self, x: Any, run: str, state: State) -> tuple[Any, State]:
        """One layer in one direction: its outputs (T, N, H) and its last state."""
        backward = run.endswith("_reverse")
        bias, recurrent_bias = self.biases(run)
        gates = functional.linear(x, getattr(self, f"weight_ih_{run}"), bias)
        gates = np.flip(gates, 0) if backward else gates
        weight = getattr(self, f"weight_hh_{run}")
        states = self.sequence(gates, state, weight, recurrent_bias)
        outputs = np.flip(states[0], 0) if backward else states[0]
        return outputs, tuple(part[-1] for part in states)

    def biases(self, run: str) -> tuple[Any, Any]:
        """What is added to projected inputs, and what the sequence adds; or None."""
        if not self.bias:
            return None, None
        return getattr(self, f"bias_ih_{run}") + getattr(self, f"bias_hh_{run}"), None

    def sequence(self, gates: Any, state: State, weight: Any, bias: Any) -> State:
        """The states at all times, from projected inputs (T, N, gates · H) and the one before."""
        raise NotImplementedError

    def states(self, samples: int, state: Any, single: bool) -> list[State]:
        """The first state of every layer and direction: zeros, or what was given."""
        count = len(self.runs)
        shape = (count, samples, self.hidden_size)
        if state is None:
            zeros = np.zeros(shape[1:], self.weight_ih_l0.dtype)  # type: ignore[attr-defined]
            return [(zeros,) * self.parts] * count
        parts = (state,) if self.parts == 1 else tuple(state)
        if single:
            parts = tuple(part[:, None] for part in parts)
        for part in parts:
            if part.shape != shape:
                raise LayerShapeError(
                    type(self).__name__,
                    f"expected a state of shape {shape[::2] if single else shape}, "
                    f"got {(part.shape[::2] if single else part.shape)}",
                )
        return list(zip(*(np.unstack(part) for part in parts), strict=True))

    def check(self, x: Any) -> None:
        """Raise LayerShapeError unless x is a sequence, or a batch of them, of the right width."""
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size or 0 in x.shape[:-1]:
            order = "(N, T, I)" if self.batch_first else "(T, N, I)"
            raise LayerShapeError(
                type(self).__name__,
                f"expected {order} or (T, I) with I = {self.input_size}, got shape {x.shape}",
            )

    def extra_repr(self) -> str:
        """Sizes, and settings that are not the default."""
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0}
        for name, default in {**defaults, "bidirectional": False}.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text


class RNN(Recurrent):
    """Elman's network: h' = tanh(W x + b + U h + c), or with ReLU; otherwise as ``LSTM``.

    Elman, "Finding Structure in Time" (1990). Raises OptionError for another nonlinearity.

    >>> outputs, h = RNN(3, 5)(np.zeros((7, 2, 3)))
    >>> outputs.shape, h.shape
    ((7, 2, 5), (1, 2, 5))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        rng: np.random.Generator | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise OptionError(f"RNN: got nonlinearity={nonlinearity!r}; expected 'tanh' or 'relu'")
        self.nonlinearity = nonlinearity
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            rng=rng,
            dtype=dtype,
        )

    def sequence(self, gates: Any, state: State, weight: Any, bias: Any) -> State:
        """See ``rnn_sequence``."""
        (h,) = state
        return (rnn_sequence(gates, h, weight, self.nonlinearity),)


class LSTM(Recurrent):
    """Long short-term memory, stacked ``num_layers`` high, both ways if ``bidirectional``.

    Shapes: x (T, N, I), or (N, T, I) with ``batch_first``, or (T, I) without a batch. Returns the
    outputs (T, N, D H), where D is the number of directions, and the last state (h, c), each
    (D num_layers, N, H); such a state can be passed in, and is zero by default. Between layers
    outputs are dropped in training with probability ``dropout``. Parameters start uniform within
    ±1/√H. Names and order of gates are PyTorch's: ``weight_ih_l0`` (4 H, I), ``weight_hh_l0``,
    ``bias_ih_l0``, ``bias_hh_l0``, then those ending in ``_reverse``, then l1. Wrong shapes raise
    LayerShapeError. Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997).

    >>> outputs, (h, c) = LSTM(3, 5, num_layers=2, bidirectional=True)(np.zeros((7, 2, 3)))
    >>> outputs.shape, h.shape, c.shape
    ((7, 2, 10), (4, 2, 5), (4, 2, 5))
    """

    gates = 4
    parts = 2

    def biases(self, run: str) -> tuple[Any, Any]:
        """All in the sequence, which adds them on its way."""
        return tuple(reversed(super().biases(run)))

    def sequence(self, gates: Any, state: State, weight: Any, bias: Any) -> State:
        """See ``lstm_sequence``."""
        h, c = state
        outputs, cells, _ = lstm_sequence(gates, h, c, weight, or_zeros(bias, weight))
        return outputs, cells


class GRU(Recurrent):
    """Gated recurrent units; the state is h alone, otherwise as ``LSTM``.

    Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder" (2014).

    >>> outputs, h = GRU(3, 5, batch_first=True)(np.zeros((2, 7, 3)))
    >>> outputs.shape, h.shape
    ((2, 7, 5), (1, 2, 5))
    """

    gates = 3

    def biases(self, run: str) -> tuple[Any, Any]:
        """Both apart: the reset gate acts on the state's part of the candidate, with its bias."""
        if not self.bias:
            return None, None
        return getattr(self, f"bias_ih_{run}"), getattr(self, f"bias_hh_{run}")

    def sequence(self, gates: Any, state: State, weight: Any, bias: Any) -> State:
        """See ``gru_sequence``."""
        (h,) = state
        return (gru_sequence(gates, h, weight, or_zeros(bias, weight))[0],)


def or_zeros(bias: Any, weight: Any) -> Any:
    """The bias, or zeros in its place."""
    return np.zeros(len(weight), weight.dtype) if bias is None else bias
