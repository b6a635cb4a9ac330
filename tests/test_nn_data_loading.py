"""Datasets, samplers, prefetching and resuming, and files that are mapped or in IDX format."""

import gzip
import struct
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from nn.data import (
    ArrayDataset,
    Dataset,
    StratifiedSampler,
    Subset,
    WeightedSampler,
    map_npy,
    map_npz,
    read_idx,
    train_validation_test,
)
from nn.data.prefetch import prefetched
from nn.errors import DataError, OptionError, StateError

# -- datasets --------------------------------------------------------------------------------------


class Squares(Dataset):
    """Sample k is ([k, k], k²)."""

    def __init__(self, samples: int) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        return np.array([index, index], np.float32), np.array(index**2)


@given(st.integers(1, 20), st.integers(1, 7), st.integers(1, 3), st.booleans())
def test_a_dataset_loads_as_its_arrays_do(n: int, batch_size: int, size: int, sh: bool) -> None:
    x = np.repeat(np.arange(n, dtype=np.float32)[:, None], 2, axis=1)
    options: dict[str, Any] = {"batch_size": batch_size, "shuffle": sh, "shard": (size - 1, size)}
    loaders = nn.DataLoader(Squares(n), **options), nn.DataLoader(x, np.arange(n) ** 2, **options)
    for mine, plain in zip(*loaders, strict=True):
        for a, b in zip(mine, plain, strict=True):
            assert a.dtype == b.dtype and a.shape == b.shape
            np.testing.assert_array_equal(a.data, b.data)


def test_subsets_of_subsets() -> None:
    rows = ArrayDataset(np.arange(10) * 10)
    part = Subset(Subset(rows, [9, 3, 5, 1]), [2, 0])
    assert [int(part[k][0]) for k in range(len(part))] == [50, 90]
    np.testing.assert_array_equal(part.take(np.array([1, 0]))[0], [90, 50])


def test_datasets_that_cannot_be_loaded() -> None:
    with pytest.raises(DataError, match="empty dataset"):
        nn.DataLoader(Squares(0))
    with pytest.raises(DataError, match="a Dataset and more"):
        nn.DataLoader(Squares(3), np.arange(3))
    with pytest.raises(NotImplementedError, match="Dataset: write __len__"):
        nn.DataLoader(Dataset())


# -- samplers --------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(1, 20), st.integers(0, 3))
def test_stratified_batches_have_their_share_of_every_class(
    labels: list[int], batch_size: int, epoch: int
) -> None:
    sampler = StratifiedSampler(labels, seed=5)
    order = sampler.order(epoch)
    assert sorted(order) == list(range(len(labels))) and len(sampler) == len(labels)
    counts = Counter(labels)
    for start in range(0, len(labels) - batch_size + 1):
        batch = Counter(labels[k] for k in order[start : start + batch_size])
        for label, count in counts.items():
            assert abs(batch[label] - batch_size * count / len(labels)) <= len(counts)


def test_stratified_orders_differ_by_epoch_and_seed() -> None:
    labels = [0] * 10 + [1] * 10
    orders = [StratifiedSampler(labels, seed).order(epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4
    np.testing.assert_array_equal(orders[0], StratifiedSampler(labels, 0).order(0))


def test_weights_are_frequencies() -> None:
    sampler = WeightedSampler([1, 0, 3, 6], 20000, seed=1)
    shares = np.bincount(sampler.order(0), minlength=4) / 20000
    np.testing.assert_allclose(shares, [0.1, 0, 0.3, 0.6], atol=0.015)  # 4 standard errors
    assert not np.array_equal(sampler.order(0), sampler.order(1))
    once = WeightedSampler([1, 0, 3, 6], 3, replacement=False)
    assert sorted(once.order(0)) == [0, 2, 3]
    loader = nn.DataLoader(np.arange(4), sampler=sampler, batch_size=64)
    assert len(list(chain(*(batch.tolist() for (batch,) in loader)))) == 20000


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WeightedSampler([-1, 2]), "at least 0"),
        (lambda: WeightedSampler([0, 0]), "not all 0"),
        (lambda: WeightedSampler([np.nan]), "at least 0"),
        (lambda: WeightedSampler([1, 0], 2, replacement=False), "expected at most 1"),
        (lambda: StratifiedSampler(np.zeros((2, 2))), "labels of shape"),
        (lambda: nn.DataLoader(Squares(3), shuffle=True, sampler=StratifiedSampler([0])), "one of"),
        (lambda: nn.DataLoader(Squares(3), prefetch=-1), "prefetch=-1"),
    ],
)
def test_sampling_options_that_mean_nothing(make: Any, message: str) -> None:
    with pytest.raises((OptionError, DataError), match=message):
        make()


# -- prefetching -----------------------------------------------------------------------------------


@given(st.integers(1, 30), st.integers(1, 8), st.integers(1, 5))
def test_prefetching_changes_nothing(n: int, batch_size: int, depth: int) -> None:
    plain = nn.DataLoader(np.arange(n), batch_size=batch_size, shuffle=True)
    ahead = nn.DataLoader(np.arange(n), batch_size=batch_size, shuffle=True, prefetch=depth)
    for _ in range(2):
        assert [b.tolist() for (b,) in plain] == [b.tolist() for (b,) in ahead]


def test_a_thread_works_ahead_but_only_so_far() -> None:
    made: list[int] = []
    fifth, threads = threading.Event(), set()

    def items() -> Iterator[int]:
        for k in range(100):
            made.append(k)
            threads.add(threading.current_thread())
            if k == 4:
                fifth.set()
            yield k

    ahead = prefetched(items(), 4)
    assert next(ahead) == 0
    assert fifth.wait(10)  # made while nobody asked
    ahead.close()
    assert len(made) <= 6 and threading.current_thread() not in threads
    assert not any(thread.is_alive() for thread in threads)


def test_an_error_is_raised_in_its_place() -> None:
    class Broken(Squares):
        def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
            if index == 5:
                raise RuntimeError("sample 5 is broken")
            return super().__getitem__(index)

    seen = []
    with pytest.raises(RuntimeError, match="sample 5"):
        for x, _ in nn.DataLoader(Broken(9), batch_size=2, prefetch=3):
            seen.append(x.data[0, 0])
    assert seen == [0, 2]


# -- resuming --------------------------------------------------------------------------------------


@given(st.integers(1, 20), st.integers(1, 6), st.integers(0, 40), st.sampled_from([0, 2]))
def test_a_loader_goes_on_where_another_stopped(
    n: int, batch_size: int, stop: int, prefetch: int
) -> None:
    def loader() -> nn.DataLoader:
        return nn.DataLoader(np.arange(n), batch_size=batch_size, shuffle=True, prefetch=prefetch)

    def stream(source: nn.DataLoader) -> Iterator[list[int]]:
        for _ in range(50):
            yield from (batch.tolist() for (batch,) in source)

    whole = list(islice(stream(loader()), stop + 10))
    first, second = loader(), loader()
    before = list(islice(stream(first), stop))
    second.load_state_dict(first.state_dict())
    assert before + list(islice(stream(second), 10)) == whole


def test_a_position_that_is_not_there() -> None:
    with pytest.raises(StateError, match="batch 9 of epoch 1; expected at most 2"):
        nn.DataLoader(np.arange(4), batch_size=2).load_state_dict({"epoch": 1, "position": 9})


# -- splits ----------------------------------------------------------------------------------------


@given(st.integers(20, 200), st.integers(0, 5), st.booleans())
def test_three_parts(n: int, seed: int, stratified: bool) -> None:
    labels = np.arange(n) % 3 if stratified else None
    parts = train_validation_test(n, 0.2, 0.1, seed=seed, stratify=labels)
    assert sorted(chain(*parts)) == list(range(n))
    for part, share in zip(parts, (0.7, 0.2, 0.1), strict=True):
        assert abs(len(part) - share * n) <= 1
        if labels is not None:
            assert max(np.abs(np.bincount(labels[part], minlength=3) - share * n / 3)) < 2
    with pytest.raises(OptionError, match="sum below 1"):
        train_validation_test(n, 0.5, 0.5)


# -- mapped files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f4", ">f8", "i8", "?", "c16"])
def test_mapped_arrays_are_those_in_the_file(tmp_path: Path, dtype: str) -> None:
    x = np.arange(24).reshape(4, 3, 2).astype(dtype)
    arrays = {"x": x, "t": np.asfortranarray(x.T), "scalar": x[1, 1, 1], "none": x[:0]}
    np.savez(tmp_path / "all.npz", **arrays)
    mapped = map_npz(tmp_path / "all.npz")
    assert mapped.keys() == arrays.keys()
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
        for found in (mapped[name], map_npy(tmp_path / f"{name}.npy")):
            assert type(found) is np.ndarray and found.dtype == array.dtype
            np.testing.assert_array_equal(found, array)
    with pytest.raises(ValueError, match="read-only"):
        mapped["x"][0] = 1


def test_data_larger_than_the_memory_allowed_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "large.npy"
    rows, columns = 2**20, 2**10  # 4 GiB, which takes no space on disk
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows, columns)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 4 * rows * columns)
        file.seek(-4, 2)
        file.write(np.float32(7).tobytes())
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_DATA, (2**30, 2**30))
import nn
loader = nn.DataLoader(nn.data.map_npy({str(path)!r}), batch_size=256, shuffle=True, prefetch=1)
batches = [x.shape for (x,), _ in zip(loader, range(20))]
last = nn.DataLoader(nn.data.map_npy({str(path)!r}), batch_size=2**10)
(x,) = next(last.batches(0, first=len(last) - 1))
print(set(batches), x[-1, -1].item())
"""
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.stdout == "{(256, 1024)} 7.0\n", result.stderr


def test_files_that_cannot_be_mapped(tmp_path: Path) -> None:
    path = tmp_path / "data"
    np.savez_compressed(tmp_path / "small.npz", x=np.arange(9))
    with pytest.raises(DataError, match="compressed and cannot be mapped"):
        map_npz(tmp_path / "small.npz")
    np.save(tmp_path / "objects.npy", np.array([{}, None]), allow_pickle=True)
    with pytest.raises(DataError, match="Python objects"):
        map_npy(tmp_path / "objects.npy")
    np.save(tmp_path / "whole.npy", np.arange(9))
    whole = (tmp_path / "whole.npy").read_bytes()
    for content in (b"", whole[:20], whole[:-1], b"\x93NUMPY\x09\x00" + whole[8:]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="data: is "):
            map_npy(path)
    with pytest.raises(DataError, match=r"not a complete \.npz"):
        map_npz(path)
    for read in (map_npy, map_npz, read_idx):
        with pytest.raises(DataError, match="cannot be read: No such file"):
            read(tmp_path / "missing")


# -- IDX -------------------------------------------------------------------------------------------


CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def as_idx(array: np.ndarray) -> bytes:
    code = CODES[array.dtype.str[1:]]
    lengths = struct.pack(f">{array.ndim}I", *array.shape)
    return (
        bytes([0, 0, code, array.ndim])
        + lengths
        + array.astype(f">{array.dtype.str[1:]}").tobytes()
    )


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("shape", [(5,), (3, 28, 28), (2, 0)])
def test_idx_files(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    array = (np.random.default_rng(0).normal(size=shape) * 50).astype(np.int8).astype(dtype)
    (tmp_path / "plain").write_bytes(as_idx(array))
    (tmp_path / "zipped").write_bytes(gzip.compress(as_idx(array)))
    for name in ("plain", "zipped"):
        found = read_idx(tmp_path / name)
        assert found.dtype == np.dtype(dtype) and found.dtype.isnative and found.flags.writeable
        np.testing.assert_array_equal(found, array)


def test_files_that_are_not_idx(tmp_path: Path) -> None:
    whole = as_idx(np.arange(6, dtype=np.int32).reshape(2, 3))
    zipped = gzip.compress(whole)
    huge = bytes([0, 0, 8, 3]) + b"\xff" * 12
    broken = [
        (b"", "starts with nothing"),
        (b"\x93NUMPY", "starts with 93 4e 55 4d"),
        (whole[:-1], "fewer elements.* expected shape \\(2, 3\\) of int32"),
        (whole + b"x", "more elements"),
        (whole[:9], "fewer elements"),
        (huge, "fewer elements"),
        (zipped[:-9], "not a complete gzip"),
        (zipped[:12] + b"\xff" + zipped[13:], "not a complete gzip|not an IDX|elements"),
    ]
    for content, message in broken:
        (tmp_path / "data").write_bytes(content)
        with pytest.raises(DataError, match=message):
            read_idx(tmp_path / "data")
