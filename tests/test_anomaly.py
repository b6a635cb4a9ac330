"""Faults that values show: where the first NaN arose, and arrays changed behind the engine."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest

from autograd_core import Tensor, detect_anomaly, gradients
from autograd_core.errors import AnomalyError, MutationError
from autograd_core.graph import mode


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values), requires_grad=True)


@pytest.fixture(autouse=True)
def silent() -> None:
    warnings.simplefilter("ignore", RuntimeWarning)


def test_the_first_bad_result_is_named_with_its_line() -> None:
    x = leaf(-1.0, 2.0)
    with detect_anomaly(), pytest.raises(AnomalyError) as raised:
        y = x * 2.0
        z = np.log(y)  # the culprit
        z.sum().backward()
    assert "log: the result is not finite" in str(raised.value)
    assert "z = np.log(y)  # the culprit" in str(raised.value)
    assert "test_anomaly.py" in str(raised.value)


def test_the_first_bad_gradient_is_named_with_its_line() -> None:
    x = leaf(0.0)
    with detect_anomaly(), pytest.raises(AnomalyError) as raised:
        root = np.sqrt(x)  # finite, but its slope is not
        (root * 3.0).backward()
    assert "sqrt: the gradient of operand 0 is not finite" in str(raised.value)
    assert "root = np.sqrt(x)" in str(raised.value)


def test_an_array_changed_behind_the_engine_is_found() -> None:
    array = np.array([1.0, 2.0])
    x = leaf(3.0, 4.0)
    y = x * array
    array[0] = 100.0  # unnoticed outside
    y.sum().backward()
    with detect_anomaly():
        y = x * array
        array[0] = -1.0
        with pytest.raises(MutationError, match="y = x \\* array"):
            y.sum().backward()


def test_second_derivatives_are_looked_at_too() -> None:
    x = leaf(0.0)
    with detect_anomaly(), pytest.raises(AnomalyError, match="create_graph"):
        (first,) = gradients([x**1.5], [x], create_graph=True)
        gradients(first, x)


def test_healthy_code_passes_and_the_mode_ends_with_the_block() -> None:
    x = leaf(0.5)
    with detect_anomaly():
        np.tanh(x * x).backward()
        seen = []
        thread = threading.Thread(target=lambda: seen.append(mode.recorder))
        thread.start()
        thread.join()
        assert seen == [None]
    assert mode.recorder is None
    assert mode.recording is True
