"""Splitting data in two by seed, with the same share of every class in both parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nn.errors import DataError, OptionError

Indices = npt.NDArray[np.int64]


def split_indices(
    samples: int, fraction: float = 0.2, *, seed: int = 0, stratify: npt.ArrayLike | None = None
) -> tuple[Indices, Indices]:
    """Indices of the larger and of the held-out part, each sorted.

    ``fraction`` of the samples, rounded, is held out, drawn by ``seed``. ``stratify`` gives the
    class of each sample: every class is then held out in proportion (largest remainders first),
    and none entirely. Raises DataError if a part would be empty.

    >>> train, test = split_indices(10, 0.2, stratify=[0] * 5 + [1] * 5)
    >>> len(train), (test < 5).tolist()
    (8, [True, False])
    """
    if not 0 < fraction < 1:
        raise OptionError(f"split: got fraction={fraction}; expected a number between 0 and 1")
    rng = np.random.default_rng(seed)
    held_out = round(samples * fraction)
    if stratify is None:
        chosen = rng.permutation(samples)[:held_out]
    else:
        classes, counts = np.unique(np.asarray(stratify), return_counts=True)
        quotas = shares(counts, held_out)
        chosen = np.concatenate(
            [
                rng.permutation(np.flatnonzero(np.asarray(stratify) == label))[:quota]
                for label, quota in zip(classes, quotas, strict=True)
            ]
        )
    mask = np.zeros(samples, bool)
    mask[chosen] = True
    if mask.all() or not mask.any():
        raise DataError(
            f"split: {samples} samples are too few to hold out {fraction:g} of them; "
            "expected at least one in each part"
        )
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def shares(counts: npt.NDArray[np.int64], total: int) -> npt.NDArray[np.int64]:
    """Split ``total`` in proportion to the counts, rounding the largest remainders up.

    A class is never given away whole.

    >>> shares(np.array([5, 5, 1]), 4).tolist()
    [2, 2, 0]
    """
    exact = counts * total / counts.sum()
    quotas: npt.NDArray[np.int64] = np.minimum(exact.astype(np.int64), counts - 1)
    largest_first = np.argsort(quotas - exact, kind="stable")
    for k in largest_first[quotas[largest_first] + 1 < counts[largest_first]]:
        if quotas.sum() == total:
            break
        quotas[k] += 1
    return quotas


def split(
    x: npt.NDArray[Any],
    y: npt.NDArray[Any],
    fraction: float = 0.2,
    *,
    seed: int = 0,
    stratify: bool = False,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Split x and y into (x_train, y_train, x_test, y_test); see ``split_indices``."""
    train, test = split_indices(len(x), fraction, seed=seed, stratify=y if stratify else None)
    return x[train], y[train], x[test], y[test]


def train_validation_test(
    samples: int,
    validation: float = 0.1,
    test: float = 0.1,
    *,
    seed: int = 0,
    stratify: npt.ArrayLike | None = None,
) -> tuple[Indices, Indices, Indices]:
    """Indices of three parts that do not overlap, each sorted; fractions of all samples.

    Raises OptionError unless the fractions leave something to train on; see ``split_indices``.

    >>> [len(part) for part in train_validation_test(100, 0.2, 0.1)]
    [70, 20, 10]
    """
    if not (validation > 0 and test > 0 and validation + test < 1):
        raise OptionError(
            f"split: got validation={validation} and test={test}; expected fractions above 0 with "
            "a sum below 1"
        )
    classes = None if stratify is None else np.asarray(stratify)
    rest, tested = split_indices(samples, test, seed=seed, stratify=classes)
    train, validated = split_indices(
        len(rest),
        validation * samples / len(rest),
        seed=seed + 1,
        stratify=None if classes is None else classes[rest],
    )
    return rest[train], rest[validated], tested
