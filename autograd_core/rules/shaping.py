"""Rules of rearrangement."""
from __future__ import annotations
from typing import Any
import numpy as np
from autograd_core.primitive import call, define

define(np.reshape, None, view=True, a=lambda g, a_shape: np.reshape(g, a_shape))
define(np.broadcast_to, None, view=True, array=lambda g: g)
