"""Writers: the history of a training, epoch by epoch, to TensorBoard or Weights & Biases.

Nothing is written unless a writer is among the callbacks. Only the main rank should have one.
"""

from __future__ import annotations

from pathlib import Path
from time import time
from typing import Any

from autograd_core.errors import require
from nn.callbacks import Callback, Progress


class TensorBoardWriter(Callback):
    """Write every column of the history to an event file in ``folder``, for TensorBoard to draw.

    Needs the package tensorboard (the extra ``tensorboard``); TensorFlow is not needed.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = str(folder)
        files: Any = require("tensorboard.summary.writer.event_file_writer", "tensorboard")
        self.make_file = files.EventFileWriter
        self.make_event: Any = require("tensorboard.compat.proto.event_pb2", "tensorboard").Event
        summaries: Any = require("tensorboard.compat.proto.summary_pb2", "tensorboard")
        self.make_summary = summaries.Summary

    def on_start(self, progress: Progress) -> None:
        """Open a new event file; TensorBoard joins those of a folder."""
        self.file = self.make_file(self.folder)

    def on_epoch(self, progress: Progress) -> None:
        """Write the row of the epoch, at its step."""
        values = [
            self.make_summary.Value(tag=name, simple_value=value)
            for name, value in progress.history.rows[-1].items()
        ]
        summary = self.make_summary(value=values)
        event = self.make_event(wall_time=time(), step=progress.step, summary=summary)
        self.file.add_event(event)

    def on_end(self, progress: Progress) -> None:
        """Close the file."""
        self.file.close()


class WandbWriter(Callback):
    """Log every column of the history to a run of Weights & Biases.

    ``options`` go to ``wandb.init``: project, name, config, mode="offline", … Needs the package
    wandb (the extra ``wandb``).
    """

    def __init__(self, **options: Any) -> None:
        self.wandb: Any = require("wandb", "wandb")
        self.options = options

    def on_start(self, progress: Progress) -> None:
        """Begin a run."""
        self.run = self.wandb.init(**self.options)

    def on_epoch(self, progress: Progress) -> None:
        """Log the row of the epoch, at its step."""
        self.run.log(dict(progress.history.rows[-1]), step=progress.step)

    def on_end(self, progress: Progress) -> None:
        """End the run."""
        self.run.finish()
