"""The rule of einsum: the gradient of an operand is an einsum of the others and the cotangent.

What an einsum cannot write is done around it: a label that only this operand has is broadcast,
and a label repeated within the operand fills a diagonal.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from autograd_core.primitive import call, define

# einsum writes implicit results in this order.
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def einsum_operand(g: Any, i: int, operands: tuple[Any, ...]) -> Any:
    """Gradient of the argument at position ``i`` of an einsum, through products of matrices."""
    subscripts, arrays = split(operands)
    k = i - 1 if isinstance(operands[0], str) else i // 2
    terms, output = labels_of(subscripts, tuple(np.ndim(array) for array in arrays))
    term, shape = terms[k], np.shape(arrays[k])
    rest = (*terms[:k], *terms[k + 1 :])
    known = set(output).union(*rest)
    found = [label for label, side in zip(term, shape, strict=True) if side != 1 and label in known]
    wanted = "".join(dict.fromkeys(found))
    gradient = np.einsum(
        f"{','.join((output, *rest))}->{wanted}",
        g,
        *arrays[:k],
        *arrays[k + 1 :],
        optimize=True,
    )
    sides = dict(zip(wanted, gradient.shape, strict=True))
    places = [term.index(label) for label in term]
    gradient = np.reshape(
        gradient,
        [sides.get(label, 1) if places[axis] == axis else 1 for axis, label in enumerate(term)],
    )
    for axis, place in enumerate(places):
        if place != axis:
            diagonal = np.eye(shape[axis], dtype=bool, like=gradient)
            drawn = [n if j in (place, axis) else 1 for j, n in enumerate(shape)]
            gradient = np.where(np.reshape(diagonal, drawn), gradient, 0)
    return np.broadcast_to(gradient, shape)


def split(operands: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The subscripts as a string, and the arrays, of either form in which einsum is called."""
    if isinstance(operands[0], str):
        return operands[0], operands[1:]
    pairs = len(operands) // 2
    lists = [operands[2 * k + 1] for k in range(pairs)]
    numbers = {label for part in (*lists, *operands[2 * pairs :]) for label in part} - {Ellipsis}
    letters = dict(zip(sorted(numbers), LETTERS, strict=False)) | {Ellipsis: "..."}
    inputs = ",".join("".join(letters[label] for label in part) for part in lists)
    arrow = ["->" + "".join(letters[label] for label in part) for part in operands[2 * pairs :]]
    return inputs + "".join(arrow), operands[: 2 * pairs : 2]


@lru_cache(maxsize=256)
def labels_of(subscripts: str, ndims: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """One letter for each axis of each operand and of the result, also behind an ellipsis.

    >>> labels_of("i...,ij", (2, 2))
    (('iA', 'ij'), 'Aj')
    """
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    hidden = [
        n - len(term) + 3 if "..." in term else 0 for term, n in zip(terms, ndims, strict=True)
    ]
    spare = [letter for letter in LETTERS if letter not in subscripts]
    batch = "".join(spare[: max(hidden)])
    if not arrow:
        once = sorted(label for label in set(inputs) - set(",.") if inputs.count(label) == 1)
        output = "..." + "".join(once)
    return (
        tuple(
            term.replace("...", batch[len(batch) - n :])
            for term, n in zip(terms, hidden, strict=True)
        ),
        output.replace("...", batch),
    )


def einsum_sample(d: Any) -> Any:
    """Any legal call: repeated, shared and lonely labels, size-1 axes, ellipsis, both forms."""
    sides = {label: d.integer(2, 3) for label in "jkb"}
    batch = d.shape(1, 2, 1, 2)
    dotted = d.boolean()
    terms, arrays = [], []
    for _ in range(d.integer(1, 3)):
        labels = [d.choice("jkb") for _ in range(d.integer(0, 3))]
        shape = [
            1 if labels.count(label) == 1 and d.integer(0, 3) == 3 else sides[label]
            for label in labels
        ]
        term = list(labels)
        if dotted and d.boolean():
            place = d.integer(0, len(labels))
            shape[place:place] = batch[d.integer(0, len(batch)) :]
            term.insert(place, "...")
        terms.append(term)
        arrays.append(d.array(tuple(shape)))
    used = sorted({label for term in terms for label in term} - {"..."})
    output = [used[k] for k in d.permutation(len(used))[: d.integer(0, len(used))]]
    if any("..." in term for term in terms):
        output.insert(d.integer(0, len(output)), "...")
    optimize = d.boolean()
    written = [*terms, output] if d.boolean() else terms
    if d.boolean():
        numbers = [
            [Ellipsis if n == "..." else ord(n) - ord("a") for n in term] for term in written
        ]
        pairs = [item for pair in zip(arrays, numbers, strict=False) for item in pair]
        return call(*pairs, *numbers[len(arrays) :], optimize=optimize)
    inputs = ",".join("".join(term) for term in terms)
    arrow = "->" + "".join(output) if written is not terms else ""
    return call(inputs + arrow, *arrays, optimize=optimize)


define(np.einsum, einsum_sample, sequence=True, view=True, operands=einsum_operand)
define(np.einsum_path)
