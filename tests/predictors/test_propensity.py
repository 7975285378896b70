"""Propensities."""

from dataclasses import replace

import numpy as np
from tests.predictors.small_world import SmallWorld

from couponry.predictors.propensity import arm_shares, arm_table, given_propensity


def test_known_propensities_are_used_and_shares_else():
    """Without propensities the given arm's share stands in."""
    log = SmallWorld.draw(1000, 0).log(0, (0.4, 0.3, 0.2, 0.1))
    assert (given_propensity(log) == np.array([0.4, 0.3, 0.2, 0.1])[log.arm + 1]).all()
    shares = arm_shares(log)
    assert shares.tolist() == [(log.arm == a).mean() for a in (-1, 0, 1, 2)]
    assert (given_propensity(replace(log, propensity=None)) == shares[log.arm + 1]).all()


def test_every_arms_propensity_is_known_where_all_rows_were_drawn_alike():
    """From what the log tells, or from shares; not where an arm's propensities differ."""
    log = SmallWorld.draw(1000, 0).log(0, (0.4, 0.3, 0.2, 0.1))
    assert (arm_table(log) == [0.4, 0.3, 0.2, 0.1]).all()
    assert (arm_table(replace(log, propensity=None)) == arm_shares(log)).all()
    uneven = log.propensity.copy()
    uneven[0] /= 2
    assert arm_table(replace(log, propensity=uneven)) is None
