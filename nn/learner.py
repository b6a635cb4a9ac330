"""Learner: loss and gradients of a batch, by a compiled program as long as that is safe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core import Tensor
from autograd_core.errors import TraceError
from autograd_core.graph import mode
from nn.module import Module
from nn.optim.optimizer import Optimizer

# How many kinds of batches programs are kept for, and how often tracing may be tried: each kind is
# traced twice, and some again when layers are frozen or settings change. Where every batch has
# another shape, programs would cost more than they save.
KINDS = 32
TRACES = 3 * KINDS


# Packages whose modules are known to do nothing in forward that a program would leave out.
OWN = ("nn", "distributed")


def is_own(module: Module) -> bool:
    """Whether a module's class comes with this library."""
    return type(module).__module__.partition(".")[0] in OWN


class Learner:
    """The part of a training step that gives parameters the gradient of a batch.

    Called with a batch it returns the loss: the same bits compiled or not. ``compiled`` is False
    (never), True (TraceError where it cannot be) or None: for models of the library's own modules,
    until something turns up that a program could not repeat. Then steps run as they are written,
    and ``why_eager`` says what it was. A program leaves out what ``forward`` does beside computing,
    such as printing: modules of others are compiled when that is asked for.
    """

    def __init__(
        self, model: Module, loss: Callable[[Any, Any], Tensor], optimizer: Optimizer, compiled: Any
    ) -> None:
        from autograd_core.compiler import compile  # late: imports stay fast

        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.required = compiled is True
        self.why_eager = "compile=False" if compiled is False else None
        if compiled is None and not all(map(is_own, model.modules())):
            self.why_eager = "a module is not one of the library's own; pass compile=True"
        self.traces = 0
        self.program = compile(self.traced, fuse=False, cache_size=KINDS)

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """Give parameters the gradient of the loss of a batch, and return the loss."""
        if self.why_eager is None:
            try:
                return self.program(x, y)
            except TraceError as error:
                # Tracing changes nothing outside: the batch can be learned from as it is written.
                if self.required:
                    if error.__cause__ is not None:
                        self.learn(x, y)  # shows a mistake as it is
                    raise
                self.why_eager = str(error)
        return self.learn(x, y)

    def learn(self, x: Tensor, y: Tensor) -> Tensor:
        """The step as it is written."""
        value = self.loss(self.model(x), y)
        self.optimizer.zero_grad()
        value.backward()
        return value

    def traced(self, x: Tensor, y: Tensor) -> Tensor:
        """The step as it is traced: what a program could not repeat raises TraceError."""
        if mode.tracer is None:  # watched by a profile or the like
            return self.learn(x, y)
        from autograd_core.compiler.trace import NeedsValues

        self.traces += 1
        if self.traces > TRACES and not self.required:
            raise TraceError(
                f"fit: {TRACES} programs were traced for batches of ever other shapes, or a model "
                "that changes; pad the batches, or pass compile=True to go on"
            )
        modules = list(self.model.modules())
        before = [module._settings for module in modules]
        try:
            value = self.learn(x, y)
        except (TraceError, NeedsValues):
            raise
        except Exception as error:
            # Perhaps a mistake, which the step as it is written will show just so.
            raise TraceError(f"fit: the step cannot be traced ({error})") from error
        for module, settings in zip(modules, before, strict=True):
            if module._settings is not settings:
                raise TraceError(
                    f"fit: {type(module).__name__}.forward sets an attribute, which a program "
                    "would not do; keep arrays in buffers and assign() them"
                )
        return value
