"""Policies beside baselines, judged by a log alone."""

from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.evaluate.test_policy import four_rows
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import DataWarning, InputError
from couponry.predictors.evaluate.off_policy import METHODS, OffPolicyEvaluation
from couponry.predictors.evaluate.off_policy_table import AS_LOGGED, value_table
from couponry.predictors.evaluate.policies import everyone, top_share

ROWS = 900


@pytest.fixture(scope="module")
def world():
    """Return a shop of three coupons whose truth is known."""
    return SmallWorld.draw(ROWS, seed=4)


def test_every_policy_has_a_row_a_method(world):
    """With the value, error and interval that it has alone."""
    log, policy = world.log(5), top_share(world.probability[:, 1:], 0.3)
    table = value_table(log, {"mine": policy}, outcome="cost")
    assert (
        table.groupby("policy")["method"].apply(list).tolist() == [list(METHODS)] * table["policy"].nunique()
    )
    mine = table[table["policy"] == "mine"].set_index("method")
    assert mine["share"].tolist() == [0.3] * 4
    for method in METHODS:
        alone = OffPolicyEvaluation(log, "cost").value(policy, method)
        row = mine.loc[method]
        assert (row["value"], row["standard_error"]) == (alone.value, alone.standard_error)
        assert (row["low"], row["high"]) == alone.interval()


def test_baselines_give_to_as_many_as_the_policy(world):
    """The log's own policy, rank by response, random, best single coupon, nothing."""
    log = world.log(5)
    table = value_table(log, {"mine": top_share(world.probability[:, 1:], 0.3)}, methods=["dr"])
    best = next(name for name in table["policy"] if name.endswith("to everyone")).removesuffix(" to everyone")
    assert table.set_index("policy")["share"].to_dict() == {
        "mine": pytest.approx(0.3),
        AS_LOGGED: (log.arm >= 0).mean(),
        "top 30% by predicted conversion": pytest.approx(0.3),
        "random 30%, random coupon": pytest.approx(0.3),
        f"{best} to the first 30%": pytest.approx(0.3),
        f"{best} to everyone": 1.0,
        "nothing": 0.0,
    }


def test_differences_are_to_what_was_done_and_to_nothing(world):
    """They are those of the values, and of a policy to itself they are none."""
    table = value_table(world.log(5), {"mine": everyone(ROWS, 1)}, methods=["dr"]).set_index("policy")
    assert table["over_logged"].to_numpy() == pytest.approx(table["value"] - table["value"][AS_LOGGED])
    assert table["over_nothing"].to_numpy() == pytest.approx(table["value"] - table["value"]["nothing"])
    assert table["over_logged_se"][AS_LOGGED] == table["over_nothing_se"]["nothing"] == 0
    assert table["over_nothing_se"]["mine"] > 0


def test_a_log_without_a_control_group_compares_policies_that_always_give(world):
    """Nothing is said of what giving adds, and no baseline leaves anybody out."""
    log = world.log(5)
    always = log.take(log.arm >= 0)
    always = replace(always, propensity=always.propensity * 4 / 3)  # of three arms, not four
    table = value_table(always, {"mine": everyone(always.n, 1)})
    assert table["over_nothing"].isna().all()
    assert (table["share"] == 1).all()
    assert set(table["policy"]) >= {"mine", AS_LOGGED, "random 100%, random coupon"}


@pytest.mark.filterwarnings("ignore:.*effective rows")
def test_coupons_that_the_log_never_gave_are_left_to_no_baseline():
    """Coupon q was never given, so random coupons are p."""
    log = four_rows(arm=np.array([-1, 0, 0, 0], dtype=np.int32))
    names = value_table(log, {"mine": everyone(4, 0)}, methods=["snips"])["policy"].tolist()
    assert names == [
        "mine",
        AS_LOGGED,
        "top 100% by predicted conversion",
        "random 100%, random coupon",
        "'p' to everyone",
        "nothing",
    ]


def test_a_policy_that_rests_on_few_rows_is_warned_of():
    """By its name and the number of effective rows, 36 / 20; of baselines nothing is said."""
    with pytest.warns(DataWarning, match="'mine' rests on 2 effective rows") as told:
        value_table(four_rows(), {"mine": everyone(4, 0)})
    assert len(told) == 1


def test_effective_rows_that_are_warned_of_count_the_largest_weights():
    """Switch-DR leaves out the row of weight 500, and rests on the 200 others; no other estimator does."""
    log = SmallWorld.draw(201, seed=0).log(0)
    propensity = np.where(np.arange(201) == 0, 0.002, 0.4)
    log = replace(log, arm=np.zeros(201, dtype=np.int32), propensity=propensity)
    with pytest.warns(DataWarning, match="'mine' rests on 4 effective rows"):
        table = value_table(log, {"mine": everyone(201, 0)})
    effective = table[table["policy"] == "mine"].set_index("method")["effective_sample_size"]
    assert effective["switch-dr"] == pytest.approx(200)


def test_a_policy_is_not_called_as_a_baseline_is():
    """One of the two would be lost."""
    with pytest.raises(InputError, match=r"a baseline has this name \(got 'nothing'\)"):
        value_table(four_rows(), {"nothing": everyone(4, 0)})


def test_which_policy_cannot_be_judged_is_told():
    """The second gives coupon q, which the log never gave."""
    log = four_rows(arm=np.array([-1, 0, 0, 0], dtype=np.int32))
    with pytest.raises(InputError, match=r"^mine, column 'arm': the policy gives an arm that the log never"):
        value_table(log, {"yours": everyone(4, 0), "mine": everyone(4, 1)})


def test_without_a_policy_baselines_give_to_as_many_as_the_log():
    """Three of four rows got a coupon."""
    assert "random 75%, random coupon" in set(value_table(four_rows(), {})["policy"])


@pytest.mark.filterwarnings("ignore:.*effective rows")
def test_a_policy_that_gives_nobody_anything_has_no_baselines_of_its_share():
    """What gives to no one is nothing."""
    names = set(value_table(four_rows(), {"mine": everyone(4, -1)})["policy"])
    assert not {name for name in names if "0% " in name}
