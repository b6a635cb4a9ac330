"""Reductions with a tracked ``initial``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.composites.refusals import refuse_out
from autograd_core.rules.reductions import MISSING
from autograd_core.rules.starting import started_extremum, started_prod, started_sum
from autograd_core.tensor import STARTED, as_tensor

OPERATIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.sum: started_sum,
    np.nansum: started_sum,
    np.prod: started_prod,
    np.nanprod: started_prod,
    np.max: started_extremum,
    np.amax: started_extremum,
    np.nanmax: started_extremum,
    np.min: started_extremum,
    np.amin: started_extremum,
    np.nanmin: started_extremum,
}


def starting(function: Callable[..., Any], operation: Callable[..., Any]) -> Callable[..., Any]:
    """The function as one that starts from a Tensor."""

    def reduction(a: Any, out: Any, initial: Any, **settings: Any) -> Any:
        refuse_out(function.__name__, out)
        given = {name: value for name, value in settings.items() if value is not MISSING}
        return operation(function, as_tensor(a), initial, given)

    return reduction


for function, operation in OPERATIONS.items():
    STARTED[function] = starting(function, operation)
