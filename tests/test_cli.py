"""The command: what it leaves, what it says, and what it does with what cannot be trained on."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from ranks import mpiexec, needs_mpi

import autograd_core
import nn
from autograd_core.compiler import Compiled
from distributed import cli, load_model
from distributed.config import TrainConfig
from distributed.errors import UsageError
from distributed.experiment import prepare

RUN_FILES = {
    "model.safetensors",
    "history.csv",
    "curves.svg",
    "graph.svg",
    "config.json",
    "summary.json",
}
SMALL = ("--hidden", "8", "--epochs", "2", "--quiet")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*arguments: str) -> Path:
    """Train into the folder "run"."""
    assert cli.main(["train", *arguments, "--out", "run"]) == 0
    return Path("run")


def read_json(path: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return content


def write_csv(path: str, columns: dict[str, object]) -> None:
    with Path(path).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))  # type: ignore[call-overload]


# -- what a run leaves -----------------------------------------------------------------------------


def test_a_run_can_be_profiled(capsys: pytest.CaptureFixture[str]) -> None:
    train("digits", *SMALL, "--profile", "trace.json")
    shown = capsys.readouterr().out
    assert "(outside of operations)" in shown
    names = {event["name"] for event in read_json(Path("trace.json"))["traceEvents"]}  # type: ignore[attr-defined]
    assert {"linear", "backward pass"} <= names
    assert cli.main(["train", "digits", *SMALL, "--profile", "nowhere/trace.json"]) == 2
    assert "nowhere/trace.json; expected a file in an existing folder" in capsys.readouterr().err


def test_defaults_recognize_the_digits(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "digits"]) == 0
    out, err = capsys.readouterr()
    summary = read_json(Path("runs/digits-001/summary.json"))
    accuracy = summary["test"]["accuracy"]  # type: ignore[index]
    assert accuracy >= 0.97
    assert f"test accuracy {accuracy:.4f}" in out
    assert out.endswith("run folder: runs/digits-001\n")
    # One bar, which ends full, with the loss and what was validated.
    last = err.rstrip().rpartition("\r")[2]
    assert "epoch 30/30 |██████████|" in last
    assert "loss=" in last and "val_accuracy=0." in last
    assert max(map(len, err.split("\r"))) < 80


def test_a_run_folder_holds_everything(capsys: pytest.CaptureFixture[str]) -> None:
    run = train("digits", "--optimizer", "momentum", "--lr", "0.2", *SMALL)
    out, err = capsys.readouterr()
    assert err == "" and len(out.splitlines()) == 2
    assert {path.name for path in run.iterdir()} == RUN_FILES
    assert [path.name for path in Path().iterdir()] == ["run"]

    rows = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])
    assert list(rows[0]) == ["epoch", "loss", "val_loss", "val_accuracy"]

    for picture in ("curves.svg", "graph.svg"):
        assert ElementTree.parse(run / picture).getroot().tag.endswith("svg")
    graph = (run / "graph.svg").read_text(encoding="utf-8")
    assert all(name in graph for name in ("network.0.weight", "network.2.bias", "loss"))

    options = read_json(run / "config.json")["options"]
    assert isinstance(options, dict)
    options["hidden"] = tuple(options["hidden"])
    expected = TrainConfig("digits", hidden=(8,), epochs=2, optimizer="momentum", lr=0.2)
    assert TrainConfig(**options) == expected


def test_the_seed_fixes_the_run_to_the_bit() -> None:
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert cli.main(["train", "digits", *SMALL, "--seed", seed, "--out", name]) == 0
    for file in RUN_FILES - {"summary.json"}:  # which tells the seconds it took
        assert Path("a", file).read_bytes() == Path("b", file).read_bytes(), file
    model = "model.safetensors"
    assert Path("a", model).read_bytes() != Path("c", model).read_bytes()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_compiling_changes_no_bit(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = blobs()
    target = y if task == "classification" else x @ [1.0, -2.0] + y
    write_csv("table.csv", {"a": x[:, 0], "b": x[:, 1], "target": target})
    replayed = []
    run = Compiled.__call__
    monkeypatch.setattr(
        Compiled, "__call__", lambda self, *batch: replayed.append(batch) or run(self, *batch)
    )
    options = ("--target", "target", "--task", task, "--batch-size", "25", *SMALL)
    for name, more in (("a", ()), ("b", ("--no-compile",))):
        assert cli.main(["train", "table.csv", *options, *more, "--out", name]) == 0
        assert len(replayed) == 8  # batches of 25, 25, 25 and 11 samples, twice; then none
        options_of = read_json(Path(name, "config.json"))["options"]
        assert isinstance(options_of, dict) and options_of["compile"] is not bool(more)
    for file in ("model.safetensors", "history.csv"):
        assert Path("a", file).read_bytes() == Path("b", file).read_bytes()


def test_runs_are_numbered() -> None:
    for _ in range(2):
        assert cli.main(["train", "digits", *SMALL]) == 0
    assert sorted(path.name for path in Path("runs").iterdir()) == ["digits-001", "digits-002"]


def test_the_three_parts_do_not_overlap_and_keep_the_classes_shares() -> None:
    experiment = prepare(TrainConfig("digits"))
    parts = [experiment.train, experiment.validation, experiment.test]
    assert [part.samples for part in parts] == [1294, 144, 359]
    # Images are not all distinct, but the three parts together hold each as often as the data.
    together = np.concatenate([part.dataset.arrays[0] for part in parts])
    assert sorted(map(bytes, together)) == sorted(map(bytes, experiment.table.x))
    for part in parts:
        counts = np.bincount(part.dataset.arrays[1])
        assert counts.max() - counts.min() <= 0.05 * part.samples
    scaled = (experiment.train.dataset.arrays[0] - experiment.model.input_mean.data) / (
        experiment.model.input_scale.data
    )
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)


# -- one's own data --------------------------------------------------------------------------------


def blobs(samples: int = 120) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, samples)
    return rng.normal(size=(samples, 2)) + 6 * np.stack([y == 1, y == 2], axis=1), y


def test_a_csv_with_text_labels_is_classified() -> None:
    x, y = blobs()
    labels = np.array(["setosa", "versicolor", "virginica"])[y]
    write_csv("iris.csv", {"width": x[:, 0], "kind": labels, "length": x[:, 1]})
    run = train("iris.csv", "--target", "kind", "--quiet")
    assert read_json(run / "summary.json")["test"]["accuracy"] > 0.95  # type: ignore[index]
    config = read_json(run / "config.json")
    assert config["data"]["features"] == ["width", "length"]  # type: ignore[index]
    assert config["data"]["classes"] == ["setosa", "versicolor", "virginica"]  # type: ignore[index]

    predicted = load_model(run)(x).detach().data.argmax(axis=1)
    assert (predicted == y).mean() > 0.95


def test_a_csv_with_numbers_is_regressed_in_its_own_units() -> None:
    rng = np.random.default_rng(0)
    x = 1e9 + rng.normal(size=400)
    price = 5e6 + 1e3 * np.tanh(x - 1e9)
    write_csv("house.csv", {"date": x, "price": price})
    run = train("house.csv", "--target", "price", "--quiet")
    assert read_json(run / "summary.json")["test"]["r2"] > 0.98  # type: ignore[index]
    assert "val_r2" in (run / "history.csv").read_text()
    predicted = load_model(run)(x[:, None]).detach().data[:, 0]
    assert np.abs(predicted - price).mean() < 100


def test_the_task_can_be_chosen() -> None:
    write_csv("stars.csv", {"x": range(60), "stars": [k % 5 for k in range(60)]})
    run = train("stars.csv", "--target", "stars", "--task", "regression", *SMALL)
    assert read_json(run / "config.json")["data"]["classes"] == []  # type: ignore[index]


def test_an_npz_with_x_and_y(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = blobs()
    np.savez("blobs.npz", x=x.astype(np.float32), y=y)
    run = train("blobs.npz", "--dtype", "float64", "--activation", "tanh")
    assert read_json(run / "summary.json")["test"]["accuracy"] > 0.95  # type: ignore[index]
    assert nn.load(run / "model.safetensors")["network.0.weight"].dtype == np.float64
    assert "blobs.npz: 86 samples to train on, 10 to validate, 24 to test; 3 classes" in (
        capsys.readouterr().out
    )


# -- bad input -------------------------------------------------------------------------------------

GOOD_ROWS = "".join(f"{k},{k % 7},{k % 2}\n" for k in range(40))
FILES = {
    "good.csv": f"a,b,y\n{GOOD_ROWS}",
    "empty.csv": "",
    "no_rows.csv": "a,b,y\n",
    "text.csv": f"a,b,y\n1,red,0\n{GOOD_ROWS}",
    "nan.csv": f"a,b,y\n{GOOD_ROWS}1,nan,0\n",
    "missing_cell.csv": f"a,b,y\n{GOOD_ROWS}1,,0\n",
    "one_class.csv": "a,b,y\n1,2,0\n2,3,0\n3,4,0\n",
    "two_rows.csv": "a,y\n1,0\n2,1\n",
    "text.npz": "not an archive",
}
BAD = [
    ("missing.csv --target y", "missing.csv: no such file"),
    ("digit", "digit: no such file; expected digits, a CSV table"),
    (". --target y", "cannot be read"),
    ("empty.csv --target y", "empty.csv: is empty"),
    ("no_rows.csv --target y", "no rows"),
    ("text.csv --target y", "line 2 has 'red' in column 'b'"),
    ("nan.csv --target y", "line 42 has nan in column 'b'"),
    ("missing_cell.csv --target y", "line 42 has no 'b'"),
    ("good.csv --target z", "there is no column 'z' to predict; the columns are a, b, y"),
    ("good.csv", "name the target column"),
    ("one_class.csv --target y", "the target is 0.0 in every row"),
    ("two_rows.csv --target y", "too few"),
    ("text.npz", "not an .npz file"),
    ("text.npz --target y", "--target names a column of a CSV table"),
    ("digits --target y", "--target and --task are for your own data"),
    ("digits --hidden 0", "--hidden: got '0'; expected sizes of at least 1"),
    ("digits --hidden 16,-3", "--hidden: got '16,-3'"),
    ("digits --hidden wide", "got 'wide'; expected sizes separated by commas"),
    ("digits --optimizer sdg", "--optimizer: got 'sdg'; expected one of sgd, momentum, adam"),
    ("digits --activation rleu", "--activation: got 'rleu'; expected one of"),
    ("digits --task guess", "--task: got 'guess'; expected one of"),
    ("digits --dtype int8", "--dtype: got 'int8'; expected one of float32, float64"),
    ("digits --lr 0", "--lr: got 0.0; expected a positive number"),
    ("digits --lr nan", "--lr: got nan"),
    ("digits --lr fast", "invalid float value: 'fast'"),
    ("digits --epochs 0", "--epochs: got 0"),
    ("digits --batch-size 0", "--batch-size: got 0"),
    ("digits --seed -1", "--seed: got -1"),
    ("digits --weight-decay -1", "--weight-decay: got -1.0"),
    ("digits --out .", ". already exists"),
    ("digits --out good.csv", "good.csv already exists"),
    ("digits --out good.csv/run", "cannot create the folder good.csv/run: a file is in the way"),
    ("digits --out /proc/run", "cannot create the folder /proc/run: "),
    ("digits --speed 9", "unrecognized arguments: --speed 9; see autograd-core"),
    ("", "required: data"),
]


@pytest.fixture
def files(empty_folder: Path) -> dict[str, str]:
    for name, content in FILES.items():
        (empty_folder / name).write_text(content)
    return FILES


@pytest.mark.parametrize(("arguments", "complaint"), BAD, ids=[row[0] for row in BAD])
def test_bad_input_gets_one_sentence_and_leaves_nothing(
    arguments: str, complaint: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["train", *arguments.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("autograd-core: ") and err.count("\n") == 1
    assert complaint in err
    assert {path.name for path in Path().iterdir()} == set(files)


def test_a_run_that_diverges_says_so_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str], empty_folder: Path
) -> None:
    assert cli.main(["train", "digits", "--optimizer", "sgd", "--lr", "1e30", "--quiet"]) == 1
    assert "diverged at step" in capsys.readouterr().err
    assert list(empty_folder.iterdir()) == []


def test_a_failure_while_writing_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, empty_folder: Path
) -> None:
    def fail(*_: object) -> bytes:
        raise OSError("no space left on device")

    monkeypatch.setattr("distributed.run_folder.draw_curves", fail)
    with pytest.raises(OSError, match="no space left"):
        cli.main(["train", "digits", *SMALL])
    assert list(empty_folder.iterdir()) == []


@pytest.mark.parametrize("library", ["safetensors.numpy", "matplotlib.figure", "sklearn.datasets"])
def test_a_missing_library_is_named_before_anything_is_done(
    library: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert cli.main(["train", "digits", *SMALL]) == 2
    assert 'pip install "autograd-core[train]"' in capsys.readouterr().err
    assert list(Path().iterdir()) == []


def test_interrupting_is_not_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(nn, "fit", interrupt)
    assert cli.main(["train", "digits", *SMALL]) == 130
    assert capsys.readouterr().err == "autograd-core: interrupted\n"


def test_configurations_are_checked_without_the_command_too() -> None:
    assert TrainConfig("digits").lr == 1e-3
    assert TrainConfig("digits", optimizer="sgd").lr == 0.1
    with pytest.raises(UsageError, match="--hidden: got ''"):
        TrainConfig("digits", hidden=())


# -- help, and core dependencies only --------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_help_needs_core_dependencies_only(arguments: list[str]) -> None:
    code = f"""if True:
        import sys
        for library in ("matplotlib", "mpi4py", "safetensors", "scipy", "sklearn", "tqdm"):
            sys.modules[library] = None
        from distributed.cli import main
        main({arguments})
    """
    shown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    if arguments == ["--version"]:
        assert shown == f"autograd-core {autograd_core.__version__}\n"
    else:
        assert "usage: autograd-core" in shown
        assert max(map(len, shown.splitlines())) < 82


def test_every_option_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["train", "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for option in (*cli.OPTIONS, "out", "quiet"):
        assert f"  --{option.replace('_', '-')} " in shown


# -- over ranks ------------------------------------------------------------------------------------


@needs_mpi
def test_two_ranks_end_with_the_parameters_of_one_process(empty_folder: Path) -> None:
    arguments = ("train", "digits", "--dtype", "float64", "--epochs", "3")
    result = mpiexec(2, "-m", "distributed", *arguments, "--out", "two", cwd=empty_folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("test accuracy") == 1
    assert "epoch 3/3 |██████████|" in result.stderr
    assert result.stderr.count("epoch 1/3 |          | [00:00<?]") == 1
    assert [path.name for path in empty_folder.iterdir()] == ["two"]
    assert read_json(Path("two/config.json"))["ranks"] == 2

    one = nn.load(train(*arguments[1:], "--quiet") / "model.safetensors")
    two = nn.load("two/model.safetensors")
    for name, values in one.items():
        np.testing.assert_allclose(two[name], values, rtol=0, atol=1e-10, err_msg=name)


@needs_mpi
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("missing.csv --target y", "missing.csv: no such file"),
        ("digits --hidden 0", "--hidden: got '0'"),
        ("digits --speed 9", "unrecognized arguments"),
        ("digits --out good.csv", "good.csv already exists"),
    ],
)
def test_bad_input_over_ranks_is_told_once(
    arguments: str, complaint: str, files: dict[str, str], empty_folder: Path
) -> None:
    result = mpiexec(2, "-m", "distributed", "train", *arguments.split(), cwd=empty_folder)
    assert result.returncode == 2
    assert result.stderr.startswith("autograd-core: ") and result.stderr.count("\n") == 1
    assert complaint in result.stderr
    assert {path.name for path in empty_folder.iterdir()} == set(files)


@needs_mpi
def test_a_rank_that_fails_ends_the_command(empty_folder: Path) -> None:
    code = """if True:
        import distributed.cli, nn
        differentiate = nn.training.differentiate
        def fail_at_step_5(*arguments):
            if distributed.world().rank == 1 and arguments[-1].step == 5:
                raise ZeroDivisionError("on one rank")
            return differentiate(*arguments)
        nn.training.differentiate = fail_at_step_5
        distributed.cli.main(["train", "digits", "--quiet"])
    """
    result = mpiexec(2, "-c", code, cwd=empty_folder)
    assert result.returncode != 0
    assert "rank 1 of 2 failed" in result.stderr
    assert "ZeroDivisionError: on one rank" in result.stderr
    assert list(empty_folder.iterdir()) == []
