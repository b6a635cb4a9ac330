"""Settings every test shares; they take effect before NumPy is imported."""

import os

# Test arrays are small and some tests start several ranks: OpenBLAS threads would only spin.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings

# Nothing here depends on the clock: a busy machine must not fail a property.
patient = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", patient, max_examples=25, derandomize=True)
settings.register_profile("nightly", patient, max_examples=1000, derandomize=False)
# pytest's own --hypothesis-profile is applied later and therefore wins.
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# Scripts that froze reference values: they need the engines the values came from.
collect_ignore = ["reference"]
