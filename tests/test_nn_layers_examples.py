"""The examples of sequence models run, and learn what they say they learn."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def example(name: str) -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / name))


def test_tiny_transformer_sorts(capsys: pytest.CaptureFixture[str]) -> None:
    accuracy = example("tiny_transformer.py")["main"](length=4, steps=150)
    assert accuracy > 0.95
    assert "sorted is" in capsys.readouterr().out


def test_positions_are_told_apart_by_rotations() -> None:
    encoding = example("tiny_transformer.py")["positional_encoding"](50, 8)
    np.testing.assert_allclose(encoding[0], [0, 1] * 4)
    np.testing.assert_allclose(encoding[:, 0], np.sin(np.arange(50)))
    # How similar two positions are depends on their distance alone.
    products = encoding @ encoding.T
    np.testing.assert_allclose(np.diag(products, 3), products[0, 3])
    np.testing.assert_allclose(np.diag(products), 4)


def test_char_rnn_learns_a_line_by_heart(capsys: pytest.CaptureFixture[str]) -> None:
    defined = example("char_rnn.py")
    line = defined["TEXT"].splitlines()[0]
    loss, written = defined["main"](line, epochs=120)
    assert loss < 0.1 and written == line
    assert capsys.readouterr().out.endswith(line + "\n")
