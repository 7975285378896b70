"""Boosted trees over users and coupons, and their walk under all arms at once."""

import numpy as np
import pytest

from couponry.predictors.stack.boosted import Boosted, _arms
from couponry.predictors.stack.walk import Walk, read_trees


@pytest.fixture(scope="module")
def trial():
    """Six thousand rows, four coupons; effects rise with the attribute where the first feature is above 0."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6000, 3)).astype(np.float32)
    attributes = np.linspace(0, 1, 4)[:, None].astype(np.float32)
    arm = rng.integers(-1, 4, 6000).astype(np.int32)
    effect = np.append(0.0, 0.1 + 0.4 * attributes[:, 0])[arm + 1] * (x[:, 0] > 0)
    y = (rng.random(6000) < 0.2 + effect).astype(float)
    return x, arm, y, attributes, np.arange(6000) % 3


def test_the_walk_under_all_arms_answers_as_lightgbm_does(trial):
    """Row by row and arm by arm, new coupons too."""
    x, arm, y, attributes, fold = trial
    model = Boosted(0, 20).fit(x, arm, y, attributes, fold)
    known = np.array([2, -1, 0])
    table = _arms(known, attributes[[2, 1, 0]], 4)
    for booster in model.boosters:
        walk = Walk(read_trees([booster.state().texts["trees"]]), table, 3)
        told = 1 / (1 + np.exp(-walk(x[:200])))
        for a, row in enumerate(table):
            wide = np.hstack([x[:200], np.tile(row, (200, 1))]).astype(np.float32)
            assert told[:, a] == pytest.approx(booster.predict(wide), abs=1e-9)


def test_a_tree_of_one_leaf_is_walked(trial):
    """Where nothing can be split, LightGBM writes a single leaf."""
    x, arm, _, attributes, fold = trial
    y = np.full(6000, 0.25)
    told = Boosted(0, 3).fit(x, arm, y, attributes, fold).predict(x[:5], np.arange(4), attributes)
    assert told == pytest.approx(np.full((5, 5), 0.25), abs=1e-6)


def test_the_effect_is_found_where_it_is(trial):
    """On the fold that a booster has not seen."""
    x, arm, y, attributes, fold = trial
    told = Boosted(0).fit(x, arm, y, attributes, fold).unseen(x, attributes, fold)
    strong = told[:, 4] - told[:, 0]
    assert strong[x[:, 0] > 0].mean() - strong[x[:, 0] < 0].mean() == pytest.approx(0.5, abs=0.1)
