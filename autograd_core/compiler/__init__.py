"""Traced steps as programs of straight-line NumPy and of fused loops."""
