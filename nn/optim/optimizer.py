"""What every optimizer shares: parameter groups, runs of the flat buffer, state dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from autograd_core import Tensor
from autograd_core.effects import effect, refuse, untraced
from autograd_core.graph import Leaf, clear_gradients, mode
from autograd_core.kernels import is_available
from nn.errors import OptionError, StateError
from nn.optim import fused as loops
from nn.parameters import ParameterBuffer, buffers_of

T = TypeVar("T")

# Elements updated at once: few enough that the arrays of an update stay in the cache, and so many
# that the calls do not count (Adam on 536,000: 1.0 ms with 2¹⁴, 0.75 ms with 2¹⁷ or all at once; on
# 8 million: 18, 14 and 22 ms).
BLOCK = 2**17


class Segment:
    """Neighbours in a buffer that belong to one group: an optimizer's state for a part of it.

    ``state`` holds one flat array for each name, as long as the segment; ``steps`` counts the
    updates of each parameter, since one without a gradient is not stepped.
    """

    def __init__(
        self, buffer: ParameterBuffer, first: int, last: int, group: dict[str, Any], names: Any
    ) -> None:
        self.buffer = buffer
        self.places = slice(first, last + 1)
        self.group = group
        self.parameters = buffer.parameters[self.places]
        self.spans = buffer.spans[self.places]
        self.start, self.stop = self.spans[0].start, self.spans[-1].stop
        self.steps = [0] * len(self.parameters)
        size = self.stop - self.start
        # Zeros take no memory until they are written: an option that is off costs nothing.
        self.state = {name: np.zeros(size, buffer.values.dtype) for name in names}
        self.versions = [parameter.version for parameter in self.parameters]
        self.whole = self.cut(self.start, self.stop)

    def leaves(self) -> list[Leaf | None]:
        """The leaves of the parameters; None for a frozen one."""
        return self.buffer.leaves()[self.places]

    def advance(self) -> list[list[int]]:
        """Count a step of every parameter with a gradient.

        Returns runs of neighbours that are updated together, [start, stop, step]: what is not
        written, and what has been stepped another number of times, ends a run.
        """
        written = [leaf is not None and leaf.grad is not None for leaf in self.leaves()]
        step = self.steps[0]
        if all(written) and self.steps.count(step) == len(self.steps):  # nearly always
            self.steps = [step + 1] * len(self.steps)
            for version in self.versions:
                version[0] += 1
            return [[self.start, self.stop, step + 1]]
        runs: list[list[int]] = []
        before = None
        for k, span in enumerate(self.spans):
            if not written[k]:
                before = None
                continue
            self.steps[k] = step = self.steps[k] + 1
            self.versions[k][0] += 1
            if step == before:
                runs[-1][1] = span.stop
            else:
                runs.append([span.start, span.stop, step])
                before = step
        return runs

    def arrays(self, start: int, stop: int) -> list[npt.NDArray[Any]]:
        """Values, gradients and state of a part of the buffer that lies in this segment."""
        whole = start == self.start and stop == self.stop
        return self.whole if whole else self.cut(start, stop)

    def cut(self, start: int, stop: int) -> list[npt.NDArray[Any]]:
        """Views of the arrays, which take a microsecond to make."""
        inside = slice(start - self.start, stop - self.start)
        return [
            self.buffer.values[start:stop],
            self.buffer.gradients[start:stop],
            *[array[inside] for array in self.state.values()],
        ]

    def state_of(self, k: int) -> dict[str, npt.NDArray[Any]]:
        """Views of the state of one parameter, in its shape."""
        span = slice(self.spans[k].start - self.start, self.spans[k].stop - self.start)
        return {
            name: array[span].reshape(self.parameters[k].shape)
            for name, array in self.state.items()
        }


class Options(dict[str, Any]):
    """The parameters and options of a group, which no program sets when it runs."""

    def __setitem__(self, name: str, value: Any) -> None:
        """Set an option; not in compiled code, which would do so only once."""
        refuse(f"param_groups[...][{name!r}] is set", "use a schedule, or set it outside")
        super().__setitem__(name, value)


class Optimizer:
    """Base of optimizers. A subclass is its options, the names of its state and ``update``.

    ``parameters``: Tensors, or dicts with "params" and options of their own. They move into the
    flat buffer, unless they live in one already. ``step()`` updates what has a gradient,
    ``zero_grad()`` forgets gradients; ``param_groups`` holds the options, to be read and changed.

    ``update(value, gradient, *state, step, **options)`` changes arrays of a block in place; it
    must work element by element, for blocks cross the borders of parameters. What all optimizers
    share is done before: ``maximize`` turns the gradient around, ``weight_decay`` adds an L2
    penalty to it (gradient + weight_decay * value), or, if the class is ``decoupled``, shrinks the
    value by the factor 1 - lr * weight_decay.

    ``kernel`` is the same update as one compiled loop, for those who have numba. With
    ``fused=None`` it takes over when an optimizer has worked for so long that compiling pays off,
    with True at once, with False never. It computes the same bits.
    """

    state_names: ClassVar[tuple[str, ...]] = ()
    # State that is kept only while an option is on, and which one.
    state_options: ClassVar[Mapping[str, str]] = {}
    decoupled: ClassVar[bool] = False
    update: Callable[..., None]
    kernel: ClassVar[loops.Kernel | None] = None

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        *,
        weight_decay: float = 0.0,
        maximize: bool = False,
        fused: bool | None = None,
        **options: Any,
    ) -> None:
        self.options = tuple(options)
        self.defaults = {**options, "weight_decay": weight_decay, "maximize": maximize}
        self.fused = fused
        self.work = 0
        self.param_groups: list[dict[str, Any]] = []
        self.segments: list[Segment] = []
        given: list[Any] = list(parameters)
        if not given:
            raise OptionError(f"{type(self).__name__}: got no parameters to optimize")
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        groups = [{**group, "params": tensors_in(group["params"])} for group in groups]
        # All groups together, so that they share a buffer.
        self.buffers = buffers_of(tensor for group in groups for tensor in group["params"])
        for group in groups:
            self.add_param_group(group)

    @untraced("make optimizers and their groups outside")
    def add_param_group(self, group: dict[str, Any]) -> None:
        """Optimize more parameters, with options of their own where ``group`` gives them."""
        name = type(self).__name__
        unknown = group.keys() - {"params", "initial_lr"} - self.defaults.keys()
        if unknown:
            raise OptionError(
                f"{name}: got the option {min(unknown)!r} for a group; expected some of "
                f"{', '.join(self.defaults)}"
            )
        group = Options({**self.defaults, **group, "params": tensors_in(group["params"])})
        check_options(name, group)
        known = {id(tensor) for other in self.param_groups for tensor in other["params"]}
        mine = {id(tensor): tensor for tensor in group["params"]}
        if known & mine.keys() or len(mine) < len(group["params"]):
            raise OptionError(f"{name}: a parameter was given twice; give each to one group")
        for buffer in buffers_of(group["params"]):
            if buffer not in self.buffers:
                self.buffers.append(buffer)
            members = sorted(buffer.index[key] for key in mine if key in buffer.index)
            for first, last in neighbours(members):
                # A new list: programs that cleared the gradients of the old one are traced again.
                segment = Segment(buffer, first, last, group, self.state_names)
                self.segments = [*self.segments, segment]
        self.param_groups.append(group)

    def zero_grad(self) -> None:
        """Forget all gradients; what no backward pass writes afterwards is not stepped."""
        for segment in self.segments:
            clear_gradients(segment.leaves())
        if mode.tracer is not None:
            mode.tracer.rely_on(self, "segments")
            for buffer in self.buffers:
                mode.tracer.rely_on(buffer, "_nodes")

    def step(self, closure: Callable[[], T] | None = None) -> T | None:
        """Update every parameter that has a gradient, once.

        ``closure``, if given, is called before: it computes a loss and its gradients afresh. What
        it returns is returned.
        """
        loss = None if closure is None else closure()
        self._step()
        return loss

    @effect()
    def _step(self) -> None:
        """Update values and state; the one part of a step that programs call as a whole."""
        for segment in self.segments:
            shared = self.shared(segment.group)
            options = {name: weak(segment.group[name]) for name in self.options}
            for start, stop, step in segment.advance():
                self.work += stop - start
                if self.kernel is not None and self.is_fused(segment.buffer.values.dtype):
                    self.kernel(segment.arrays(start, stop), shared, step=step, **options)
                    continue
                for low in range(start, stop, BLOCK):
                    value, gradient, *state = segment.arrays(low, min(low + BLOCK, stop))
                    if shared.sign < 0:
                        gradient = -gradient
                    if shared.shrink != 1:
                        value *= shared.shrink
                    if shared.decay:
                        gradient = gradient + shared.decay * value
                    self.update(value, gradient, *state, step=step, **options)

    def shared(self, group: Mapping[str, Any]) -> loops.Shared:
        """What is done to gradients and values before the rule, for the options of a group."""
        decay = weak(group["weight_decay"])
        return loops.Shared(
            sign=-1.0 if group["maximize"] else 1.0,
            decay=0.0 if self.decoupled else decay,
            shrink=1 - weak(group["lr"]) * decay if self.decoupled else 1.0,
        )

    def is_fused(self, dtype: np.dtype[Any]) -> bool:
        """Whether the compiled loop does the work."""
        if self.fused is False or dtype not in loops.DTYPES:
            return False
        return self.fused is True or (self.work > loops.PAYS_OFF and is_available())

    # -- state -------------------------------------------------------------------------------------

    def _located(self) -> list[tuple[Tensor, Segment, int]]:
        """Every parameter in the order given, with its segment and its place in that."""
        places = {
            id(parameter): (segment, k)
            for segment in self.segments
            for k, parameter in enumerate(segment.parameters)
        }
        return [
            (parameter, *places[id(parameter)])
            for group in self.param_groups
            for parameter in group["params"]
        ]

    def used_state(self, group: Mapping[str, Any]) -> list[str]:
        """The names of the state that the options of a group make use of."""
        return [
            name
            for name in self.state_names
            if name not in self.state_options or group[self.state_options[name]]
        ]

    @untraced("copy states outside")
    def state_dict(self) -> dict[str, Any]:
        """Copies of the state by parameter number, and the options of the groups, as in PyTorch."""
        state = {}
        for number, (_, segment, k) in enumerate(self._located()):
            if segment.steps[k]:
                arrays = segment.state_of(k)
                used = self.used_state(segment.group)
                state[number] = {"step": segment.steps[k]} | {n: arrays[n].copy() for n in used}
        groups = []
        number = 0
        for group in self.param_groups:
            count = len(group["params"])
            groups.append({**group, "params": list(range(number, number + count))})
            number += count
        return {"state": state, "param_groups": groups}

    @effect()
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over the state and options of an optimizer of as many parameters, or change nothing.

        Raises StateError saying what does not fit.
        """
        located = self._located()
        for name in ("state", "param_groups"):
            if name not in state_dict:
                raise StateError(f"load_state_dict: the state of an optimizer has no {name!r}")
        groups, state = state_dict["param_groups"], state_dict["state"]
        self.check_state(located, groups, state)
        for own, group in zip(self.param_groups, groups, strict=True):
            own.update({name: value for name, value in group.items() if name != "params"})
        for number, (_, segment, k) in enumerate(located):
            entry = state.get(number)
            segment.steps[k] = int(entry["step"]) if entry else 0
            used = self.used_state(segment.group) if entry else []
            for name, array in segment.state_of(k).items():
                array[...] = entry[name] if name in used else 0

    def check_state(
        self,
        located: list[tuple[Tensor, Segment, int]],
        groups: list[Mapping[str, Any]],
        state: Mapping[int, Mapping[str, Any]],
    ) -> None:
        """Raise StateError unless a state dict fits, OptionError if its options mean nothing."""
        for group in groups:
            check_options(type(self).__name__, group)
        sizes = [len(group["params"]) for group in groups]
        own_sizes = [len(group["params"]) for group in self.param_groups]
        problems = [] if sizes == own_sizes else [f"groups of {sizes} parameters, not {own_sizes}"]
        options = [group for group in groups for _ in group["params"]]
        for number, entry in state.items():
            if number not in range(len(located)):
                problems.append(f"state of parameter {number}, and there are {len(located)}")
                continue
            shape = located[number][0].shape
            own = options[number] if number < len(options) else {}
            used = self.used_state({**self.defaults, **own})
            problems += [
                f"no {name} of parameter {number}" for name in ("step", *used) if name not in entry
            ]
            problems += [
                f"{name} of parameter {number} has shape {np.shape(entry[name])}, not {shape}"
                for name in used
                if name in entry and np.shape(entry[name]) != shape
            ]
        if problems:
            raise StateError(
                f"load_state_dict: the state does not fit this {type(self).__name__}; "
                f"it has {'; '.join(problems)}"
            )


def tensors_in(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """The parameters of a group: one Tensor alone, or as many as there are."""
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def weak(option: Any) -> Any:
    """A NumPy number as a Python one, which does not promote float32 arrays."""
    return option.item() if isinstance(option, np.generic) else option


def neighbours(indices: list[int]) -> list[tuple[int, int]]:
    """Sorted integers as runs (first, last) without gaps.

    >>> neighbours([0, 1, 2, 5, 7, 8])
    [(0, 2), (5, 5), (7, 8)]
    """
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and runs[-1][1] == index - 1:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return runs


# Options that are numbers of at least 0, and those that are such numbers below 1.
NOT_NEGATIVE = frozenset(
    {"lr", "eps", "weight_decay", "momentum", "dampening", "lr_decay", "initial_accumulator_value"}
)
FRACTIONS = frozenset({"beta", "betas", "alpha"})


def check_options(name: str, group: Mapping[str, Any]) -> None:
    """Raise OptionError for options that no optimizer can mean."""
    for option, value in group.items():
        if option in NOT_NEGATIVE and not 0 <= value < np.inf:
            raise OptionError(f"{name}: got {option}={value}; expected a number of at least 0")
        if option in FRACTIONS and not all(0 <= part < 1 for part in np.atleast_1d(value)):
            raise OptionError(f"{name}: got {option}={value}; expected at least 0 and below 1")
