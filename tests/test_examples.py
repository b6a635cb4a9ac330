"""The examples run, and show what they say they show."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from ranks import mpiexec, needs_mpi

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def example(name: str) -> dict[str, Any]:
    """What an example defines."""
    return runpy.run_path(str(EXAMPLES / name))


def test_linear_regression_finds_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    weight, bias = example("linear_regression.py")["main"]()
    assert abs(weight - 2) < 1e-2 and abs(bias - 1) < 1e-2
    printed = capsys.readouterr().out
    assert f"Learned weight: {weight:.6f}" in printed and f"Learned bias:   {bias:.6f}" in printed
    assert "Weight error: 0.00" in printed and "Bias error: 0.00" in printed
    assert printed.endswith("Model quality: excellent\n")


def test_linear_regression_says_when_it_is_not_there_yet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    example("linear_regression.py")["main"](epochs=1)
    assert capsys.readouterr().out.endswith("Model quality: not there yet\n")


def test_sigmoid_mlp_equals_the_equations_and_learns_xor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = example("sigmoid_mlp.py")["main"]()
    assert found["cross-entropy"] < 1e-12 and found["half mean squared error"] < 1e-12
    assert found["error"] < 0.1
    assert "ŷ = " in capsys.readouterr().out


@pytest.mark.parametrize("seed", range(5))
def test_each_loss_has_its_own_delta(seed: int) -> None:
    defined = example("sigmoid_mlp.py")
    parameters = defined["initial"](seed)
    by_hand, by_engine = defined["gradients_by_hand"], defined["gradients_by_engine"]
    for loss in ("cross-entropy", "half mean squared error"):
        assert defined["difference"](parameters, loss) < 1e-12
    crossed = by_hand(parameters, "cross-entropy")[3] - by_engine(parameters, "squared")[3]
    assert abs(crossed).max() > 1e-3


def test_mpi_digits_learns_in_one_process(capsys: pytest.CaptureFixture[str]) -> None:
    accuracy = example("mpi_digits.py")["main"](epochs=4)
    assert accuracy > 0.94
    assert capsys.readouterr().out.endswith(f"Epoch  4/4: test accuracy = {accuracy:.4f}\n")


@needs_mpi
def test_mpi_digits_learns_alike_on_two_ranks() -> None:
    code = "import runpy; runpy.run_path('../examples/mpi_digits.py')['main'](epochs=4)"
    result = mpiexec(2, "-c", code)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"Epoch  {k}/4" for k in range(1, 5)]
    alone = example("mpi_digits.py")["main"](epochs=4)
    assert abs(float(lines[-1].split()[-1]) - alone) < 0.005


def test_universal_approximation_gets_better_with_width(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plot.png"
    errors = example("universal_approximation.py")["main"](
        widths=(1, 4, 16), epochs=1500, path=path
    )
    assert errors[16] < errors[4] / 2 < errors[1] / 4
    assert path.read_bytes().startswith(b"\x89PNG")
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_vanishing_gradients_shows_each_illness(capsys: pytest.CaptureFixture[str]) -> None:
    signals = example("vanishing_gradients.py")["main"](depth=18)
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("vanishing: ", "exploding: ", "healthy"))
    lost = {name: found[0] / found[-1] for name, found in signals.items()}
    assert lost["sigmoid"] < 0.25**18 * 100  # slopes of 1/4 at most, whatever the weights keep
    assert 0.01 < lost["tanh"] < 100 and 0.01 < lost["ReLU"] < 100
    assert lost["ReLU, weights twice as large"] > 1000
    assert lost["sigmoid"] < lost["sigmoid after LayerNorm"] < 1e-3


def test_variants_of_gradient_descent_differ_in_steps_and_noise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = example("gradient_descent_variants.py")["main"](samples=256, epochs=5)
    steps = {name: entry[2] for name, entry in found.items()}
    assert steps == {"batch": 5, "stochastic": 5 * 256, "mini-batch": 5 * 8}
    noise = {name: entry[1] for name, entry in found.items()}
    assert noise["batch"] < 1e-6 < noise["mini-batch"] < noise["stochastic"]
    # The mean over 32 independent samples scatters √32 times less.
    assert 4 < noise["stochastic"] / noise["mini-batch"] < 8
    assert found["stochastic"][0] < found["mini-batch"][0] < found["batch"][0]
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_lenet_learns_the_digits(capsys: pytest.CaptureFixture[str]) -> None:
    accuracy = example("lenet_digits.py")["main"](epochs=2)
    assert accuracy > 0.95
    assert f"test accuracy = {accuracy:.4f}" in capsys.readouterr().out
