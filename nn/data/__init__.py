"""Data: datasets, files, splits, standardization, samplers, and the loader that makes batches."""

from nn.data.dataset import ArrayDataset, Dataset, Subset
from nn.data.idx import read_idx
from nn.data.loader import DataLoader
from nn.data.mapped import map_npy, map_npz
from nn.data.samplers import (
    Sampler,
    SequentialSampler,
    ShuffledSampler,
    StratifiedSampler,
    WeightedSampler,
)
from nn.data.split import split, split_indices, train_validation_test
from nn.data.standardize import Standardize
from nn.data.tables import Table, load_digits, read_csv, read_npz, read_table

__all__ = [
    "ArrayDataset",
    "DataLoader",
    "Dataset",
    "Sampler",
    "SequentialSampler",
    "ShuffledSampler",
    "Standardize",
    "StratifiedSampler",
    "Subset",
    "Table",
    "WeightedSampler",
    "load_digits",
    "map_npy",
    "map_npz",
    "read_csv",
    "read_idx",
    "read_npz",
    "read_table",
    "split",
    "split_indices",
    "train_validation_test",
]
