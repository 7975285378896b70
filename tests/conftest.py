"""What holds for all tests."""

from hypothesis import settings

# No test is a timer: a busy machine is not a failure.
settings.register_profile("couponry", deadline=None)
settings.load_profile("couponry")
