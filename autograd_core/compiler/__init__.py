"""The compiler: a function's operations recorded once, then replayed as straight-line NumPy."""

from autograd_core.compiler.compiled import Compiled, compile

__all__ = ["Compiled", "compile"]
