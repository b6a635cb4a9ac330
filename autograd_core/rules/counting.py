"""Rules of histograms: linear in the weights of what is counted."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.primitive import call, operation


def cell_numbers(edges: Any, coordinates: Any) -> tuple[Any, Any]:
    """The flat number of the cell each point falls into, and whether it falls into any.

    A cell holds its lower edges; the last one along an axis holds its upper edge too.
    """
    shape = tuple(len(along) - 1 for along in edges)
    numbers, inside = [], np.array(True)
    for along, values, many in zip(edges, coordinates, shape, strict=True):
        number = np.searchsorted(along, values, side="right") - 1
        number[values == along[-1]] = many - 1
        inside = inside & (number >= 0) & (number < many)
        numbers.append(np.clip(number, 0, max(many - 1, 0)))
    return np.ravel_multi_index(numbers, shape), inside


def weighed_points(d: Any) -> Any:
    """Weights of points on a line, some of them outside of the cells."""
    points = d.array(d.shape(1, 1))
    edges = [-1.0, 0.0, 0.5, 1.0]
    cells = cell_numbers([edges], [points])

    def histogram(weights: Any) -> Any:
        return np.histogram(points, edges, weights=weights)[0]

    return call(d.array(points.shape), histogram, *cells)


def weights_rule(g: Any, numbers: Any, inside: Any, weights_shape: tuple[int, ...]) -> Any:
    """Each weight goes to one cell, or to none."""
    picked = np.where(inside, np.reshape(g, (math.prod(g.shape),))[numbers], 0)
    return np.reshape(picked, weights_shape)


@operation(weighed_points, name="histogram", weights=weights_rule)
def weigh(weights: Any, histogram: Callable[[Any], Any], numbers: Any, inside: Any) -> Any:
    """What ``histogram`` makes of the weights; ``numbers`` and ``inside`` are of their cells."""
    return histogram(weights)
