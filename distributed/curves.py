"""The picture of a training run: loss and quality over epochs."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from autograd_core.errors import require
from nn.history import History

# The same run gives the same bytes: no date, and ids that do not come from chance.
REPRODUCIBLE = {"svg.hashsalt": "autograd-core"}

INK, MUTED = "#1f2933", "#9aa5b1"
TRAINING, VALIDATION = "#2f6fb2", "#d9732b"


def draw_curves(history: History, metric: str, title: str) -> bytes:
    """An SVG with two panels: the losses, and the metric on the validation part."""
    matplotlib: Any = require("matplotlib", "train")
    figures: Any = require("matplotlib.figure", "train")
    epochs = history["epoch"]
    with matplotlib.rc_context({"font.size": 10, "text.color": INK, **REPRODUCIBLE}):
        figure = figures.Figure(figsize=(9, 3.6), layout="constrained")
        figure.suptitle(title)
        losses, quality = figure.subplots(1, 2)
        losses.plot(epochs, history["loss"], color=TRAINING, label="training")
        losses.plot(epochs, history["val_loss"], color=VALIDATION, label="validation")
        losses.set(xlabel="epoch", ylabel="loss", yscale="log")
        losses.legend(frameon=False)
        quality.plot(epochs, history[f"val_{metric}"], color=VALIDATION, label="validation")
        quality.set(xlabel="epoch", ylabel="R²" if metric == "r2" else metric)
        quality.legend(frameon=False)
        for axes in (losses, quality):
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(color=MUTED, alpha=0.3)
        picture = BytesIO()
        figure.savefig(picture, format="svg", metadata={"Date": None})
    return picture.getvalue()
