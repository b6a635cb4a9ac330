"""What an operation is: a NumPy function, a rule for each operand, and where it may be tested.

``define`` attaches rules to a function. A rule is plain NumPy; its argument names say what it
needs, and only that is kept from the forward pass:

* ``g``: the cotangent of the result; ``out``: the result,
* the function's own parameter names (for ufuncs ``x`` and ``y``): operands and settings,
* ``<operand>_shape``: the shape of an operand whose values are not needed,
* ``i``: which element of a sequence operand (``concatenate``) the gradient is for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import partial, wraps
from operator import itemgetter
from typing import Any, ClassVar, NamedTuple, ParamSpec

import numpy as np

P = ParamSpec("P")

Rule = Callable[..., Any]


class Domain(NamedTuple):
    """The open interval an operand is drawn from when its rule is tested.

    >>> Domain(0.2, 3.0).low
    0.2
    """

    low: float = -2.0
    high: float = 2.0


REAL = Domain()
POSITIVE = Domain(0.3, 3.0)
UNIT = Domain(-0.9, 0.9)


class Elementwise(NamedTuple):
    """Finite-difference-safe inputs of an elementwise operation.

    ``domains`` holds one interval for each operand; ``kinks`` is a function of the operands that
    is zero exactly where the derivative jumps or does not exist, and is kept away from zero.
    """

    domains: tuple[Domain, ...]
    kinks: Callable[..., Any] | None = None


# How to draw safe inputs: intervals for elementwise operations, otherwise a function that takes a
# drawer (autograd_core.testing.Drawer) and returns (args, kwargs) for one call.
Sample = Elementwise | Callable[[Any], tuple[tuple[Any, ...], dict[str, Any]]]


def call(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of one call, as samples return them.

    >>> call(1, axis=0)
    ((1,), {'axis': 0})
    """
    return args, kwargs


class Primitive:
    """One operation: its forward function, its parameters, its rules and its safe inputs.

    A call is kept as a row of *slots*: one for each parameter in the order of the signature, then
    the result, then the shapes that rules asked for. ``rules[k]`` belongs to ``operands[k]`` and
    reads its arguments from that row; ``keeps[k]`` says which slots it reads. ``places[k]`` is the
    same rule, computing in an array it is given, or None if it cannot.
    """

    __slots__ = (
        "bind",
        "defaults",
        "forward",
        "irregular",
        "joint",
        "keeps",
        "keeps_of",
        "kernel",
        "label",
        "multiple",
        "name",
        "operand_slots",
        "operands",
        "out_slot",
        "parameters",
        "places",
        "ready",
        "record",
        "replay",
        "rules",
        "sample",
        "sequence",
        "shape_slots",
        "signature",
        "unbound",
        "view",
    )

    # Made by `resolve`, for most operations only when they are first used.
    bind: Callable[..., tuple[Any, ...]]
    replay: Callable[..., Any]
    parameters: tuple[str, ...]
    operand_slots: tuple[int, ...]
    shape_slots: tuple[int, ...]
    out_slot: int | None
    rules: tuple[Rule, ...]
    places: tuple[Rule | None, ...]
    keeps: tuple[frozenset[int], ...]
    # The parameters as they are written in a definition, and the values of defaults named there.
    signature: str
    defaults: dict[str, Any]
    # Makes of an operation the function that records it: the engine's, once it is loaded.
    specialise: ClassVar[Callable[[Primitive], Callable[..., Any]]]

    def __init__(
        self,
        forward: Callable[..., Any],
        sample: Sample | None = None,
        rules: dict[str, Rule] | None = None,
        *,
        name: str | None = None,
        label: str | None = None,
        sequence: bool = False,
        view: bool = False,
        multiple: bool = False,
        joint: tuple[str, ...] | None = None,
        kernel: Callable[..., Any] | None = None,
    ) -> None:
        self.forward = forward
        self.sample = sample
        self.unbound = rules or {}
        self.operands = tuple(self.unbound) if joint is None else joint
        self.name = name or forward.__name__
        self.label = label or self.name
        self.sequence = sequence
        self.view = view
        self.multiple = multiple
        self.joint = joint is not None
        self.kernel = kernel
        self.irregular = sequence or multiple or self.joint
        self.ready = False
        # Computes with Tensors, called as the forward function is.
        self.record: Callable[..., Any] = partial(record_first, self)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def resolve(self) -> None:
        """Read the forward function's signature and bind the rules to slots of it.

        Reading signatures takes long enough to be felt at import, so it waits for the first call.
        """
        if isinstance(self.forward, np.ufunc):
            self.parameters = ("x", "y", "z", "w")[: self.forward.nin]
            self.signature, self.defaults = ", ".join(self.parameters), {}
            self.bind, self.replay = bind_elementwise, self.forward
        else:
            read = compile_signature(self.forward)
            self.parameters, self.signature, self.defaults, self.bind, self.replay = read
            if self.kernel is not None:
                self.replay = bind_kernel(self.kernel, self.parameters)
        slots = {parameter: slot for slot, parameter in enumerate((*self.parameters, "out_"))}
        result = len(self.parameters)
        shape_slots = []
        needs = []
        special = {"g", "i", "into"} - ({"into"} & slots.keys())
        for rule in self.unbound.values():
            names = [name for name in argument_names(rule) if name not in special]
            for name in names:
                if name.endswith("_shape") and name not in slots:
                    shape_slots.append(slots[name.removesuffix("_shape")])
                    slots[name] = result + len(shape_slots)
            needs.append([result if name == "out" else slots[name] for name in names])
        self.rules = tuple(
            bind_rule(rule, need, self.sequence)
            for rule, need in zip(self.unbound.values(), needs, strict=True)
        )
        self.places = tuple(
            bind_place(rule, need) if "into" in special & {*argument_names(rule)} else None
            for rule, need in zip(self.unbound.values(), needs, strict=True)
        )
        self.irregular |= any(self.places)
        if self.joint:
            needs *= len(self.operands)
        self.keeps = tuple(frozenset(need) for need in needs)
        self.operand_slots = tuple(slots[operand] for operand in self.operands)
        self.shape_slots = tuple(shape_slots)
        self.out_slot = self.parameters.index("out") if "out" in self.parameters else None
        self.keeps_of: dict[tuple[int, ...], frozenset[int]] = {}
        self.ready = True

    def kept(self, tracked: tuple[int, ...]) -> frozenset[int]:
        """The slots to keep when the operands in these slots are tracked."""
        keep = self.keeps_of.get(tracked)
        if keep is None:
            pairs = zip(self.operand_slots, self.keeps, strict=True)
            keep = frozenset().union(*(keeps for slot, keeps in pairs if slot in tracked))
            self.keeps_of[tracked] = keep
        return keep


def record_first(primitive: Primitive, *args: Any, **kwargs: Any) -> Any:
    """Record the first call of an operation, and have another function record those that follow."""
    primitive.record = Primitive.specialise(primitive)
    return primitive.record(*args, **kwargs)


def bind_elementwise(*operands: Any) -> tuple[Any, ...]:
    """The row of a ufunc: its operands, lists of numbers as arrays."""
    return tuple(
        np.asarray(value) if isinstance(value, (list, tuple)) else value for value in operands
    )


def argument_names(rule: Rule) -> tuple[str, ...]:
    """The names of a rule's arguments; from the code object, which is ten times as fast."""
    code = getattr(getattr(rule, "__wrapped__", rule), "__code__", None)
    if code is None:
        return tuple(inspect.signature(rule).parameters)
    names: tuple[str, ...] = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return names


def bind_rule(rule: Rule, need: list[int], sequence: bool) -> Rule:
    """A rule as backward calls it: ``(g, slots)``, and ``(g, slots, i)`` for sequence operands."""
    if sequence:
        return lambda g, slots, i: rule(g, i, *[slots[k] for k in need])
    match need:
        case []:
            return lambda g, slots: rule(g)
        case [a]:
            return lambda g, slots: rule(g, slots[a])
        case [a, b]:
            return lambda g, slots: rule(g, slots[a], slots[b])
    pick = itemgetter(*need)
    return lambda g, slots: rule(g, *pick(slots))


def bind_place(rule: Rule, need: list[int]) -> Rule:
    """A rule as backward calls it with a place for the gradient: ``(g, slots, into)``."""
    return lambda g, slots, into: rule(g, *[slots[k] for k in need], into=into)


# Functions that older versions of NumPy keep the signature of to themselves.
SIGNATURES: dict[str, Callable[..., None]] = {
    "concatenate": lambda arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind": None,
    "dot": lambda a, b, out=None: None,
    "inner": lambda a, b, /: None,
    "vdot": lambda a, b, /: None,
    "bincount": lambda x, /, weights=None, minlength=0: None,
    "any": lambda *args, **kwargs: None,
}


def bind_kernel(kernel: Callable[..., Any], parameters: tuple[str, ...]) -> Callable[..., Any]:
    """A kernel as recording calls it, with a full row; it may leave out parameters."""
    names = argument_names(kernel)
    if names == parameters:
        return kernel
    pick = itemgetter(*map(parameters.index, names))

    @wraps(kernel)
    def run(*row: Any) -> Any:
        return kernel(*pick(row))

    return run


PREFIXES: dict[Any, str] = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}


def compile_signature(
    forward: Callable[..., Any],
) -> tuple[
    tuple[str, ...], str, dict[str, Any], Callable[..., tuple[Any, ...]], Callable[..., Any]
]:
    """Parameter names, signature, defaults, ``bind(*args, **kwargs) -> row``, ``replay(*row)``.

    The last two are lambdas with the signature spelled out, so that Python itself matches arguments
    to parameters and fills in defaults: ``inspect.Signature.bind`` takes twenty times as long.
    The signature is text, and the defaults are the values of the names in it.

    >>> names, signature, defaults, bind, replay = compile_signature(np.moveaxis)
    >>> names, signature, bind(1, destination=0, source=2)
    (('a', 'source', 'destination'), 'a, source, destination', (1, 2, 0))
    """
    try:
        described = inspect.signature(forward)
    except ValueError:  # written in C, before NumPy 2.4 gave these a signature
        described = inspect.signature(SIGNATURES.get(forward.__name__, SIGNATURES["any"]))
    parameters = described.parameters.values()
    names = tuple(parameter.name for parameter in parameters)
    defaults: dict[str, Any] = {}
    accepted, passed = [], []
    kind = inspect.Parameter
    starred = False
    for parameter in parameters:
        name = parameter.name
        if parameter.kind is kind.KEYWORD_ONLY and not starred:
            accepted.append("*")
            starred = True
        if parameter.kind is kind.VAR_POSITIONAL:
            starred = True
        prefix = PREFIXES.get(parameter.kind, "")
        default = ""
        if parameter.default is not kind.empty:
            defaults[f"_default_{name}"] = parameter.default
            default = f"=_default_{name}"
        accepted.append(f"{prefix}{name}{default}")
        keyword = f"{name}=" if parameter.kind is kind.KEYWORD_ONLY else prefix
        passed.append(f"{keyword}{name}")
    row = "".join(f"{name}, " for name in names)
    signature = ", ".join(accepted)
    bind = evaluate(f"lambda {signature}: ({row})", defaults.copy())
    replay = evaluate(f"lambda {row}: _forward({', '.join(passed)})", {"_forward": forward})
    replay.__name__, replay.__wrapped__ = forward.__name__, forward
    return names, signature, defaults, bind, replay


def evaluate(source: str, namespace: dict[str, Any]) -> Any:
    """The value of an expression; where errors name lines, it counts as one of this file."""
    return eval(compile(source, __file__ + "<made>", "eval"), namespace)


# Every operation the engine knows, by the NumPy function (or function of our own) it is.
REGISTRY: dict[Callable[..., Any], Primitive] = {}


def define(
    forward: Callable[..., Any],
    sample: Sample | None = None,
    *,
    name: str | None = None,
    label: str | None = None,
    sequence: bool = False,
    view: bool = False,
    multiple: bool = False,
    joint: tuple[str, ...] | None = None,
    kernel: Callable[..., Any] | None = None,
    **rules: Rule,
) -> Primitive:
    """Attach gradient rules to a function, one for each operand, and register it.

    ``sequence``: the operand is a sequence of arrays and the rule takes ``i``; ``view``: the result
    may share the operand's memory; ``multiple``: the result is a tuple and ``g`` is one too;
    ``joint``: the operands named get their gradients from one rule, which returns all of them;
    ``kernel`` computes the same, faster, and is called like a rule: by the names of its arguments.
    A rule with an argument ``into=None`` may be given an array there, to compute the gradient in;
    its result must always have the operand's shape.
    Without rules the operation is piecewise constant or not numeric: its result is untracked.

    >>> define(np.tanh, Elementwise((REAL,)), x=lambda g, out: g * (1 - out * out))
    <primitive tanh>
    """
    primitive = Primitive(
        forward,
        sample,
        rules,
        name=name,
        label=label,
        sequence=sequence,
        view=view,
        multiple=multiple,
        joint=joint,
        kernel=kernel,
    )
    REGISTRY[forward] = primitive
    return primitive


def operation(
    sample: Sample | None = None,
    *,
    name: str | None = None,
    label: str | None = None,
    sequence: bool = False,
    view: bool = False,
    multiple: bool = False,
    joint: tuple[str, ...] | None = None,
    **rules: Rule,
) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Make a differentiable operation of a plain NumPy function: ``define`` for functions of yours.

    The function computes with arrays; called with Tensors (anything that speaks NumPy's protocol)
    it records. Rules and settings are as for ``define``.

    >>> @operation(Elementwise((REAL,)), x=lambda g, x: 3 * g * x * x)
    ... def cube(x):
    ...     return x * x * x
    >>> from autograd_core import Tensor
    >>> x = Tensor(np.array(2.0), requires_grad=True)
    >>> cube(x).backward()
    >>> float(x.grad)
    12.0
    """

    def decorate(forward: Callable[P, Any]) -> Callable[P, Any]:
        @wraps(forward)
        def dispatch(*args: P.args, **kwargs: P.kwargs) -> Any:
            if not RECORDED.isdisjoint(map(type, args)):
                return primitive.record(*args, **kwargs)
            taker = first_taker((*args, *kwargs.values()))
            if taker is None:
                return forward(*args, **kwargs)
            result = taker.__array_function__(dispatch, (type(taker),), args, kwargs)
            # Arrays of another library do not know the function: it takes them as they are.
            return forward(*args, **kwargs) if result is NotImplemented else result

        primitive = REGISTRY[dispatch] = Primitive(
            forward,
            sample,
            rules,
            name=name,
            label=label,
            sequence=sequence,
            view=view,
            multiple=multiple,
            joint=joint,
        )
        return dispatch

    return decorate


# What operations record: Tensors, once there are any.
RECORDED: set[type] = set()

# What most arguments are, and takes over nothing: known without asking for its attributes.
PLAIN = frozenset({np.ndarray, int, bool, float, str, slice, type(None), type(...)})


def first_taker(values: Iterable[Any]) -> Any:
    """The first value, also in lists, tuples and dicts, that takes over the functions it is in."""
    for value in values:
        if type(value) in PLAIN:
            continue
        if isinstance(value, (list, tuple, dict)):
            inner = first_taker(value.values() if isinstance(value, dict) else value)
            if inner is not None:
                return inner
        elif hasattr(value, "__array_function__") and not isinstance(value, np.ndarray):
            return value
    return None
