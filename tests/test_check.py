"""The gate from the shell: what is right, what is wrong, and what cannot be found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autograd_core.errors import MissingRuleError
from autograd_core.testing import check_operation
from distributed.cli import main

MODULE = """
import numpy as np
from autograd_core import operation
from autograd_core.primitive import REAL, Elementwise
from autograd_core.testing import property_gradcheck, tensors

@operation(Elementwise((REAL,)), x=lambda g, x: g * (1 - 2 * x * x) * np.exp(-x * x))
def ripple(x):
    return x * np.exp(-x * x)

@operation(Elementwise((REAL,)), x=lambda g, x: g * (1 - x * x) * np.exp(-x * x))
def broken(x):
    return x * np.exp(-x * x)

@property_gradcheck(tensors())
def sine(x):
    return np.sin(x)

@property_gradcheck(tensors())
def lost(x):
    return np.sin(x.detach()) * x

def plain(x):
    return x
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    name = "operations_of_mine"
    Path(f"{name}.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


@pytest.mark.parametrize("name", ["ripple", "sine"])
def test_what_is_right_passes(module: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"{module}:{name}", "--examples", "3"]) == 0
    assert capsys.readouterr().out == f"{module}:{name}: right\n"


@pytest.mark.parametrize("name", ["broken", "lost"])
def test_what_is_wrong_is_shown_with_a_reproducer(
    module: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", f"{module}:{name}"]) == 1
    shown = capsys.readouterr().out
    assert "verdict: wrong" in shown
    assert "gradcheck(" in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{}:plain"], "neither a registered operation nor a test"),
        (["{}:nothing"], "cannot be found"),
        (["no_such_module:f"], "cannot be found"),
        (["{}"], "expected module:function"),
        ([], "or --all"),
        (["{}:sine", "--all"], "or --all"),
    ],
)
def test_what_cannot_be_checked_is_said_in_a_sentence(
    module: str, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *(argument.format(module) for argument in arguments)]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_only_operations_with_a_sample_can_be_checked() -> None:
    with pytest.raises(MissingRuleError, match="register it"):
        check_operation(len)
