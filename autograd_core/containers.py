"""Nested dicts, lists and tuples of arrays, as flat lists and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def flatten(container: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The leaves of a container in order, and a function that builds it again from others.

    Dicts are read in the order of their keys as inserted; None has no leaves; anything that is not
    a dict, list or tuple is a leaf.

    >>> leaves, rebuild = flatten({"w": 1, "b": [2, None]})
    >>> leaves, rebuild([10, 20])
    ([1, 2], {'w': 10, 'b': [20, None]})
    """
    if container is None:
        return [], lambda leaves: None
    if isinstance(container, dict):
        keys = list(container)
        leaves, rebuild_values = flatten([container[key] for key in keys])
        return leaves, lambda new: dict(zip(keys, rebuild_values(new), strict=True))
    if not isinstance(container, (list, tuple)):
        return [container], lambda leaves: leaves[0]
    parts = [flatten(part) for part in container]

    def rebuild(leaves: list[Any]) -> Any:
        rest = iter(leaves)
        items = [build([next(rest) for _ in own]) for own, build in parts]
        return rebuild_sequence(container, items)

    return [leaf for own, _ in parts for leaf in own], rebuild


def rebuild_sequence(like: Any, items: list[Any]) -> Any:
    """The items in a list, tuple or named tuple like the given one."""
    kind = type(like)
    return kind(*items) if hasattr(kind, "_fields") else kind(items)


def map_leaves(function: Callable[..., Any], container: Any) -> Any:
    """The container with a function applied to every leaf.

    >>> map_leaves(lambda leaf: -leaf, (1, {"a": 2}))
    (-1, {'a': -2})
    """
    if container is None:
        return None
    if isinstance(container, dict):
        return {key: map_leaves(function, value) for key, value in container.items()}
    if isinstance(container, (list, tuple)):
        return rebuild_sequence(container, [map_leaves(function, item) for item in container])
    return function(container)
