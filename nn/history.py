"""What training reported, epoch by epoch."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import isfinite


@dataclass
class History:
    """What training reported: a row for each epoch, with "epoch", "loss" and what was validated.

    >>> History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])["loss"]
    [0.5, 0.25]
    """

    rows: list[dict[str, float]] = field(default_factory=list)

    def __getitem__(self, name: str) -> list[float]:
        """A column, epoch by epoch."""
        return [row[name] for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.rows[0]) if self.rows else []

    def to_csv(self) -> str:
        """A line of column names and a line for each epoch; numbers keep all their digits."""
        lines = [self.columns, *([repr(value) for value in row.values()] for row in self.rows)]
        return "".join(f"{','.join(line)}\n" for line in lines)

    def to_jsonl(self) -> str:
        """A JSON object for each epoch; JSON has no NaN and no infinity, they become null.

        >>> print(History([{"epoch": 1, "loss": 0.5, "val_auc": float("nan")}]).to_jsonl(), end="")
        {"epoch": 1, "loss": 0.5, "val_auc": null}
        """
        finite = (
            {name: value if isfinite(value) else None for name, value in row.items()}
            for row in self.rows
        )
        return "".join(f"{json.dumps(row)}\n" for row in finite)
