"""What holds for all tests."""

import os

from hypothesis import HealthCheck, settings

# No test is a timer: a busy machine is not a failure. Draws are the same at every run, so that a change is
# judged by what it changed; HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile(
    "couponry", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("search", settings.get_profile("couponry"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "couponry"))
