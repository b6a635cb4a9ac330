"""How far to go along a direction: a line search for the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any, NamedTuple

import numpy.typing as npt

# Sufficient decrease, and how much flatter it must be at the end than at the start.
DECREASE = 1e-4
CURVATURE = 0.9
# How little the parameters change when there is no point in going on.
SHORTEST = 1e-9


class Point(NamedTuple):
    """A place on the line: how far along, the loss there, its gradient, its slope on the line."""

    t: float
    loss: float
    gradient: npt.NDArray[Any]
    slope: float


def cubic_minimum(a: Point, b: Point, low: float, high: float) -> float:
    """Where the cubic through two points with their slopes is least, held to [low, high].

    Nocedal and Wright, "Numerical Optimization" (2006), equation 3.59; the middle of the interval
    where the cubic has no minimum.
    """
    if a.t > b.t:
        a, b = b, a
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    d2 = sqrt(square)
    curvature = b.slope - a.slope + 2 * d2
    if curvature == 0:
        return (low + high) / 2
    return min(max(b.t - (b.t - a.t) * ((b.slope + d2 - d1) / curvature), low), high)


def strong_wolfe(
    evaluate: Callable[[float], Point],
    start: Point,
    t: float,
    reach: float,
    evaluations: int,
) -> tuple[Point, int]:
    """A point along the line that satisfies the strong Wolfe conditions, and what it cost.

    ``evaluate`` gives the point at a distance, ``start`` is the one at 0 with a negative slope, t
    the first distance to try, ``reach`` the largest element of the direction. After
    ``evaluations`` the lowest point found is taken. Nocedal and Wright (2006), algorithms 3.5 and
    3.6, with the safeguards of PyTorch.
    """
    bracket, tried = bracketed(evaluate, start, t, evaluations)
    if len(bracket) == 1:
        return bracket[0], tried
    low, high = ends(bracket)
    stuck = False
    while tried <= evaluations and abs(bracket[1].t - bracket[0].t) * reach >= SHORTEST:
        least, most = sorted(point.t for point in bracket)
        t = cubic_minimum(bracket[0], bracket[1], least, most)
        t, stuck = away_from_ends(t, least, most, stuck)
        new = evaluate(t)
        tried += 1
        if too_high(new, start) or new.loss >= bracket[low].loss:
            bracket[high] = new
            low, high = ends(bracket)
            continue
        if abs(new.slope) <= -CURVATURE * start.slope:
            return new, tried
        if new.slope * (bracket[high].t - bracket[low].t) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = new
    return bracket[low], tried


def ends(bracket: list[Point]) -> tuple[int, int]:
    """Which of two points is the lower one, and which the higher; what is no number is high."""
    return (1, 0) if bracket[1].loss < bracket[0].loss else (0, 1)


def too_high(point: Point, start: Point) -> bool:
    """Whether the loss has not decreased enough for the way that was gone."""
    return not point.loss <= start.loss + DECREASE * point.t * start.slope


def bracketed(
    evaluate: Callable[[float], Point], start: Point, t: float, evaluations: int
) -> tuple[list[Point], int]:
    """Two points with one that satisfies the conditions between them; or that one alone."""
    before, new = start, evaluate(t)
    for tried in range(1, evaluations + 1):
        if too_high(new, start) or (tried > 2 and new.loss >= before.loss):
            return [before, new], tried
        if abs(new.slope) <= -CURVATURE * start.slope:
            return [new], tried
        if new.slope >= 0:
            return [before, new], tried
        further = cubic_minimum(before, new, new.t + 0.01 * (new.t - before.t), 10 * new.t)
        before, new = new, evaluate(further)
    return [start, new], evaluations + 1


def away_from_ends(t: float, least: float, most: float, stuck: bool) -> tuple[float, bool]:
    """A step that makes progress: not for the second time close to an end of the interval."""
    margin = 0.1 * (most - least)
    if min(most - t, t - least) >= margin:
        return t, False
    if stuck or t >= most or t <= least:
        return (most - margin if abs(t - most) < abs(t - least) else least + margin), False
    return t, True
