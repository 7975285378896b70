"""Every model by name keeps the contract."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError, MissingExtraError
from couponry.predictors.model import load_model
from couponry.predictors.registry import MODELS, Entry, model_entry
from couponry.predictors.train import train

# What makes a model small enough to be trained here; a model that is not named is small by default.
_FAMILY = {"members": 2, "width": 8, "head_width": 4, "epochs": 2}
SMALL = {
    "network": {"members": 2, "width": 16, "depth_width": 8, "epochs": 2},
    "tarnet": _FAMILY,
    "dragonnet": _FAMILY,
    "cfr": _FAMILY,
    "monotone": _FAMILY | {"ladder_by": []},  # one ladder of all coupons
    "sequence": _FAMILY | {"channels": 4},
    "two_tower": {"members": 2, "width": 8, "rank": 4, "epochs": 2},
    "efin": _FAMILY | {"width": 4},
}
MEASURES = ("value", "cost", "revenue", "value_se")


@pytest.fixture(scope="module")
def log():
    """Sixteen hundred exposures."""
    return SmallWorld.draw(1600, 0).log(0)


def seen_by(name, features):
    """Add what a model cannot do without: lists of events for one that reads sequences."""
    if name != "sequence":
        return features
    draws = np.random.default_rng(len(features)).integers(0, 3, len(features))
    return features.assign(events=[["view", "cart"][:count] for count in draws])


@pytest.mark.parametrize("name", MODELS)
def test_values_have_errors_by_members_or_by_folds(name):
    """As docs/predictors.md tells: always by default and network, by members in families, else by folds."""
    options = MODELS[name].options
    families = {"tarnet", "dragonnet", "cfr", "efin", "monotone", "two_tower", "sequence", "text"}
    assert ("error_folds" in options) == (name not in {"default", "network", *families})
    assert ("members" in options) == (name in {"network", *families})


@pytest.mark.parametrize("name", MODELS)
def test_a_learner_fitted_to_x_and_y_says_how_it_is_trained(name):
    """As scikit-learn would fit it, in a pipeline or a search."""
    words = r"not fitted to X and y.* \(got 'ndarray'\)\. Train it on a log: couponry\.train\(log, MODEL"
    with pytest.raises(InputError, match=words):
        MODELS[name].load()().fit(np.zeros((9, 2)), np.zeros(9))


@pytest.mark.parametrize("name", ["network", "tarnet", "efin", "two_tower"])
def test_a_number_that_is_absurdly_large_gives_no_gap_in_the_answer(name, log):
    """Neither in a row of training nor in one to answer for: they are cut at five deviations.

    What float32 cannot hold is refused.
    """
    absurd = log.features.copy()
    absurd.loc[[0, 1], "age"] = 1e30, -1e30
    absurd.loc[2, "visits"] = 1e38
    for learnt_from in (log, replace(log, features=absurd)):
        model = train(learnt_from, name, **SMALL[name])
        answer = model.predict_response(absurd)
        assert all(np.isfinite(answer.measure(measure)).all() for measure in MEASURES)
    absurd.loc[2, "visits"] = 1e300
    with pytest.raises(InputError, match="row 2, column 'visits': a number is too large"):
        model.predict_response(absurd)


@pytest.mark.parametrize("name", ["s", "logistic", "network", "tarnet"])
def test_a_learners_parameters_train_the_model_again(name, log):
    """The documented way: a copy, a changed parameter, the same model otherwise."""
    model = train(log, name, seed=2, **SMALL.get(name, {}))
    parameters = clone(model.learner).set_params(seed=3).get_params()
    again = train(log, model.card["model"], **parameters)
    other = train(log, name, seed=3, **SMALL.get(name, {}))
    assert again.learner.get_params() == other.learner.get_params() == parameters
    value = [one.predict_response(log.features).measure("value") for one in (again, other)]
    assert np.array_equal(*value)


# A model of texts needs an encoder's directory, and is tested with one of its own.
@pytest.mark.parametrize("name", [name for name in MODELS if name != "text"])
def test_every_model_is_saved_and_the_same_when_trained_again(name, log, tmp_path):
    """Bit by bit; a model may or may not have standard errors."""
    others = seen_by(name, SmallWorld.draw(500, 1).features)
    log = replace(log, features=seen_by(name, log.features))
    model, again = (train(log, name, seed=2, **SMALL.get(name, {})) for _ in range(2))
    model.save(tmp_path / "model")
    read = load_model(tmp_path / "model")
    given, kept = (json.dumps(m.learner.get_params()) for m in (model, read))  # JSON keeps tuples as lists
    assert kept == given
    answer = model.predict_response(others)
    for other in (again.predict_response(others), read.predict_response(others)):
        assert other.measures.keys() == answer.measures.keys()
        for measure in set(MEASURES) & set(answer.measures):
            assert np.array_equal(other.measure(measure), answer.measure(measure))
    assert read.card == model.card


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_scikit_learns_parameters(name):
    """A seed among them; a clone has the same, and setting them holds."""
    learner = model_entry(name).load()(seed=4, **SMALL.get(name, {}))
    assert learner.get_params()["seed"] == 4
    assert set(learner.get_params()) == set(type(learner).parameter_names())
    assert clone(learner).get_params() == learner.get_params()
    assert learner.set_params(seed=5).get_params()["seed"] == 5


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_words_and_options(name):
    """One line of what it is; names of what can be said of it."""
    entry = model_entry(name)
    assert entry.words
    assert "\n" not in entry.words
    assert "seed" not in entry.options


def test_an_unknown_model_is_refused():
    """With the nearest known one."""
    with pytest.raises(InputError, match=r"no such model \(got 'netwrok'\). Did you mean 'network'"):
        model_entry("netwrok")


def test_what_a_model_needs_is_told():
    """Where a package is missing, the extra that brings it."""
    entry = Entry("new", "meta_learners.s:SLearner", "…", ("no_such_package",), extra="predict")
    with pytest.raises(MissingExtraError, match=r"no_such_package is not installed.*couponry\[predict\]"):
        entry.load()
