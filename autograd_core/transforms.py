"""Derivatives as functions of functions: any order, over nested containers of arrays.

Arrays in, arrays out; Tensors in, Tensors out. A result that depends on a tracked value from
outside (another transform's variable, a model's parameters) is a recorded Tensor, so transforms
nest in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core.containers import flatten
from autograd_core.errors import DtypeError, GraphError, ShapeError
from autograd_core.forward_mode import push_forward
from autograd_core.graph import Node, backward, mode, next_number, reachable, recording
from autograd_core.tensor import Tensor, as_array, lift, seed_like, wrap


def gradients(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    *,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    allow_unused: bool = False,
) -> Any:
    """Gradients of the outputs with respect to the inputs, returned instead of accumulated.

    ``grad_outputs``: cotangents shaped like the outputs (default: 1, for outputs of one element).
    ``create_graph`` records the backward pass, so that the gradients can be differentiated again.
    An input the outputs do not depend on raises GraphError, or gives None if ``allow_unused``.
    Returns Tensors: one for a single input, else a tuple.

    >>> x = Tensor(np.array(2.0), requires_grad=True)
    >>> first = gradients(x**3, x, create_graph=True)
    >>> gradients(first, x).item()
    12.0
    """
    results = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    wanted = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if isinstance(outputs, Tensor) and grad_outputs is not None:
        grad_outputs = [grad_outputs]
    for tensor in wanted:
        if tensor.node is None:
            raise GraphError("gradients: an input is untracked; make it with requires_grad=True")
    found = pull_back(
        results,
        [None] * len(results) if grad_outputs is None else list(grad_outputs),
        wanted,
        record=create_graph,
        retain=create_graph if retain_graph is None else retain_graph,
    )
    if not allow_unused and any(gradient is None for gradient in found):
        raise GraphError(
            "gradients: the outputs do not depend on one of the inputs; pass allow_unused=True "
            "to get None for it"
        )
    return found[0] if isinstance(inputs, Tensor) else tuple(found)


def pull_back(
    outputs: Sequence[Tensor],
    cotangents: Sequence[Any],
    inputs: Sequence[Tensor],
    *,
    record: bool,
    retain: bool,
) -> list[Tensor | None]:
    """The gradients of some Tensors with respect to others, None where nothing depends on one."""
    seeds = []
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if output.node is not None:
            seed = seed_like(output, cotangent)
            if record:
                seed = seed if isinstance(seed, Tensor) else wrap(seed)
            else:
                seed = seed.data if isinstance(seed, Tensor) else seed
            seeds.append((output.node, seed))
    found = backward(
        seeds,
        wanted={tensor.node for tensor in inputs if tensor.node is not None},
        retain=retain,
        lift=lift if record else None,
    )
    return [
        None if tensor.node is None else as_gradient(found.get(tensor.node)) for tensor in inputs
    ]


def as_gradient(cotangent: Any) -> Tensor | None:
    """A cotangent as the gradient it is: a Tensor, conjugated if complex.

    An array is copied, because rules may hand one array to several operands; a recorded Tensor is a
    value that nobody writes to.
    """
    if cotangent is None:
        return None
    gradient: Tensor = cotangent if isinstance(cotangent, Tensor) else wrap(cotangent.copy())
    return gradient.conj() if gradient.dtype.kind == "c" else gradient


class Traced:
    """One call of a function on fresh variables, ready to be differentiated.

    The variables are new leaves; for an argument that is tracked from outside, an identity recorded
    from it, so that what is computed here still depends on it.
    """

    def __init__(
        self, name: str, function: Callable[..., Any], args: Sequence[Any], argnums: ArgNums
    ) -> None:
        chosen = [argnums] if isinstance(argnums, int) else list(argnums)
        originals, self.rebuild = flatten([args[number] for number in chosen])
        self.single = isinstance(argnums, int)
        self.tensors_in = any(isinstance(leaf, Tensor) for leaf in originals)
        outside_records = mode.recording
        start = next_number()
        with recording(True):
            self.variables = [variable(name, leaf, bool(outside_records)) for leaf in originals]
            replaced = list(args)
            for number, argument in zip(chosen, self.rebuild(self.variables), strict=True):
                replaced[number] = argument
            value = function(*replaced)
        outputs, self.rebuild_value = flatten(value)
        self.outputs = [
            output if isinstance(output, Tensor) else wrap(output) for output in outputs
        ]
        # Whether the result depends on a leaf that is older than this call.
        _, leaves = reachable(output.node for output in self.outputs if output.node is not None)
        self.open = bool(outside_records) and any(leaf.number < start for leaf in leaves)

    def scalar(self, name: str) -> None:
        """Raise unless the result is one real number, as a gradient needs."""
        shapes = [output.shape for output in self.outputs]
        if len(shapes) != 1 or self.outputs[0].size != 1:
            raise ShapeError(
                f"{name}: the function returned {len(shapes)} results of shapes {shapes}; expected "
                "one number; sum it, or use jacobian or vjp"
            )
        if self.outputs[0].dtype.kind == "c":
            raise DtypeError(
                f"{name}: the function returned a complex number, which has no gradient; take "
                ".real, .imag or abs of it, or use vjp"
            )

    def pull_back(self, cotangents: Sequence[Any], *, retain: bool = False) -> list[Tensor]:
        """Gradients of the variables, zero where the outputs do not depend on one."""
        record = self.open or any(is_tracked(cotangent) for cotangent in cotangents)
        found = pull_back(
            self.outputs, cotangents, self.variables, record=record, retain=retain or record
        )
        return [
            wrap(np.zeros_like(variable.data)) if gradient is None else gradient
            for gradient, variable in zip(found, self.variables, strict=True)
        ]

    def push_forward(self, tangents: Sequence[Any]) -> list[Tensor]:
        """Tangents of the outputs, given those of the variables."""
        record = self.open or any(is_tracked(tangent) for tangent in tangents)
        moving: dict[Node, Any] = {}
        for variable, tangent in zip(self.variables, tangents, strict=True):
            start = seed_like(variable, tangent, conjugate=False)
            assert variable.node is not None
            moving[variable.node] = (
                wrap(start) if record and isinstance(start, np.ndarray) else start
            )
        nodes = [output.node for output in self.outputs]
        with recording(record):
            push_forward([node for node in nodes if node is not None], moving, record)
        moved = [None if node is None else moving.get(node) for node in nodes]
        return [
            wrap(np.zeros_like(output.data))
            if part is None
            else part
            if isinstance(part, Tensor)
            else wrap(part)
            for part, output in zip(moved, self.outputs, strict=True)
        ]

    def arguments(self, leaves: Sequence[Tensor]) -> Any:
        """Leaves that belong to the variables, in the containers of the chosen arguments."""
        filled = self.rebuild([self.finished(leaf) for leaf in leaves])
        return filled[0] if self.single else tuple(filled)

    def results(self, leaves: Sequence[Tensor]) -> Any:
        """Leaves that belong to the outputs, in the containers of the result."""
        return self.rebuild_value([self.finished(leaf) for leaf in leaves])

    def finished(self, tensor: Tensor) -> Any:
        """An array, unless Tensors were given or the graph goes on outside."""
        if self.open:
            return tensor
        return tensor.detach() if self.tensors_in else tensor.data


ArgNums = int | Sequence[int]


def variable(name: str, leaf: Any, outside_records: bool) -> Tensor:
    """A Tensor to differentiate by, with the value of an argument."""
    if is_tracked(leaf) and outside_records:
        return np.positive(leaf)
    array = leaf.data if isinstance(leaf, Tensor) else as_array(leaf)
    if array.dtype.kind not in "fc":
        raise DtypeError(
            f"{name}: got an argument of dtype {array.dtype}; expected floating or complex "
            "numbers to differentiate by; convert it with .astype(float)"
        )
    return Tensor(array, requires_grad=True)


def is_tracked(value: Any) -> bool:
    """Whether a value is a Tensor that requires a gradient."""
    return isinstance(value, Tensor) and value.requires_grad


def value_and_grad(
    function: Callable[..., Any], argnums: ArgNums = 0, *, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """A function that returns the value of a scalar function and its gradient.

    ``argnums`` chooses the arguments; each may be a nested dict, list or tuple of arrays, and its
    gradient is nested alike. With ``has_aux`` the function returns ``(value, anything)``.

    >>> value_and_grad(lambda w: w["a"] * w["b"])({"a": 2.0, "b": 5.0})
    (array(10.), {'a': array(5.), 'b': array(2.)})
    """

    def differentiated(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        aux: list[Any] = []

        def scalar(*arguments: Any) -> Any:
            value = function(*arguments, **kwargs)
            if has_aux:
                value, extra = value
                aux.append(extra)
            return value

        traced = Traced("grad", scalar, args, argnums)
        traced.scalar("grad")
        gradient = traced.arguments(traced.pull_back([None]))
        value = traced.results(traced.outputs)
        return ((value, *aux) if has_aux else value), gradient

    return differentiated


def grad(
    function: Callable[..., Any], argnums: ArgNums = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns the gradient of a scalar function.

    >>> grad(lambda x: x * grad(lambda y: x * y * y)(2.0))(1.5)
    array(12.)
    """
    both = value_and_grad(function, argnums, has_aux=has_aux)

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return differentiated


def vjp(
    function: Callable[..., Any], *primals: Any
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value at the primals, and the map from cotangents of it to cotangents of them.

    >>> value, pull = vjp(np.sin, np.array(0.0))
    >>> pull(np.array(2.0))
    (array(2.),)
    """
    traced = Traced("vjp", function, primals, range(len(primals)))

    def pull(cotangents: Any) -> tuple[Any, ...]:
        starts = matching("vjp", cotangents, traced.results(traced.outputs))
        pulled = traced.pull_back(starts, retain=True)
        if any(is_tracked(start) for start in starts):
            return tuple(traced.rebuild(list(pulled)))
        return traced.arguments(pulled)

    return traced.results(traced.outputs), pull


def jvp(
    function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]
) -> tuple[Any, Any]:
    """The value at the primals, and how it moves when they move along the tangents.

    >>> jvp(np.sin, (np.array(0.0),), (np.array(2.0),))
    (array(0.), array(2.))
    """
    traced = Traced("jvp", function, primals, range(len(primals)))
    starts = matching("jvp", tuple(tangents), tuple(primals))
    moved = traced.push_forward(starts)
    if any(is_tracked(start) for start in starts):
        return traced.results(traced.outputs), traced.rebuild_value(list(moved))
    return traced.results(traced.outputs), traced.results(moved)


def matching(name: str, given: Any, like: Any) -> list[Any]:
    """The leaves of a container that must be nested and shaped like another."""
    leaves, _ = flatten(given)
    expected, _ = flatten(like)
    shapes = [np.shape(leaf) for leaf in leaves]
    wanted = [np.shape(leaf) for leaf in expected]
    if shapes != wanted:
        raise ShapeError(f"{name}: got vectors of shapes {shapes}; expected {wanted}")
    return leaves


def jacobian(
    function: Callable[..., Any], argnums: ArgNums = 0, *, forward: bool = False
) -> Callable[..., Any]:
    """A function that returns all first derivatives, of shape ``output.shape + input.shape``.

    Reverse mode walks back once for each output element, forward mode pushes once for each input
    element: choose the smaller number.

    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        traced = Traced("jacobian", lambda *a: function(*a, **kwargs), args, argnums)
        table = forward_rows(traced) if forward else reverse_rows(traced)
        return traced.rebuild_value([traced.arguments(row) for row in table])

    return differentiated


def reverse_rows(traced: Traced) -> list[list[Tensor]]:
    """For each output, its derivative by each variable: one backward pass an output element."""
    table = []
    for k, output in enumerate(traced.outputs):
        pulled = []
        for one_hot in basis(output):
            cotangents = [np.zeros_like(other.data) for other in traced.outputs]
            cotangents[k] = one_hot
            pulled.append(traced.pull_back(cotangents, retain=True))
        table.append(
            [
                stack(
                    [holomorphic(row[j]) for row in pulled], output.shape + variable.shape, variable
                )
                for j, variable in enumerate(traced.variables)
            ]
        )
    return table


def forward_rows(traced: Traced) -> list[list[Tensor]]:
    """For each output, its derivative by each variable: one forward pass an input element."""
    columns = []
    for j, variable in enumerate(traced.variables):
        moved = []
        for one_hot in basis(variable):
            tangents = [np.zeros_like(other.data) for other in traced.variables]
            tangents[j] = one_hot
            moved.append(traced.push_forward(tangents))
        columns.append(moved)
    return [
        [
            stack(
                [moved[k] for moved in columns[j]], output.shape + variable.shape, output, last=True
            )
            for j, variable in enumerate(traced.variables)
        ]
        for k, output in enumerate(traced.outputs)
    ]


def holomorphic(gradient: Tensor) -> Tensor:
    """The derivative that a gradient is the conjugate of."""
    return gradient.conj() if gradient.dtype.kind == "c" else gradient


def basis(like: Tensor) -> list[Any]:
    """Every array shaped like a Tensor with a one in one place and zeros elsewhere."""
    identity = np.eye(like.size, dtype=like.dtype)
    return [row.reshape(like.shape) for row in identity]


def stack(parts: list[Tensor], shape: tuple[int, ...], like: Tensor, last: bool = False) -> Tensor:
    """Parts side by side along new first (or last) axes."""
    if not parts:
        return wrap(np.zeros(shape, like.dtype))
    stacked: Any = np.stack(parts, axis=-1 if last else 0)
    return stacked.reshape(shape)


def hessian(function: Callable[..., Any], argnums: ArgNums = 0) -> Callable[..., Any]:
    """A function that returns all second derivatives of a scalar function.

    >>> hessian(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return jacobian(grad(function, argnums), argnums)


def hvp(function: Callable[..., Any], primals: Sequence[Any], vectors: Sequence[Any]) -> Any:
    """The Hessian of a scalar function times vectors, without ever building the Hessian.

    Reverse over reverse: the gradient's vector-Jacobian product, since the Hessian is symmetric.

    >>> hvp(lambda x: (x**3).sum(), (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),))
    (array([6., 0.]),)
    """
    gradient = grad(function, range(len(primals)))
    _, pull = vjp(gradient, *primals)
    return pull(tuple(vectors))
