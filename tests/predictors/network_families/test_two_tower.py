"""Two towers: clicks, conversions that are not biased by who clicks, new coupons."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.predictors.network_families.trained import rows_of, trained, uplift
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.instances.log import Log
from couponry.predictors.network_families.two_tower import TwoTowerLearner, compose

USERS = 4000


@pytest.fixture(scope="module")
def clicked():
    """A log in which the young click more, and conversions are as in the world without clicks."""
    world = SmallWorld.draw(USERS, 0)
    log = world.log(0)
    chance = 1 / (1 + np.exp(1.0 + world.features["age"].to_numpy()))
    click = (np.random.default_rng(5).random(USERS) < chance).astype(float)
    return replace(log, click=np.where(log.arm >= 0, click, np.nan)), chance, world


def test_a_composition_by_hand():
    """P(click) ¼, 0.8 with it and 0.4 without: ¼·0.8 + ¾·0.4 = 0.5, whose logit is 0."""
    logit = [torch.logit(torch.tensor(p)) for p in (0.25, 0.8, 0.4)]
    assert float(compose(*logit)) == pytest.approx(0.0, abs=1e-6)


def test_a_composition_of_extremes_stays_finite():
    """Where probabilities are 0 or 1 to the last digit, and so do gradients."""
    parts = [
        torch.tensor(value, requires_grad=True) for value in ([90.0, -90.0], [-80.0, 95.0], [70.0, -99.0])
    ]
    found = compose(*parts)
    torch.autograd.backward(found.sum())
    assert torch.isfinite(found).all()
    assert all(torch.isfinite(part.grad).all() for part in parts)


def test_clicks_are_learnt_where_the_log_tells_of_them(clicked):
    """Predicted clicks follow the truth, and conversions are those of all rows, not of the clicked ones."""
    log, chance, world = clicked
    learner, rows = trained(TwoTowerLearner, log, epochs=10)
    found = learner.predict_click(rows.x, np.arange(3), rows.coupons)
    assert found.mean() == pytest.approx(chance.mean(), abs=0.04)
    assert np.corrcoef(found[:, 1], chance)[0, 1] > 0.9
    assert uplift(learner, rows).mean(axis=0) == pytest.approx(world.value.mean(axis=0), abs=0.05)
    assert np.corrcoef(uplift(learner, rows)[:, 0], world.value[:, 0])[0, 1] > 0.4


def test_without_clicks_the_towers_learn_conversions_all_the_same(clicked):
    """Effects are nearer to the truth than their average is."""
    log, _, world = clicked
    learner, rows = trained(TwoTowerLearner, replace(log, click=None), epochs=10)
    assert np.corrcoef(uplift(learner, rows)[:, 0], world.value[:, 0])[0, 1] > 0.4


def test_a_new_coupon_is_answered_from_its_attributes(clicked):
    """A copy of a coupon under a new name resembles it."""
    learner, rows = trained(TwoTowerLearner, clicked[0], epochs=8)
    new = learner.predict(rows.x, np.array([-1]), rows.coupons[[0]]).conversion
    assert np.corrcoef(new[:, 1] - new[:, 0], uplift(learner, rows)[:, 0])[0, 1] > 0.5


def test_spend_may_differ_by_coupon(clicked):
    """Where a coupon's buyers spend half, and its users differ, expected revenue follows arm by arm."""
    log, _, world = clicked
    old = world.features["age"].to_numpy() > 0
    generous = np.where((log.arm == 2) & old, 4.0, 1.0) * log.conversion * 100
    learner, rows = trained(TwoTowerLearner, replace(log, revenue=generous), epochs=12, money_weight=1.0)
    found = learner.predict(rows.x, np.arange(3), rows.coupons)
    given = found.revenue / found.conversion
    ratio = given[old].mean(axis=0) / given[~old].mean(axis=0)
    assert ratio[3] > 1.5
    assert ratio[1] < ratio[3]


def test_clicks_travel_with_the_log(clicked, tmp_path):
    """Through a file, a split and a flat table; what is no click is refused."""
    log = clicked[0]
    log.write(tmp_path / "log")
    read = Log.read(tmp_path / "log")
    assert np.array_equal(read.click, log.click, equal_nan=True)
    assert "click" not in read.features
    part = read.take(np.arange(7))
    assert np.array_equal(part.click, log.click[:7], equal_nan=True)
    assert np.array_equal(rows_of(part, TwoTowerLearner()).click, log.click[:7], equal_nan=True)
    with pytest.raises(InputError, match=r"row 3, column 'click': click must be in \[0, 1\] \(got 2.0\)"):
        replace(part, click=np.array([0, 0, 0, 2.0, 0, 0, 0]))
