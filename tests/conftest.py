"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# No test is a timer: a busy machine is not a failure.
settings.register_profile("couponry", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("couponry")
