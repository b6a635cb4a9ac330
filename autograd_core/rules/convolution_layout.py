"""How the arrays of convolutions lie in memory.

The samples of a batch lie innermost (as in A. Krizhevsky's cuda-convnet) where they are many:
whatever stride and kernel are, numbers that are used together lie together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.rules.windows import Sizes, Windows

# From how many samples on they may lie innermost; fewer would make short loops.
BATCH = 16
# About how many elements are copied side by side at once.
LIMIT = 2**20


@dataclass(frozen=True, slots=True)
class Layout:
    """How arrays (N, C, *spatial) lie in memory: ``order`` are their axes, the outermost first.

    There is one matrix for each place along the outermost axis.
    """

    order: Sizes

    def matrices(self, x: Any, groups: int) -> Any:
        """An array as matrices (places, groups, channels in a group, positions)."""
        places, channels, *inside = (x.shape[k] for k in self.order)
        matrices = (places, groups, channels // groups, math.prod(inside))
        return x.transpose(self.order).reshape(matrices)

    def array(self, elements: Any, shape: Sizes) -> Any:
        """The array of a shape that has these elements in the order of memory."""
        return elements.reshape([shape[k] for k in self.order]).transpose(np.argsort(self.order))

    def columns(self, padded: Any, windows: Windows, groups: int) -> Any:
        """All windows side by side: (places, groups, channels · kernel, positions)."""
        view = windows.view(padded)
        dims = len(windows.kernel)
        place, _, *inside = (k + dims if k >= 2 else k for k in self.order)
        inner = padded.shape[1] // groups * math.prod(windows.kernel)
        shape = (view.shape[place], groups, inner, math.prod(view.shape[k] for k in inside))
        return view.transpose(place, 1, *range(2, 2 + dims), *inside).reshape(shape)

    def parts(self, padded: Any, windows: Windows) -> Iterator[tuple[slice, Any]]:
        """Slices of the places that fit into the cache, and the part of the array each looks at."""
        counts = windows.positions(padded.shape[2:])
        places = (len(padded), 0, *counts)[self.order[0]]
        columns = math.prod((len(padded), padded.shape[1], *windows.kernel, *counts))
        size = max(1, LIMIT * places // max(1, columns))
        for k in range(0, places, size):
            part = slice(k, min(k + size, places))
            if self.order[0] == 0:
                yield part, padded[part]
            else:
                step, span = windows.stride[0], windows.dilation[0] * (windows.kernel[0] - 1)
                yield part, padded[:, :, k * step : (part.stop - 1) * step + span + 1]


def layout_of(samples: int, spatial: Sizes) -> Layout:
    """Samples lie innermost if they are many and the images narrow; outermost otherwise."""
    axes = range(3, len(spatial) + 2)
    innermost = samples >= max(BATCH, spatial[-1])
    return Layout((2, 1, *axes, 0) if innermost else (0, 1, 2, *axes))


def padded_array(x: Any, windows: Windows, layout: Layout) -> Any:
    """An array in the order of a layout, with its padding."""
    return windows.pad(layout.array(layout.matrices(x, 1), x.shape))
