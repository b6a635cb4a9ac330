"""Gradients over P ranks are those of one process on the whole batch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ranks import mpiexec, needs_mpi

import nn
from autograd_core import Tensor, compile, no_grad
from autograd_core.errors import TraceError
from distributed import DataParallel, RankError, SingleProcess, run_ranks
from distributed.communicator import Communicator

Array = npt.NDArray[np.float64]
RANKS = [1, 2, 3, 4]


def batch(samples: int, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(samples, 5)), rng.normal(size=(samples, 2))


def mlp(seed: int = 0) -> nn.MLP:
    return nn.MLP([5, 7, 2], activation="tanh", seed=seed, dtype=np.float64)


def gradients_of(model: nn.Module) -> dict[str, Array | None]:
    grads = {name: parameter.grad for name, parameter in model.named_parameters()}
    return {name: None if grad is None else grad.copy() for name, grad in grads.items()}


def assert_equal_to_one_process(
    sizes: list[int], loss_of: Callable[[Tensor, Array], Tensor] = nn.functional.mse_loss
) -> None:
    """Compare shards of the given sizes, one for each rank, with the batch they make up."""
    x, y = batch(sum(sizes))
    stops = np.cumsum(sizes)

    def train(communicator: Communicator) -> dict[str, Array | None]:
        part = slice(stops[communicator.rank] - sizes[communicator.rank], stops[communicator.rank])
        # Only rank 0's initial parameters count.
        model = DataParallel(mlp(seed=communicator.rank), communicator)
        loss_of(model(x[part]), y[part]).backward()
        return gradients_of(model)

    expected = mlp()
    loss_of(expected(x), y).backward()
    for grads in run_ranks(len(sizes), train):
        for name, grad in gradients_of(expected).items():
            np.testing.assert_allclose(grads[name], grad, rtol=1e-12, atol=1e-14, err_msg=name)


@given(sizes=st.lists(st.integers(0, 9), min_size=1, max_size=4).filter(any))
def test_gradients_are_those_of_the_whole_batch(sizes: list[int]) -> None:
    assert_equal_to_one_process(sizes)


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@pytest.mark.parametrize("sizes", [[3, 0, 2], [0, 4]])
def test_the_nan_of_an_empty_mean_does_not_leak(sizes: list[int]) -> None:
    assert_equal_to_one_process(sizes, lambda prediction, y: ((prediction - y) ** 2).mean())


@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("optimizer", [nn.SGD, nn.Momentum, nn.Adam])
def test_training_ends_with_the_parameters_of_one_process(
    ranks: int, optimizer: Callable[..., nn.Optimizer]
) -> None:
    x, y = batch(23)

    def train(communicator: Communicator) -> dict[str, Array]:
        model = DataParallel(mlp(), communicator)
        steps = optimizer(model.parameters(), lr=1e-2)
        shard = (communicator.rank, communicator.size)
        for epoch in range(3):
            loader = nn.DataLoader(x, y, batch_size=8, shuffle=True, seed=epoch, shard=shard)
            for x_batch, y_batch in loader:
                loss = nn.functional.mse_loss(model(x_batch), y_batch)
                steps.zero_grad()
                loss.backward()
                steps.step()
        return model.state_dict()

    (expected,) = run_ranks(1, train)
    everyone = run_ranks(ranks, train)
    for state in everyone:
        for name, values in expected.items():
            np.testing.assert_allclose(state[name], values, rtol=1e-12, atol=1e-12, err_msg=name)
            # Between ranks not even the last bit may differ.
            np.testing.assert_array_equal(state[name], everyone[0][name])


@pytest.mark.parametrize("ranks", RANKS)
def test_gradients_accumulate_over_backward_passes(ranks: int) -> None:
    x, y = batch(11)

    def train(communicator: Communicator) -> dict[str, Array | None]:
        model = DataParallel(mlp(), communicator)
        for part in (slice(0, 7), slice(7, 11)):
            mine = slice(communicator.rank, None, communicator.size)
            nn.functional.mse_loss(model(x[part][mine]), y[part][mine]).backward()
        return gradients_of(model)

    (expected,) = run_ranks(1, train)
    for grads in run_ranks(ranks, train):
        for name, grad in expected.items():
            np.testing.assert_allclose(grads[name], grad, rtol=1e-12, atol=1e-14, err_msg=name)


class Halves(nn.Module):
    """Two layers of which the data decides which one is used."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.first = nn.Linear(5, 2, rng=rng, dtype=np.float64)
        self.second = nn.Linear(5, 2, rng=rng, dtype=np.float64)
        self.never = nn.Linear(5, 2, rng=rng, dtype=np.float64)

    def forward(self, x: Array, use_first: bool) -> Tensor:
        return self.first(x) if use_first else self.second(x)


def test_a_parameter_unused_on_a_rank_counts_as_zero() -> None:
    x, y = batch(4)

    def train(communicator: Communicator) -> dict[str, Array | None]:
        model = DataParallel(Halves(), communicator)
        part = slice(0, 3) if communicator.rank == 0 else slice(3, 4)
        prediction = model(x[part], communicator.rank == 0)
        nn.functional.mse_loss(prediction, y[part]).backward()
        return gradients_of(model)

    model = Halves()
    whole = (3 * nn.functional.mse_loss(model(x[:3], True), y[:3])) + nn.functional.mse_loss(
        model(x[3:], False), y[3:]
    )
    (whole / 4).backward()
    for grads in run_ranks(2, train):
        for name, grad in gradients_of(model).items():
            if name.startswith("never"):
                assert grads[name] is None
            else:
                assert grad is not None
                np.testing.assert_allclose(grads[name], grad, rtol=1e-12, atol=1e-14)


def test_an_explicit_weight_is_for_means_over_something_else() -> None:
    x, y = batch(6)
    mask = np.array([1.0, 0.0, 0.0, 1.0, 1.0, 1.0])[:, None]

    def masked_mean(prediction: Tensor, y: Array, mask: Array) -> Tensor:
        return (mask * (prediction - y) ** 2).sum() / mask.sum()

    def train(communicator: Communicator) -> dict[str, Array | None]:
        model = DataParallel(mlp(), communicator)
        part = slice(0, 3) if communicator.rank == 0 else slice(3, 6)
        loss = masked_mean(model(x[part]), y[part], mask[part])
        model.weight = float(mask[part].sum())
        loss.backward()
        return gradients_of(model)

    expected = mlp()
    masked_mean(expected(x), y, mask).backward()
    for grads in run_ranks(2, train):
        for name, grad in gradients_of(expected).items():
            np.testing.assert_allclose(grads[name], grad, rtol=1e-12, atol=1e-14)


def test_a_forward_pass_without_recording_leaves_the_weight_alone() -> None:
    model = DataParallel(mlp(), SingleProcess())
    model(np.ones((3, 5)))
    with no_grad():
        model(np.ones((7, 5)))
    assert model.weight == 3


def test_the_wrapper_has_the_names_and_modes_of_the_model_inside() -> None:
    inside = mlp()
    model = DataParallel(inside, SingleProcess())
    assert list(model.state_dict()) == list(inside.state_dict())
    assert [id(p) for p in model.parameters()] == [id(p) for p in inside.parameters()]
    model.eval()
    assert not any(module.training for module in inside.modules())
    model.load_state_dict(mlp(seed=1).state_dict())
    np.testing.assert_array_equal(inside[0].weight.data, mlp(seed=1)[0].weight.data)
    with pytest.raises(nn.errors.LayerShapeError, match=r"^0: expected last axis 5, got 4"):
        model(np.ones((1, 4)))


def test_a_parameter_frozen_for_a_while_is_reduced_again() -> None:
    x, y = batch(4)

    def train(communicator: Communicator) -> dict[str, Array | None]:
        model = DataParallel(mlp(), communicator)
        mine = slice(communicator.rank, None, communicator.size)
        for frozen in (True, False):
            model.requires_grad_(not frozen)
            model.zero_grad()
            prediction = model(x[mine])
            if not frozen:
                nn.functional.mse_loss(prediction, y[mine]).backward()
        return gradients_of(model)

    (expected,) = run_ranks(1, train)
    for grads in run_ranks(2, train):
        for name, grad in expected.items():
            np.testing.assert_allclose(grads[name], grad, rtol=1e-12, atol=1e-14)


def test_other_parameters_in_the_same_buffer_are_not_sent() -> None:
    def train(communicator: Communicator) -> float:
        inside, outside = mlp(), nn.Parameter(np.zeros(3))
        nn.SGD([*inside.parameters(), outside], lr=0.1)
        model = DataParallel(inside, communicator)
        loss = model(np.ones((2, 5))).sum() + (outside * float(communicator.rank)).sum()
        loss.backward()
        assert outside.grad is not None
        return float(outside.grad[0])

    assert run_ranks(2, train) == [0.0, 1.0]


def test_models_that_differ_are_refused_on_every_rank() -> None:
    def build(communicator: Communicator) -> str:
        model = nn.MLP([5, 7 + (communicator.rank == 2), 2])
        with pytest.raises(RankError) as caught:
            DataParallel(model, communicator)
        return str(caught.value)

    (message,) = set(run_ranks(3, build))
    assert "rank 0 has 0.weight float32[7, 5] where rank 2 has 0.weight float32[8, 5]" in message


def test_a_batch_that_is_empty_everywhere_is_refused_on_every_rank() -> None:
    def train(communicator: Communicator) -> None:
        model = DataParallel(mlp(), communicator)
        with pytest.raises(RankError, match=r"add up to 0\.0"):
            model(np.empty((0, 5))).sum().backward()

    run_ranks(2, train)


@needs_mpi
@pytest.mark.parametrize("ranks", [2, 3])
def test_over_mpi(ranks: int) -> None:
    code = """if True:
        import numpy as np
        import nn
        import distributed
        from test_distributed_data_parallel import batch, mlp

        world = distributed.world()
        x, y = batch(7)
        model = distributed.DataParallel(mlp(seed=world.rank))
        mine = slice(world.rank, None, world.size)
        nn.functional.mse_loss(model(x[mine]), y[mine]).backward()
        alone = mlp()
        nn.functional.mse_loss(alone(x), y).backward()
        for parameter, expected in zip(model.parameters(), alone.parameters(), strict=True):
            np.testing.assert_allclose(parameter.grad, expected.grad, rtol=1e-12, atol=1e-14)
    """
    result = mpiexec(ranks, "-W", "ignore::RuntimeWarning", "-c", code)
    assert result.returncode == 0, result.stderr


# -- compiled --------------------------------------------------------------------------------------


def steps_of(
    communicator: Communicator, compiled: bool, accumulate: bool = False
) -> tuple[list[float], dict[str, Array], dict[str, Array | None]]:
    """Train on uneven shards, a step at a time; what came out, and the last gradients."""
    x, y = batch(22)
    model = DataParallel(mlp(seed=communicator.rank), communicator)
    optimizer = nn.Adam(model.parameters(), lr=1e-2, fused=False)

    def step(x_batch: Tensor, y_batch: Tensor) -> Tensor:
        optimizer.zero_grad()
        for part in (slice(0, 2), slice(2, None)) if accumulate else (slice(None),):
            loss = nn.functional.mse_loss(model(x_batch[part]), y_batch[part])
            loss.backward()
        nn.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        return loss

    run = compile(step, fuse=False) if compiled else step
    # A last batch of two samples leaves some ranks without any, and some second parts are empty.
    loader = nn.DataLoader(
        x, y, batch_size=10, drop_last=accumulate, shard=(communicator.rank, communicator.size)
    )
    losses = [run(*part).item() for _ in range(4) for part in loader]
    return losses, model.state_dict(), gradients_of(model)


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("accumulate", [False, True])
def test_a_compiled_step_reduces_the_same_bits(ranks: int, accumulate: bool) -> None:
    everyone = run_ranks(ranks, lambda c: steps_of(c, compiled=True, accumulate=accumulate))
    expected = run_ranks(ranks, lambda c: steps_of(c, compiled=False, accumulate=accumulate))
    for mine, eager in zip(everyone, expected, strict=True):
        np.testing.assert_equal(mine, eager)


def test_a_parameter_unused_on_a_rank_is_stepped_by_compiled_steps_too() -> None:
    x, y = batch(8)

    def train(communicator: Communicator, compiled: bool) -> Any:
        model = DataParallel(Halves(), communicator)
        optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
        mine = slice(0, 5) if communicator.rank == 0 else slice(5, 8)

        def step(x: Array, y: Array, twice: bool) -> Tensor:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x, communicator.rank == 0), y)
            loss.backward()
            if twice:  # the other half, which has a gradient only from the other rank so far
                nn.functional.mse_loss(model(x, communicator.rank != 0), y).backward()
            optimizer.step()
            return loss

        run = compile(step, fuse=False) if compiled else step
        losses = [run(x[mine], y[mine], twice).item() for twice in (False, True) * 4]
        return losses, model.state_dict(), gradients_of(model)

    for ranks in (2, 3):
        expected = run_ranks(ranks, lambda c: train(c, compiled=False))
        for mine, eager in zip(
            run_ranks(ranks, lambda c: train(c, compiled=True)), expected, strict=True
        ):
            np.testing.assert_equal(mine, eager)


def test_a_gradient_that_only_other_ranks_may_have_given_is_not_read_in_compiled_code() -> None:
    def train(communicator: Communicator) -> None:
        model = DataParallel(Halves(), communicator)

        def step(x: Array) -> Any:
            model(x, True).sum().backward()
            return model.module.second.weight.grad

        with pytest.raises(TraceError, match="other ranks may have given it one"):
            compile(step)(np.ones((2, 5)))

    run_ranks(2, train)


def test_gradients_that_compiled_code_reads_are_the_reduced_ones() -> None:
    x, y = batch(4)

    def train(communicator: Communicator, compiled: bool) -> list[Array]:
        model = DataParallel(mlp(), communicator)
        mine = slice(communicator.rank, None, communicator.size)

        def step(x: Array, y: Array) -> Any:
            model.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            return [2 * parameter.grad for parameter in model.parameters()]

        run = compile(step, fuse=False) if compiled else step
        return [run(x[mine], y[mine]) for _ in range(3)]

    expected = run_ranks(2, lambda c: train(c, compiled=False))
    np.testing.assert_equal(run_ranks(2, lambda c: train(c, compiled=True)), expected)


def test_weights_assigned_in_compiled_code_are_those_of_each_run() -> None:
    x, y = batch(6)
    masks = [np.array([1.0, 0, 0, 1, 1, 1])[:, None], np.array([0, 0, 1.0, 0, 1, 1])[:, None]]

    def train(communicator: Communicator, compiled: bool) -> list[Any]:
        model = DataParallel(mlp(), communicator)
        part = slice(0, 3) if communicator.rank == 0 else slice(3, 6)

        def step(x: Array, y: Array, mask: Array) -> None:
            model.zero_grad()
            prediction = model(x)
            model.weight = mask.sum()
            loss = (mask * (prediction - y) ** 2).sum() / mask.sum()
            loss.backward()

        run = compile(step, fuse=False) if compiled else step
        found = []
        for mask in masks * 3:
            run(x[part], y[part], mask[part])
            found.append((gradients_of(model), float(model.weight)))
        return found

    expected = run_ranks(2, lambda c: train(c, compiled=False))
    np.testing.assert_equal(run_ranks(2, lambda c: train(c, compiled=True)), expected)


def test_the_weight_is_not_read_in_compiled_code() -> None:
    model = DataParallel(mlp(), SingleProcess())
    with pytest.raises(TraceError, match="the length of the batch"):
        compile(lambda x: model(x).sum() * model.weight)(np.ones((2, 5)))


def test_a_compiled_forward_pass_is_reduced_by_the_backward_pass_outside() -> None:
    x, y = batch(7)

    def train(communicator: Communicator, compiled: bool) -> Any:
        model = DataParallel(mlp(), communicator)
        forward = compile(model, fuse=False) if compiled else model
        mine = slice(communicator.rank, None, communicator.size)
        found = []
        for _ in range(3):
            model.zero_grad()
            nn.functional.mse_loss(forward(x[mine]), y[mine]).backward()
            found.append(gradients_of(model))
        return found

    expected = run_ranks(2, lambda c: train(c, compiled=False))
    np.testing.assert_equal(run_ranks(2, lambda c: train(c, compiled=True)), expected)


def test_a_compiled_step_after_parameters_were_frozen_for_a_while() -> None:
    x, y = batch(4)

    def train(communicator: Communicator, compiled: bool) -> Any:
        model = DataParallel(mlp(), communicator)
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        mine = slice(communicator.rank, None, communicator.size)

        def step(x: Array, y: Array) -> None:
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()

        run = compile(step, fuse=False) if compiled else step
        for frozen in (False, True, False, False):
            model.module[0].weight.requires_grad = not frozen
            for _ in range(3):
                run(x[mine], y[mine])
        return model.state_dict()

    expected = run_ranks(2, lambda c: train(c, compiled=False))
    np.testing.assert_equal(run_ranks(2, lambda c: train(c, compiled=True)), expected)


@needs_mpi
@pytest.mark.parametrize("ranks", [2, 3])
def test_compiled_over_mpi(ranks: int) -> None:
    code = """if True:
        import numpy as np
        import distributed
        from test_distributed_data_parallel import steps_of

        world = distributed.world()
        np.testing.assert_equal(steps_of(world, compiled=True), steps_of(world, compiled=False))
    """
    result = mpiexec(ranks, "-W", "ignore::RuntimeWarning", "-c", code)
    assert result.returncode == 0, result.stderr
