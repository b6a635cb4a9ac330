"""Random numbers that can be seeded, passed around, and drawn again in the same order.

Every draw of the library goes through ``draw``, so that recomputation (``checkpoint``) can put the
generators back to where they stood.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from autograd_core.graph import mode

State = Mapping[str, Any]


class Watch(threading.local):
    """The states in which generators were first met, while somebody wants to know."""

    met: dict[int, tuple[np.random.Generator, State]] | None = None


watch = Watch()


@cache
def default() -> np.random.Generator:
    """The generator of those who pass none, made when first needed: NumPy loads ``random`` late."""
    return np.random.default_rng()


def manual_seed(seed: int) -> np.random.Generator:
    """Seed the default generator and return it; the same seed gives the same bits.

    >>> float(manual_seed(0).random())
    0.6369616873214543
    """
    default().bit_generator.state = np.random.default_rng(seed).bit_generator.state
    return default()


def generator(source: int | np.random.Generator | None = None) -> np.random.Generator:
    """A generator: a new one from a seed, the one given, or the default one for None."""
    if source is None:
        return default()
    return np.random.default_rng(source)


def draw(sample: Callable[[np.random.Generator], Any], source: np.random.Generator | None) -> Any:
    """Draw from a generator (None: the default one) with a function of it.

    >>> draw(lambda rng: rng.integers(3, size=2), np.random.default_rng(0))
    array([2, 1])
    """
    rng = default() if source is None else source
    if mode.tracer is not None:
        return mode.tracer.draw(sample, rng)
    if watch.met is not None and id(rng) not in watch.met:
        watch.met[id(rng)] = (rng, rng.bit_generator.state)
    return sample(rng)


@contextmanager
def watching() -> Iterator[dict[int, tuple[np.random.Generator, State]]]:
    """Note every generator drawn from, and the state it was in before."""
    outer = watch.met
    met: dict[int, tuple[np.random.Generator, State]] = {}
    watch.met = met
    try:
        yield met
    finally:
        watch.met = outer
        if outer is not None:
            for key, entry in met.items():
                outer.setdefault(key, entry)


@contextmanager
def replaying(met: dict[int, tuple[np.random.Generator, State]]) -> Iterator[None]:
    """Put generators back to noted states for a while."""
    now = [(rng, rng.bit_generator.state) for rng, _ in met.values()]
    for rng, state in met.values():
        rng.bit_generator.state = dict(state)
    try:
        yield
    finally:
        for rng, state in now:
            rng.bit_generator.state = dict(state)
