"""Modules: registration, names, state dicts, errors that know the way; layers, initial values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd_core import Tensor, manual_seed
from autograd_core.errors import DtypeError, ShapeError
from autograd_core.testing import gradcheck
from nn.errors import LayerShapeError, OptionError, StateError


class Block(nn.Module):
    """A module written without calling ``super().__init__()``."""

    def __init__(self, size: int = 2) -> None:
        self.linear = nn.Linear(size, size, rng=np.random.default_rng(0))
        self.scale = nn.Parameter(np.ones(size, np.float32))
        self.register_buffer("count", np.zeros(()))
        self.activation = nn.Tanh()

    def forward(self, x: Any) -> Any:
        return self.activation(self.linear(x)) * self.scale


class Net(nn.Module):
    def __init__(self) -> None:
        self.blocks = nn.Sequential(Block(), Block())
        self.head = nn.Linear(2, 1, rng=np.random.default_rng(1))

    def forward(self, x: Any) -> Any:
        return self.head(self.blocks(x))


# -- registration ----------------------------------------------------------------------------------


def test_names_follow_the_attributes_in_order_of_assignment() -> None:
    assert [name for name, _ in Net().named_parameters()] == [
        "blocks.0.scale",
        "blocks.0.linear.weight",
        "blocks.0.linear.bias",
        "blocks.1.scale",
        "blocks.1.linear.weight",
        "blocks.1.linear.bias",
        "head.weight",
        "head.bias",
    ]
    assert [name for name, _ in Net().named_buffers()] == ["blocks.0.count", "blocks.1.count"]
    assert [name for name, _ in Net().named_children()] == ["blocks", "head"]
    paths = [name for name, _ in Net().named_modules()]
    assert paths[:4] == ["", "blocks", "blocks.0", "blocks.0.linear"]


def test_shared_parameters_are_listed_once_and_saved_under_both_names() -> None:
    net = Net()
    net.blocks[1].linear = net.blocks[0].linear
    assert len(list(net.parameters())) == 6
    assert len(list(net.modules())) == len({id(module) for module in net.modules()})
    assert {"blocks.0.linear.weight", "blocks.1.linear.weight"} <= net.state_dict().keys()


def test_assignment_replaces_and_deletion_unregisters() -> None:
    block = Block()
    block.scale = nn.Parameter(np.zeros(2))
    assert dict(block.named_parameters())["scale"] is block.scale
    block.scale = 3.0
    assert "scale" not in dict(block.named_parameters()) and block.scale == 3.0
    del block.linear
    assert list(block.parameters()) == [] and not hasattr(block, "linear")
    block.count = Tensor(np.array(7.0))
    assert [buffer.item() for buffer in block.buffers()] == [7]
    block.count = nn.Linear(1, 1)
    assert list(block.buffers()) == [] and "count.weight" in block.state_dict()


def test_what_was_computed_is_not_registered() -> None:
    block = Block()
    block.last = block(np.ones((1, 2)))
    assert "last" not in dict(block.named_parameters())


def test_freezing_keeps_parameters_in_their_place() -> None:
    net = Net().requires_grad_(False)
    assert not any(parameter.requires_grad for parameter in net.parameters())
    assert not net(np.ones((1, 2))).requires_grad
    assert len(list(net.parameters())) == 8
    assert all(parameter.requires_grad for parameter in net.requires_grad_().parameters())


def test_modes_reach_every_module() -> None:
    net = Net()
    assert all(module.training for module in net.modules())
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert all(module.training for module in net.train().modules())


def test_zero_grad_forgets() -> None:
    net = Net()
    net(np.ones((3, 2))).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    net.zero_grad()
    assert all(parameter.grad is None for parameter in net.parameters())


def test_parameters_are_floating() -> None:
    with pytest.raises(DtypeError, match="astype"):
        nn.Parameter([1, 2])
    source = np.ones(2)
    parameter = nn.Parameter(source)
    source[:] = 5
    assert (parameter.data == 1).all()


def test_repr_shows_the_tree() -> None:
    assert repr(nn.Sequential(nn.Linear(2, 3, bias=False), nn.LeakyReLU(0.2), nn.Softmax(0))) == (
        "Sequential(\n"
        "  (0): Linear(2, 3, bias=False)\n"
        "  (1): LeakyReLU(negative_slope=0.2)\n"
        "  (2): Softmax(axis=0)\n"
        ")"
    )
    assert "  (0): Block(\n    (linear): Linear(2, 2)\n" in repr(nn.Sequential(Block()))
    assert repr(nn.MSELoss("sum")) == "MSELoss(reduction='sum')"


# -- errors that know the way ----------------------------------------------------------------------


def test_a_wrong_shape_names_the_path_of_the_layer() -> None:
    net = Net()
    net.blocks[1].linear = nn.Linear(64, 2)
    with pytest.raises(LayerShapeError) as caught:
        net(np.ones((5, 2)))
    assert str(caught.value) == "blocks.1.linear: expected last axis 64, got 2"
    assert isinstance(caught.value, ShapeError) and isinstance(caught.value, ValueError)
    with pytest.raises(LayerShapeError, match=r"^Linear: expected last axis 64, got a scalar$"):
        nn.Linear(64, 2)(np.array(1.0))


# -- state -----------------------------------------------------------------------------------------


def test_state_round_trip() -> None:
    net, other = Net(), Net()
    for tensor in (*net.parameters(), *net.buffers()):
        tensor.assign(np.random.default_rng(3).normal(size=tensor.shape))
    state = net.state_dict()
    other.load_state_dict(state)
    x = np.ones((3, 2), np.float32)
    np.testing.assert_array_equal(other(x).data, net(x).data)
    net.head.weight.assign(np.zeros((1, 2)))
    assert state["head.weight"].any(), "a state dict is a copy"


def test_all_misfits_are_listed_and_nothing_is_changed() -> None:
    net = Net()
    before = net.state_dict()
    state = net.state_dict()
    state["head.bias"] += 1
    del state["head.weight"]
    state["tail.weight"] = np.ones(1)
    state["blocks.0.scale"] = np.ones(3)
    state["blocks.1.scale"] = np.ones(2, complex)
    with pytest.raises(StateError) as caught:
        net.load_state_dict(state)
    for part in (
        "missing: head.weight",
        "unexpected: tail.weight",
        "wrong shape: blocks.0.scale (got (3,), expected (2,))",
        "wrong dtype: blocks.1.scale (got complex128, expected float32)",
    ):
        assert part in str(caught.value)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_not_strict_takes_what_fits_by_name() -> None:
    net = Net()
    net.load_state_dict({"head.bias": [5.0], "other": [1.0]}, strict=False)
    assert net.head.bias is not None and net.head.bias.item() == 5
    with pytest.raises(StateError, match="wrong shape"):
        net.load_state_dict({"head.bias": [5.0, 6.0]}, strict=False)


def test_loading_casts_to_the_dtype_of_the_model() -> None:
    net = Net()
    net.load_state_dict({name: array.astype(float) for name, array in net.state_dict().items()})
    assert {parameter.dtype for parameter in net.parameters()} == {np.dtype(np.float32)}


# -- layers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "module", [nn.ReLU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.Softmax, nn.LogSoftmax]
)
def test_activation_modules_are_their_functions(module: Callable[[], nn.Module]) -> None:
    layer = module()
    name = {"LeakyReLU": "leaky_relu", "LogSoftmax": "log_softmax"}.get(
        type(layer).__name__, type(layer).__name__.lower()
    )
    x = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(layer(x), getattr(nn.functional, name)(x))
    gradcheck(layer, [x], order=2)


@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.sampled_from(["tanh", "sigmoid"]))
def test_mlp_gradients(sizes: list[int], activation: str) -> None:
    model = nn.MLP(sizes, activation, seed=0, dtype=np.float64)
    names, parameters = zip(*model.named_parameters(), strict=True)
    x = np.random.default_rng(0).normal(size=(3, sizes[0]))

    def run(x: Tensor, *arrays: Tensor) -> Any:
        for name, array in zip(names, arrays, strict=True):
            index, attribute = name.split(".")
            setattr(model[int(index)], attribute, array)
        return model(x)

    gradcheck(run, [x, *(parameter.data.copy() for parameter in parameters)])


def test_mlp_is_its_layers() -> None:
    model = nn.MLP([3, 5, 4, 2], "leaky_relu", seed=0)
    assert [type(layer).__name__ for layer in model] == [
        "Linear",
        "LeakyReLU",
        "Linear",
        "LeakyReLU",
        "Linear",
    ]
    assert len(model) == 5 and model[-1].out_features == 2
    x = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    hidden = x
    for layer in model:
        hidden = layer(hidden)
    np.testing.assert_array_equal(model(x).data, hidden.data)


def test_mlp_initial_values_follow_the_seed() -> None:
    states = [nn.MLP([3, 4, 2], seed=seed).state_dict() for seed in (0, 0, 1)]
    for name, array in states[0].items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, states[1][name])
        assert (array != states[2][name]).any()
    double = nn.MLP([3, 4, 2], seed=0, dtype=np.float64).state_dict()
    for name, array in states[0].items():
        np.testing.assert_array_equal(double[name].astype(np.float32), array)


@pytest.mark.parametrize("leading", [(), (0,), (2, 3)])
def test_linear_shapes_and_empty_batches(leading: tuple[int, ...]) -> None:
    layer = nn.Linear(4, 2)
    out = layer(np.ones((*leading, 4), np.float32))
    assert out.shape == (*leading, 2) and out.dtype == np.float32
    out.sum().backward()
    for parameter in layer.parameters():
        assert parameter.grad is not None
        assert parameter.grad.shape == parameter.shape and parameter.grad.dtype == np.float32


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Linear(0, 2), "Linear: got in_features=0"),
        (lambda: nn.MLP([64, 0, 10]), "MLP: got size=0"),
        (lambda: nn.MLP([64]), r"MLP: got sizes \[64\]"),
        (lambda: nn.MLP([2, 1], "swoosh"), "activation: got 'swoosh'; expected one of elu, gelu"),
        (lambda: nn.MLP([2, 2, 1], "swoosh"), "selu, sigmoid, silu"),
    ],
)
def test_sizes_and_names_that_mean_nothing(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make()


def test_weights_move_across_from_pytorch() -> None:
    # torch.nn.Sequential(Linear(2, 2), Tanh(), Linear(2, 1)) with these weights gives 0.0166.
    model = nn.MLP([2, 2, 1], "tanh")
    model.load_state_dict(
        {
            "0.weight": [[-0.0053, 0.3793], [-0.5820, -0.5204]],
            "0.bias": [-0.2723, 0.1896],
            "2.weight": [[-0.0140, 0.5607]],
            "2.bias": [-0.0628],
        }
    )
    assert model(np.array([[1.0, -1.0]])).item() == pytest.approx(0.0166, abs=1e-4)


# -- initial values --------------------------------------------------------------------------------


def test_linear_starts_uniform_within_one_over_sqrt_of_its_inputs() -> None:
    layer = nn.Linear(400, 300, rng=np.random.default_rng(0))
    for parameter in layer.parameters():
        assert np.abs(parameter.data).max() <= 1 / 20
        assert np.abs(parameter.data).max() > 0.95 / 20
    assert layer.weight.data.std() == pytest.approx(1 / 20 / np.sqrt(3), rel=0.01)


def test_the_common_generator_is_seeded_by_manual_seed() -> None:
    states = []
    for _ in range(2):
        manual_seed(5)
        states.append(nn.Sequential(nn.Linear(2, 2), nn.MLP([2, 2])).state_dict())
    assert all((array == states[1][name]).all() for name, array in states[0].items())
    assert (nn.Linear(2, 2).weight.data != states[0]["0.weight"]).any()


def test_initializers_have_the_variance_they_promise() -> None:
    weight = nn.Parameter(np.empty((200, 300)))
    rng = np.random.default_rng(0)
    nn.init.kaiming_uniform_(weight, rng=rng)
    assert weight.data.std() == pytest.approx(np.sqrt(2 / 300), rel=0.02)
    nn.init.xavier_uniform_(weight, gain=5 / 3, rng=rng)
    assert weight.data.std() == pytest.approx(5 / 3 * np.sqrt(2 / 500), rel=0.02)
    nn.init.normal_(weight, 1.0, 0.1, rng=rng)
    assert weight.data.mean() == pytest.approx(1, rel=0.01)
    assert not nn.init.zeros_(weight).data.any()
    with pytest.raises(OptionError, match="at least two axes"):
        nn.init.xavier_uniform_(nn.Parameter(np.ones(3)))
