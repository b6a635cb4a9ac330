"""Data: tables from files, splits, standardization, and the loader that makes batches of them."""

from nn.data.loader import DataLoader
from nn.data.split import split, split_indices
from nn.data.standardize import Standardize
from nn.data.tables import Table, load_digits, read_csv, read_npz, read_table

__all__ = [
    "DataLoader",
    "Standardize",
    "Table",
    "load_digits",
    "read_csv",
    "read_npz",
    "read_table",
    "split",
    "split_indices",
]
