"""Arrays that stay on disk: .npy and .npz files mapped into memory, however large they are."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from nn.errors import DataError


def map_npy(path: str | Path) -> npt.NDArray[Any]:
    """The array of a .npy file, read-only and read when touched.

    Raises DataError for anything but a complete file of plain numbers.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return map_array(file, path, 0, path.stat().st_size)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def map_npz(path: str | Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a .npz file by name, read-only and read when touched.

    Raises DataError for anything but a complete file of plain numbers; a compressed one cannot be
    mapped either.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/data.npz", x=np.arange(3.0))
    ...     map_npz(f"{folder}/data.npz")["x"]
    array([0., 1., 2.])
    """
    path = Path(path)
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            return {
                member.filename.removesuffix(".npy"): map_member(file, path, member)
                for member in archive.infolist()
            }
    except zipfile.BadZipFile as error:
        raise DataError(f"{path}: is not a complete .npz file: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def map_member(file: BinaryIO, path: Path, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    """A file in an archive: after a header of 30 bytes, its name, and an extra field."""
    if member.compress_type != zipfile.ZIP_STORED:
        raise DataError(
            f"{path}: {member.filename} is compressed and cannot be mapped; save it with np.savez, "
            "or read it with np.load"
        )
    file.seek(member.header_offset)
    header = file.read(30)
    lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    start = member.header_offset + 30 + lengths
    return map_array(file, path, start, start + member.file_size)


def map_array(file: BinaryIO, path: Path, start: int, stop: int) -> npt.NDArray[Any]:
    """Map the array that a file holds in .npy format between two positions."""
    file.seek(start)
    try:
        version = np.lib.format.read_magic(file)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, is_fortran, dtype = read_header(file)
    except (ValueError, KeyError) as error:
        raise DataError(f"{path}: is not an array in .npy format: {error}") from error
    if dtype.hasobject:
        raise DataError(f"{path}: holds Python objects; expected numbers")
    offset = file.tell()
    count = int(np.prod(shape, dtype=object))
    if offset + count * dtype.itemsize > min(stop, path.stat().st_size):
        raise DataError(f"{path}: is truncated; expected {count} elements of {dtype}")
    if not count:
        return np.empty(shape, dtype)
    order: Any = "F" if is_fortran else "C"
    return np.asarray(np.memmap(path, dtype, "r", offset, shape, order))
