"""Nobody forgot a function of NumPy's, and what the table says of each is true."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd_core import Tensor, coverage
from autograd_core.errors import AutogradError
from autograd_core.primitive import REGISTRY
from autograd_core.tensor import COMPOSITES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "functions.md"
LISTED = {
    name
    for reasons in (coverage.REFUSALS, coverage.OTHERS)
    for names in reasons.values()
    for name in names.split()
}
FUNCTIONS = dict(coverage.public_functions())


def test_every_public_function_is_classified() -> None:
    assert coverage.unclassified() == []


def test_a_new_function_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "brand_new", lambda x: x, raising=False)
    monkeypatch.setattr(np.linalg, "brand_new", lambda x: x, raising=False)
    assert coverage.unclassified() == ["brand_new", "linalg.brand_new"]


def test_lists_hold_no_function_twice_and_none_that_has_a_rule() -> None:
    known = {
        name
        for name, function in FUNCTIONS.items()
        if function in REGISTRY or function in COMPOSITES
    }
    assert LISTED & known == set()
    listed = [
        name
        for reasons in (coverage.REFUSALS, coverage.OTHERS)
        for names in reasons.values()
        for name in names.split()
    ]
    assert len(listed) == len(LISTED)
    remarked = " ".join(coverage.REMARKS.values()).split()
    assert {name.rpartition(".")[2] for name in FUNCTIONS} >= LISTED | set(remarked)


REFUSED_CALLS: dict[str, Any] = {
    "bmat": lambda x: np.bmat([[x]]),
    "save": lambda x: np.save("never.npy", x),
    "savetxt": lambda x: np.savetxt("never.txt", x),
    "savez": lambda x: np.savez("never.npz", x),
    "savez_compressed": lambda x: np.savez_compressed("never.npz", x=x),
}


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("name", " ".join(coverage.REFUSALS.values()).split())
def test_refused_functions_raise_and_say_how_to_go_on(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    x = Tensor(np.ones((2, 2)), requires_grad=True)
    with pytest.raises(AutogradError, match=r"\.detach\(\)"):
        REFUSED_CALLS.get(name, getattr(np, name))(x)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kind", "detail"),
    [
        ("multiply", coverage.DIFFERENTIABLE, "x, y"),
        ("linalg.solve", coverage.DIFFERENTIABLE, "a, b"),
        ("fft.rfft", coverage.DIFFERENTIABLE, "a"),
        ("vstack", coverage.COMPOSITE, ""),
        ("put", coverage.COMPOSITE, "x[i] = v"),
        ("argmax", coverage.NOT_DIFFERENTIABLE, ""),
        ("array_repr", coverage.NOT_DIFFERENTIABLE, ""),
        ("array", coverage.REFUSED, "makes a plain ndarray"),
        ("seterr", coverage.NO_OPERATION, "setting"),
    ],
)
def test_known_functions_are_where_they_belong(name: str, kind: str, detail: str) -> None:
    entry = coverage.classify(name, FUNCTIONS[name])
    assert entry is not None
    assert entry.kind == kind
    assert detail in entry.detail


def test_the_committed_page_is_what_the_command_prints() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "autograd_core.coverage"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert printed == coverage.page()
    committed = PAGE.read_text(encoding="utf-8")
    if f"(NumPy {'.'.join(np.__version__.split('.')[:2])})" not in committed:
        pytest.skip("the page is of another NumPy, whose functions have other names")
    assert committed == printed, "run: python -m autograd_core.coverage > docs/functions.md"
