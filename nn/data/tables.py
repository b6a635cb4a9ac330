"""Tables of numbers with a target: from CSV, from .npz, and the digits that scikit-learn ships."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from autograd_core.errors import require
from nn.errors import DataError, OptionError

Task = Literal["auto", "classification", "regression"]

# An integer target with more distinct values than this counts something rather than naming it.
MOST_CLASSES = 20


@dataclass(frozen=True)
class Table:
    """Data ready to train on, checked: numbers only, all finite, as many targets as rows.

    ``x``: float64 (n, features), columns named ``features``. For classification ``y`` is int64 (n,)
    and indexes ``classes``, the labels as written; for regression ``y`` is float64 (n, outputs) and
    ``classes`` is empty.
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[Any]
    features: tuple[str, ...]
    classes: tuple[str, ...]

    @property
    def task(self) -> str:
        """The kind of problem: "classification" or "regression"."""
        return "classification" if self.classes else "regression"

    @property
    def outputs(self) -> int:
        """How many outputs a model of it has: classes, or columns of the target."""
        return len(self.classes) or int(self.y.shape[1])


def read_table(path: str | Path, target: str | None = None, task: Task = "auto") -> Table:
    """Read a .npz file, or a CSV file whose column ``target`` is to be predicted.

    ``task="auto"`` takes text, and at most 20 distinct integers that repeat, for classes. Raises
    DataError saying what is wrong and where.
    """
    if task not in ("auto", "classification", "regression"):
        raise OptionError(f"task: got {task!r}; expected 'auto', 'classification' or 'regression'")
    if Path(path).suffix == ".npz":
        return read_npz(path, task)
    return read_csv(path, target, task)


def read_csv(path: str | Path, target: str | None, task: Task = "auto") -> Table:
    """Read a CSV file with a line of column names; commas, semicolons or tabs separate.

    All columns but the target must hold numbers; the target may hold text, which makes classes.
    """
    names, rows, lines = read_rows(Path(path))
    if target is None:
        raise DataError(f"{path}: name the target column; the columns are {', '.join(names)}")
    if target not in names:
        raise DataError(
            f"{path}: there is no column {target!r} to predict; the columns are {', '.join(names)}"
        )
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    labels = columns.pop(target)
    if not columns:
        raise DataError(f"{path}: {target!r} is the only column; expected columns to predict from")
    x = np.stack([numbers(path, name, cells, lines) for name, cells in columns.items()], axis=1)
    y = labels_of(path, target, labels, lines, task)
    return make_table(path, x, y, tuple(columns), task)


def read_rows(path: Path) -> tuple[list[str], list[list[str]], list[int]]:
    """The column names of a CSV file, its rows, and the line each row ends on."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            heading = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(",;\t", key=heading.count), strict=True)
            names = [name.strip() for name in next(reader, [])]
            rows, lines = [], []
            for row in reader:
                if not row:
                    continue
                if len(row) != len(names):
                    raise DataError(
                        f"{path}: line {reader.line_num} has {len(row)} cells; "
                        f"expected {len(names)}, one for each column name"
                    )
                rows.append(row)
                lines.append(reader.line_num)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: is not a CSV file in UTF-8: {error}") from error
    if not names:
        raise DataError(f"{path}: is empty; expected a line of column names and rows of numbers")
    if not rows:
        raise DataError(f"{path}: has column names but no rows")
    if all(is_number(name) for name in names):
        raise DataError(f"{path}: starts with numbers; expected a line of column names")
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{path}: the column name {name!r} is there twice; rename one")
    return names, rows, lines


def is_number(cell: str) -> bool:
    """Whether a cell reads as a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def numbers(
    path: str | Path, name: str, cells: Sequence[str], lines: Sequence[int]
) -> npt.NDArray[np.float64]:
    """A column as finite numbers; the error names the line of the first cell that is none."""
    values = []
    for cell, line in zip(cells, lines, strict=True):
        if not cell.strip():
            raise DataError(f"{path}: line {line} has no {name!r}; fill it in or drop the line")
        if not is_number(cell):
            raise DataError(
                f"{path}: line {line} has {cell!r} in column {name!r}; expected a number; "
                "encode text as numbers or drop the column"
            )
        values.append(float(cell))
        if not isfinite(values[-1]):
            raise DataError(
                f"{path}: line {line} has {cell.strip()} in column {name!r}; "
                "expected a finite number"
            )
    return np.array(values)


def labels_of(
    path: str | Path, name: str, cells: Sequence[str], lines: Sequence[int], task: Task
) -> npt.NDArray[Any]:
    """A target column: numbers, or text if its cells are names."""
    readable = sum(map(is_number, cells))
    # Text among numbers is a slip; numbers among text, such as house numbers, are names too.
    if (
        task == "regression"
        or readable == len(cells)
        or (task == "auto" and 2 * readable > len(cells))
    ):
        return numbers(path, name, cells, lines)
    for cell, line in zip(cells, lines, strict=True):
        if not cell.strip():
            raise DataError(f"{path}: line {line} has no {name!r}; fill it in or drop the line")
    return np.array([cell.strip() for cell in cells])


def read_npz(path: str | Path, task: Task = "auto") -> Table:
    """Read a .npz file with arrays ``x`` (n, ...) and ``y`` (n,) or (n, outputs)."""
    try:
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            missing = [name for name in ("x", "y") if name not in arrays]
            if missing:
                raise DataError(
                    f"{path}: has no array {' or '.join(missing)}; it has "
                    f"{', '.join(arrays) or 'none'}; save it with np.savez(path, x=..., y=...)"
                )
            x, y = arrays["x"], arrays["y"]
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: is not an .npz file of plain arrays: {error}") from error
    if x.dtype.kind not in "biuf":
        raise DataError(f"{path}: x has dtype {x.dtype}; expected real numbers")
    if y.dtype.kind not in "biufUS":
        raise DataError(f"{path}: y has dtype {y.dtype}; expected real numbers or text")
    if x.ndim < 2 or y.ndim not in (1, 2) or len(x) != len(y):
        raise DataError(
            f"{path}: x has shape {x.shape} and y {y.shape}; expected (n, features) and (n,) or "
            "(n, outputs)"
        )
    if x.size == 0:
        raise DataError(f"{path}: x is empty, its shape is {x.shape}")
    x = x.reshape(len(x), -1).astype(np.float64)
    for name, array in (("x", x), ("y", y)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            row = int(np.argwhere(~np.isfinite(array))[0][0])
            raise DataError(f"{path}: {name} is not finite in row {row}; drop or repair the row")
    return make_table(path, x, y, tuple(f"x{k}" for k in range(x.shape[1])), task)


def make_table(
    path: str | Path,
    x: npt.NDArray[np.float64],
    y: npt.NDArray[Any],
    features: tuple[str, ...],
    task: Task,
) -> Table:
    """Tell classes from quantities and number the classes; one value only cannot be learned."""
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    values = np.unique(y)
    if len(values) == 1:
        raise DataError(
            f"{path}: the target is {values[0]} in every row; expected at least two classes or "
            "values"
        )
    if task == "auto":
        task = "classification" if names_classes(y, values) else "regression"
    if task == "regression":
        if y.dtype.kind not in "biuf":
            raise DataError(f"{path}: the target holds text; expected numbers for regression")
        return Table(x, y.reshape(len(y), -1).astype(np.float64), features, ())
    if y.ndim > 1:
        raise DataError(
            f"{path}: the target has {y.shape[1]} columns; expected one for classification"
        )
    labels = [str(value) for value in values]
    if values.dtype.kind == "f" and (values == np.round(values)).all():
        labels = [str(int(value)) for value in values]
    return Table(x, np.searchsorted(values, y).astype(np.int64), features, tuple(labels))


def names_classes(y: npt.NDArray[Any], values: npt.NDArray[Any]) -> bool:
    """Whether a target names classes: text and booleans do, and few integers that repeat."""
    if y.dtype.kind not in "iuf":
        return True
    whole = y.dtype.kind != "f" or bool((values == np.round(values)).all())
    return whole and y.ndim == 1 and len(values) <= min(MOST_CLASSES, len(y) // 2)


def load_digits() -> Table:
    """The UCI handwritten digits, 1,797 images of 8 × 8 with values 0 to 16, from scikit-learn.

    Needs the extra ``train``.
    """
    digits: Any = require("sklearn.datasets", "train").load_digits()
    return Table(
        digits.data.astype(np.float64),
        digits.target.astype(np.int64),
        tuple(digits.feature_names),
        tuple(str(name) for name in digits.target_names),
    )
