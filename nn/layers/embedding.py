"""Learned vectors for integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nn import functional, init
from nn.errors import OptionError, check_positive
from nn.module import Module, Parameter


class Embedding(Module):
    """A table of vectors, looked up by integers: ``weight`` (num_embeddings, embedding_dim).

    Shapes: integers of any shape to (*shape, embedding_dim). Starts normal with variance 1; the
    row ``padding_idx`` starts at zero and gets no gradient. Other dtypes raise DtypeError, and
    integers that are no row RangeError.

    >>> Embedding(10, 3)(np.array([[1, 2, 4, 5]])).shape
    (1, 4, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        rng: np.random.Generator | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        check_positive("Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise OptionError(
                f"Embedding: got padding_idx={padding_idx}; expected one of {num_embeddings} rows"
            )
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.weight = Parameter(np.empty((num_embeddings, embedding_dim), dtype))
        init.normal_(self.weight, rng=rng)
        if padding_idx is not None:
            self.weight.detach().assign(np.zeros(embedding_dim), padding_idx)

    def forward(self, x: Any) -> Any:
        """See ``functional.embedding``."""
        return functional.embedding(x, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """Sizes, and the row that does not learn."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
