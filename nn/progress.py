"""A progress bar for ``fit``."""

from __future__ import annotations

from typing import Any

from autograd_core.errors import require
from nn.training import Callback, Progress


class ProgressBar(Callback):
    """One bar over all steps, with the loss of the last batch and the last validation.

    Needs the extra ``train`` (tqdm). Only the main rank should show one.
    """

    def __init__(self) -> None:
        self.tqdm: Any = require("tqdm", "train").tqdm
        self.shown: dict[str, str] = {}

    def on_start(self, progress: Progress) -> None:
        """Open the bar."""
        self.bar = self.tqdm(total=progress.epochs * progress.steps_per_epoch, unit="step")

    def on_step(self, progress: Progress) -> None:
        """Advance it by a step."""
        self.bar.set_description(f"epoch {progress.epoch}/{progress.epochs}", refresh=False)
        self.bar.set_postfix({"loss": f"{progress.loss:.4f}", **self.shown}, refresh=False)
        self.bar.update()

    def on_epoch(self, progress: Progress) -> None:
        """Show what was validated."""
        row = progress.history.rows[-1]
        self.shown = {name: f"{value:.4f}" for name, value in row.items() if "val_" in name}

    def on_end(self, progress: Progress) -> None:
        """Close the bar."""
        self.bar.set_postfix({"loss": f"{progress.loss:.4f}", **self.shown}, refresh=True)
        self.bar.close()
