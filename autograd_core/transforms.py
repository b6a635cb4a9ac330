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
from autograd_core.tensor import Tensor, as_array, as_tensor, lift, seed_like, wrap


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
            seeds.append((output.node, own_copy(seed_like(output, cotangent), record)))
    found = backward(
        seeds,
        wanted={tensor.node for tensor in inputs if tensor.node is not None},
        retain=retain,
        lift=lift if record else None,
    )
    return [
        None if tensor.node is None else as_gradient(found.get(tensor.node)) for tensor in inputs
    ]


def own_copy(vector: Any, record: bool) -> Any:
    """The vector a pass starts from as the pass needs it: a Tensor if it records, else an array.

    A Tensor is one that nobody else has, since what comes out at the end may be what came in.
    """
    if not record:
        return vector.data if isinstance(vector, Tensor) else vector
    with recording(True):
        return np.positive(as_tensor(vector))


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
        chosen = positions(name, argnums, len(args))
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
        self.start = start if outside_records else 0
        self.open = self.leads_outside(self.outputs)

    def leads_outside(self, tensors: Sequence[Tensor]) -> bool:
        """Whether Tensors depend on a leaf that is older than this call, and that matters."""
        _, leaves = reachable(tensor.node for tensor in tensors if tensor.node is not None)
        return any(leaf.number < self.start for leaf in leaves)

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
            moving[variable.node] = own_copy(start, record)
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
        filled = self.rebuild([self.finished(leaf, self.open) for leaf in leaves])
        return filled[0] if self.single else tuple(filled)

    def results(self, leaves: Sequence[Tensor]) -> Any:
        """Leaves that belong to the outputs, in the containers of the result."""
        return self.rebuild_value([self.separate(leaf, self.open) for leaf in leaves])

    def extras(self, container: Any) -> tuple[Any, bool]:
        """What a function returned besides its result, and whether its graph goes on outside."""
        leaves, rebuild = flatten(container)
        opened = [isinstance(leaf, Tensor) and self.leads_outside([leaf]) for leaf in leaves]
        pairs = zip(leaves, opened, strict=True)
        finished = [
            self.separate(leaf, opens) if isinstance(leaf, Tensor) else leaf
            for leaf, opens in pairs
        ]
        return rebuild(finished), any(opened)

    def finished(self, tensor: Tensor, opens: bool) -> Any:
        """An array, unless Tensors were given or the graph goes on outside."""
        if opens:
            return tensor
        return tensor.detach() if self.tensors_in else tensor.data

    def separate(self, tensor: Tensor, opens: bool) -> Any:
        """The same in memory of its own, for what may be an argument just as it came."""
        return self.finished(tensor if opens else wrap(tensor.data.copy()), opens)


ArgNums = int | Sequence[int]


def positions(name: str, argnums: ArgNums, count: int) -> list[int]:
    """The places of the chosen arguments, counted from the front."""
    chosen = [argnums] if isinstance(argnums, int) else list(argnums)
    found = [number + count if number < 0 else number for number in chosen]
    if len(set(found)) != len(found) or not set(found) <= set(range(count)):
        raise ValueError(
            f"{name}: got argnums={argnums!r} for {count} positional arguments; expected "
            "different places among them"
        )
    return found


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
    gradient is nested alike. With ``has_aux`` the function returns ``(value, anything)``; Tensors
    in what else it returns come out as the value does.

    >>> value_and_grad(lambda w: w["a"] * w["b"])({"a": 2.0, "b": 5.0})
    (array(10.), {'a': array(5.), 'b': array(2.)})
    """

    def differentiated(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        aux: Any = None

        def scalar(*arguments: Any) -> Any:
            nonlocal aux
            value = function(*arguments, **kwargs)
            if has_aux:
                if not isinstance(value, tuple) or len(value) != 2:
                    raise TypeError(
                        f"grad: has_aux=True, and the function returned a {type(value).__name__}; "
                        "expected a pair (value, anything)"
                    )
                value, aux = value
            return value

        traced = Traced("grad", scalar, args, argnums)
        traced.scalar("grad")
        aux, retain = traced.extras(aux)
        gradient = traced.arguments(traced.pull_back([None], retain=retain))
        value = traced.results(traced.outputs)
        return ((value, aux) if has_aux else value), gradient

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
        starts = matching("vjp", cotangents, traced.rebuild_value(traced.outputs))
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
    element: choose the smaller number. The derivative has the precision of the argument. It is
    complex if either is: of complex outputs dy/dx, of real ones ∂y/∂a - i ∂y/∂b for x = a + ib.

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

    def pull(k: int, cotangent: Any) -> list[Tensor]:
        cotangents = [np.zeros_like(other.data) for other in traced.outputs]
        cotangents[k] = cotangent
        return traced.pull_back(cotangents, retain=True)

    table = []
    for k, output in enumerate(traced.outputs):
        rows = [pull(k, one_hot) for one_hot in basis(output)]
        # A gradient by a real number is real: that of a complex output has two parts.
        parts = [is_complex(output) and not is_complex(x) for x in traced.variables]
        turned = [pull(k, 1j * one_hot) for one_hot in basis(output)] if any(parts) else rows
        table.append(
            [
                stack(
                    [
                        row[j] + also[j] * 1j if parts[j] else holomorphic(row[j])
                        for row, also in zip(rows, turned, strict=True)
                    ],
                    output,
                    variable,
                    axis=0,
                )
                for j, variable in enumerate(traced.variables)
            ]
        )
    return table


def forward_rows(traced: Traced) -> list[list[Tensor]]:
    """For each output, its derivative by each variable: one forward pass an input element."""

    def push(j: int, tangent: Any) -> list[Tensor]:
        tangents = [np.zeros_like(other.data) for other in traced.variables]
        tangents[j] = tangent
        return traced.push_forward(tangents)

    columns = []
    for j, variable in enumerate(traced.variables):
        moved = [push(j, one_hot) for one_hot in basis(variable)]
        # A real output moves differently along the imaginary axis.
        parts = [is_complex(variable) and not is_complex(y) for y in traced.outputs]
        turned = [push(j, 1j * one_hot) for one_hot in basis(variable)] if any(parts) else moved
        columns.append(
            [
                stack(
                    [
                        column[k] - also[k] * 1j if parts[k] else column[k]
                        for column, also in zip(moved, turned, strict=True)
                    ],
                    output,
                    variable,
                    axis=-1,
                )
                for k, output in enumerate(traced.outputs)
            ]
        )
    return [[column[k] for column in columns] for k in range(len(traced.outputs))]


def is_complex(tensor: Tensor) -> bool:
    """Whether a Tensor holds complex numbers."""
    return tensor.dtype.kind == "c"


def holomorphic(gradient: Tensor) -> Tensor:
    """The derivative that a gradient is the conjugate of."""
    return gradient.conj() if is_complex(gradient) else gradient


def basis(like: Tensor) -> list[Any]:
    """Every array shaped like a Tensor with a one in one place and zeros elsewhere."""
    identity = np.eye(like.size, dtype=like.dtype)
    return [row.reshape(like.shape) for row in identity]


def stack(parts: list[Tensor], output: Tensor, variable: Tensor, axis: int) -> Tensor:
    """The derivatives of an output by a variable, side by side along new first or last axes."""
    shape = output.shape + variable.shape
    precise = variable.dtype
    dtype = np.result_type(precise, np.complex64) if is_complex(output) else precise
    if not parts:
        return wrap(np.zeros(shape, dtype))
    stacked: Any = np.stack(parts, axis=axis)
    return stacked.reshape(shape).astype(dtype, copy=False)


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
