"""The wheel holds the three packages and nothing else, and works away from the checkout."""

import os
import re
import subprocess
import sys
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"autograd_core", "nn", "distributed"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    options = ["--wheel", "--no-isolation", "--outdir", str(out)]
    command = [sys.executable, "-m", "build", *options, str(ROOT)]
    built = subprocess.run(command, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def files(wheel: Path) -> set[str]:
    return set(ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def dist_info(files: set[str]) -> str:
    (name,) = {name.partition("/")[0] for name in files if ".dist-info/" in name}
    return name


@pytest.fixture(scope="module")
def metadata(wheel: Path, dist_info: str) -> Message:
    return message_from_bytes(ZipFile(wheel).read(f"{dist_info}/METADATA"))


def test_top_level_names(files: set[str], dist_info: str) -> None:
    assert {name.partition("/")[0] for name in files} == PACKAGES | {dist_info}


def test_every_source_file_is_packed_and_typed(files: set[str]) -> None:
    sources = {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*.py")
    }
    typed = {f"{name}/py.typed" for name in PACKAGES}
    packed = {name for name in files if ".dist-info/" not in name}
    assert sources | typed <= packed
    assert not [name for name in packed if "__pycache__" in name]


def test_core_dependencies_are_numpy_and_graphviz(metadata: Message) -> None:
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {re.split(r"[^\w-]", line)[0] for line in required} == {"numpy", "graphviz"}
    assert set(metadata.get_all("Provides-Extra", [])) == {
        "all",
        "bench",
        "dev",
        "fast",
        "mpi",
        "tensorboard",
        "train",
        "viz",
        "wandb",
    }


def test_license_and_command_are_declared(wheel: Path, files: set[str], dist_info: str) -> None:
    assert f"{dist_info}/licenses/LICENSE" in files
    entry_points = ZipFile(wheel).read(f"{dist_info}/entry_points.txt").decode()
    assert "autograd-core = distributed.cli:main" in entry_points


def test_unpacked_wheel_imports_outside_the_checkout(
    wheel: Path, metadata: Message, tmp_path: Path
) -> None:
    ZipFile(wheel).extractall(tmp_path)
    code = "import autograd_core, nn, distributed as d; print(autograd_core.__version__);" + (
        "print(*[m.__path__[0] for m in (autograd_core, nn, d)], sep='\\n')"
    )
    version, *paths = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert version == metadata["Version"]
    assert {Path(path).parent for path in paths} == {tmp_path}
