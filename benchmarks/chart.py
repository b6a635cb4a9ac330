"""The results as bars: every candidate's time over that of the best peer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.contest import Result
from benchmarks.rows import CANDIDATES

# Ours in blues, compiled darker; peers in colours that stay apart in greyscale.
COLOURS = {
    "ours": "#6baed6",
    "ours-compiled": "#08519c",
    "torch": "#e6550d",
    "torch-compile": "#fdae6b",
    "jax": "#74c476",
}
LABELS = {"ours": "autograd-core, eager", "ours-compiled": "autograd-core, compiled"}
HEIGHT = 0.16  # of a bar, where a row takes 1
START = 0.02  # of all bars: a logarithmic axis has no zero


def draw(results: Sequence[Result], path: Path) -> None:
    """Write a chart of the rows that have a peer; the file's extension is its format."""
    import matplotlib

    matplotlib.use("Agg")
    # The same bytes from the same figures, and text that stays text.
    matplotlib.rcParams |= {"svg.hashsalt": "benchmarks", "svg.fonttype": "none"}
    from matplotlib import pyplot

    rows = [result for result in results if result.peer("best")]
    figure, axes = pyplot.subplots(figsize=(8, 1 + 0.75 * max(1, len(rows))), layout="constrained")
    for name, colour in COLOURS.items():
        bars(axes, rows, name, colour)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlim(left=START)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(rows)), [row.row.title for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("time (or memory) over that of the best peer: shorter is better")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3, frameon=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def bars(axes: Any, rows: Sequence[Result], name: str, colour: str) -> None:
    """One candidate's bars, each at its place among those that its row has."""
    label = LABELS.get(name, CANDIDATES[name].title)
    for place, result in enumerate(rows):
        if name not in result.turns:
            continue
        present = [other for other in COLOURS if other in result.turns]
        offset = (present.index(name) - (len(present) - 1) / 2) * HEIGHT
        peer = result.peer("best")
        assert peer is not None
        over = result.median(name) / result.median(peer)
        drawn = axes.barh(place + offset, over, HEIGHT, color=colour, label=label)
        axes.bar_label(
            drawn, [f"{over:.2g}" if over < 10 else f"{over:.0f}"], padding=2, fontsize=6
        )
        label = "_"  # one entry in the legend
