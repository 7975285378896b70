"""The causal forest."""

import numpy as np
import pytest

from couponry.predictors.stack.forest import Forest, ForestSettings
from couponry.predictors.stack.grow import apply_tree

SETTINGS = ForestSettings(trees=30)


def trial(effect, seed: int = 0, n: int = 6000):
    """Return features, arms and residuals; ``effect(x)`` gives the two coupons' effects ``(n, 2)``."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(n, 4)).astype(np.float32)
    arm = rng.integers(-1, 2, n).astype(np.int32)
    told = np.column_stack([np.zeros(n), effect(x)])
    return x, arm, told[np.arange(n), arm + 1] + rng.normal(0, 0.5, n)


def step(x):
    """Both coupons bring a half where the first feature is positive; the second also where the second is."""
    first, second = 0.5 * (x[:, 0] > 0), 0.5 * (x[:, 1] > 0)
    return np.column_stack([first, first + second])


def test_steps_are_found_for_each_coupon():
    """On rows that no tree has seen."""
    x, arm, residual = trial(step)
    forest = Forest(0, SETTINGS)
    forest.fit(x, arm, residual, np.ones(len(x)), 2)
    other = trial(step, seed=1)[0]
    told, true = forest.predict(other), step(other)
    for j in range(2):
        assert np.corrcoef(told[:, j], true[:, j])[0, 1] > 0.9


def test_where_there_is_no_effect_next_to_none_is_told():
    """Leaves are drawn towards the mean as far as chance explains their spread."""
    x, arm, residual = trial(lambda x: np.zeros((len(x), 2)))
    told = Forest(0, SETTINGS).fit(x, arm, residual, np.ones(len(x)), 2)
    assert told.std(axis=0).max() < 0.02


def test_a_forest_is_the_mean_of_its_trees_and_the_same_from_its_state():
    """The walk over all trees at once is checked tree by tree."""
    x, arm, residual = trial(step, n=2000)
    forest = Forest(3, SETTINGS)
    forest.fit(x, arm, residual, np.ones(len(x)), 2)
    codes = forest.bins.codes(x)
    each = np.mean([value[apply_tree(codes, nodes)] for nodes, value in forest.trees], axis=0)
    assert forest.predict(x) == pytest.approx(each, abs=1e-6)
    assert np.array_equal(Forest.from_state(forest.state()).predict(x), forest.predict(x))
