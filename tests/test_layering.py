"""Imports point one way, and importing the engine costs little more than importing NumPy."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("autograd_core", "nn", "distributed")
MODULES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
HEAVY = {
    "graphviz",
    "hypothesis",
    "matplotlib",
    "mpi4py",
    "numba",
    "pygraphviz",
    "safetensors",
    "scipy",
    "sklearn",
    "tqdm",
}


def imported_names(node: ast.AST) -> set[str]:
    """Top-level packages an import statement names; a relative import stays in its own package."""
    match node:
        case ast.Import(names=names):
            return {alias.name.partition(".")[0] for alias in names}
        case ast.ImportFrom(module=str(module), level=0):
            return {module.partition(".")[0]}
    return set()


def run_on_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below `node` that execute when the module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from run_on_import(child)


def upward_imports(layer: str, source: str) -> set[str]:
    """Higher layers that a module of `layer` imports, anywhere in its source."""
    above = set(LAYERS[LAYERS.index(layer) + 1 :])
    return above & set().union(*map(imported_names, ast.walk(ast.parse(source))))


def heavy_imports(source: str) -> set[str]:
    """Heavy libraries that a module loads as soon as it is imported."""
    return HEAVY & set().union(*map(imported_names, run_on_import(ast.parse(source))))


def python(code: str, **environment: str) -> str:
    """What a fresh interpreter prints when it runs `code`."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@pytest.mark.parametrize(
    ("layer", "source", "expected"),
    [
        ("autograd_core", "import nn.functional", {"nn"}),
        ("autograd_core", "def f():\n    from distributed import cli", {"distributed"}),
        ("nn", "from distributed.cli import main", {"distributed"}),
        ("nn", "from autograd_core import Tensor", set()),
        ("nn", "from .distributed import main", set()),
        ("distributed", "import nn, autograd_core", set()),
    ],
)
def test_upward_imports_are_recognized(layer: str, source: str, expected: set[str]) -> None:
    assert upward_imports(layer, source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import scipy.special", {"scipy"}),
        ("try:\n    import numba\nexcept ImportError:\n    numba = None", {"numba"}),
        ("class A:\n    from tqdm import tqdm", {"tqdm"}),
        ("def f():\n    import matplotlib", set()),
        ("if TYPE_CHECKING:\n    import mpi4py", set()),
        ("from .hypothesis import strategies", set()),
    ],
)
def test_heavy_imports_are_recognized(source: str, expected: set[str]) -> None:
    assert heavy_imports(source) == expected


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_module_imports_downward_and_nothing_heavy(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert upward_imports(path.relative_to(ROOT).parts[0], source) == set()
    assert heavy_imports(source) == set()


@pytest.mark.parametrize("layer", LAYERS)
def test_importing_a_package_loads_its_layer_and_below(layer: str) -> None:
    loaded = set(python(f"import sys, {layer}; print(*sys.modules)").split())
    above = set(LAYERS[LAYERS.index(layer) + 1 :])
    assert "numpy" in loaded
    assert loaded & (HEAVY | above) == set()


def test_import_time_stays_close_to_numpys(tmp_path: Path) -> None:
    code = """if True:
        from time import perf_counter
        start = perf_counter()
        import numpy
        numpy_done = perf_counter()
        import autograd_core
        print(numpy_done - start, perf_counter() - numpy_done)
    """
    # Noise only ever adds time, so the smallest of several runs is the best estimate of each part.
    # Installed packages are compiled to bytecode, whatever this environment says.
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    runs = [tuple(map(float, python(code, **compiled).split())) for _ in range(8)]
    numpy_time, own_time = map(min, zip(*runs, strict=True))
    assert numpy_time + own_time <= 1.3 * numpy_time
