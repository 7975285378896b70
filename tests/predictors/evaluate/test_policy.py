"""The value of policies, by hand and against a known truth."""

import numpy as np
import pandas as pd
import pytest
from tests.instances.loaders.data import public
from tests.predictors.small_world import SmallWorld

from couponry.instances.coupons import Coupons
from couponry.instances.errors import DataWarning, InputError
from couponry.instances.loaders.in_vehicle import read_in_vehicle
from couponry.instances.log import Log
from couponry.predictors.evaluate.estimators import value_difference
from couponry.predictors.evaluate.policies import everyone, random_share, top_share
from couponry.predictors.evaluate.policy import policy_value
from couponry.predictors.evaluate.probabilities import policy_probabilities


def four_rows(**changes):
    """Two coupons; arms none, 0, 1, 0; bought 0, 1, 1, 0; propensities 1/2, 1/4, 1/4, 1/2."""
    given = {
        "features": pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]}),
        "user_id": np.array(["a", "b", "c", "d"], dtype=object),
        "coupons": Coupons(pd.DataFrame({"coupon_id": ["p", "q"]})),
        "arm": np.array([-1, 0, 1, 0], dtype=np.int32),
        "conversion": np.array([0.0, 1.0, 1.0, 0.0]),
        "cost": np.array([0.0, 3.0, 5.0, 0.0]),
        "revenue": np.zeros(4),
        "propensity": np.array([0.5, 0.25, 0.25, 0.5]),
    }
    return Log(**(given | changes))


def test_snips_by_hand():
    """Weights of 'p to everyone' are 0, 4, 0, 2: value 4/6, and 6² / 20 rows carry it."""
    found = policy_value(four_rows(), everyone(4, 0))
    assert found.value == pytest.approx(4 / 6)
    assert found.effective_sample_size == pytest.approx(36 / 20)
    assert found.matched == 2
    # Σ w²(y − V)² = 16·(1/3)² + 4·(2/3)² = 32/9; its root over Σ w.
    assert found.standard_error == pytest.approx(np.sqrt(32 / 9) / 6)


def test_snips_of_cost():
    """The same weights on another outcome: (4·3 + 2·0) / 6."""
    assert policy_value(four_rows(), everyone(4, 0), outcome="cost").value == pytest.approx(2.0)


def test_doubly_robust_by_hand():
    """Model's outcome under the policy, plus weight × error on rows that were given it."""
    model = np.array([[0.1, 0.5, 0.2]] * 4)
    found = policy_value(four_rows(), everyone(4, 0), method="dr", outcome_model=model)
    # Scores 0.5, 0.5 + 4·(1 − 0.5), 0.5, 0.5 + 2·(0 − 0.5).
    assert found.value == pytest.approx((0.5 + 2.5 + 0.5 - 0.5) / 4)
    assert found.standard_error == pytest.approx(np.std([0.5, 2.5, 0.5, -0.5]) / np.sqrt(4))


def test_inverse_propensity_by_hand():
    """Weights of 'p to everyone' are 0, 4, 0, 2: (4·1 + 2·0) / 4; the error is the spread of 0, 4, 0, 0."""
    found = policy_value(four_rows(), everyone(4, 0), method="ips")
    assert found.value == pytest.approx(1.0)
    assert found.standard_error == pytest.approx(np.std([0, 4, 0, 0]) / np.sqrt(4))
    assert found.effective_sample_size == pytest.approx(36 / 20)


def test_an_interval_is_as_wide_as_its_level_asks():
    """95 % are 1.96 standard errors to either side; more asks for more."""
    found = policy_value(four_rows(), everyone(4, 0))
    low, high = found.interval()
    assert (high + low) / 2 == pytest.approx(found.value)
    assert (high - low) / 2 == pytest.approx(1.959964 * found.standard_error, rel=1e-6)
    assert found.interval(0.99)[1] > high
    with pytest.raises(InputError, match=r"level must lie strictly between 0 and 1 \(got 95\)"):
        found.interval(95)


def test_an_outcome_of_ones_own():
    """An array of what followed, such as whether the user came back, is judged like the log's outcomes."""
    log = four_rows()
    given = policy_value(log, everyone(4, 0), outcome=log.cost)
    assert given.value == policy_value(log, everyone(4, 0), outcome="cost").value
    with pytest.raises(InputError, match=r"outcome has shape \(3,\), not \(4,\)"):
        policy_value(log, everyone(4, 0), outcome=[0, 1, 0])
    with pytest.raises(InputError, match=r"row 1: outcome must be finite \(got nan\)"):
        policy_value(log, everyone(4, 0), outcome=[0, np.nan, 0, 0])
    with pytest.raises(InputError, match=r"'outcome': unknown outcome \(got 'visits'\)\. Known: conv"):
        policy_value(log, everyone(4, 0), outcome="visits")


def test_shares_stand_in_for_missing_propensities():
    """Without propensities p was drawn with probability 2/4, so both its rows weigh alike."""
    found = policy_value(four_rows(propensity=None), everyone(4, 0))
    assert found.value == pytest.approx(0.5)
    assert found.effective_sample_size == pytest.approx(2)


def test_exposures_of_one_user_are_one_observation():
    """A log written twice over with the same users has the standard error of the log itself."""
    once = four_rows()
    twice = once.take(np.array([0, 1, 2, 3, 0, 1, 2, 3]))
    single, double = policy_value(once, everyone(4, 0)), policy_value(twice, everyone(8, 0))
    assert double.value == pytest.approx(single.value)
    assert double.standard_error == pytest.approx(single.standard_error)


def test_paired_difference_of_a_policy_with_itself_is_zero():
    """What moves both estimates together cancels."""
    value = policy_value(four_rows(), everyone(4, 0))
    assert value_difference(value, value) == (0.0, 0.0)


@pytest.mark.parametrize("method", ["ips", "snips", "dr", "switch-dr"])
def test_estimates_cover_the_truth(method):
    """Over 40 logs, the true value lies within the 95 % interval about that often."""
    world = SmallWorld.draw(2000, seed=1)
    policy = top_share(world.value, 0.4)
    truth = world.probability[np.arange(2000), policy + 1].mean()
    inside = 0
    for seed in range(40):
        found = policy_value(
            world.log(seed, (0.4, 0.3, 0.2, 0.1)), policy, method=method, outcome_model=world.probability
        )
        # The users are given: only the model's own part of the error does not come from the draw.
        low, high = found.interval()
        inside += low < truth < high
    assert inside >= 35


def test_doubly_robust_is_tighter_with_a_good_model():
    """A model that explains outcomes takes variance away."""
    world = SmallWorld.draw(4000, seed=2)
    log, policy = world.log(3), random_share(4000, 3, 0.5)
    snips = policy_value(log, policy)
    robust = policy_value(log, policy, method="dr", outcome_model=world.probability)
    assert robust.standard_error < snips.standard_error
    assert robust.value == pytest.approx(snips.value, abs=4 * snips.standard_error)


def test_cross_fitted_model_when_none_is_given():
    """Without a given model one is fitted on other folds, and the estimate stays near the truth."""
    world = SmallWorld.draw(4000, seed=4)
    found = policy_value(world.log(5), everyone(4000, 2), method="dr")
    assert found.value == pytest.approx(world.probability[:, 3].mean(), abs=3 * found.standard_error)


def test_probabilities_of_a_mixed_policy():
    """A matrix is taken as it is; an array of arms becomes zeros and ones, none first."""
    assert policy_probabilities([-1, 1], 2, 2).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert policy_probabilities([[0.5, 0.5, 0]], 1, 2).tolist() == [[0.5, 0.5, 0]]


def test_probabilities_may_be_of_float32():
    """What a network's last layer gives sums to one but for its seven digits."""
    drawn = np.random.default_rng(0).dirichlet(np.ones(8), 1000).astype(np.float32)
    assert policy_probabilities(drawn, 1000, 7).tolist() == drawn.tolist()


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ([0, 1, 2, 0], r"row 2: the policy gives an arm outside the menu of 2 coupons \(got 2\)"),
        ([0, 1], r"Give one arm a row, \(4,\), or one probability an arm, \(4, 3\)"),
        ([0, 1, 0.5, 0], r"row 2: the policy gives an arm outside the menu of 2 coupons \(got 0.5\)"),
        ([[0.5, 0.1, 0.1]] * 4, r"row 0: a row's probabilities must sum to 1"),
        ([[0.5, 0.5, np.nan]] * 4, r"row 0: a row's probabilities must sum to 1 \(got nan\)"),
        ([[0.7, 0.5, -0.2]] * 4, r"row 0: a probability must be at least 0 \(got -0.2\)"),
    ],
)
def test_policies_that_do_not_fit_are_refused(policy, words):
    """An arm outside the menu, a wrong shape, probabilities that do not sum to one."""
    with pytest.raises(InputError, match=words):
        policy_value(four_rows(), policy)


def test_an_arm_that_the_log_never_gave_cannot_be_judged():
    """The message names the coupon and how many rows get it."""
    log = four_rows(arm=np.array([-1, 0, 0, 0], dtype=np.int32))
    with pytest.raises(InputError, match=r"never gave.* 4 of 4 rows get it \(got 'q'\)"):
        policy_value(log, everyone(4, 1))


def test_a_policy_that_meets_no_row_cannot_be_judged():
    """Both arms are in the log, but never where the policy gives them."""
    with pytest.raises(InputError, match="no row of the log was given what the policy gives"):
        policy_value(four_rows(), [1, 1, 0, 1])


def test_unknown_method_and_model_of_another_shape_are_refused():
    """Both messages say what to give."""
    with pytest.raises(InputError, match=r"'method': unknown method .*Known: ips, snips, dr, switch-dr"):
        policy_value(four_rows(), everyone(4, 0), method="direct")
    with pytest.raises(InputError, match=r"outcome_model has shape \(4, 2\), not \(4, 3\)"):
        policy_value(four_rows(), everyone(4, 0), method="dr", outcome_model=np.zeros((4, 2)))


@pytest.mark.data
def test_a_survey_whose_scenes_tell_the_coupon_is_warned_of():
    """The in-vehicle survey was not drawn by lot, and says no propensity."""
    survey = read_in_vehicle(public("in_vehicle_coupon.csv.gz"))
    with pytest.warns(DataWarning, match=r"features explain .* of who got which coupon"):
        policy_value(survey, everyone(survey.n, 0))


def test_estimates_on_different_logs_are_not_compared():
    """A difference needs the same rows."""
    one = policy_value(four_rows(), everyone(4, 0))
    other = policy_value(four_rows().take(np.array([0, 1, 2])), everyone(3, 0))
    with pytest.raises(InputError, match="judged on 4 and 3 rows"):
        value_difference(one, other)
