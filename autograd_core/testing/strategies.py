"""Hypothesis strategies for Tensors and calls, and properties that check gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from autograd_core.errors import require
from autograd_core.primitive import REAL, REGISTRY, Domain
from autograd_core.tensor import Tensor
from autograd_core.testing.drawer import Drawer, HypothesisDrawer, Shape
from autograd_core.testing.gate import Call, draw_call
from autograd_core.testing.gradcheck import gradcheck
from autograd_core.testing.layouts import LAYOUTS

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")


def drawn(make: Callable[[Drawer], T]) -> SearchStrategy[T]:
    """A strategy for what a function makes of a Drawer.

    >>> from hypothesis import given
    >>> @given(drawn(lambda d: d.array(d.shape(min_dims=1))))
    ... def test_sorting(x):
    ...     assert len(np.unique(x)) == x.size
    >>> test_sorting()
    """
    require("hypothesis", "dev")
    from hypothesis import strategies

    @strategies.composite
    def composed(draw: Callable[[Any], Any]) -> T:
        return make(HypothesisDrawer(draw))

    return composed()


def tensors(
    shape: Shape | None = None,
    dtype: npt.DTypeLike = np.float64,
    *,
    domain: Domain = REAL,
    away_from: Sequence[float] = (0.0,),
    layout: str = "contiguous",
    requires_grad: bool = False,
) -> SearchStrategy[Tensor]:
    """Tensors whose elements are distinct, spread over a domain and away from some points.

    Gradients can be checked by differences at such elements: no ties, no zeros. Without ``shape``
    they have up to three axes of up to four elements. ``layout`` is contiguous, transposed,
    strided (and read-only), reversed or broadcast (which repeats elements), or "any" of them.

    >>> @property_gradcheck(tensors(domain=Domain(0.0, 1.0), layout="any"))
    ... def test_root(x):
    ...     return np.sqrt(x)
    >>> test_root()
    """
    layouts = list(LAYOUTS) if layout == "any" else [layout]

    def make(d: Drawer) -> Tensor:
        array = draw_array(d, shape, dtype, domain, away_from)
        return Tensor(LAYOUTS[d.choice(layouts)](array), requires_grad)

    return drawn(make)


def broadcastable(
    n: int = 2, dtype: npt.DTypeLike = np.float64, *, domain: Domain = REAL
) -> SearchStrategy[tuple[Tensor, ...]]:
    """Tensors whose shapes broadcast with each other, scalars and axes of length one among them.

    >>> @property_gradcheck(broadcastable(3))
    ... def test_sum(x, y, z):
    ...     return x + y * z
    >>> test_sum()
    """
    return drawn(
        lambda d: tuple(Tensor(draw_array(d, shape, dtype, domain)) for shape in d.broadcastable(n))
    )


def matmul_operands(
    dtype: npt.DTypeLike = np.float64, *, domain: Domain = REAL
) -> SearchStrategy[tuple[Tensor, Tensor]]:
    """Two Tensors that ``@`` takes: vectors, matrices and stacks of them that broadcast.

    >>> @property_gradcheck(matmul_operands())
    ... def test_product(x, y):
    ...     return np.tanh(x @ y)
    >>> test_product()
    """

    def make(d: Drawer) -> tuple[Tensor, Tensor]:
        rows, inner, columns = (d.integer(1, 4) for _ in range(3))
        left, right = d.choice([((), ()), tuple(d.broadcastable(2))])
        x = (inner,) if d.integer(0, 3) == 3 else (*left, rows, inner)
        y = (inner,) if d.integer(0, 3) == 3 else (*right, inner, columns)
        return Tensor(draw_array(d, x, dtype, domain)), Tensor(draw_array(d, y, dtype, domain))

    return drawn(make)


def indices(shape: Shape) -> SearchStrategy[Any]:
    """Indices NumPy takes for an array of this shape: basic, advanced, boolean and mixed ones.

    >>> from hypothesis import given
    >>> @given(indices((3, 4)))
    ... def test_index(index):
    ...     gradcheck(lambda x: x[index], np.ones((3, 4)))
    >>> test_index()
    """
    return drawn(lambda d: d.index(shape))


def op_inputs(operation: Callable[..., Any]) -> SearchStrategy[Call]:
    """Safe calls of a registered operation: ``call(*call.arrays)``, or ``gradcheck(call, ...)``.

    >>> from hypothesis import given
    >>> @given(op_inputs(np.log))
    ... def test_log(call):
    ...     gradcheck(call, call.arrays, order=2)
    >>> test_log()
    """
    if operation not in REGISTRY:
        name = getattr(operation, "__name__", repr(operation))
        raise ValueError(f"op_inputs: {name} is not a registered operation; define() it first")
    return drawn(lambda d: draw_call(operation, d))


def property_gradcheck(
    inputs: SearchStrategy[Any], **options: Any
) -> Callable[[Callable[..., Any]], Callable[[], None]]:
    """Make a Hypothesis test of a function: its gradients are right for all inputs drawn.

    ``inputs`` draws one Tensor or a tuple of arguments; ``options`` are those of ``gradcheck``.

    >>> @property_gradcheck(broadcastable(2))
    ... def test_difference(x, y):
    ...     return np.tanh(x - y)
    >>> test_difference()
    """
    require("hypothesis", "dev")
    from hypothesis import given

    def decorate(fn: Callable[..., Any]) -> Callable[[], None]:
        def check(drawn_inputs: Any) -> None:
            gradcheck(fn, drawn_inputs, **options)

        # Not functools.wraps: pytest would take the parameters of fn for fixtures.
        check.__name__, check.__qualname__ = fn.__name__, fn.__qualname__
        check.__module__, check.__doc__ = fn.__module__, fn.__doc__
        return given(inputs)(check)

    return decorate


def draw_array(
    d: Drawer,
    shape: Shape | None,
    dtype: npt.DTypeLike,
    domain: Domain,
    away_from: Sequence[float] = (0.0,),
) -> npt.NDArray[Any]:
    """An array of any floating or complex dtype."""
    array = d.array(shape, domain, away_from)
    if np.dtype(dtype).kind == "c":
        return (array + 1j * d.array(array.shape, domain, away_from)).astype(dtype)
    return array.astype(dtype)
