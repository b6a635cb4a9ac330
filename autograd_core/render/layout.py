"""Laying a graph out: DOT in, SVG out, by another process that can be stopped.

Graphviz holds the interpreter's lock while it works, cannot be cancelled and reports on the
standard error stream, so pygraphviz too runs in a process of its own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata

from autograd_core.errors import LayoutError, RendererMissing

CHILD = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format="svg", prog="dot"))
"""


def system_dot() -> list[str] | None:
    """The command for Graphviz itself, if it is installed."""
    path = shutil.which("dot")
    return [path, "-Tsvg"] if path else None


def pygraphviz_child() -> list[str] | None:
    """The command for pygraphviz, whose wheels bring Graphviz along since version 2."""
    try:
        major = int(metadata.version("pygraphviz").partition(".")[0])
    except metadata.PackageNotFoundError:
        return None
    return [sys.executable, "-P", "-c", CHILD] if major >= 2 else None


# In the order in which "auto" tries them.
ENGINES: dict[str, Callable[[], list[str] | None]] = {
    "dot": system_dot,
    "pygraphviz": pygraphviz_child,
}


def command_for(engine: str) -> list[str]:
    """The command of an engine, or for ``"auto"`` of the first that is installed."""
    for name, find in ENGINES.items():
        if engine in (name, "auto") and (command := find()):
            return command
    missing = "Graphviz and pygraphviz >= 2 are" if engine == "auto" else f"{engine} is"
    raise RendererMissing(
        f"draw: {missing} not installed, and laying out a picture needs one of them; "
        'apt install graphviz, or pip install "autograd-core[viz]" '
        '(.save("graph.dot"), .text() and .mermaid() need neither)'
    )


def lay_out(dot: str, engine: str, timeout: float) -> bytes:
    """The SVG of a DOT source; raises LayoutError after ``timeout`` seconds."""
    command = command_for(engine)
    try:
        done = subprocess.run(
            command, check=False, input=dot.encode(), capture_output=True, timeout=timeout
        )
    except subprocess.TimeoutExpired as error:
        raise LayoutError(
            f"draw: the layout took longer than {timeout:g} s and was stopped; pass a larger "
            'timeout=, draw a smaller part, or .save("graph.dot")'
        ) from error
    if done.returncode or not done.stdout:
        complaint = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise LayoutError(
            f"draw: {command[0]} ended with status {done.returncode} and no picture: {complaint}"
        )
    return done.stdout
