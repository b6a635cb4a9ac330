"""A progress bar for ``fit``."""

from __future__ import annotations

from typing import Any

from autograd_core.errors import require
from nn.callbacks import Callback, Progress

# Less than 80 characters, for under mpiexec the width of the terminal is not known.
LAYOUT = "{desc} |{bar:10}| [{elapsed}<{remaining}{postfix}]"


class ProgressBar(Callback):
    """One bar over all steps, with the loss of the last batch and the last metric validated.

    Needs the extra ``train`` (tqdm). Only the main rank should show one.
    """

    def __init__(self) -> None:
        self.tqdm: Any = require("tqdm", "train").tqdm
        self.shown: dict[str, str] = {}

    def on_start(self, progress: Progress) -> None:
        """Open the bar."""
        steps = progress.epochs * progress.steps_per_epoch
        self.bar = self.tqdm(
            desc=f"epoch {progress.epoch or 1}/{progress.epochs}",
            total=steps,
            initial=progress.step,
            bar_format=LAYOUT,
        )

    def on_step(self, progress: Progress) -> None:
        """Advance it by a step."""
        self.bar.set_description_str(f"epoch {progress.epoch}/{progress.epochs}", refresh=False)
        self.bar.set_postfix({"loss": f"{progress.loss:.4f}", **self.shown}, refresh=False)
        self.bar.update()

    def on_epoch(self, progress: Progress) -> None:
        """Show the last metric validated, or else the validation loss."""
        row = progress.history.rows[-1]
        validated = [name for name in row if name.startswith("val_")]
        self.shown = {name: f"{row[name]:.4f}" for name in validated[-1:]}

    def on_end(self, progress: Progress) -> None:
        """Close the bar."""
        self.bar.set_postfix({"loss": f"{progress.loss:.4f}", **self.shown}, refresh=True)
        self.bar.close()
