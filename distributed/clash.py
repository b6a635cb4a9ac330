"""The import name ``distributed`` is also that of dask's scheduler: say so when both are here."""

from __future__ import annotations

import warnings
from importlib.metadata import PackageNotFoundError, version


def warn_of_dask() -> None:
    """Warn if the distribution called ``distributed`` is installed in this environment."""
    try:
        found = version("distributed")
    except PackageNotFoundError:
        return
    warnings.warn(
        f"dask's scheduler (the distribution 'distributed' {found}) is installed in this "
        "environment and is imported by the same name as autograd-core's package 'distributed'; "
        "install the two in separate environments",
        UserWarning,
        stacklevel=3,
    )
