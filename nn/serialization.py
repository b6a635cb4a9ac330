"""Saving and loading arrays: safetensors, never pickle, and whole files or none."""

from __future__ import annotations

import hashlib
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
    return read(path)[0]


def read(path: str | Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """The named arrays of a safetensors file, and the text in its header."""
    library: Any = require("safetensors.numpy", "train")
    errors: Any = require("safetensors", "train")
    content = Path(path).read_bytes()
    try:
        arrays: dict[str, npt.NDArray[Any]] = library.load(content)
        length = int.from_bytes(content[:8], "little")
        metadata: dict[str, str] = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    except (errors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StateError(f"{path}: is not a complete safetensors file: {error}") from error
    return arrays, metadata


# -- nested state ----------------------------------------------------------------------------------


def save_nested(state: Any, path: str | Path) -> None:
    """Write nested dicts, lists and tuples of arrays, numbers and text to a safetensors file.

    Takes what ``optimizer.state_dict()`` gives. Arrays are stored as such, the rest as JSON in the
    header, with a checksum of all. Raises StateError for anything else. Needs ``train``.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    structure = json.dumps(described(state, arrays, ""))
    metadata = {"structure": structure, "sha256": digest(structure, arrays)}
    save(arrays, path, metadata)


def load_nested(path: str | Path) -> Any:
    """Read what ``save_nested`` wrote.

    Raises StateError if the file is truncated, corrupt or something else. Needs ``train``.
    """
    arrays, metadata = read(path)
    structure = metadata.get("structure", "")
    if not structure:
        raise StateError(f"{path}: is a safetensors file of plain arrays; read it with nn.load")
    if metadata.get("sha256") != digest(structure, arrays):
        raise StateError(f"{path}: is corrupt: its checksum does not fit; take an older copy")
    try:
        return rebuilt(json.loads(structure), arrays)
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise StateError(f"{path}: does not hold nested state: {error}") from error


def described(value: Any, arrays: dict[str, npt.NDArray[Any]], path: str) -> Any:
    """A value in JSON: itself, or its kind and parts; arrays go to ``arrays`` by their paths."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray):
        arrays[path] = value
        return {"array": path}
    if isinstance(value, Mapping):
        items = [
            [described(key, arrays, path), described(item, arrays, f"{path}/{key}")]
            for key, item in value.items()
        ]
        return {"dict": items}
    if isinstance(value, (list, tuple)):
        parts = [described(item, arrays, f"{path}/{k}") for k, item in enumerate(value)]
        return {type(value).__name__: parts}
    raise StateError(
        f"save_nested: got {type(value).__name__} at {path or '/'}; expected dicts, lists and "
        "tuples of arrays, numbers and text"
    )


def rebuilt(description: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    """The value that was described."""
    if not isinstance(description, dict):
        return description
    ((kind, content),) = description.items()
    if kind == "array":
        return arrays[content]
    if kind == "dict":
        return {rebuilt(key, arrays): rebuilt(item, arrays) for key, item in content}
    parts = [rebuilt(item, arrays) for item in content]
    return {"list": parts, "tuple": tuple(parts)}[kind]


def digest(structure: str, arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """The SHA-256 of all that is stored."""
    found = hashlib.sha256(structure.encode())
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


# -- whole files or none ---------------------------------------------------------------------------


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
