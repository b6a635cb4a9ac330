"""Saving and loading arrays: safetensors, never pickle, and whole files or none."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core.errors import require
from nn.errors import StateError


def save(
    state: Mapping[str, npt.ArrayLike],
    path: str | Path,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write named arrays, such as ``model.state_dict()``, to a safetensors file.

    The file is complete or not there at all, and equal contents give equal bytes. ``metadata`` is
    text kept in the header. Needs the extra ``train``.
    """
    library: Any = require("safetensors.numpy", "train")
    arrays = {name: np.array(value, order="C") for name, value in sorted(state.items())}
    content: bytes = library.save(arrays)
    write_atomically(path, with_metadata(content, metadata) if metadata else content)


def with_metadata(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """A safetensors file with text added to its header, in order: the library shuffles it.

    The file is the length of the header in 8 bytes, the header in JSON, and the arrays.
    """
    length = int.from_bytes(content[:8], "little")
    header = {"__metadata__": dict(sorted(metadata.items())), **json.loads(content[8 : 8 + length])}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # arrays start at a multiple of 8
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def load(path: str | Path) -> dict[str, npt.NDArray[Any]]:
    """Read the named arrays of a safetensors file; ``model.load_state_dict`` takes them.

    Raises StateError if the file is truncated, corrupt or something else. Needs ``train``.
    """
    library: Any = require("safetensors.numpy", "train")
    errors: Any = require("safetensors", "train")
    content = Path(path).read_bytes()
    try:
        arrays: dict[str, npt.NDArray[Any]] = library.load(content)
    except (errors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StateError(f"{path}: is not a complete safetensors file: {error}") from error
    return arrays


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write a file that is there in full or not at all, whatever happens on the way.

    The content goes to a temporary file beside it, to the disk, and only then to its name.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
