"""Sums and ratios over the rows of a trial."""

import math

from couponry.predictors.evaluate.trial import share_of


def test_a_share_is_nought_up_to_rounding_errors_alone():
    """What is no number stays none, and of nothing there is no share."""
    assert share_of(1e-14, 2.0) == 0.0
    assert share_of(-1e-3, 2.0) == -5e-4
    assert math.isnan(share_of(float("nan"), 2.0))
    assert math.isnan(share_of(1.0, 0.0))
