"""Propensities."""

from dataclasses import replace

import numpy as np
from tests.predictors.small_world import SmallWorld

from couponry.predictors.propensity import arm_shares, given_propensity


def test_known_propensities_are_used_and_shares_else():
    """Without propensities the given arm's share stands in."""
    log = SmallWorld.draw(1000, 0).log(0, (0.4, 0.3, 0.2, 0.1))
    assert (given_propensity(log) == np.array([0.4, 0.3, 0.2, 0.1])[log.arm + 1]).all()
    shares = arm_shares(log)
    assert shares.tolist() == [(log.arm == a).mean() for a in (-1, 0, 1, 2)]
    assert (given_propensity(replace(log, propensity=None)) == shares[log.arm + 1]).all()
