"""What is said of a log that says little about the model that it judges."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import DataWarning, InputError
from couponry.predictors.evaluate import evaluate_model
from couponry.predictors.evaluate.doubts import doubts_of_judging
from couponry.predictors.model import load_model
from couponry.predictors.train import train


@pytest.fixture(scope="module")
def model():
    """Return a model of a randomised log."""
    return train(SmallWorld.draw(1000, 0).log(0), "s", "sklearn")


def chosen(users=1000, seed=1):
    """Return other users' log, the third coupon given to the older half but for every third of them."""
    log = SmallWorld.draw(users, seed).log(seed)
    older = (log.features["age"] > 0).to_numpy() & (np.arange(users) % 3 > 0)
    arm = np.where(older, 2, np.where(log.arm == 2, 1, log.arm)).astype(np.int32)
    ids = np.array([f"{user} of {seed}" for user in log.user_id], dtype=object)
    return replace(log, arm=arm, cost=np.zeros(users), propensity=None, user_id=ids)


def test_other_users_drawn_by_lot_raise_no_doubt(model):
    """Nothing is said of them, with propensities or without."""
    log = SmallWorld.draw(1000, 1).log(1)
    assert doubts_of_judging(model, log) == []
    assert doubts_of_judging(model, replace(log, propensity=None)) == []


def test_rows_that_the_model_has_learnt_from_are_counted(model, tmp_path):
    """Of a model that was saved too, at their place in the file."""
    log = SmallWorld.draw(1000, 0).log(0).take(np.arange(600))
    fresh = SmallWorld.draw(400, 1).log(1)
    both = replace(
        log, features=log.features.assign(age=np.where(np.arange(600) < 5, 9.0, log.features["age"]))
    )
    model.save(tmp_path / "model")
    for one in (model, load_model(tmp_path / "model")):
        with pytest.warns(DataWarning, match=r"has learnt from 595 of the 600 rows .*the first: row 5\)"):
            evaluate_model(one, both)
        assert doubts_of_judging(one, fresh) == []


def test_a_later_log_of_the_same_users_is_no_more_than_alike():
    """Without times a row may have been another's twin, and that is said; times tell them apart."""
    log = SmallWorld.draw(1000, 0).log(0)
    model = train(log, "s", "sklearn")
    (found,) = doubts_of_judging(model, log)
    assert "or from others that are the same in user, arm, outcome and features, so the figures" in found
    assert found.endswith("a column 'given_at' tells rows of the same users apart")
    first, later = (
        replace(log, given_at=np.full(1000, day, dtype="datetime64[us]")) for day in ("2024-05", "2024-06")
    )
    model = train(first, "s", "sklearn")
    assert doubts_of_judging(model, later) == []
    (found,) = doubts_of_judging(model, first)
    assert "or from others" not in found


def test_a_model_that_does_not_know_its_rows_says_nothing_of_them(model):
    """One may be put together of parts."""
    known, model.rows_seen = model.rows_seen, None
    assert doubts_of_judging(model, SmallWorld.draw(1000, 0).log(0)) == []
    model.rows_seen = known


def test_coupons_not_drawn_by_lot_are_told_and_mended_by_assignment(model):
    """With learnt propensities nothing is said, and policies are judged by them."""
    log = chosen()
    with pytest.warns(DataWarning, match=r"'age' alone .*or judge with assignment='features'"):
        by_lot = evaluate_model(model, log)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learnt = evaluate_model(model, log, assignment="features")
    assert not np.allclose(learnt.policies["snips"], by_lot.policies["snips"])
    assert learnt.coupons.equals(by_lot.coupons)


def test_columns_that_the_model_does_not_know_raise_no_doubt(model):
    """What training left out decided nothing that the model tells."""
    log = replace(SmallWorld.draw(1000, 1).log(1), propensity=None)
    assert doubts_of_judging(model, replace(log, features=log.features.assign(clicks=log.arm + 1))) == []


def test_an_unknown_assignment_is_refused(model):
    """The known ones are named."""
    with pytest.raises(InputError, match=r"'assignment'.*\(got 'rule'\).*Known: lot, features"):
        evaluate_model(model, chosen(), assignment="rule")
