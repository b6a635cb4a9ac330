"""IDX, the format MNIST comes in."""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from nn.errors import DataError

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | Path) -> npt.NDArray[Any]:
    """Read an array from an IDX file, gzipped or not, such as "train-images-idx3-ubyte.gz".

    Two zero bytes, a code for the dtype, the number of axes, the length of each in 4 bytes, and the
    elements; all big-endian (LeCun et al., "The MNIST database of handwritten digits"). Raises
    DataError if the file is anything else.
    """
    path = Path(path)
    try:
        with path.open("rb") as plain:
            is_zipped = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            if not is_zipped:
                return parsed(plain, path)
            with gzip.open(plain) as unzipped:
                return parsed(cast(BinaryIO, unzipped), path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: is not a complete gzip file: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def parsed(file: BinaryIO, path: Path) -> npt.NDArray[Any]:
    """The array in an open file, in the byte order of the machine."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES:
        raise DataError(f"{path}: is not an IDX file; it starts with {magic.hex(' ') or 'nothing'}")
    dtype = np.dtype(DTYPES[magic[2]])
    lengths = file.read(4 * magic[3])
    shape = tuple(np.frombuffer(lengths[: len(lengths) // 4 * 4], ">u4").tolist())
    size = prod(shape) * dtype.itemsize
    # In pieces: what a damaged header promises is not reserved before it is there.
    content = bytearray()
    while len(content) <= size and (piece := file.read(min(size + 1 - len(content), 2**24))):
        content += piece
    if len(shape) < magic[3] or len(content) != size:
        raise DataError(
            f"{path}: has {'more' if len(content) > size else 'fewer'} elements than its header "
            f"tells; expected shape {shape} of {dtype.name}"
        )
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))
