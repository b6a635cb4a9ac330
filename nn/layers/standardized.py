"""A network with the units of its data."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor
from nn.data.standardize import Standardize
from nn.module import Module


class Standardized(Module):
    """A network between raw columns and raw predictions, and the statistics that convert them.

    Computes ŷ = network((x - mean) / scale), and back to the units of the target if ``outputs`` is
    given. The conversions are float64 whatever the network computes in, so that large numbers
    close together, such as dates, keep their differences. They are buffers: saved, not trained.

    >>> import numpy as np
    >>> import nn
    >>> inputs = nn.data.Standardize.fit(np.array([[1e9], [1e9 + 1], [1e9 + 2]]))
    >>> model = Standardized(nn.MLP([1, 4, 1], seed=0), inputs)
    >>> model(np.array([[1e9 + 1]])).dtype
    dtype('float32')
    """

    input_mean: Tensor
    input_scale: Tensor
    output_mean: Tensor
    output_scale: Tensor

    def __init__(
        self, network: Module, inputs: Standardize, outputs: Standardize | None = None
    ) -> None:
        self.network = network
        self.dtype = next(network.parameters()).dtype
        self.register_buffer("input_mean", inputs.mean)
        self.register_buffer("input_scale", inputs.scale)
        self.scaled_output = outputs is not None
        if outputs is not None:
            self.register_buffer("output_mean", outputs.mean)
            self.register_buffer("output_scale", outputs.scale)

    def forward(self, x: Any) -> Any:
        """Predictions for rows of x."""
        y = self.network(((x - self.input_mean) / self.input_scale).astype(self.dtype))
        return y * self.output_scale + self.output_mean if self.scaled_output else y
