"""How each kind of node looks. Shape and colour both differ, so that neither is needed alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """Fill and border colour, attributes of the shape in DOT, brackets of the shape in Mermaid."""

    fill: str
    border: str
    shape: dict[str, str]
    brackets: tuple[str, str]


# In the order of the legend.
LOOKS = {
    "input": Look("#e6f0fb", "#1f5fa8", {"shape": "parallelogram", "margin": "0,0"}, ("[/", "/]")),
    "parameter": Look(
        "#fdeccd", "#9a5b00", {"style": "rounded,filled", "penwidth": "2"}, ("(", ")")
    ),
    "operation": Look("#f3f4f6", "#57606a", {}, ("[", "]")),
    "constant": Look("#ece9f5", "#5f4b9b", {"shape": "note"}, ("{{", "}}")),
    "output": Look("#dff3e4", "#1a7f37", {"peripheries": "2"}, ("[[", "]]")),
}

BACKGROUND = "#ffffff"
TEXT = "#1b1f24"
LINE = "#57606a"

# Each colour above on a dark background; contrast of text is at least 10:1, of borders 4.5:1.
DARK = {
    BACKGROUND: "#0d1117",
    TEXT: "#e6edf3",
    LINE: "#8b949e",
    "#e6f0fb": "#12304f",
    "#1f5fa8": "#58a6ff",
    "#fdeccd": "#4a2f00",
    "#9a5b00": "#e3a13b",
    "#f3f4f6": "#21262d",
    "#ece9f5": "#2c2350",
    "#5f4b9b": "#b39dfa",
    "#dff3e4": "#0f3d20",
    "#1a7f37": "#3fb950",
}

# Kinds through which no gradient flows: arrows from them are dashed.
UNTRACKED = frozenset({"input", "constant"})
