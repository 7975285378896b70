"""Search over options: what it tries, what it keeps, when it ends."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.search import METHODS, search
from couponry.predictors.search_spaces import Choice, Range, space_of
from couponry.predictors.train import train

pytest.importorskip("optuna")


@pytest.fixture(scope="module")
def log():
    """Twelve hundred exposures."""
    return SmallWorld.draw(1200, 0).log(0)


@pytest.mark.parametrize("method", METHODS)
def test_a_search_keeps_the_best_candidate_and_begins_with_the_default(log, method):
    """The model is that of the best options on the whole log; the card holds all trials as JSON."""
    space = {"folds": Range(2, 4), "least_propensity": Choice((0.01, 0.2))}
    found = search(log, "dr", space=space, method=method, trials=4, base="sklearn", seed=1)
    assert len(found.trials) == 4
    assert found.trials[0].options == {}
    assert found.score == max(trial.score for trial in found.trials)
    assert all(set(trial.options) == set(space) for trial in found.trials[1:])
    alone = train(log, "dr", "sklearn", seed=1, **found.options)
    wanted, answer = (
        model.predict_response(log.features[:50]).measure("value") for model in (alone, found.model)
    )
    assert np.array_equal(wanted, answer)
    told = json.loads(json.dumps(found.model.card["search"]))
    assert told["method"] == method
    assert len(told["trials"]) == 4


def test_the_same_seed_makes_the_same_trials(log):
    """Another seed makes others."""
    runs = [
        search(log, "dr", space={"folds": Range(2, 5), "least_propensity": Range(0.001, 0.3)}, trials=3,
               base="sklearn", seed=seed).trials
        for seed in (0, 0, 1)
    ]  # fmt: skip
    assert runs[0] == runs[1] != runs[2]


def test_a_network_may_be_searched_by_its_usual_space(log):
    """Every option drawn lies in its range."""
    fixed = {"members": 1, "epochs": 1, "batch": 256}
    found = search(log, "tarnet", trials=2, score="qini", seed=0, **fixed)
    space = space_of("tarnet")
    drawn = found.trials[1].options
    assert set(drawn) == set(space) >= {"learning_rate", "width", "weight_decay"}
    assert all(space[name].low <= value <= space[name].high for name, value in drawn.items())
    assert found.model.card["options"]["members"] == 1


def test_a_search_may_look_for_the_best_policy(log):
    """The card tells by what the trials were judged."""
    space = {"folds": Range(2, 4)}
    found = search(log, "dr", space=space, trials=2, base="sklearn", score="policy_value", budget=0.5)
    told = found.model.card["search"]
    assert (told["score"], told["share"], told["budget"]) == ("policy_value", None, 0.5)
    assert found.score == max(trial.score for trial in found.trials)


def test_no_candidate_is_begun_after_the_time_limit(log):
    """The default is always tried."""
    found = search(log, "s", space={"base": Choice(("sklearn",))}, trials=50, time_limit=0.0)
    assert len(found.trials) == 1


def test_a_candidate_that_cannot_be_trained_is_passed_over(log):
    """Its words are kept; where all fail, they are the error."""
    space = {"watch": Choice(("nothing",))}
    fixed = {"members": 1, "epochs": 1, "batch": 512, "width": 4}
    found = search(log, "tarnet", space=space, trials=2, **fixed)
    assert "this must be a known word" in found.trials[1].failure
    assert np.isnan(found.trials[1].score)
    with pytest.raises(InputError, match=r"every candidate failed, the first with: .*at least 1 \(got 0\)"):
        search(log, "tarnet", space=space, trials=2, **(fixed | {"epochs": 0}))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"method": "greed"}, r"parameter 'method': unknown \(got 'greed'\). Did you mean 'grid'"),
        ({"score": "auc"}, "parameter 'score': unknown"),
        ({"trials": 0}, "trials.: this must be a whole number"),
        ({"space": {"depht": Range(1, 2)}}, "this model has no such parameter. Did you mean 'depth'"),
    ],
)
def test_what_cannot_be_searched(log, wrong, words):
    """Is refused before anything is trained."""
    with pytest.raises(InputError, match=words):
        search(log, "tarnet", **wrong)


def test_ranges_are_spanned_by_their_grid():
    """From end to end; whole numbers once each."""
    assert Range(1.0, 100.0, log=True).grid() == [1.0, pytest.approx(10.0), 100.0]
    assert Range(2, 3).grid() == [2, 3]
    assert Range(4, 16, log=True).grid() == [4, 8, 16]
    with pytest.raises(InputError, match=r"low < high, and low > 0 on a logarithmic scale \(got \(0, 1\)\)"):
        Range(0, 1, log=True)


def test_cells_that_cannot_be_used_are_told_before_any_candidate(log):
    """With their row, not as the failure of each candidate."""
    ages = log.features["age"].to_numpy().copy()
    ages[7] = np.inf
    with pytest.raises(InputError, match="row 7, column 'age': a feature is infinite"):
        search(replace(log, features=log.features.assign(age=ages)), "dr", trials=1, base="sklearn")
