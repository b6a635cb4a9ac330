"""What becomes of every function of NumPy's when it is called with Tensors, as one table.

``python -m autograd_core.coverage > docs/functions.md`` writes it out. What the registries know is
read from them; what is refused, and what takes no arrays at all, stands here with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from autograd_core.primitive import REGISTRY
from autograd_core.tensor import COMPOSITES

NAMESPACES = (np, np.linalg, np.fft)

# The four things that can become of a function, and a fifth for what is no matter of derivatives.
DIFFERENTIABLE = "differentiable"
COMPOSITE = "composite"
NOT_DIFFERENTIABLE = "not differentiable"
REFUSED = "refused"
NO_OPERATION = "no operation on arrays"

MEANING = {
    DIFFERENTIABLE: "has a gradient rule for the operands named",
    COMPOSITE: "is made of differentiable functions, and so are its derivatives",
    NOT_DIFFERENTIABLE: "takes Tensors, also tracked ones; its results are untracked",
    REFUSED: "raises for tracked Tensors, for the reason named",
    NO_OPERATION: "does not compute with arrays",
}

# Why tracked Tensors are refused, and by which functions.
REFUSALS = {
    "makes a plain ndarray, which would lose the graph; use `np.stack` or `.detach()`": """
        array asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray asmatrix bmat
        from_dlpack require
    """,
    "writes to a file; use `.detach()`": "save savetxt savez savez_compressed",
}

# What the functions do that do not compute with arrays.
OTHERS = {
    "makes an array of settings": """
        arange bartlett blackman diag_indices empty eye fromfunction full hamming hanning identity
        indices kaiser mask_indices ones tri tril_indices triu_indices zeros fftfreq rfftfreq
    """,
    "reads an array from a file, a buffer or a text": """
        frombuffer fromfile fromiter fromregex fromstring genfromtxt load loadtxt
    """,
    "answers a question about types or shapes": """
        broadcast_shapes datetime_data isdtype isfortran isscalar issubdtype iterable mintypecode
        promote_types typename
    """,
    "writes a number as text": """
        base_repr binary_repr format_float_positional format_float_scientific
    """,
    "reads or changes a setting of NumPy": """
        get_include get_printoptions getbufsize geterr geterrcall info printoptions
        set_printoptions setbufsize seterr seterrcall show_config show_runtime test
    """,
    "makes a function or an iterator": "frompyfunc nested_iters",
}

# What to know about composites.
REMARKS = {
    "the counts are constant, but linear in the weights; edges are constants": """
        histogram histogram2d histogramdd
    """,
    "the edges are constants": "histogram_bin_edges",
    "writes as `x[i] = v` does": """
        copyto fill_diagonal place put put_along_axis putmask
    """,
}

# Old names that NumPy keeps for a while, and what they call.
OLD_NAMES: dict[str, Callable[..., Any]] = {"row_stack": np.vstack, "trapz": np.trapezoid}


class Entry(NamedTuple):
    """A function, what becomes of it, and what more there is to say: operands or a reason."""

    name: str
    kind: str
    detail: str


def public_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions in NumPy's namespaces, by the names a user writes behind ``np.``."""
    for namespace in NAMESPACES:
        prefix = namespace.__name__.removeprefix("numpy").lstrip(".")
        for name in sorted(vars(namespace)):
            function = getattr(namespace, name)
            if callable(function) and not isinstance(function, type) and not name.startswith("_"):
                yield f"{prefix}.{name}".lstrip("."), function


def classify(name: str, function: Callable[..., Any]) -> Entry | None:
    """What becomes of one function; None if nobody has decided.

    >>> classify("tanh", np.tanh)
    Entry(name='tanh', kind='differentiable', detail='x')
    """
    last = name.rpartition(".")[2]
    function = OLD_NAMES.get(last, function)
    primitive = REGISTRY.get(function)
    if primitive is not None and primitive.operands:
        return Entry(name, DIFFERENTIABLE, ", ".join(primitive.operands))
    if primitive is not None:
        return Entry(name, NOT_DIFFERENTIABLE, "")
    if function in COMPOSITES:
        return Entry(name, COMPOSITE, find(last, REMARKS))
    for kind, reasons in ((REFUSED, REFUSALS), (NO_OPERATION, OTHERS)):
        if reason := find(last, reasons):
            return Entry(name, kind, reason)
    return None


def find(name: str, reasons: dict[str, str]) -> str:
    """The reason under which a name is listed, or nothing.

    >>> find("seterr", OTHERS)
    'reads or changes a setting of NumPy'
    """
    return next((reason for reason, names in reasons.items() if name in names.split()), "")


def table() -> list[Entry]:
    """Every public function that is classified."""
    entries = (classify(name, function) for name, function in public_functions())
    return [entry for entry in entries if entry is not None]


def unclassified() -> list[str]:
    """The public functions nobody has decided about; a test wants this to be empty."""
    return [name for name, function in public_functions() if classify(name, function) is None]


def page() -> str:
    """The table as a page of Markdown."""
    entries = table()
    version = ".".join(np.__version__.split(".")[:2])
    lines = [
        "# NumPy's functions",
        "",
        "<!-- Generated: python -m autograd_core.coverage > docs/functions.md -->",
        "",
        f"What becomes of every public function of `numpy`, `numpy.linalg` and `numpy.fft` (NumPy "
        f"{version}) when it is called with Tensors.",
        "",
        "| | functions | |",
        "|---|---:|---|",
    ]
    for kind, meaning in MEANING.items():
        many = sum(entry.kind == kind for entry in entries)
        lines.append(f"| {kind} | {many} | {meaning} |")
    lines += ["", "| function | | operands, or reason |", "|---|---|---|"]
    lines += [f"| `{name}` | {kind} | {detail} |" for name, kind, detail in entries]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
