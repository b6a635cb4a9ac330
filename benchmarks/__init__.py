"""Measurements against the alternatives that are installed, interleaved in one run."""
