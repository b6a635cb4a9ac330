"""Data: what is read is checked, splits are stratified, and ranks share every batch."""

from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd_core import Tensor
from nn.data import (
    Standardize,
    load_digits,
    read_csv,
    read_npz,
    read_table,
    split,
    split_indices,
)
from nn.errors import DataError, OptionError

# -- loader ----------------------------------------------------------------------------------------

samples = st.integers(1, 40)
batch_sizes = st.integers(1, 12)


def rows_of(loader: nn.DataLoader, epoch: int, shard: tuple[int, int] = (0, 1)) -> list[list[int]]:
    return [batch.tolist() for (batch,) in loader.batches(epoch, shard)]


@given(samples, batch_sizes, st.booleans(), st.booleans(), st.integers(1, 5))
def test_ranks_share_every_global_batch(
    n: int, batch_size: int, shuffle: bool, drop_last: bool, size: int
) -> None:
    batch_size = min(batch_size, n)
    loader = nn.DataLoader(
        np.arange(n), batch_size=batch_size, shuffle=shuffle, drop_last=drop_last
    )
    whole = rows_of(loader, 3)
    parts = [rows_of(loader, 3, (rank, size)) for rank in range(size)]
    assert len(whole) == len(loader) and {len(part) for part in parts} == {len(loader)}
    for number, batch in enumerate(whole):
        shares = [part[number] for part in parts]
        assert list(chain(*shares)) == batch
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
    seen = list(chain(*whole))
    assert len(seen) == len(set(seen)) == (n // batch_size * batch_size if drop_last else n)
    if not shuffle:
        assert seen == list(range(len(seen)))


@given(st.integers(0, 2**31), st.integers(0, 5))
def test_order_is_fixed_by_seed_and_epoch(seed: int, epoch: int) -> None:
    def loader(seed: int) -> nn.DataLoader:
        return nn.DataLoader(np.arange(30), batch_size=7, shuffle=True, seed=seed)

    assert rows_of(loader(seed), epoch) == rows_of(loader(seed), epoch)
    assert rows_of(loader(seed), epoch) != rows_of(loader(seed), epoch + 1)
    assert rows_of(loader(seed), epoch) != rows_of(loader(seed + 1), epoch)


def test_iterating_goes_from_epoch_to_epoch() -> None:
    loader = nn.DataLoader(np.arange(20), batch_size=20, shuffle=True, shard=(1, 2))
    first, second = ([batch.tolist() for (batch,) in loader] for _ in range(2))
    assert [first, second] == [rows_of(loader, epoch, (1, 2)) for epoch in (0, 1)]


def test_batches_are_tensors_of_all_arrays_with_their_dtypes() -> None:
    x, y = np.arange(12, dtype=np.float32).reshape(6, 2), Tensor(np.arange(6))
    for shuffle in (False, True):
        for a, b in nn.DataLoader(x, y, batch_size=4, shuffle=shuffle):
            assert isinstance(a, Tensor) and a.dtype == np.float32
            np.testing.assert_array_equal(a.data, x[b.data])
            assert not np.shares_memory(a.data, x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.DataLoader(np.ones((0, 2))), "empty dataset"),
        (nn.DataLoader, "empty dataset"),
        (lambda: nn.DataLoader(np.array(1.0)), "empty dataset"),
        (lambda: nn.DataLoader(np.ones(3), np.ones(4)), "3 and 4 samples"),
        (lambda: nn.DataLoader(np.ones(3), drop_last=True), "leaves no batch"),
    ],
)
def test_data_that_makes_no_batches(make: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make()


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"shard": (2, 2)}, {"shard": (-1, 2)}])
def test_loader_options_that_mean_nothing(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(options))):
        nn.DataLoader(np.ones(3), **options)


# -- split and standardization ---------------------------------------------------------------------


@given(st.lists(st.integers(0, 3), min_size=10, max_size=80), st.integers(0, 9))
def test_a_stratified_split_holds_out_the_same_share_of_every_class(
    labels: list[int], seed: int
) -> None:
    train, test = split_indices(len(labels), 0.25, seed=seed, stratify=labels)
    assert sorted([*train, *test]) == list(range(len(labels)))
    held_out = Counter(labels[k] for k in test)
    for label, count in Counter(labels).items():
        assert abs(held_out[label] - 0.25 * count) < 2 and held_out[label] < count
    if min(Counter(labels).values()) > 4:
        assert len(test) == round(0.25 * len(labels))


@given(st.integers(3, 60), st.integers(0, 9))
def test_a_plain_split_holds_out_the_fraction(n: int, seed: int) -> None:
    train, test = split_indices(n, 0.3, seed=seed)
    assert len(test) == round(0.3 * n) and not set(train) & set(test)
    again = split_indices(n, 0.3, seed=seed)
    assert (again[1] == test).all()


def test_split_of_arrays() -> None:
    x, y = np.arange(40).reshape(20, 2), np.arange(20) % 2
    x_train, y_train, x_test, y_test = split(x, y, 0.2, seed=3, stratify=True)
    assert sorted([*x_train[:, 0], *x_test[:, 0]]) == list(x[:, 0])
    assert y_test.sum() == 2 and len(y_test) == 4 and len(x_train) == len(y_train) == 16
    with pytest.raises(DataError, match="too few"):
        split(x[:1], y[:1])
    with pytest.raises(OptionError, match=r"fraction=1\.5"):
        split(x, y, 1.5)


def test_standardize_uses_the_training_part_and_keeps_constants() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, size=(50, 3)).astype(np.float32)
    x[:, 1] = 0.1
    standardize = Standardize.fit(x)
    done = standardize(x)
    assert done.dtype == np.float32
    np.testing.assert_allclose(done[:, [0, 2]].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(done[:, [0, 2]].std(axis=0), 1, rtol=1e-6)
    np.testing.assert_allclose(done[:, 1], 0, atol=1e-6)
    np.testing.assert_allclose(standardize.inverse(done), x, rtol=1e-5)
    np.testing.assert_allclose(
        standardize(np.zeros((1, 3))) * standardize.scale, -standardize.mean[None]
    )


# -- tables ----------------------------------------------------------------------------------------


def csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_with_text_classes(tmp_path: Path, delimiter: str) -> None:
    lines = ["height,kind,width", "1.5,cat,2", "2.5,dog,3e1", "", "-1,cat,4"]
    path = csv(tmp_path, "\n".join(lines).replace(",", delimiter), "utf-8-sig")
    table = read_table(path, "kind")
    assert table.task == "classification" and table.outputs == 2
    assert table.features == ("height", "width") and table.classes == ("cat", "dog")
    np.testing.assert_array_equal(table.x, [[1.5, 2], [2.5, 30], [-1, 4]])
    np.testing.assert_array_equal(table.y, [0, 1, 0])


@pytest.mark.parametrize(
    ("targets", "task", "classes"),
    [
        ([3, 10, 3, 10], "classification", ("3", "10")),
        (["3.0", "10.0", "3.0", "10.0"], "classification", ("3", "10")),
        ([1, 2, 3, 4], "regression", ()),
        ([0.5, 1.5, 0.5, 1.5], "regression", ()),
        (["a", "b", "c", "d"], "classification", ("a", "b", "c", "d")),
        (["True", "False", "True", "True"], "classification", ("False", "True")),
    ],
)
def test_the_task_is_told_from_the_target(
    tmp_path: Path, targets: list[Any], task: str, classes: tuple[str, ...]
) -> None:
    rows = "".join(f"{k},{target}\n" for k, target in enumerate(targets))
    table = read_csv(csv(tmp_path, f"x,y\n{rows}"), "y")
    assert (table.task, table.classes) == (task, classes)
    assert table.y.shape == ((4,) if classes else (4, 1))


def test_the_task_can_be_named(tmp_path: Path) -> None:
    path = csv(tmp_path, "x,y\n1,1\n2,2\n3,1\n4,2\n")
    assert read_csv(path, "y").task == "classification"
    table = read_csv(path, "y", "regression")
    assert table.task == "regression" and table.y.tolist() == [[1], [2], [1], [2]]
    with pytest.raises(OptionError, match="'ranking'"):
        read_table(path, "y", "ranking")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("", "y", "is empty"),
        ("x,y\n", "y", "no rows"),
        ("x,y\n1,2\n", None, "name the target column; the columns are x, y"),
        ("x,y\n1,2\n", "z", "no column 'z' to predict; the columns are x, y"),
        ("y\n1\n2\n", "y", "the only column"),
        ("x,y\n1,2\nred,3\n", "y", "line 3 has 'red' in column 'x'; expected a number"),
        ("x,y\n1,2\n,3\n", "y", "line 3 has no 'x'"),
        ("x,y\n1,2\n2,\n", "y", "line 3 has no 'y'"),
        ("x,y\n1,a\n2,\n", "y", "line 3 has no 'y'"),
        ("x,y\n1,2\nnan,3\n", "y", "line 3 has nan in column 'x'"),
        ("x,y\n1,2\n2,inf\n", "y", "line 3 has inf in column 'y'"),
        ("x,y\n1,2\n2,3\n3,?\n", "y", r"line 4 has '\?' in column 'y'; expected a number"),
        ("x,y\n1,2\n3\n", "y", "line 3 has 1 cells; expected 2"),
        ("x,y\n1,2\n3,4,5\n", "y", "line 3 has 3 cells; expected 2"),
        ("1,2\n3,4\n", "2", "starts with numbers"),
        ("x,x\n1,2\n", "x", "'x' is there twice"),
        ("x,y\n1,7\n2,7\n", "y", r"the target is 7.0 in every row"),
        ("x,y\n1,a\n2,a\n", "y", r"the target is a in every row"),
        ('x,y\n1,"2\n', "y", "is not a CSV file"),
    ],
)
def test_what_is_wrong_with_a_csv_file(
    tmp_path: Path, text: str, target: str | None, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_csv(csv(tmp_path, text), target)
    assert str(caught.value).startswith(f"{tmp_path / 'table.csv'}: ")
    assert "\n" not in str(caught.value)


def test_names_may_be_told_from_slips(tmp_path: Path) -> None:
    path = csv(tmp_path, "x,y\n1,1\n2,2\n3,2b\n4,2\n")
    assert read_csv(path, "y", "classification").classes == ("1", "2", "2b")
    path = csv(tmp_path, "x,y\n1,a\n2,b\n3,7\n")
    assert read_csv(path, "y").classes == ("7", "a", "b")


def test_numbers_are_read_as_python_reads_them(tmp_path: Path) -> None:
    table = read_csv(csv(tmp_path, "x,y\n 1_000 ,0.5\n+2e3,1.5\n"), "y")
    np.testing.assert_array_equal(table.x, [[1000], [2000]])


def test_text_is_no_regression_target(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 3 has 'b' in column 'y'; expected a number"):
        read_csv(csv(tmp_path, "x,y\n1,2\n2,b\n"), "y", "regression")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.csv", tmp_path / "missing.npz", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_table(path, "y")
    (tmp_path / "latin.csv").write_bytes("größe,y\n1,2\n".encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        read_table(tmp_path / "latin.csv", "y")


def test_npz(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, x=np.arange(24.0).reshape(6, 2, 2), y=np.array([5, 7] * 3))
    table = read_table(path)
    assert (
        table.x.shape == (6, 4) and table.classes == ("5", "7") and table.y.tolist() == [0, 1] * 3
    )
    np.savez(path, x=np.ones((3, 2)), y=np.arange(6.0).reshape(3, 2))
    assert read_npz(path).y.shape == (3, 2) and read_npz(path).outputs == 2
    np.savez(path, x=np.ones((2, 1), bool), y=np.array(["no", "yes"]))
    assert read_npz(path).classes == ("no", "yes")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.ones((2, 1))}, "has no array y; it has x"),
        ({"x": np.ones(2), "y": np.ones(2)}, r"x has shape \(2,\)"),
        ({"x": np.ones((2, 1)), "y": np.ones(3)}, r"y \(3,\)"),
        ({"x": np.ones((0, 1)), "y": np.ones(0)}, "x is empty"),
        ({"x": np.ones((2, 1), complex), "y": np.ones(2)}, "x has dtype complex128"),
        ({"x": np.ones((2, 1)), "y": np.ones(2, complex)}, "y has dtype complex128"),
        ({"x": np.ones((2, 1)), "y": np.array([{}, {}])}, "not an .npz file of plain arrays"),
        ({"x": np.array([[1.0], [np.nan]]), "y": np.arange(2)}, "x is not finite in row 1"),
        ({"x": np.ones((2, 1)), "y": np.array([np.inf, 1])}, "y is not finite in row 0"),
        ({"x": np.ones((2, 1)), "y": np.zeros(2, int)}, "the target is 0 in every row"),
    ],
)
def test_what_is_wrong_with_an_npz_file(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(tmp_path / "data.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=message):
        read_npz(tmp_path / "data.npz")


def test_npz_files_that_are_something_else(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, x=np.ones((2, 2)), y=np.ones(2))
    whole = path.read_bytes()
    for content in (b"", b"x,y\n1,2\n", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"not an \.npz file|cannot be read"):
            read_npz(path)
    np.savez(path, x=np.ones((4, 2)), y=np.array([[0, 1], [1, 0]] * 2))
    with pytest.raises(DataError, match="2 columns"):
        read_npz(path, "classification")
    np.savez(path, x=np.ones((2, 2)), y=np.array(["a", "b"]))
    with pytest.raises(DataError, match="holds text"):
        read_npz(path, "regression")


def test_digits() -> None:
    digits = load_digits()
    assert digits.x.shape == (1797, 64) and digits.x.dtype == np.float64
    assert digits.x.min() == 0 and digits.x.max() == 16
    assert digits.classes == tuple("0123456789") and digits.task == "classification"
    assert Counter(digits.y.tolist())[3] == 183
