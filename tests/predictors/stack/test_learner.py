"""The default model."""

import numpy as np
from tests.predictors.small_world import SmallWorld, menu

from couponry.instances.coupons import Coupons
from couponry.predictors.train import train


def test_uplift_and_cost_are_near_the_truth():
    """On users that it has not seen, with the slope of true on predicted uplift near one."""
    model = train(SmallWorld.draw(12_000, 0).log(0), "default", trees=20)
    world = SmallWorld.draw(3000, 1)
    answer = model.predict_response(world.features)
    told, true = answer.measure("value"), world.value
    assert np.corrcoef(told.ravel(), true.ravel())[0, 1] > 0.85
    assert 0.8 < np.polyfit(told.ravel(), true.ravel(), 1)[0] < 1.25
    assert np.corrcoef(answer.measure("cost").ravel(), world.cost.ravel())[0, 1] > 0.95
    assert 0 <= model.card["training"]["share_of_trees"] <= 1


def test_a_new_coupon_is_answered_from_its_attributes():
    """A coupon of 15 costs more than that of 10 and less than that of 20, up to noise."""
    model = train(SmallWorld.draw(4000, 0).log(0), "default", trees=5)
    table = menu().table.iloc[:2]
    table = table.assign(coupon_id=["ten", "new"], face_value=[10.0, 15.0], channel="sms")
    answer = model.predict_response(SmallWorld.draw(200, 1).features, Coupons(table), allow_new=True)
    assert answer.measure("value").shape == (200, 2)
    assert np.isfinite(answer.measure("value")).all()
    assert answer.measure("cost")[:, 1].mean() > answer.measure("cost")[:, 0].mean()
