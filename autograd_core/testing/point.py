"""A function at a point: what it is differentiated by, and how it is evaluated around there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core.containers import flatten
from autograd_core.errors import DtypeError
from autograd_core.tensor import Tensor
from autograd_core.testing.differences import Line, Vector
from autograd_core.transforms import gradients

Array = npt.NDArray[Any]
# Cotangents of the results to gradients of the inputs.
Pullback = Callable[[Sequence[Array]], list[Array]]


class Point:
    """A function and its arguments, seen as a function of one vector of float64 numbers.

    ``given`` are the arrays to differentiate by, in their own dtypes and layouts; ``references``
    the same values in float64 or complex128, all of them views of one flat ``buffer``, so that a
    step along any direction is one addition. ``cotangents`` are random ones for the results at
    ``given``, with no element close to zero; ``exact_cotangents`` the same for ``references``.
    """

    def __init__(self, fn: Callable[..., Any], arguments: Sequence[Any], seed: int) -> None:
        self.fn = fn
        self.arguments = list(arguments)
        self.leaves, self.rebuild = flatten(self.arguments)
        self.flat = list(map(id, self.leaves)) == list(map(id, self.arguments))
        self.wanted = [k for k, leaf in enumerate(self.leaves) if is_differentiable(leaf)]
        if not self.wanted:
            raise ValueError(
                "gradcheck: none of the inputs can be differentiated; expected floating or "
                "complex arrays or Tensors"
            )
        paths = [
            path for k, item in enumerate(self.arguments) for path in leaf_paths(item, f"input {k}")
        ]
        self.names = [paths[k] for k in self.wanted]
        self.given = [as_array(self.leaves[k]) for k in self.wanted]
        self.buffer = as_vector([array.astype(double(array.dtype)) for array in self.given])
        self.base = self.buffer.copy()
        self.size = self.buffer.size
        dtypes = [double(array.dtype) for array in self.given]
        self.references = split(self.buffer, [array.shape for array in self.given], dtypes)
        self.low_precision = any(
            a.dtype != dtype for a, dtype in zip(self.given, dtypes, strict=True)
        )
        self.evaluations = 0

        exact = self.forward(self.references)
        if not exact:
            raise DtypeError("gradcheck: fn returned no floating or complex result")
        self.result_shapes = [array.shape for array in exact]
        self.result_dtypes = [array.dtype for array in exact]
        for dtype in self.result_dtypes:
            if dtype != double(dtype):
                raise DtypeError(
                    f"gradcheck: fn returned {dtype} from float64 inputs; differences need "
                    "float64, so compute in the dtype of the inputs"
                )
        self.result_size = as_vector(exact).size
        rng = np.random.default_rng(seed)
        drawn = self.split(random_signs(rng, self.result_size))
        results = self.forward(self.given) if self.low_precision else exact
        self.cotangents = [v.astype(array.dtype) for v, array in zip(drawn, results, strict=True)]
        self.exact_cotangents = [
            v.astype(dtype) for v, dtype in zip(self.cotangents, self.result_dtypes, strict=True)
        ]

    # -- evaluating --------------------------------------------------------------------------------

    def call(self, arrays: Sequence[Array], *, record: bool) -> tuple[list[Tensor], list[Tensor]]:
        """Call the function on Tensors around the arrays: these Tensors, and the results."""
        self.evaluations += 1
        variables = [Tensor(array, requires_grad=record) for array in arrays]
        leaves = list(self.leaves)
        for k, variable in zip(self.wanted, variables, strict=True):
            leaves[k] = variable
        arguments = leaves if self.flat else self.rebuild(leaves)
        return variables, results_of(self.fn(*arguments))

    def forward(self, arrays: Sequence[Array]) -> list[Array]:
        """The results, computed without recording."""
        return [result.data for result in self.call(arrays, record=False)[1]]

    def record(self, arrays: Sequence[Array]) -> tuple[list[Array], Pullback]:
        """The results, and what takes their cotangents to gradients as often as it is called."""
        variables, results = self.call(arrays, record=True)

        def vjp(cotangents: Sequence[Array]) -> list[Array]:
            found = pull_back(variables, results, cotangents, retain_graph=True)
            return [gradient.data for gradient in found]

        return [result.data for result in results], vjp

    def line(self, direction: Vector) -> Line:
        """The results as one vector, along a line through the point."""

        def values(t: float) -> Vector:
            np.add(self.base, t * direction, out=self.buffer)
            vector = as_vector(self.forward(self.references))
            self.buffer[:] = self.base
            return vector

        return values

    def split(self, vector: Vector) -> list[Array]:
        """A vector of cotangents, as arrays like the results."""
        return split(vector, self.result_shapes, self.result_dtypes)

    # -- naming ------------------------------------------------------------------------------------

    def place(self, position: int) -> str:
        """The input and the index in it of an element of the vector of inputs."""
        return place(position, self.names, self.references)

    def output_place(self, position: int) -> str:
        """The result and the index in it of an element of the vector of results."""
        names = [f"output {k}" for k in range(len(self.result_shapes))]
        return place(position, names, self.split(np.zeros(self.result_size)))

    def snapshot(self) -> dict[str, bytes]:
        """The bytes of everything that a backward pass may read but not write."""
        named = dict(zip(self.names, self.given, strict=True))
        named |= {f"cotangent {k}": array for k, array in enumerate(self.cotangents)}
        return {name: array.tobytes() for name, array in named.items()}


def pull_back(
    variables: Sequence[Tensor],
    results: Sequence[Tensor],
    cotangents: Sequence[Any],
    **options: Any,
) -> list[Tensor]:
    """Gradients of the variables, zeros for those that no result depends on."""
    tracked = [
        (result, cotangent)
        for result, cotangent in zip(results, cotangents, strict=True)
        if result.requires_grad
    ]
    found: Sequence[Tensor | None] = [None] * len(variables)
    if tracked:
        outputs, seeds = zip(*tracked, strict=True)
        found = gradients(outputs, variables, seeds, allow_unused=True, **options)
    return [
        Tensor(np.zeros_like(variable.data)) if gradient is None else gradient
        for gradient, variable in zip(found, variables, strict=True)
    ]


def vjp_at(point: Point) -> tuple[Callable[..., Any], list[Any]]:
    """``(x, v) ↦ vjp(x, v)`` as a function like any other, and the arguments it is checked at."""

    def vjp(*arguments: Any) -> list[Tensor]:
        *inputs, cotangents = arguments
        leaves, rebuild = flatten(inputs)
        recording = any(leaves[k].requires_grad for k in point.wanted) or any(
            cotangent.requires_grad for cotangent in cotangents
        )
        for k in point.wanted:
            if not leaves[k].requires_grad:
                leaves[k] = Tensor(leaves[k].data, requires_grad=True)
        results = results_of(point.fn(*rebuild(leaves)))
        variables = [leaves[k] for k in point.wanted]
        return pull_back(variables, results, cotangents, create_graph=recording)

    return vjp, [*point.arguments, point.cotangents]


# -- arrays and vectors of real numbers ------------------------------------------------------------


def is_differentiable(leaf: Any) -> bool:
    """Whether a leaf is a floating or complex array, NumPy scalar or Tensor."""
    return isinstance(leaf, (np.ndarray, np.generic, Tensor)) and leaf.dtype.kind in "fc"


def as_array(leaf: Any) -> Array:
    """The array of a Tensor, and arrays as they are."""
    return leaf.data if isinstance(leaf, Tensor) else np.asarray(leaf)


def results_of(returned: Any) -> list[Tensor]:
    """The floating and complex Tensors in what a function returned."""
    leaves, _ = flatten(returned)
    return [
        leaf if isinstance(leaf, Tensor) else Tensor(leaf)
        for leaf in leaves
        if is_differentiable(leaf)
    ]


def double(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The double-precision dtype of the same kind."""
    return np.dtype(np.complex128 if dtype.kind == "c" else np.float64)


def as_vector(arrays: Sequence[Array]) -> Vector:
    """A copy of float64 and complex128 arrays as one vector of real numbers."""
    parts = [np.ascontiguousarray(array).reshape(-1).view(np.float64) for array in arrays]
    return np.concatenate(parts) if parts else np.zeros(0)


def split(
    vector: Vector, shapes: Sequence[tuple[int, ...]], dtypes: Sequence[np.dtype[Any]]
) -> list[Array]:
    """Views of a vector of real numbers as arrays, the inverse of ``as_vector``."""
    arrays, start = [], 0
    for shape, dtype in zip(shapes, dtypes, strict=True):
        stop = start + int(np.prod(shape)) * (2 if dtype.kind == "c" else 1)
        arrays.append(vector[start:stop].view(dtype).reshape(shape))
        start = stop
    return arrays


def place(position: int, names: Sequence[str], arrays: Sequence[Array]) -> str:
    """The name and index of the array element at a position of their vector."""
    for name, array in zip(names, arrays, strict=True):
        numbers = 2 if array.dtype.kind == "c" else 1
        if position < array.size * numbers:
            index = tuple(map(int, np.unravel_index(position // numbers, array.shape)))
            part = ("", f", {('real', 'imaginary')[position % 2]} part")[numbers - 1]
            return f"{name}, index {index}{part}"
        position -= array.size * numbers
    raise IndexError(position)


def leaf_paths(container: Any, name: str) -> Iterator[str]:
    """Names of the leaves of a container, in the order of ``flatten``."""
    if isinstance(container, dict):
        for key, item in container.items():
            yield from leaf_paths(item, f"{name}[{key!r}]")
    elif isinstance(container, (list, tuple)):
        for k, item in enumerate(container):
            yield from leaf_paths(item, f"{name}[{k}]")
    elif container is not None:
        yield name


def random_signs(rng: np.random.Generator, size: int | tuple[int, ...]) -> Vector:
    """Random numbers of either sign, none of them close to zero: 0.5 ≤ |v| < 1.5."""
    return np.copysign(rng.uniform(0.5, 1.5, size), rng.uniform(-1, 1, size))
