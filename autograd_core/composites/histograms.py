"""Histograms: piecewise constant in the values that are counted, linear in their weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.rules.counting import cell_numbers, weigh
from autograd_core.tensor import as_tensor, composite, unwrap, without_rule, wrap

# NumPy's annotations promise arrays; called with Tensors its functions return Tensors.
_np: Any = np


@composite(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """How many values, or how much of their weight, falls between each two edges."""
    values, bins = unwrap(a), unwrap(bins)
    if weights is None or not as_tensor(weights).requires_grad:
        return without_rule(np.histogram, (values, bins, range, density, weights), {})
    edges = np.histogram_bin_edges(values, bins, range, unwrap(weights))

    def count(weights: Any) -> Any:
        return np.histogram(values, bins, range, weights=weights)[0]

    cells = weigh(weights, count, *cell_numbers([edges], [np.ravel(values)]))
    return density_of(cells, [edges]) if density else cells, wrap(edges)


@composite(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """The edges that a histogram counts between; they are taken as constant."""
    return wrap(np.histogram_bin_edges(unwrap(a), unwrap(bins), range, unwrap(weights)))


@composite(np.histogramdd)
def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """How many points, or how much of their weight, falls into each cell of a grid.

    The sample has a row for each point, or is a sequence of vectors of coordinates.
    """
    points, bins = unwrap(sample), unwrap(bins)
    if weights is None or not as_tensor(weights).requires_grad:
        return without_rule(np.histogramdd, (points, bins, range, density, weights), {})
    edges = np.histogramdd(points, bins, range)[1]
    rows = isinstance(points, np.ndarray) and points.ndim == 2
    coordinates = points.T if rows else np.atleast_2d(points)

    def count(weights: Any) -> Any:
        return np.histogramdd(points, bins, range, weights=weights)[0]

    cells = weigh(weights, count, *cell_numbers(edges, coordinates))
    return density_of(cells, edges) if density else cells, [wrap(along) for along in edges]


@composite(np.histogram2d)
def histogram2d(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,
    density: Any = None,
    weights: Any = None,
) -> Any:
    """The same in the plane; a single vector of edges is for both coordinates."""
    if np.ndim(bins) == 1 and len(bins) != 2:
        bins = [bins, bins]
    cells, edges = _np.histogramdd([as_tensor(x), as_tensor(y)], bins, range, density, weights)
    return cells, *edges


def density_of(cells: Any, edges: Any) -> Any:
    """The share of the weight in each cell by the size of the cell."""
    total = np.sum(cells)
    for axis, along in enumerate(edges):
        sizes = np.diff(along).astype(float)
        cells = cells / sizes.reshape([-1 if k == axis else 1 for k in range(cells.ndim)])
    return cells / total
