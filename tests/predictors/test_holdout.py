"""Users who are held out, and by which propensities they judge."""

from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.test_overlap import chosen, towards_frequent

from couponry.instances.errors import InputError
from couponry.predictors.evaluate import evaluate_model
from couponry.predictors.holdout import held_out
from couponry.predictors.search import search
from couponry.predictors.search_scores import scorer
from couponry.predictors.search_spaces import Range
from couponry.predictors.train import train


@pytest.fixture(scope="module")
def choice():
    """Return true propensities of the given arms, and a log without them whose arms a rule chose."""
    _, chance, log = chosen(towards_frequent, users=4000)
    return chance[np.arange(4000), log.arm + 1], log


def same_rows(one, other):
    """Tell whether two logs are of the same users and arms in the same order."""
    return one.user_id.tolist() == other.user_id.tolist() and one.arm.tolist() == other.arm.tolist()


def test_drawn_by_lot_both_parts_are_those_of_a_plain_split(choice):
    """Nothing is learnt of who got what."""
    log = choice[1]
    for part, plain in zip(held_out(log, 0.25, seed=3), log.split(0.25, 3), strict=True):
        assert same_rows(part, plain)
        assert part.propensity is None


def test_chosen_by_features_the_held_out_rows_know_how_likely_their_arms_were(choice):
    """Near the truth; training is left to learn its own, of its own rows."""
    true, log = choice
    seen, held = held_out(log, 0.25, assignment="features", seed=3)
    assert seen.propensity is None
    whole = replace(log, propensity=true).split(0.25, 3)[1]
    assert same_rows(held, whole)
    assert np.corrcoef(held.propensity, whole.propensity)[0, 1] > 0.8


def test_propensities_that_a_log_tells_are_kept(choice):
    """Nothing is learnt in their place."""
    true, log = choice
    seen, held = held_out(replace(log, propensity=true), 0.25, assignment="features", seed=3)
    assert sorted([*seen.propensity, *held.propensity]) == sorted(true)


def test_a_column_that_is_left_out_explains_no_arm(choice):
    """Clicks would tell who got a coupon to the last row."""
    log = choice[1]
    clicked = replace(log, features=log.features.assign(clicks=(log.arm >= 0) * 1))
    told = {"assignment": "features", "seed": 3}
    by_all = held_out(clicked, 0.25, **told)[1].propensity
    without = held_out(clicked, 0.25, columns={"clicks": "ignore"}, **told)[1].propensity
    assert without == pytest.approx(held_out(log, 0.25, **told)[1].propensity)
    assert by_all.mean() > without.mean() + 0.05


def test_a_cell_that_cannot_be_read_is_told_before_it_is_held_out(choice):
    """At its row of the whole log."""
    log = choice[1]
    visits = log.features["visits"].astype(object)
    visits.iloc[7] = "many"
    wrong = replace(log, features=log.features.assign(visits=visits))
    with pytest.raises(InputError, match="row 7, column 'visits'"):
        held_out(wrong, 0.25, columns={"visits": "number"})


def test_training_judges_policies_by_learnt_propensities(choice):
    """As evaluate_model does of the same rows; that propensities are learnt stands on the card."""
    log, told = choice[1], {"assignment": "features", "seed": 3}
    model = train(log, "r", "sklearn", holdout=0.25, **told)
    assert model.card["log"]["propensities"] == "learnt"
    evaluation = evaluate_model(model, held_out(log, 0.25, **told)[1])
    assert model.card["metrics"]["policies"] == evaluation.summary()["policies"]


def test_a_search_judges_policies_by_learnt_propensities(choice):
    """A single candidate is worth what its policy is on rows with them."""
    log, told = choice[1], {"assignment": "features", "seed": 3}
    asked = {"space": {"folds": Range(2, 3)}, "trials": 1, "score": "policy_value", "share": 0.3}
    found = search(log, "r", base="sklearn", **asked, **told)
    seen, held = held_out(log, 0.25, **told)
    model = train(seen, "r", "sklearn", **told, **found.options)
    assert found.score == pytest.approx(scorer(held, "policy_value", 0.3)(model))
