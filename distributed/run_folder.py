"""The folder of a training run: it appears complete or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from distributed.errors import UsageError


def next_free(parent: Path, name: str) -> Path:
    """The first of ``name-001``, ``name-002``, … that does not exist in the parent folder.

    >>> next_free(Path("/no/such/folder"), "digits").name
    'digits-001'
    """
    paths = (parent / f"{name}-{number:03d}" for number in count(1))
    return next(path for path in paths if not os.path.lexists(path))


def check_creatable(path: Path) -> None:
    """Raise UsageError unless the folder can be made; tries it, and leaves no trace."""
    if os.path.lexists(path):
        raise UsageError(f"{path} already exists; expected the name of a new folder for --out")
    with temporary_sibling(path):
        pass


@contextmanager
def temporary_sibling(path: Path) -> Iterator[Path]:
    """A folder beside ``path`` to fill and to rename to it; what was not renamed is removed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    created = [parent for parent in path.parents if not parent.exists()]
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.mkdir()
        except OSError as error:
            raise UsageError(f"cannot create the folder {path}: {error.strerror}") from error
        yield temporary
    finally:
        if temporary.exists():
            shutil.rmtree(temporary)
        for parent in created:
            if parent.exists() and not any(parent.iterdir()):
                parent.rmdir()
