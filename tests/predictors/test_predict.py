"""From a model and users to an instance."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.predictors.small_world import SmallWorld, menu

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.rules import Budget, Campaign, Coverage
from couponry.predictors.predict import predict
from couponry.predictors.train import train

WORLD = SmallWorld.draw(1500, 0)
USERS = WORLD.features.assign(user_id=[f"u{i}" for i in range(1500)], tier=1)


@pytest.fixture(scope="module")
def model():
    """A T-learner over linear models."""
    return train(WORLD.log(0), "t", "sklearn")


def test_an_instance_ready_to_solve(model):
    """Users with the log's segments, the model's menu and response, rules and campaign as given."""
    rules = [Budget(amount=100.0), Coverage(segment="region", at_least=0.1)]
    instance = predict(model, USERS, rules=rules, campaign=Campaign(name="may", currency="CNY"))
    assert instance.users.segment_names == ("region",)
    assert instance.users.ids[3].as_py() == "u3"
    assert instance.coupons.ids == ["five", "ten", "twenty"]
    assert (instance.response.measure("value") == model.predict_response(USERS).measure("value")).all()
    assert instance.rules == tuple(rules)
    assert instance.campaign.name == "may"
    assert len(instance.program.rows) > 0


def test_a_menu_with_this_campaigns_stock_and_segments_of_ones_own(model):
    """Stock is the campaign's, not the log's; any column can be a segment; max_coupons comes along."""
    stocked = Coupons(menu().table.assign(stock=[10, 20, 30]))
    instance = predict(model, USERS.assign(max_coupons=2), stocked, segments=("tier", "region"))
    assert instance.coupons.stock.tolist() == [10, 20, 30]
    assert set(instance.users.segment_names) == {"tier", "region"}
    assert (instance.users.max_coupons == 2).all()


def test_missing_ids_and_segments_are_named(model):
    """With the nearest column found."""
    with pytest.raises(InputError, match="column 'user_id': the users lack a column"):
        predict(model, WORLD.features)
    with pytest.raises(InputError, match=r"column 'tire': the users lack a segment. Did you mean 'tier'"):
        predict(model, USERS, segments=("tire",))


def test_users_twice_and_columns_that_differ_are_refused(model):
    """What users and features refuse is refused here, too."""
    twice = USERS.assign(user_id=np.repeat("u", 1500))
    with pytest.raises(
        InputError, match=r"row 1, column 'user_id': this user stands there twice.* \(got 'u'\)"
    ):
        predict(model, twice)
    with pytest.raises(InputError, match=r"age \(number in training, string here\)"):
        predict(model, USERS.assign(age="old"))


def test_columns_named_by_numbers_are_found_again():
    """A model that learnt of a data frame's column 5 predicts for users who have it."""
    log = WORLD.log(0)
    named = replace(log, features=log.features.rename(columns={"age": 5}))
    instance = predict(train(named, "t", "sklearn"), USERS.rename(columns={"age": 5}))
    assert len(instance.users) == 1500


def test_segments_of_several_types_are_refused(model):
    """Arrow cannot hold them in one column; the row and the value are named."""
    tier = pd.Series([1] * 1499 + ["gold"], dtype=object)
    with pytest.raises(InputError, match=r"row 1499, column 'tier': .* \(got 'gold'\). Give all cells"):
        predict(model, USERS.assign(tier=tier), segments=("tier",))
