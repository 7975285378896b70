"""Many policies judged by one log: what they share is worked out once."""

from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.evaluate.test_policy import four_rows
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.off_policy import OffPolicyEvaluation
from couponry.predictors.evaluate.policies import everyone, top_share
from couponry.predictors.evaluate.policy import policy_value


@pytest.mark.parametrize("method", ["ips", "snips", "dr", "switch-dr"])
def test_policies_judged_together_are_worth_what_each_is_alone(method):
    """By every estimator, with the outcome model that was fitted for the first one."""
    world = SmallWorld.draw(600, seed=4)
    log = world.log(5)
    judged = OffPolicyEvaluation(log, "cost", seed=3)
    for policy in (everyone(600, 2), top_share(world.probability[:, 1:], 0.3)):
        alone = policy_value(log, policy, outcome="cost", method=method, seed=3)
        together = judged.value(policy, method)
        assert (together.value, together.standard_error) == (alone.value, alone.standard_error)


def test_a_log_without_features_is_judged_by_the_means_of_its_arms():
    """Doubly robust is then nearly self-normalised."""
    log = SmallWorld.draw(3000, seed=4).log(5)
    bare = OffPolicyEvaluation(replace(log, features=log.features[[]], segments=()))
    robust, plain = (bare.value(everyone(3000, 2), method) for method in ("dr", "snips"))
    assert robust.value == pytest.approx(plain.value, abs=0.1 * plain.standard_error)
    assert robust.standard_error == pytest.approx(plain.standard_error, rel=0.05)


def test_profit_is_revenue_less_cost():
    """Revenues 0, 9, 9, 0 less costs 0, 3, 5, 0 under weights 0, 4, 0, 2: 4·6 / 6."""
    log = four_rows(revenue=np.array([0.0, 9.0, 9.0, 0.0]))
    assert OffPolicyEvaluation(log, "profit").value(everyone(4, 0)).value == pytest.approx(4.0)


def test_the_policy_that_wrote_the_log_is_worth_what_was_observed():
    """Two of four bought: 1/2 with the error of a plain mean, resting on all rows."""
    found = OffPolicyEvaluation(four_rows()).as_logged()
    assert found.value == 0.5
    assert found.standard_error == pytest.approx(0.5 / 2)
    assert (found.effective_sample_size, found.matched) == (4, 4)


def test_an_outcome_model_without_a_word_on_some_arm_is_refused():
    """Its value would be none, though the policy never gives that arm."""
    model = np.array([[0.1, 0.5, 0.2]] * 3 + [[0.1, 0.5, np.nan]])
    with pytest.raises(InputError, match="row 3: outcome_model must be finite"):
        OffPolicyEvaluation(four_rows(), outcome_model=model)


@pytest.mark.parametrize("method", ["dr", "switch-dr"])
def test_one_user_is_judged_by_the_mean_of_all_rows(method):
    """There is no other fold to learn from: 1/2, corrected by weights 4 and 2 on errors 1/2 and −1/2.

    How sure that is nobody knows, of a single observation.
    """
    log = four_rows(user_id=np.full(4, "a", dtype=object))
    found = OffPolicyEvaluation(log).value(everyone(4, 0), method, np.inf if method == "switch-dr" else None)
    assert found.value == pytest.approx(0.5 + (4 * 0.5 - 2 * 0.5) / 4)
    assert np.isnan(found.standard_error)
