"""L-BFGS: Newton's method with a curvature that is guessed from the last steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core import Tensor
from autograd_core.effects import effect, untraced
from nn.errors import OptionError, StateError
from nn.optim.line_search import Point, strong_wolfe
from nn.optim.optimizer import Optimizer

Vector = npt.NDArray[Any]


@dataclass
class History:
    """What the last steps say about the curvature: changes of gradient y and steps s, with y · s.

    ``direction``, ``t`` and ``gradient`` are those of the last step, not yet in the lists; H starts
    from ``scale`` times the identity.
    """

    iterations: int = 0
    evaluations: int = 0
    changes: list[Vector] = field(default_factory=list)
    steps: list[Vector] = field(default_factory=list)
    products: list[float] = field(default_factory=list)
    scale: float = 1.0
    direction: Vector | None = None
    t: float = 0.0
    gradient: Vector | None = None
    loss: float = 0.0

    def learn(self, gradient: Vector, size: int) -> None:
        """Take in the last step, now that the gradient after it is known."""
        if self.direction is None or self.gradient is None:
            return
        change, step = gradient - self.gradient, self.direction * self.t
        product = float(np.dot(change, step))
        if product <= 1e-10:
            return  # the curvature along it is not positive
        self.changes.append(change)
        self.steps.append(step)
        self.products.append(product)
        for kept in (self.changes, self.steps, self.products):
            del kept[:-size]
        self.scale = product / float(np.dot(change, change))

    def newton(self, gradient: Vector) -> Vector:
        """-H g, by Nocedal's two loops over the history (Nocedal and Wright, algorithm 7.4)."""
        direction = -gradient
        shares = []
        known = list(zip(self.changes, self.steps, self.products, strict=True))
        for change, step, product in reversed(known):
            share = float(np.dot(step, direction)) / product
            direction -= share * change
            shares.append(share)
        direction *= self.scale
        for (change, step, product), share in zip(known, reversed(shares), strict=True):
            direction += (share - float(np.dot(change, direction)) / product) * step
        return direction


class LBFGS(Optimizer):
    """Limited-memory BFGS, for losses that are the same at every evaluation: whole batches.

    ``step(closure)`` makes up to ``max_iter`` iterations; ``closure`` clears the gradients,
    computes the loss, calls ``backward()`` and returns the loss; what it returned first is
    returned. An iteration goes along d = -H g, where H, the inverse of the curvature, follows from
    the last ``history_size`` steps and changes of gradient, as far as ``lr`` or, with
    ``line_search_fn="strong_wolfe"``, as far as a line search says. It ends when no gradient is
    larger than ``tolerance_grad``, when parameters or loss change by less than
    ``tolerance_change``, or after ``max_eval`` evaluations (None: 5/4 of ``max_iter``).

    One group of parameters of one dtype. Liu and Nocedal, "On the limited memory BFGS method for
    large scale optimization" (1989), as in PyTorch.

    >>> x = Tensor(np.array([3.0, -1.0]), requires_grad=True)
    >>> optimizer = LBFGS([x], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((x - np.array([1.0, 2.0])) ** 4).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item()
    97.0
    >>> closure().item() < 1e-6
    True
    """

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if line_search_fn not in (None, "strong_wolfe"):
            raise OptionError(
                f"LBFGS: got line_search_fn={line_search_fn!r}; expected 'strong_wolfe' or None"
            )
        super().__init__(
            parameters,
            lr=lr,
            max_iter=max_iter,
            max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change,
            history_size=history_size,
            line_search_fn=line_search_fn,
        )
        self.history = History()

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Set the one group of parameters there can be."""
        if self.param_groups or len({buffer.values.dtype for buffer in self.buffers}) > 1:
            raise OptionError("LBFGS: got several groups or dtypes of parameters; expected one")
        if group.get("weight_decay") or group.get("maximize"):
            raise OptionError(
                "LBFGS: weight_decay and maximize would leave the loss as it is; change the loss "
                "instead, nn.functional.l2_penalty helps"
            )
        super().add_param_group(group)
        self.parameters: list[Tensor] = self.param_groups[0]["params"]

    @untraced("values decide how often it evaluates its closure; compile the closure instead")
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make up to ``max_iter`` iterations and return the loss from before the first."""
        if closure is None:
            raise OptionError(
                "LBFGS: step() got no closure; expected a function that clears the gradients, "
                "computes the loss, calls backward() and returns the loss"
            )
        group, history = self.param_groups[0], self.history
        first = closure()
        loss, gradient = number(first), self.gradient()
        left = group["max_eval"] - 1
        history.evaluations += 1
        for iteration in range(1, group["max_iter"] + 1):
            if largest(gradient) <= group["tolerance_grad"]:
                break
            history.iterations += 1
            history.learn(gradient, group["history_size"])
            direction = history.newton(gradient)
            t = float(group["lr"])
            if history.iterations == 1:
                t *= min(1.0, 1.0 / float(np.abs(gradient).sum()))
            here = Point(0.0, loss, gradient, float(np.dot(gradient, direction)))
            history.direction, history.gradient, history.loss = direction, gradient, loss
            history.t = t
            if here.slope > -group["tolerance_change"]:
                break
            if group["line_search_fn"]:
                point, tried = self.search(closure, here, direction, t, left)
                loss, gradient, history.t = point.loss, point.gradient, point.t
            else:
                self.go(self.values(), t, direction)
                tried = int(iteration < group["max_iter"])
                if tried:
                    loss, gradient = number(closure()), self.gradient()
            left -= tried
            history.evaluations += tried
            if (
                left <= 0
                or history.t * largest(direction) <= group["tolerance_change"]
                or abs(loss - here.loss) < group["tolerance_change"]
            ):
                break
        return first

    def search(
        self, closure: Callable[[], Any], here: Point, direction: Vector, t: float, left: int
    ) -> tuple[Point, int]:
        """Go along the direction as far as a line search says."""
        start = self.values()

        def evaluate(t: float) -> Point:
            self.go(start, t, direction)
            loss, gradient = number(closure()), self.gradient()
            return Point(t, loss, gradient, float(np.dot(gradient, direction)))

        point, tried = strong_wolfe(evaluate, here, t, largest(direction), left)
        self.go(start, point.t, direction)
        return point, tried

    # -- all parameters as one vector --------------------------------------------------------------

    def values(self) -> Vector:
        """A copy of the parameters, end to end in the order given."""
        return np.concatenate([parameter.data.ravel() for parameter in self.parameters])

    def gradient(self) -> Vector:
        """A copy of the gradients, end to end; zero where there is none."""
        return np.concatenate(
            [
                np.zeros(parameter.size, parameter.dtype)
                if parameter.grad is None
                else parameter.grad.ravel()
                for parameter in self.parameters
            ]
        )

    def go(self, start: Vector, t: float, direction: Vector) -> None:
        """Put the parameters at start + t direction."""
        there = start + t * direction
        first = 0
        for parameter in self.parameters:
            part = there[first : first + parameter.size]
            parameter.assign(part.reshape(parameter.shape))
            first += parameter.size

    # -- state -------------------------------------------------------------------------------------

    @untraced("copy states outside")
    def state_dict(self) -> dict[str, Any]:
        """Copies of the history, as state of parameter 0, and the options of the group."""
        groups = super().state_dict()["param_groups"]
        history = self.history
        if history.direction is None or history.gradient is None:
            return {"state": {}, "param_groups": groups}
        empty = np.zeros((0, history.direction.size), history.direction.dtype)
        entry = {
            "n_iter": history.iterations,
            "func_evals": history.evaluations,
            "old_dirs": np.stack(history.changes) if history.changes else empty,
            "old_stps": np.stack(history.steps) if history.steps else empty,
            "ys": np.array(history.products),
            "H_diag": history.scale,
            "d": history.direction.copy(),
            "t": history.t,
            "prev_flat_grad": history.gradient.copy(),
            "prev_loss": history.loss,
        }
        return {"state": {0: entry}, "param_groups": groups}

    @effect()
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over the history and options of an optimizer of as many parameters, or nothing.

        Raises StateError saying what does not fit.
        """
        entry = state_dict["state"].get(0)
        shapes = {"d": (), "prev_flat_grad": (), "old_dirs": (1,), "old_stps": (1,)}
        numbers = ("n_iter", "func_evals", "ys", "H_diag", "t", "prev_loss")
        problems = []
        if entry:
            problems = [f"no {name}" for name in (*shapes, *numbers) if name not in entry]
            size = sum(parameter.size for parameter in self.parameters)
            problems += [
                f"{name} of shape {np.shape(entry[name])}, not (..., {size})"
                for name, more in shapes.items()
                if name in entry and np.shape(entry[name])[len(more) :] != (size,)
            ]
        if problems:
            raise StateError(
                f"load_state_dict: the state does not fit this LBFGS; it has {'; '.join(problems)}"
            )
        super().load_state_dict({**state_dict, "state": {}})
        if not entry:
            self.history = History()
            return
        self.history = History(
            iterations=int(entry["n_iter"]),
            evaluations=int(entry["func_evals"]),
            changes=list(np.array(entry["old_dirs"])),
            steps=list(np.array(entry["old_stps"])),
            products=np.asarray(entry["ys"]).tolist(),
            scale=float(entry["H_diag"]),
            direction=np.array(entry["d"]),
            t=float(entry["t"]),
            gradient=np.array(entry["prev_flat_grad"]),
            loss=float(entry["prev_loss"]),
        )


def number(loss: Any) -> float:
    """The value of a loss, a Tensor or a number."""
    return float(loss.item() if isinstance(loss, Tensor) else loss)


def largest(vector: Vector) -> float:
    """The size of the largest element."""
    return float(np.abs(vector).max(initial=0))
