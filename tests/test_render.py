"""Pictures of graphs: what is on them, that any text is safe there, and what can go wrong."""

import gc
import re
import subprocess
import sys
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import Tensor, draw, errors, no_grad
from autograd_core.primitive import Primitive
from autograd_core.render import layout, style
from autograd_core.render.drawing import Graph
from autograd_core.render.ir import clean, shorten
from autograd_core.tensor import record

SVG = "{http://www.w3.org/2000/svg}"
LETTERS = st.text(st.characters(codec="utf-8"), max_size=60)


def leaf(*shape: int, dtype: Any = np.float64) -> Tensor:
    return Tensor(np.ones(shape, dtype), requires_grad=True)


def loss_graph(**settings: Any) -> tuple[Tensor, Graph]:
    """A linear model with a squared loss: every kind of node and a multi-edge."""
    x, w, b = Tensor(np.ones((4, 3), np.float32)), leaf(3, 2, dtype="f"), leaf(2, dtype="f")
    error = (x @ w + b)[np.array([2, 0])]
    loss = (error * error).sum() * np.float32(0.5)
    names = {x: "images", w: "layer.weight", b: "layer.bias", error: "error", loss: "loss"}
    return loss, draw(loss, names=names, **settings)


TEXT = """\
n0   input      images        float32 [4, 3]
n1   parameter  layer.weight  float32 [3, 2]
n2   operation  @             float32 [4, 2]  ← x: n0, y: n1
n3   parameter  layer.bias    float32 [2]
n4   operation  +             float32 [4, 2]  ← n2, n3
n5   constant   index         int64 [2]
n6   operation  error = [ ]   float32 [2, 2]  ← x: n4, n5
n7   operation  ×             float32 [2, 2]  ← n6, n6
n8   operation  sum           float32 []      ← n7
n9   operation  × 0.5         float32 []      ← n8
n10  output     loss          float32 []      ← n9
"""


def test_text() -> None:
    assert loss_graph()[1].text() == TEXT


def product_graph(**settings: Any) -> Graph:
    """Small enough for its sources to be read in full."""
    x, mask = leaf(2), Tensor(np.ones(2))
    return draw(x * x / mask, names={x: 'a "b" & <c>\\'}, **settings)


DOT = r"""digraph {
	graph [bgcolor="#ffffff" nodesep=0.3 pad=0.2 rankdir=LR ranksep=0.4]
	node [fontcolor="#1b1f24" fontname="DejaVu Sans,Helvetica,sans-serif" fontsize=12 label="\N" margin="0.16,0.08" shape=box style=filled]
	edge [arrowsize=0.7 color="#57606a" fontcolor="#57606a" fontname="DejaVu Sans,Helvetica,sans-serif" fontsize=10]
	n0 [label="a \"b\" &amp; <c>\\\nfloat64 [2]" color="#9a5b00" fillcolor="#fdeccd" class=parameter id=n0 penwidth=2 style="rounded,filled"]
	n1 [label="×\nfloat64 [2]" color="#57606a" fillcolor="#f3f4f6" class=operation id=n1]
	n2 [label="input\nfloat64 [2]" color="#1f5fa8" fillcolor="#e6f0fb" class=input id=n2 margin="0,0" shape=parallelogram]
	n3 [label="÷\nfloat64 [2]" color="#57606a" fillcolor="#f3f4f6" class=operation id=n3]
	n4 [label="output\nfloat64 [2]" color="#1a7f37" fillcolor="#dff3e4" class=output id=n4 peripheries=2]
	n0 -> n1 [id=e0]
	n0 -> n1 [id=e1]
	n1 -> n3 [id=e2 label="~~x~~" weight=8]
	n2 -> n3 [id=e3 label="~~y~~" style=dashed]
	n3 -> n4 [id=e4 weight=8]
	legend [label=<<TABLE BORDER="0" CELLBORDER="1" CELLPADDING="5" CELLSPACING="6"><TR><TD BGCOLOR="#e6f0fb" COLOR="#1f5fa8" STYLE="solid">input</TD></TR><TR><TD BGCOLOR="#fdeccd" COLOR="#9a5b00" STYLE="rounded">parameter</TD></TR><TR><TD BGCOLOR="#f3f4f6" COLOR="#57606a" STYLE="solid">operation</TD></TR><TR><TD BGCOLOR="#dff3e4" COLOR="#1a7f37" STYLE="solid">output</TD></TR></TABLE>> fontsize=10 id=legend shape=plain style=solid class=legend]
	n4 -> legend [style=invis]
}
"""  # noqa: E501

MERMAID = """\
flowchart LR
    n0("a #34;b#34; #38; #60;c#62;#92;<br/>float64 [2]"):::parameter
    n1["×<br/>float64 [2]"]:::operation
    n2[/"input<br/>float64 [2]"/]:::input
    n3["÷<br/>float64 [2]"]:::operation
    n4[["output<br/>float64 [2]"]]:::output
    n0 --> n1
    n0 --> n1
    n1 -->|"x"| n3
    n2 -.->|"y"| n3
    n3 --> n4
    classDef input fill:#e6f0fb,stroke:#1f5fa8,color:#1b1f24
    classDef parameter fill:#fdeccd,stroke:#9a5b00,color:#1b1f24
    classDef operation fill:#f3f4f6,stroke:#57606a,color:#1b1f24
    classDef output fill:#dff3e4,stroke:#1a7f37,color:#1b1f24
"""


def test_dot() -> None:
    assert product_graph(direction="LR").dot == DOT.replace("~", "\u00a0")


def test_mermaid() -> None:
    assert product_graph(direction="LR").mermaid() == MERMAID


# -- the picture ----------------------------------------------------------------------------------


def groups(svg: str) -> Iterator[tuple[ElementTree.Element, list[str]]]:
    """Every group of a picture with the text in it."""
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        yield group, ["".join(text.itertext()) for text in group.findall(f"{SVG}text")]


def test_picture_has_every_node_and_edge_with_its_class_text_and_title() -> None:
    graph = loss_graph()[1]
    drawn = {group.get("id"): (group, texts) for group, texts in groups(graph.svg())}
    assert len(drawn) == 1 + len(graph.ir.nodes) + len(graph.ir.edges) + 1
    for place, node in enumerate(graph.ir.nodes):
        group, texts = drawn[f"n{place}"]
        assert group.get("class") == f"node {node.kind}"
        assert texts == [node.label, node.detail]
        assert group.findtext(f"{SVG}title") == f"{node.kind} {node.label} {node.detail}"
    assert drawn["e0"][0].findtext(f"{SVG}title") == "images → @"
    assert drawn["legend"][1] == list(style.LOOKS)


def test_picture_describes_itself() -> None:
    root = ElementTree.fromstring(loss_graph()[1].svg())
    assert root.get("role") == "img"
    assert [element.tag for element in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert root.findtext(f"{SVG}title") == (
        "Computational graph: 1 input, 2 parameters, 6 operations, 1 constant, 1 output"
    )
    assert root.findtext(f"{SVG}desc") == TEXT


def test_legend_shows_only_the_kinds_that_are_there() -> None:
    x = leaf(2)
    (texts,) = [texts for group, texts in groups(draw(x).svg()) if group.get("id") == "legend"]
    assert texts == ["parameter", "output"]


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_every_colour_has_a_dark_counterpart(theme: str) -> None:
    svg = loss_graph(theme=theme)[1].svg()
    rules = ElementTree.fromstring(svg).findtext(f"{SVG}style") or ""
    used = set(re.findall(r'(?:fill|stroke)="(#\w+)"', svg))
    recoloured = set(re.findall(r"='(#\w+)'", rules))
    assert used == set(style.DARK)
    assert recoloured == (set() if theme == "light" else used)
    assert ("prefers-color-scheme:dark" in rules) == (theme == "auto")


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""

    def luminance(colour: str) -> float:
        channels = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [{colour: colour for colour in style.DARK}, style.DARK])
def test_colours_are_told_apart(theme: dict[str, str]) -> None:
    background = theme[style.BACKGROUND]
    assert contrast(theme[style.LINE], background) >= 4.5
    for look in style.LOOKS.values():
        assert contrast(theme[style.TEXT], theme[look.fill]) >= 10
        assert contrast(theme[look.border], background) >= 4.5
    assert len({look.fill for look in style.LOOKS.values()}) == len(style.LOOKS)
    assert len({look.brackets for look in style.LOOKS.values()}) == len(style.LOOKS)
    assert len({str(look.shape) for look in style.LOOKS.values()}) == len(style.LOOKS)


@given(st.lists(LETTERS, min_size=1, max_size=6))
def test_any_name_arrives_in_the_picture_as_it_is(names: list[str]) -> None:
    leaves = [leaf(1) for _ in names]
    graph = draw(leaves, names=dict(zip(leaves, names, strict=True)))
    shown = [
        texts[0] for group, texts in groups(graph.svg()) if group.get("class") == "node parameter"
    ]
    assert sorted(shown) == sorted(shorten(clean(name)) or "?" for name in names)
    assert graph.text().count("\n") == 2 * len(names)
    assert graph.mermaid().count('"') == 4 * len(names)


@given(LETTERS, st.integers(2, 50))
def test_shortened_text_keeps_both_ends(text: str, width: int) -> None:
    short = shorten(text, width)
    assert len(short) == min(len(text), width)
    start, ellipsis, end = short.partition("…") if short != text else (text, "", "")
    assert text.startswith(start)
    assert text.endswith(end)
    assert ellipsis == "…" or short == text


def test_clean_text_moves_no_cursor_and_forges_no_line() -> None:
    assert clean("a\x1b[31m\x00b\n c\u202e\ud800\x9bd\t") == "a[31mb cd"


# -- what is on it --------------------------------------------------------------------------------


def labels(out: Tensor) -> list[str]:
    return [node.label for node in draw(out).ir.nodes if node.kind == "operation"]


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda x: x * 0.5, "× 0.5"),
        (lambda x: np.float32(0.1) * x, "0.1 ×"),
        (lambda x: x * Tensor(2), "× 2"),
        (lambda x: x / 3, "÷ 3"),
        (lambda x: x + 1, "+ …"),
        (lambda x: x.sum(axis=1), "sum axis=1"),
        (lambda x: x.sum(axis=(0, 1), keepdims=True), "sum axis=(0, 1) keepdims=True"),
        (lambda x: x[1], "[ ] 1"),
    ],
)
def test_scalars_are_written_into_the_operation(compute: Any, expected: str) -> None:
    x = leaf(2, 3)
    graph = draw(compute(x))
    assert labels(compute(x)) == [expected]
    assert set(graph.ir.kinds) == {"parameter", "operation", "output"}


def test_name_of_a_result_stands_before_what_was_folded() -> None:
    x = leaf(2)
    error = 1 / x
    graph = draw(error.sum(), names={error: "error"})
    assert [node.label for node in graph.ir.nodes] == ["leaf", "error = … ÷", "sum", "output"]


def test_named_scalar_is_an_input() -> None:
    x, rate = leaf(2), Tensor(np.array(0.5))
    graph = draw(x * rate, names={rate: "rate"})
    assert [node.label for node in graph.ir.nodes] == ["leaf", "rate", "×", "output"]


def test_array_used_twice_is_one_input() -> None:
    x, w = Tensor(np.ones((2, 2))), leaf(2, 2)
    graph = draw((x @ w) * x)
    assert graph.ir.kinds == Counter(input=1, parameter=1, operation=2, output=1)
    assert len(graph.ir.edges) == 5


def test_shared_nodes_are_drawn_once_and_repeated_operands_twice() -> None:
    x = leaf(2)
    y = np.exp(x)
    graph = draw(y * y + y)
    assert labels(y * y + y) == ["exp", "×", "+"]
    assert Counter((edge.source, edge.target) for edge in graph.ir.edges)[1, 2] == 2
    assert len(re.findall("class='edge'|class=\"edge\"", graph.svg())) == len(graph.ir.edges)


def test_parameters_are_called_what_the_model_calls_them() -> None:
    class Model:
        weight, bias = leaf(3), leaf(3)

        def named_parameters(self) -> list[tuple[str, Tensor]]:
            return [("0.weight", self.weight), ("0.bias", self.bias)]

    model = Model()
    out = model.weight * 2 + model.bias + model.weight.detach() * leaf(3)
    graph = draw(out, model=model, names={model.bias: "offset"})
    shown = [(node.kind, node.label) for node in graph.ir.nodes if node.kind != "operation"]
    assert shown == [
        ("parameter", "0.weight"),
        ("parameter", "offset"),
        ("input", "0.weight"),
        ("parameter", "leaf"),
        ("output", "output"),
    ]


def halves(x: Any) -> Any:
    return x[: len(x) // 2], x[len(x) // 2 :]


def join(g: Any) -> Any:
    return np.concatenate(g)


def test_results_of_one_operation_leave_from_one_node() -> None:
    primitive = Primitive(halves, None, {"x": join}, multiple=True)
    low, high = record(primitive, leaf(4))
    text = draw([low / high, high], names={high: "high"}).text()
    assert text == (
        "n0  parameter  leaf      float64 [4]\n"
        "n1  operation  halves    float64 [2] · [2]  ← n0\n"
        "n2  operation  ÷         float64 [2]        ← [0] → x: n1, high → y: n1\n"
        "n3  output     output 0  float64 [2]        ← n2\n"
        "n4  output     high      float64 [2]        ← high: n1\n"
    )


def test_graph_can_be_drawn_after_backward_freed_it() -> None:
    loss, before = loss_graph()
    loss.backward()
    after = draw(loss)
    assert labels(loss) == ["… @", "+", "[ ]", "×", "sum", "× …"]
    assert after.ir.kinds == before.ir.kinds - Counter(input=1, constant=1)


def test_long_chain_is_drawn_without_recursion() -> None:
    x = leaf(2)
    out = x
    for _ in range(10_000):
        out = np.tanh(out)
    graph = draw(out)
    assert graph.text().count("\n") == graph.dot.count("class=") - 1 == 10_002
    with pytest.raises(errors.GraphTooLarge, match=r"10002 nodes.*max_nodes=1500.*graph\.dot"):
        graph.svg()
    with pytest.raises(errors.GraphTooLarge, match="10001 edges"):
        graph.mermaid()
    assert graph._repr_mimebundle_()["text/plain"].startswith("<graph of 1 parameter, 10000 ope")


def test_graph_keeps_no_array_alive() -> None:
    x = Tensor(np.ones(3))
    array = weakref.ref(x.data)
    graph = draw(leaf(3) * x)
    del x
    gc.collect()
    assert array() is None
    assert "input" in graph.text()


def nothing(*arguments: str) -> None:
    """Find no program."""


# -- files, engines, errors -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("g.svg", "<svg "),
        ("g.SVG", "<svg "),
        ("g.dot", "digraph"),
        ("g.gv", "digraph"),
        ("g.mmd", "flowchart TB"),
        ("g.txt", "n0 "),
    ],
)
def test_suffix_decides_the_notation(tmp_path: Path, name: str, start: str) -> None:
    loss_graph()[1].save(tmp_path / name)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["graph", "graph.png", "graph.svg.gz"])
def test_unknown_suffix_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.RenderError, match=r"expected a name that ends in \.svg, \.dot"):
        loss_graph()[1].save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "graph.svg"
    path.write_text("old")
    with pytest.raises(errors.GraphTooLarge):
        loss_graph(max_nodes=3)[1].save(path)
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(OSError):
        loss_graph()[1].save(tmp_path / "folder.txt")
    assert path.read_text() == "old"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["folder.txt", "graph.svg"]


def test_without_an_engine_the_error_names_two_ways_and_sources_still_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for engine in layout.ENGINES:
        monkeypatch.setitem(layout.ENGINES, engine, nothing)
    graph = loss_graph()[1]
    with pytest.raises(errors.RendererMissing) as caught:
        graph.save(tmp_path / "graph.svg")
    assert "apt install graphviz" in str(caught.value)
    assert 'pip install "autograd-core[viz]"' in str(caught.value)
    graph.save(tmp_path / "graph.dot")
    assert [path.name for path in tmp_path.iterdir()] == ["graph.dot"]
    assert graph._repr_mimebundle_() == {"text/plain": f"{TEXT}\n{caught.value}"}


def test_engines_are_found_where_they_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout.shutil, "which", lambda name: f"/opt/bin/{name}")
    monkeypatch.setattr(layout.metadata, "version", lambda name: "2.0.4")
    assert layout.command_for("auto") == layout.command_for("dot") == ["/opt/bin/dot", "-Tsvg"]
    assert layout.command_for("pygraphviz")[0] == sys.executable
    # Before version 2 the wheels did not bring Graphviz.
    monkeypatch.setattr(layout.shutil, "which", nothing)
    monkeypatch.setattr(layout.metadata, "version", lambda name: "1.14")
    with pytest.raises(errors.RendererMissing):
        layout.command_for("auto")


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("import time; time.sleep(60)", r"took longer than 0\.5 s"),
        ("import sys; sys.exit('bad\\nsyntax error')", "status 1 and no picture: syntax error"),
        ("pass", "status 0 and no picture"),
    ],
)
def test_failed_layout_is_one_error(
    monkeypatch: pytest.MonkeyPatch, code: str, complaint: str
) -> None:
    monkeypatch.setitem(layout.ENGINES, "dot", lambda: [sys.executable, "-c", code])
    graph = loss_graph(timeout=0.5, engine="dot")[1]
    with pytest.raises(errors.LayoutError, match=complaint):
        graph.svg()
    assert set(graph._repr_mimebundle_()) == {"text/plain"}


def test_notebooks_get_picture_and_text() -> None:
    graph = loss_graph()[1]
    assert graph._repr_mimebundle_() == {"image/svg+xml": graph.svg(), "text/plain": TEXT}


@pytest.mark.parametrize(
    ("setting", "value"), [("direction", "up"), ("theme", "blue"), ("engine", "neato")]
)
def test_unknown_setting_is_refused(setting: str, value: str) -> None:
    with pytest.raises(errors.RenderError, match=f"{setting}='{value}'; expected one of"):
        draw(leaf(1), **{setting: value})


def test_tensor_without_a_graph_is_refused() -> None:
    x = leaf(2)
    with no_grad():
        y = x * x
    for out in (y, [x, y], []):
        with pytest.raises(errors.GraphError, match="requires_grad=True"):
            draw(out)


def test_rendering_is_loaded_when_used() -> None:
    code = (
        "import sys, autograd_core as a; before = set(sys.modules); a.draw; "
        "print('autograd_core.render' in before, 'autograd_core.render' in sys.modules, "
        "'graphviz' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True", "False"]
