"""Campaign measures by hand, and against a known truth."""

import numpy as np
import pytest
from tests.predictors.evaluate.test_policy import four_rows
from tests.predictors.small_world import FACE_VALUES, SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.campaign import campaign_measures
from couponry.predictors.evaluate.followed import FollowUp
from couponry.predictors.evaluate.policies import everyone, random_share, top_share


def values(table):
    """Return value by measure of the first policy."""
    return table[table["policy"] == table["policy"].iloc[0]].set_index("measure")["value"].to_dict()


def test_measures_by_hand():
    """'p to everyone' has the weights 0, 4, 0, 2: means are (4 · row 1 + 2 · row 3) / 6."""
    log = four_rows(revenue=np.array([7.0, 30.0, 40.0, 6.0]))
    after = FollowUp(
        4,
        clicked=np.array([1.0, 1.0, 0.0, 0.0]),
        bought=np.array([1.0, 1.0, 1.0, 1.0]),
        bought_again=np.array([0.0, 0.0, 1.0, 1.0]),
        returned=np.array([0.0, 1.0, 0.0, 1.0]),
    )
    found = values(campaign_measures(log, {"p": everyone(4, 0)}, follow_up=after))
    assert found == {
        "given": pytest.approx(1.0),
        "click_rate": pytest.approx(4 / 6),
        "conversion": pytest.approx(4 / 6),
        "revenue": pytest.approx((4 * 30 + 2 * 6) / 6),
        "cost": pytest.approx(2.0),
        # Over the 7 of nothing, a cost of 2: (22 − 7 − 2) / 2.
        "roi": pytest.approx(6.5),
        "retention": pytest.approx(1.0),
        "repeat_purchase": pytest.approx(2 / 6),
    }


def test_where_nothing_is_given_there_is_no_rate():
    """Clicks a coupon and ROI have nothing to divide by."""
    log = four_rows(revenue=np.ones(4))
    found = values(
        campaign_measures(log, {"none": everyone(4, -1)}, follow_up=FollowUp(4, clicked=np.ones(4)))
    )
    assert found["given"] == 0
    assert np.isnan(found["click_rate"])
    assert np.isnan(found["roi"])
    assert "retention" not in found


def test_a_log_without_revenue_has_no_roi():
    """That nobody wrote down what came in is no loss of all that was spent."""
    assert values(campaign_measures(four_rows(), {"p": everyone(4, 0)})).keys() == {
        "given",
        "conversion",
        "cost",
    }


def test_intervals_cover_the_truth():
    """Over 40 logs ROI and conversions of a policy lie in their 95 % intervals about that often."""
    world = SmallWorld.draw(3000, seed=7)
    policy = top_share(world.value, 0.5)
    bought = world.probability[np.arange(3000), policy + 1]
    cost = (bought * np.append(FACE_VALUES, 0.0)[policy]).mean()
    # Revenue is uniform on [50, 150] where somebody buys.
    truth = {"conversion": bought.mean(), "roi": 100 * (bought - world.probability[:, 0]).mean() / cost - 1}
    inside = dict.fromkeys(truth, 0)
    for seed in range(40):
        table = campaign_measures(world.log(seed), {"top": policy}).set_index("measure")
        for measure, value in truth.items():
            inside[measure] += table.loc[measure, "low"] < value < table.loc[measure, "high"]
    assert min(inside.values()) >= 35


def test_one_row_a_policy_and_measure():
    """Policies stand in their order, and a log without rows of none has no ROI."""
    log = four_rows(arm=np.array([0, 0, 1, 0], dtype=np.int32), revenue=np.ones(4))
    table = campaign_measures(log, {"p": everyone(4, 0), "q": everyone(4, 1)})
    assert table["policy"].tolist() == ["p"] * 4 + ["q"] * 4
    assert table["measure"].tolist()[:4] == ["given", "conversion", "revenue", "cost"]


def test_a_follow_up_of_another_log_is_refused():
    """The message has both lengths."""
    with pytest.raises(InputError, match="the follow-up has 3 rows and the log 4"):
        campaign_measures(four_rows(), {"r": random_share(4, 2, 0.5)}, follow_up=FollowUp(3))
