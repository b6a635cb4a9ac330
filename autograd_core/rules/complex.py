"""Rules of the parts of complex numbers.

Rules take and give ∂L/∂Re - i ∂L/∂Im, which a holomorphic function multiplies by its derivative;
where gradients leave the engine they are conjugated, which is PyTorch's convention. A real operand
keeps the real part of what arrives.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.primitive import REAL, Elementwise, define
from autograd_core.rules.transcendental import DEGREES

ANY = Elementwise((REAL,))


def angle_z(g: Any, z: Any, deg: Any) -> Any:
    """-i / z, and zero at the origin; the angle of a real number does not change."""
    if z.dtype.kind != "c":
        return np.zeros_like(g)
    g = np.where(z == 0, 0, g * DEGREES if deg else g)
    return g * -1j / np.where(z == 0, 1, z)


define(np.real, ANY, view=True, val=lambda g: g)
define(np.imag, ANY, val=lambda g: g * -1j)
define(np.conjugate, ANY, label="conj", x=lambda g: np.conjugate(g))
define(np.angle, ANY, z=angle_z)
define(np.real_if_close, ANY, view=True, a=lambda g: g)
