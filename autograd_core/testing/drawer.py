"""Drawing safe inputs for an operation: one way of drawing, from Hypothesis or from a seed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from autograd_core.primitive import REAL, Domain, Elementwise, Primitive

T = TypeVar("T")
Shape = tuple[int, ...]
Array = npt.NDArray[np.float64]

# How far drawn elements stay from zero (or other points), and operands from the kinks of their
# operation: many times the step of the differences.
MARGIN = 0.02


class Drawer(ABC):
    """What samples draw from.

    Every choice is an integer, which Hypothesis can shrink and replay; the numbers in arrays come
    from a generator whose seed is drawn once.
    """

    _rng: np.random.Generator | None = None

    @abstractmethod
    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""

    @property
    def rng(self) -> np.random.Generator:
        """A seeded generator for everything else."""
        if self._rng is None:
            self._rng = np.random.default_rng(self.integer(0, 2**32 - 1))
        return self._rng

    def boolean(self) -> bool:
        """True or False."""
        return bool(self.integer(0, 1))

    def choice(self, options: Sequence[T]) -> T:
        """One of the options; Hypothesis shrinks towards the first."""
        return options[self.integer(0, len(options) - 1)]

    def shape(
        self, min_dims: int = 0, max_dims: int = 3, min_side: int = 1, max_side: int = 4
    ) -> Shape:
        """The shape of an array."""
        dims = self.integer(min_dims, max_dims)
        return tuple(self.integer(min_side, max_side) for _ in range(dims))

    def broadcastable(self, n: int) -> list[Shape]:
        """As many shapes that broadcast with each other, not always to the longest of them."""
        full = self.shape()
        shapes = []
        for _ in range(n):
            stretched = tuple(1 if self.integer(0, 3) == 3 else side for side in full)
            dropped = max(0, self.integer(-3, len(full)))
            shapes.append(stretched[dropped:])
        return shapes

    def array(
        self,
        shape: Shape | None = None,
        domain: Domain = REAL,
        away_from: Sequence[float] = (0.0,),
    ) -> Array:
        """A float64 array with elements that are distinct, well apart and not close to some points.

        Each element lies in a cell of its own of the domain, so that sorting, ties and maxima are
        the same a step of the differences away.

        >>> values = RandomDrawer(0).array((2, 3), Domain(1.0, 7.0))
        >>> sorted(values.ravel().astype(int).tolist())
        [1, 2, 3, 4, 5, 6]
        """
        shape = self.shape() if shape is None else shape
        size = int(np.prod(shape))
        cells = (np.arange(size) + self.rng.uniform(0.2, 0.8, size)) / max(size, 1)
        return spread(self.rng.permutation(cells), domain, away_from).reshape(shape)

    def axis(self, ndim: int) -> int:
        """An axis of an array, counted from the front or from the back."""
        return self.integer(0, 2 * ndim - 1) - ndim

    def axes(self, ndim: int) -> int | tuple[int, ...] | None:
        """What NumPy takes for ``axis``: None, one axis, or a tuple of different ones."""
        kind = self.choice(["all", "one", "several"])
        if kind == "all" or ndim == 0:
            return None
        if kind == "one":
            return self.axis(ndim)
        chosen = self.permutation(ndim)[: self.integer(0, ndim)]
        return tuple(axis - ndim * self.boolean() for axis in chosen)

    def permutation(self, n: int) -> tuple[int, ...]:
        """The numbers below n in some order."""
        return tuple(self.rng.permutation(n).tolist())

    def index(self, shape: Shape) -> Any:
        """Any legal index into an array: basic, advanced, boolean, mixed; repeats and new axes."""
        kinds = self.choice(INDEX_KINDS)
        common = self.shape(1, 2, 1, 3)
        parts: list[Any] = [] if shape else [self.choice([..., None, np.array(True)])]
        axis, skipped = 0, False
        while axis < len(shape):
            kind = self.choice(kinds)
            if kind == "ellipsis" and not skipped:
                parts.append(...)
                skipped = True
                axis += self.integer(0, len(shape) - axis)
            elif kind == "masks" and not parts:
                parts.append(self.rng.random(shape) < 0.5)
                axis = len(shape)
            else:
                parts += [None] if kind == "new axis" else []
                parts.append(self.selection(kind, shape[axis], common))
                axis += 1
        return parts[0] if len(parts) == 1 and self.boolean() else tuple(parts)

    def selection(self, kind: str, side: int, common: Shape) -> Any:
        """Part of an index, for an axis of this length; arrays broadcast to the common shape."""
        if kind == "integer" and side:
            return self.integer(-side, side - 1)
        if kind == "array" and side:
            start = self.integer(0, len(common))
            return self.rng.integers(-side, side, common[start:])
        if kind == "list" and side:
            return self.rng.integers(-side, side, common[-1]).tolist()
        if kind == "mask" and side >= common[-1]:
            return np.isin(np.arange(side), self.rng.permutation(side)[: common[-1]])
        low, high = (
            self.integer(-side - 1, side + 1) if self.boolean() else None for _ in range(2)
        )
        return slice(low, high, self.choice([None, 2, -1, -2]))


BASIC = ("slice", "integer", "new axis", "ellipsis")
INDEX_KINDS = (BASIC, (*BASIC, "array", "mask"), ("array", "list"), ("mask", "masks"))


class RandomDrawer(Drawer):
    """Draws from a seed, without Hypothesis.

    >>> RandomDrawer(7).integer(1, 6) == RandomDrawer(7).integer(1, 6)
    True
    """

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return int(self.rng.integers(low, high, endpoint=True))


class HypothesisDrawer(Drawer):
    """Draws through Hypothesis: ``HypothesisDrawer(data.draw)``, or a composite's ``draw``."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        from hypothesis import strategies

        self._draw = draw
        self._integers = strategies.integers

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return int(self._draw(self._integers(low, high)))


def spread(fractions: Array, domain: Domain, away_from: Sequence[float] = (0.0,)) -> Array:
    """Fractions between 0 and 1 as numbers of a domain, in order, with a margin around points.

    >>> spread(np.array([0.0, 0.25, 0.75, 1.0]), Domain(-1.02, 1.02))
    array([-1.02, -0.52,  0.52,  1.02])
    """
    points = sorted(point for point in away_from if domain.low < point < domain.high)
    values = domain.low + fractions * (domain.high - domain.low - 2 * MARGIN * len(points))
    for point in points:
        values = np.where(values >= point - MARGIN, values + 2 * MARGIN, values)
    return values


def example_of(primitive: Primitive, drawer: Drawer) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Safe arguments for one call of an operation: ``(args, kwargs)``.

    >>> from autograd_core.primitive import REGISTRY
    >>> (x,), _ = example_of(REGISTRY[np.log], RandomDrawer(0))
    >>> bool((x > 0).all())
    True
    """
    sample = primitive.sample
    if sample is None:
        raise ValueError(f"{primitive.name}: the operation has no sample; pass one to define()")
    if not isinstance(sample, Elementwise):
        return sample(drawer)
    shapes = drawer.broadcastable(len(sample.domains))
    operands = [
        drawer.array(shape, domain) for shape, domain in zip(shapes, sample.domains, strict=True)
    ]
    if sample.kinks is not None:
        leave_kinks(sample, operands, drawer.rng)
    return tuple(operands), {}


def leave_kinks(sample: Elementwise, operands: list[Array], rng: np.random.Generator) -> None:
    """Draw those elements again that are close to a kink of the operation."""
    assert sample.kinks is not None
    for _ in range(100):
        close = np.abs(sample.kinks(*operands)) < MARGIN
        close = np.broadcast_to(close, np.broadcast_shapes(*(item.shape for item in operands)))
        if not np.any(close):
            return
        for operand, domain in zip(operands, sample.domains, strict=True):
            again = unbroadcast_any(close, operand.shape)
            operand[again] = spread(rng.random(operand.shape), domain)[again]
    raise ValueError(f"the domains {sample.domains} lie within {MARGIN} of a kink everywhere")


def unbroadcast_any(mask: Any, shape: Shape) -> npt.NDArray[np.bool_]:
    """Which elements of an operand take part in a marked element of the result."""
    mask = np.any(mask, axis=tuple(range(np.ndim(mask) - len(shape))))
    stretched = tuple(axis for axis, side in enumerate(shape) if side == 1)
    return np.broadcast_to(np.any(mask, axis=stretched, keepdims=True), shape)
