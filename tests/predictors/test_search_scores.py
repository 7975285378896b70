"""What a search judges candidates by."""

from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.baselines import uplift_of
from couponry.predictors.evaluate.policies import everyone, top_share
from couponry.predictors.evaluate.policy import policy_value
from couponry.predictors.model import Model
from couponry.predictors.search_scores import check_score, scorer
from couponry.predictors.train import train


@pytest.fixture(scope="module")
def held():
    """Rows of other users than those that the model learns from."""
    return SmallWorld.draw(1500, 1).log(1)


@pytest.fixture(scope="module")
def model():
    """A linear model of a thousand rows."""
    return train(SmallWorld.draw(1000, 0).log(0), "t", "sklearn")


def changed(model: Model, **factors: float) -> Model:
    """Return the model with every answer of some measure multiplied."""

    class Changed(Model):
        def predict_outcomes(self, *given, **options):
            found = super().predict_outcomes(*given, **options)
            return replace(found, **{name: factor * getattr(found, name) for name, factor in factors.items()})

    return Changed(model.features, model.menu, model.learner, model.card, model.calibration)


def test_a_share_is_worth_what_its_policy_is(model, held):
    """The users of the largest predicted uplift get their best coupon, judged doubly robust; 0.3 is usual."""
    uplift = uplift_of(model.predict_outcomes(held.features))
    for share, told in ((0.3, None), (0.1, 0.1)):
        worth = policy_value(held, top_share(uplift, share), method="dr").value
        assert scorer(held, "policy_value", told)(model) == pytest.approx(worth)


def test_a_model_does_not_win_by_believing_coupons_to_be_cheap(model, held):
    """A budget counts what was spent on the held-out rows, so halved costs buy nothing."""
    scored = scorer(held, "policy_value", budget=0.5)
    assert scored(changed(model, cost=0.5)) == pytest.approx(scored(model))


def test_more_money_wins_more_until_everybody_has_the_best_coupon(model, held):
    """From nothing at no money; from some amount on it is what all the coupons bring."""
    scores = [scorer(held, "policy_value", budget=money)(model) for money in (1e-6, 0.5, 1e6, 2e6)]
    assert scores[0] == pytest.approx(0, abs=1e-3)
    assert scores[1] > scores[0]
    assert scores[2] == scores[3]
    best = top_share(uplift_of(model.predict_outcomes(held.features)), 1.0)
    won = policy_value(held, best, method="dr").value
    nothing = policy_value(held, everyone(held.n, -1), method="dr").value
    assert scores[2] == pytest.approx(won - nothing)


def test_the_model_that_ranks_the_other_way_round_scores_less(model, held):
    """By share and by Qini; by log loss too, its probabilities being wrong."""
    for score in ("policy_value", "qini", "log_loss"):
        scored = scorer(held, score)
        assert np.isfinite(scored(model))
    scored = scorer(held, "policy_value", 0.2)
    assert scored(changed(model, conversion=-1.0)) < scored(model)


def test_a_coupon_that_the_held_out_rows_lack_is_given_to_nobody(model, held):
    """They could not judge it."""
    fewer = held.take(held.arm != 2)
    for told in ({"share": 0.5}, {"budget": 0.5}):
        assert np.isfinite(scorer(fewer, "policy_value", **told)(model))


@pytest.mark.parametrize(
    ("score", "share", "budget", "words"),
    [
        ("auc", None, None, r"parameter 'score': unknown \(got 'auc'\)"),
        ("policy", None, None, r"Did you mean 'policy_value'\?"),
        ("qini", 0.3, None, r"parameter 'share': this is of the value of a policy .*score='policy_value'"),
        ("log_loss", None, 5.0, "parameter 'budget': this is of the value of a policy"),
        ("policy_value", 0.3, 5.0, "a policy has a share or a budget, not both"),
        ("policy_value", 0.0, None, r"parameter 'share': this must lie in \(0, 1\] \(got 0.0\)"),
        ("policy_value", None, float("nan"), r"budget must be an amount above 0 \(got nan\)"),
    ],
)
def test_scores_that_cannot_be_are_refused(score, share, budget, words):
    """With the argument, its value and the mend."""
    with pytest.raises(InputError, match=words):
        check_score(score, share, budget)
