"""The cross-fitted outcome model."""

import numpy as np
from tests.predictors.small_world import SmallWorld

from couponry.predictors.evaluate.outcome_model import cross_fitted_outcome


def test_it_follows_the_truth():
    """Predictions correlate with the true probabilities under every arm."""
    world = SmallWorld.draw(4000, seed=0)
    log = world.log(0)
    found = cross_fitted_outcome(log, log.conversion, np.arange(4000))
    for arm in range(4):
        assert np.corrcoef(found[:, arm], world.probability[:, arm])[0, 1] > 0.7


def test_a_row_does_not_inform_its_own_prediction():
    """Changing one user's outcome leaves that user's predictions as they were, and changes others'."""
    world = SmallWorld.draw(400, seed=1)
    log = world.log(1)
    before = cross_fitted_outcome(log, log.conversion, np.arange(400))
    changed = log.conversion.copy()
    changed[7] = 1 - changed[7]
    after = cross_fitted_outcome(log, changed, np.arange(400))
    assert (before[7] == after[7]).all()
    assert (before != after).any()


def test_an_arm_without_rows_has_the_overall_mean():
    """Nothing is known of it."""
    world = SmallWorld.draw(300, seed=2)
    log = world.log(2, (0.5, 0.25, 0.25, 0.0))
    found = cross_fitted_outcome(log, log.conversion, np.arange(300))
    assert (found[:, 3] == log.conversion.mean()).all()
