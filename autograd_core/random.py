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

from autograd_core.effects import effect
from autograd_core.graph import mode

State = Mapping[str, Any]


class Drawn:
    """What it takes to draw the same again: generators and the states in which they were first met.

    While ``compile`` traces, generators stay as they are: then it is the traced arrays themselves.
    """

    def __init__(self) -> None:
        self.met: dict[int, tuple[np.random.Generator, State]] = {}
        self.traced: list[Any] = []


class Watch(threading.local):
    """What is drawn, while somebody wants to know, and what is to be handed out again."""

    drawn: Drawn | None = None
    again: Iterator[Any] | None = None


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
    reseed(default(), seed)
    return default()


@effect()
def reseed(rng: np.random.Generator, seed: int) -> None:
    """Put a generator to where a new one with the seed starts."""
    rng.bit_generator.state = np.random.default_rng(seed).bit_generator.state


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
        result = mode.tracer.draw(sample, rng) if watch.again is None else next(watch.again)
        if watch.drawn is not None:
            watch.drawn.traced.append(result)
        return result
    if watch.drawn is not None and id(rng) not in watch.drawn.met:
        watch.drawn.met[id(rng)] = (rng, rng.bit_generator.state)
    return sample(rng)


@contextmanager
def watching() -> Iterator[Drawn]:
    """Note every generator drawn from, and the state it was in before."""
    outer, drawn = watch.drawn, Drawn()
    watch.drawn = drawn
    try:
        yield drawn
    finally:
        watch.drawn = outer
        if outer is not None:
            outer.met = {**drawn.met, **outer.met}
            outer.traced += drawn.traced


@contextmanager
def replaying(drawn: Drawn) -> Iterator[None]:
    """Have drawn again, for a while, what was drawn before."""
    now = [(rng, rng.bit_generator.state) for rng, _ in drawn.met.values()]
    for rng, state in drawn.met.values():
        rng.bit_generator.state = dict(state)
    outer, watch.again = watch.again, iter(drawn.traced) if mode.tracer is not None else None
    try:
        yield
    finally:
        watch.again = outer
        for rng, state in now:
            rng.bit_generator.state = dict(state)
