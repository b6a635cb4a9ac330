"""Results as text, Markdown, JSON and a bar chart."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import chart
from benchmarks.contest import Result
from benchmarks.rows import CANDIDATES, Bound

BEGIN, END = "<!-- results -->", "<!-- end of results -->"

UNITS = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "B": ((1024.0**2, "MiB"),),
}


def quantity(value: float, unit: str) -> str:
    """Three digits with a unit that fits.

    >>> quantity(0.00123456, "s"), quantity(123456, "B")
    ('1.23 ms', '0.118 MiB')
    """
    scale, name = next((u for u in UNITS[unit] if value >= u[0]), UNITS[unit][-1])
    scaled = value / scale
    return f"{scaled:,.0f} {name}" if scaled >= 100 else f"{scaled:.3g} {name}"


def spread(result: Result, name: str) -> str:
    """The median, and the quartiles around it."""
    if name not in result.turns:
        return "failed" if name in result.failed else "–"
    low, middle, high = (quantity(q, result.row.unit) for q in result.quartiles(name))
    if low.split()[1] == high.split()[1]:
        low = low.split()[0]
    return f"{middle} ({low}–{high})"


def ratio(result: Result, name: str, bound: Bound | None) -> float | None:
    """The time of a candidate of ours over that of the peer that a bound speaks of."""
    peer = result.peer(bound.peer) if bound else None
    if peer is None or name not in result.turns:
        return None
    return result.median(name) / result.median(peer)


def verdict(result: Result, name: str, bound: Bound | None) -> str:
    """The ratio, in bold where it is above the bound, and the bound."""
    found = ratio(result, name, bound)
    if found is None or bound is None:
        return "–"
    text = f"{found:.2f}" if found <= bound.ratio else f"**{found:.2f}**"
    return f"{text} ≤ {bound}" if found <= bound.ratio else f"{text} > {bound}"


def as_text(result: Result) -> str:
    """A paragraph for the terminal."""
    row = result.row
    lines = [f"{row.name}: {row.title}"]
    lines += [
        f"  {name:22}{spread(result, name)}{disturbance(result, name)}"
        for name in CANDIDATES
        if name in result.turns or name in result.failed
    ]
    lines += [f"  {name} failed: {why}" for name, why in result.failed.items()]
    for name, bound in (("ours", row.eager), ("ours-compiled", row.compiled)):
        if ratio(result, name, bound) is not None:
            lines.append(f"  {name} / peer: {verdict(result, name, bound).replace('*', '')}")
    return "\n".join(lines)


def disturbance(result: Result, name: str) -> str:
    """How many turns other processes disturbed, if any."""
    share = result.disturbed(name) if name in result.turns else 0
    return f", {share:.0%} of turns disturbed" if share else ""


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *body)]


def as_markdown(results: Sequence[Result]) -> str:
    """Ratios with their bounds, times with their quartiles, what failed, the machine."""
    names = [
        name for name in CANDIDATES if any(name in r.turns or name in r.failed for r in results)
    ]
    ours = [name for name in names if CANDIDATES[name].role == "ours"]
    ratios = []
    for result in results:
        best = result.peer("best")
        cells = [
            verdict(result, n, result.row.compiled if CANDIDATES[n].compiled else result.row.eager)
            for n in ours
        ]
        ratios.append([result.row.title, CANDIDATES[best].title if best else "–", *cells])
    times = [[r.row.title, *(spread(r, name) for name in names)] for r in results]
    failures = [
        f"- {CANDIDATES[name].title} failed on “{result.row.title}”: {why}"
        for result in results
        for name, why in result.failed.items()
    ]
    parts = [
        "Ratios, ours over the peer a bound speaks of (bold: above the bound):",
        "\n".join(table(["workload", "best peer", *(CANDIDATES[n].title for n in ours)], ratios)),
        "Medians, with the first and third quartile:",
        "\n".join(table(["workload", *(CANDIDATES[n].title for n in names)], times)),
        "\n".join(failures),
        disturbances(results),
        machine(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def disturbances(results: Sequence[Result]) -> str:
    """How much other processes took part, over all rows and candidates."""
    shares = [r.disturbed(name) for r in results if not r.row.calls_itself for name in r.turns]
    if not any(shares):
        return ""
    return (
        f"Other processes disturbed {sum(shares) / len(shares):.0%} of the turns; their samples "
        "count only where a candidate had no other."
    )


def machine() -> str:
    """What the figures were measured on."""
    found = re.search(r"model name\s*: (.*)", cpu_information())
    versions = []
    for package in ("numpy", "numba", "torch", "jax"):
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    threads = int(os.environ["OMP_NUM_THREADS"])
    return (
        f"{found[1] if found else platform.processor()}, {os.cpu_count()} cores, "
        f"{platform.system()}, Python {platform.python_version()}, {', '.join(versions)}, "
        f"{threads} thread{'s' * (threads > 1)} each, {date.today():%Y-%m-%d}."
    )


def cpu_information() -> str:
    """What Linux says about the processor; nothing elsewhere."""
    path = Path("/proc/cpuinfo")
    return path.read_text() if path.exists() else ""


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """Quartiles of every candidate in seconds or bytes, ratios and bounds."""
    rows = {}
    for result in results:
        row = result.row
        rows[row.name] = {
            "title": row.title,
            "unit": row.unit,
            "quartiles": {name: result.quartiles(name) for name in result.turns},
            "samples": {name: len(result.samples(name)) for name in result.turns},
            "disturbed": {name: result.disturbed(name) for name in result.turns},
            "failed": result.failed,
            "ratios": {
                name: {"ratio": ratio(result, name, bound), "bound": bound.ratio, "to": bound.peer}
                for name, bound in (("ours", row.eager), ("ours-compiled", row.compiled))
                if bound is not None and ratio(result, name, bound) is not None
            },
        }
    return {"machine": machine(), "rows": rows}


def replaced(path: Path, markdown: str) -> str:
    """What a file says with the tables between its markers exchanged, or the tables alone."""
    old = path.read_text() if path.exists() else ""
    if BEGIN not in old:
        return markdown
    before, after = old.split(BEGIN)[0], old.split(END)[1]
    return f"{before}{BEGIN}\n\n{markdown}\n{END}{after}"


def write(results: Sequence[Result], json_path: Path, markdown: Path, svg: Path) -> None:
    """Write all three reports."""
    for path in (json_path, markdown, svg):
        path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(json.dumps(as_json(results), indent=1) + "\n")
    markdown.write_text(replaced(markdown, as_markdown(results)))
    if find_spec("matplotlib") is None:
        print("no chart: matplotlib is not installed; pip install 'autograd-core[bench]'")
    else:
        chart.draw(results, svg)
