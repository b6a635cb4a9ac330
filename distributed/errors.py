"""What can go wrong between ranks, and what a user can put right."""

from __future__ import annotations

from autograd_core.errors import AutogradError


class RankError(AutogradError, RuntimeError):
    """The ranks of a job do not agree, or the job is not what its launcher says."""


class UsageError(AutogradError, ValueError):
    """The command cannot do what was asked; the message is one sentence for the user."""
