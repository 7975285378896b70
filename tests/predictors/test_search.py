"""Search over options: what it tries, what it keeps, when it ends."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.registry import MODELS
from couponry.predictors.search import METHODS, search
from couponry.predictors.search_spaces import Choice, Range, space_of
from couponry.predictors.train import train

pytest.importorskip("optuna")

BASE = Choice(("lightgbm", "sklearn"))


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
        ({"trials": 2, "space": {}}, r"nothing to search.*Leave some of these to the search: learning_rate"),
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


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_at_least_two_parameters_to_search(model):
    """Of a meta-learner, those of what it is built of."""
    assert len(space_of(model)) >= 2


@pytest.mark.parametrize(
    ("base", "names"),
    [
        ("lightgbm", {"trees", "leaves", "leaf_rows", "learning_rate"}),
        ("forest", {"trees", "leaf_rows", "columns"}),
        ("sklearn", {"penalty"}),
    ],
)
def test_a_meta_learner_is_searched_by_the_options_of_its_base(log, base, names):
    """They reach the regressions, and have dotted names among the trials."""
    found = search(log, "s", base=base, trials=2, seed=2)
    drawn = found.trials[1].options
    assert set(drawn) == {f"base_options.{name}" for name in names}
    assert found.options == (
        {"base_options": _undotted(drawn)} if found.score != found.trials[0].score else {}
    )
    assert found.model.card["search"]["trials"][1]["options"] == drawn
    alone = train(log, "s", base, seed=2, base_options=_undotted(drawn))
    assert alone.card["training"]["base_options"] == _undotted(drawn)


def _undotted(options):
    return {name.removeprefix("base_options."): value for name, value in options.items()}


def test_only_options_of_the_base_that_was_drawn_are_drawn(log):
    """Linear models have no leaves."""
    space = {"base_options.leaves": Range(2, 9), "base_options.penalty": Range(1.0, 9.0), "base": BASE}
    trials = search(log, "s", space=space, trials=8, method="random").trials[1:]
    of = {"lightgbm": {"base", "base_options.leaves"}, "sklearn": {"base", "base_options.penalty"}}
    assert {trial.options["base"] for trial in trials} == set(of)
    assert all(set(trial.options) == of[trial.options["base"]] for trial in trials)


def test_options_of_a_base_that_are_said_are_kept_beside_those_that_are_drawn(log):
    """And are drawn no more."""
    fixed = {"base": "lightgbm", "base_options": {"trees": 5}}
    found = search(log, "s", trials=3, seed=1, **fixed)
    assert all("base_options.trees" not in trial.options for trial in found.trials)
    assert found.model.card["training"]["base_options"]["trees"] == 5


@pytest.mark.parametrize("method", METHODS)
def test_no_setting_is_trained_twice_and_a_search_ends_where_all_were_tried(log, method):
    """Folds of 2, 3 (the default) and 4 are three settings; two that differ in a part not drawn are one."""
    told = []
    found = search(
        log,
        "dr",
        space={"folds": Range(2, 4)},
        method=method,
        trials=25,
        base="sklearn",
        progress=told.append,
    )
    assert found.trials[0].options == {}
    assert sorted(trial.options.get("folds", 3) for trial in found.trials) == [2, 3, 4]
    assert [(step.done, step.total) for step in told] == [(1, 3), (2, 3), (3, 3)]


def test_what_is_the_default_by_another_name_is_not_trained_again(log):
    """A base of LightGBM, a hundred trees."""
    space = {"base": Choice(("lightgbm",)), "base_options.trees": Choice((100, 5))}
    found = search(log, "s", space=space, trials=9)
    assert [trial.options for trial in found.trials] == [
        {},
        {"base": "lightgbm", "base_options.trees": 5},
    ]


def test_options_of_a_base_that_are_no_mapping_are_refused_in_words(log):
    """Drawn, they are a candidate that failed; said for all, nothing is trained."""
    words = r"'base_options': this must be options by name \(got 20\)\. Such as base_options={'trees': 200}"
    with pytest.raises(InputError, match=words):
        search(log, "s", base_options=20, trials=3)
    found = search(log, "s", space={"base_options": Choice((20,))}, trials=3)
    assert "this must be options by name (got 20)" in found.trials[1].failure
    assert found.options == {}


def test_a_search_with_every_parameter_said_has_nothing_to_draw(log):
    """One trial is what it takes to judge the defaults; more are refused."""
    with pytest.raises(InputError, match=r"'model': there is nothing to search.* \(got 'neighbours'\)"):
        search(log, "neighbours", neighbours=50, shrink=1.0, trials=2)
    assert len(search(log, "neighbours", neighbours=50, shrink=1.0, trials=1).trials) == 1


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"base_options.tres": Range(5, 9)}, "'base_options.tres': .* Did you mean 'base_options.trees'"),
        (
            {"base_options.trees": Range(5, 9), "base_options": Choice(({},))},
            "one of the options that are drawn as a whole. Leave it or base_options out",
        ),
    ],
)
def test_dotted_names_that_reach_nothing_are_refused(log, space, words):
    """Before anything is trained."""
    with pytest.raises(InputError, match=words):
        search(log, "s", space=space)
