"""Weights of models."""

import numpy as np
import pytest

from couponry.predictors.stack.shares import shares


def test_shares_are_the_slopes_drawn_towards_their_priors():
    """By hand: 100 rows of ±1, noise 1, slope 0.5 and prior 0: 100 · 0.5 / (100 + 16)."""
    told = np.tile([1.0, -1.0], 50)
    residual = 0.5 * told + np.repeat([1.0, -1.0], 50) * np.sqrt(0.75)
    assert shares(residual, [told], np.ones(100), [0.0]) == pytest.approx([50 / 116])


def test_shares_are_not_negative_and_at_most_one_together():
    """A model that is wrong has none; two that want more than all share it out."""
    rng = np.random.default_rng(0)
    told = rng.normal(size=(4000, 2))
    noise = rng.normal(size=4000)
    assert shares(noise - told[:, 0], [told[:, 0]], np.ones(4000), [0.1]) == [0.0]
    both = shares(noise + 2 * told[:, 0] + told[:, 1], list(told.T), np.ones(4000), [0.1, 0.1])
    assert sum(both) == pytest.approx(1, abs=1e-6)
    assert both[0] > both[1] >= 0


def test_without_rows_that_differ_the_prior_stays():
    """Residuals that are all nought tell nothing."""
    assert shares(np.zeros(5), [np.ones(5)], np.ones(5), [0.25]) == [0.25]
