"""How well a signal gets through a model: vanishing, exploding and dead, told apart in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core import Tensor, enable_grad
from autograd_core.transforms import gradients
from nn.checkpoint import generators
from nn.layers.activation import ACTIVATIONS
from nn.layers.linear import Identity
from nn.module import Module
from nn.observe import first_of, observing

ACTIVATION_TYPES = tuple(
    kind for kind in ACTIVATIONS.values() if isinstance(kind, type) and kind is not Identity
)
# The share of the backward signal that may be lost, or its inverse gained, over a whole model.
LOST = 1e-3


@dataclass(frozen=True)
class LayerStatistics:
    """A layer on one batch: its activations and the gradients that reach it.

    ``signal`` is the root mean square of ∂loss/∂output, ``gradient`` that of ∂loss/∂weight (NaN
    without one). ``dead`` of ``units`` are zero for every sample; only activations can be dead.
    """

    path: str
    kind: str
    mean: float
    std: float
    signal: float
    gradient: float
    dead: int
    units: int

    def __str__(self) -> str:
        return f"{self.path} ({self.kind})"


@dataclass(frozen=True)
class Diagnosis:
    """The layers in the order they compute, and what is wrong, one sentence each; or nothing."""

    layers: list[LayerStatistics]
    findings: list[str]

    def __str__(self) -> str:
        heading = (
            f"{'layer':20} {'mean':>10} {'std':>10} {'signal':>10} {'gradient':>10} {'dead':>9}"
        )
        lines = [
            f"{layer!s:20} {layer.mean:10.2e} {layer.std:10.2e} {layer.signal:10.2e} "
            f"{layer.gradient:10.2e} {f'{layer.dead}/{layer.units}' if layer.units else '':>9}"
            for layer in self.layers
        ]
        return "\n".join([heading, *lines, *(self.findings or ["healthy"])])


def diagnose(model: Module, x: Any, y: Any, loss: Callable[[Any, Any], Tensor]) -> Diagnosis:
    """Run a batch forward and backward, changing nothing, and say how the gradients fare.

    "vanishing": less than a thousandth of the signal at the last layer with weights reaches the
    first; "exploding": more than a thousand times as much, or something that is not finite;
    "dead": units of an activation that are zero for every sample, so that nothing is learned
    through them. Units are channels (axis 1) of images and the last axis of all else.

    >>> import nn
    >>> model = nn.MLP([2] + [16] * 12 + [1], "sigmoid", seed=0)
    >>> x = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    >>> print(diagnose(model, x, x[:, :1], nn.functional.mse_loss).findings[0].split(":")[0])
    vanishing
    """
    outputs: dict[str, tuple[Module, Tensor]] = {}

    def see(path: str, module: Module, inputs: tuple[Any, ...], output: Any) -> None:
        output = first_of(output)
        if not list(module.children()) and isinstance(output, Tensor) and output.node is not None:
            outputs[path] = module, output

    before = [(buffer, buffer.data.copy()) for buffer in model.buffers()]
    draws = [(rng, rng.bit_generator.state) for rng in generators(model).values()]
    try:
        with np.errstate(over="ignore", invalid="ignore"), enable_grad():
            with observing(model, see):
                value = loss(model(x), y)
            layers = measured(value, outputs)
    finally:
        for buffer, array in before:
            buffer.assign(array)
        for rng, state in draws:
            rng.bit_generator.state = state
    return Diagnosis(layers, findings(layers))


def measured(value: Tensor, outputs: dict[str, tuple[Module, Tensor]]) -> list[LayerStatistics]:
    """The statistics of every layer whose output was recorded."""
    weights = {
        path: weight
        for path, (module, _) in outputs.items()
        if (weight := weight_of(module)) is not None
    }
    wanted = [*(output for _, output in outputs.values()), *weights.values()]
    found = [
        None if gradient is None else gradient.data
        for gradient in gradients(value, wanted, allow_unused=True)
    ]
    signals = dict(zip(outputs, found, strict=False))
    of_weights = dict(zip(weights, found[len(outputs) :], strict=True))
    layers = []
    for path, (module, output) in outputs.items():
        dead, units = dead_units(output.data) if isinstance(module, ACTIVATION_TYPES) else (0, 0)
        layers.append(
            LayerStatistics(
                path,
                type(module).__name__,
                float(output.data.mean(dtype=np.float64)),
                float(output.data.std(dtype=np.float64)),
                rms(signals[path]),
                rms(of_weights[path]) if path in of_weights else float("nan"),
                dead,
                units,
            )
        )
    return layers


def weight_of(module: Module) -> Tensor | None:
    """The first matrix (or kernel) of a layer."""
    trained = (p for p in module._parameters.values() if p.ndim > 1 and p.requires_grad)
    return next(trained, None)


def rms(values: npt.NDArray[Any] | None) -> float:
    """The root mean square; nothing is 0."""
    if values is None or not values.size:
        return 0.0
    wide = np.abs(values).astype(np.float64)
    return float(np.sqrt(np.mean(wide * wide)))


def dead_units(output: npt.NDArray[Any]) -> tuple[int, int]:
    """How many units are zero for every sample, and how many there are."""
    units = np.moveaxis(output, 1 if output.ndim > 3 else -1, -1)
    alive = int(units.reshape(-1, units.shape[-1]).any(axis=0).sum())
    return units.shape[-1] - alive, units.shape[-1]


def findings(layers: list[LayerStatistics]) -> list[str]:
    """What is wrong, in words."""
    said = []
    dead, units = sum(layer.dead for layer in layers), sum(layer.units for layer in layers)
    if dead:
        worst = max(layers, key=lambda layer: layer.dead / max(layer.units, 1))
        said.append(
            f"dead: {dead} of {units} units are zero for every sample and learn nothing, "
            f"{worst.dead} of {worst.units} in {worst}; lower the learning rate, or use a leaky "
            "activation"
        )
    broken = [layer for layer in layers if not isfinite(layer.std) or not isfinite(layer.signal)]
    if broken:
        return [
            f"exploding: numbers at {broken[0]} are not finite; lower the learning rate, clip "
            "gradients, or start from smaller weights",
            *said,
        ]
    weighted = [layer for layer in layers if isfinite(layer.gradient)]
    if len(weighted) < 2:
        return said
    first, last = weighted[0], weighted[-1]
    if not first.signal and any(layer.dead == layer.units > 0 for layer in layers):
        return said  # a layer that is dead altogether explains it
    kept = first.signal / last.signal if last.signal else 1.0
    a_layer = kept ** (1 / (len(weighted) - 1))
    if kept < LOST:
        said.insert(
            0,
            f"vanishing: of the gradient at {last} {kept:.1e} reaches {first}, a factor of "
            f"{a_layer:.2g} for each layer; use ReLU-like activations, normalization, residual "
            "connections, or initial weights that fit the activation",
        )
    elif kept > 1 / LOST:
        said.insert(
            0,
            f"exploding: the gradient at {last} grows by {kept:.1e} on its way to {first}, a "
            f"factor of {a_layer:.2g} for each layer; clip gradients, normalize, or start from "
            "smaller weights",
        )
    return said
