"""Every layer against PyTorch: outputs, gradients, buffers and names of the state dict."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd_core import Tensor
from autograd_core.containers import flatten

REFERENCE = json.loads((Path(__file__).parent / "reference" / "layers.json").read_text())
CASES = REFERENCE["cases"]
NAMES = [f"{k}-{case['layer']}" for k, case in enumerate(CASES)]
RTOL = {"float32": 2e-5, "float64": 1e-10}


def cosines(result: Tensor) -> Any:
    return np.cos(np.arange(result.size, dtype=result.dtype)).reshape(result.shape)


def assert_close(found: Any, expected: Any, dtype: str) -> None:
    expected = np.array(expected)
    assert found.dtype == dtype or found.dtype.kind == "i"
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=RTOL[dtype] * scale)


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_layer_is_that_of_pytorch(case: dict[str, Any], dtype: str, mode: str) -> None:
    make = getattr(nn, case["layer"])
    layer = make(**case["options"], **({"dtype": dtype} if case["state"] else {}))
    assert list(layer.state_dict()) == list(case["state"])
    layer.load_state_dict(case["state"])
    layer.train(mode == "train")
    expected = case[mode] or case["train"]
    inputs = [Tensor(np.array(x, dtype), requires_grad=True) for x in case["inputs"]]
    keywords = {k: np.array(v) if isinstance(v, list) else v for k, v in case["keywords"].items()}
    alone = case["layer"] == "MultiheadAttention" and len(inputs) == 1
    results, _ = flatten(layer(*(inputs * 3 if alone else inputs), **keywords))
    for result, values in zip(results, expected["outputs"], strict=True):
        assert_close(result.data, values, dtype)
    sum((result * cosines(result)).sum() for result in results).backward()
    gradients = [leaf.grad for leaf in (*inputs, *layer.parameters())]
    for gradient, values in zip(gradients, expected["gradients"], strict=True):
        assert_close(gradient, values, dtype)
    for buffer, values in zip(layer.buffers(), expected["buffers"], strict=True):
        assert_close(buffer.data, values, dtype)
