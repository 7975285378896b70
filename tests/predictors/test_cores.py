"""How many cores to work on."""

import os

from couponry.predictors.cores import spare_cores


def test_at_least_one_and_at_most_half():
    """A process never takes more than half of the cores that it may use, save the only one."""
    assert 1 <= spare_cores() <= max(1, (os.cpu_count() or 1) // 2, 1)
