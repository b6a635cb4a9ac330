"""Where windows lie: what convolution and pooling have in common.

An array is (N, C, *spatial). Windows of a kernel's shape slide over its spatial axes. Looked at one
kernel element at a time, the elements that all windows have at this place are one strided slice of
the padded array; so a loop over the kernel's few elements does the work of one over all windows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError

Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Windows:
    """How windows lie on spatial axes; ``padding`` is a pair (before, after) for each axis.

    >>> Windows((3,), (2,), ((1, 1),), (1,)).count((5,))
    (3,)
    """

    kernel: Sizes
    stride: Sizes
    padding: tuple[tuple[int, int], ...]
    dilation: Sizes

    def padded(self, spatial: Sizes) -> Sizes:
        """The lengths of the spatial axes with padding."""
        pairs = zip(spatial, self.padding, strict=True)
        return tuple(size + before + after for size, (before, after) in pairs)

    def positions(self, lengths: Sizes) -> Sizes:
        """How many windows fit along axes of these lengths, padding included."""
        axes = zip(lengths, self.kernel, self.stride, self.dilation, strict=True)
        return tuple(max(0, (n - d * (k - 1) - 1) // s + 1) for n, k, s, d in axes)

    def count(self, spatial: Sizes) -> Sizes:
        """How many windows fit along spatial axes of these lengths."""
        return self.positions(self.padded(spatial))

    @property
    def overlap(self) -> bool:
        """Whether two windows may share an element."""
        axes = zip(self.kernel, self.stride, self.dilation, strict=True)
        return any(d * (k - 1) >= s for k, s, d in axes)

    def check(self, found: Sizes, expected: Sizes) -> None:
        """Raise unless axes have the lengths that go with these windows."""
        if found != expected:
            raise ShapeError(f"{self}: got axes of lengths {found}; expected {expected}")

    def slices(self, counts: Sizes) -> Iterator[tuple[Sizes, Any]]:
        """Each place in the kernel, and the slice of the padded array that lies there."""
        for place in itertools.product(*map(range, self.kernel)):
            axes = zip(place, counts, self.stride, self.dilation, strict=True)
            reach = [(k * d, max(0, s * (n - 1) + 1), s) for k, n, s, d in axes]
            yield place, (..., *[slice(start, start + span, s) for start, span, s in reach])

    def pad(self, x: Any, fill: float = 0) -> Any:
        """The array with its padding, in the same order in memory; itself if there is none."""
        if not any(map(any, self.padding)):
            return x
        result = np.full_like(x, fill, shape=x.shape[:2] + self.padded(x.shape[2:]))
        result[self.inside(x.shape[2:])] = x
        return result

    def inside(self, spatial: Sizes) -> Any:
        """Which slice of the padded array is the array itself."""
        pairs = zip(spatial, self.padding, strict=True)
        return (..., *[slice(before, before + size) for size, (before, _) in pairs])

    def view(self, x: Any) -> Any:
        """All windows of a padded array, (N, C, *kernel, *count), without copying."""
        steps = x.strides[2:]
        inner = [step * d for step, d in zip(steps, self.dilation, strict=True)]
        outer = [step * s for step, s in zip(steps, self.stride, strict=True)]
        return np.lib.stride_tricks.as_strided(
            x,
            (*x.shape[:2], *self.kernel, *self.positions(x.shape[2:])),
            (*x.strides[:2], *inner, *outer),
            writeable=False,
        )
