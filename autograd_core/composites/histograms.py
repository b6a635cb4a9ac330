"""Histograms: piecewise constant in the values that are counted, linear in their weights."""

from __future__ import annotations

from typing import Any

import numpy as np

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
    values, last = np.ravel(values), len(edges) - 2
    number = np.searchsorted(edges, values, side="right") - 1
    number[values == edges[-1]] = last
    inside = (number >= 0) & (number <= last)
    counts = _np.bincount(number[inside], _np.ravel(weights)[inside], minlength=last + 1)
    if density:
        counts = counts / np.diff(edges) / np.sum(counts)
    return counts, wrap(edges)


@composite(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """The edges that a histogram counts between; they are taken as constant."""
    return wrap(np.histogram_bin_edges(unwrap(a), unwrap(bins), range, unwrap(weights)))
