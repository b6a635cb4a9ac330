"""``nn.fit`` over ranks: the same history and model as in one process."""

import numpy as np
import pytest

import nn
from distributed import OverRanks, run_ranks
from distributed.communicator import Communicator

Outcome = tuple[list[dict[str, float]], dict[str, np.ndarray], dict[str, float]]


def train(communicator: Communicator, compile: bool | None = None) -> Outcome:
    """17 samples in batches of 8: a last batch of one sample leaves most ranks without any."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 4)), rng.integers(0, 3, 20)
    model = nn.MLP([4, 6, 3], seed=communicator.rank, dtype=np.float64)
    strategy = OverRanks(communicator)
    assert strategy.is_main == (communicator.rank == 0)
    history = nn.fit(
        model,
        nn.DataLoader(x[:17], y[:17], batch_size=8, shuffle=True),
        loss=nn.functional.cross_entropy,
        optimizer=nn.Adam(model.parameters(), lr=1e-2),
        epochs=4,
        validation=nn.DataLoader(x[17:], y[17:], batch_size=2),
        metrics=[nn.metrics.accuracy],
        strategy=strategy,
        compile=compile,
    )
    test = nn.evaluate(
        model,
        nn.DataLoader(x, y),
        loss=nn.functional.cross_entropy,
        metrics=[nn.metrics.accuracy],
        strategy=strategy,
    )
    return history.rows, model.state_dict(), test


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_fit_over_ranks_is_fit_in_one_process(ranks: int) -> None:
    ((rows, state, test),) = run_ranks(1, train)
    for other_rows, other_state, other_test in run_ranks(ranks, train):
        for row, other in zip([*rows, test], [*other_rows, other_test], strict=True):
            assert other == pytest.approx(row, rel=1e-12)
        for name, values in state.items():
            np.testing.assert_allclose(other_state[name], values, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_compiled_training_over_ranks_is_the_same_to_the_bit(ranks: int) -> None:
    expected = run_ranks(ranks, lambda communicator: train(communicator, compile=False))
    np.testing.assert_equal(run_ranks(ranks, lambda c: train(c, compile=None)), expected)
    np.testing.assert_equal(run_ranks(ranks, lambda c: train(c, compile=True)), expected)


def test_ranks_may_run_their_steps_in_different_ways() -> None:
    """As they do where only one meets a batch that a program cannot be made for."""
    expected = run_ranks(3, lambda communicator: train(communicator, compile=False))
    got = run_ranks(3, lambda communicator: train(communicator, compile=communicator.rank != 1))
    np.testing.assert_equal(got, expected)


def test_sums_leave_what_they_were_made_of() -> None:
    def reduce(communicator: Communicator) -> tuple[list[float], list[float]]:
        values = np.array([1.0, communicator.rank])
        return OverRanks(communicator).reduce_sum(values).tolist(), values.tolist()

    assert run_ranks(3, reduce) == [([3.0, 3.0], [1.0, float(rank)]) for rank in range(3)]
