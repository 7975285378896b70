"""Values of parameters: each model refuses, before anything is learnt, what a parameter cannot be."""

import numpy as np
import pytest
import torch
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.parameter_kinds import _KINDS, Number, Whole
from couponry.predictors.registry import MODELS, model_entry
from couponry.predictors.search import search
from couponry.predictors.train import train

ELSEWHERE = {"base", "device", "reader", "tuning", "balance", "watch", "decision_estimator"}


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_of_every_model_has_a_kind_that_takes_its_default(name):
    """So that none is forgotten; those in ``ELSEWHERE`` are told by the learner, or by what they name."""
    learner = model_entry(name).load()
    assert set(learner.parameter_names()) - ELSEWHERE <= set(_KINDS)
    learner.check_parameters(learner.parameter_defaults())


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("tarnet", {"epochs": "3"}, r"'epochs': this must be a whole number of at least 1 \(got '3'\)"),
        ("tarnet", {"epochs": 1.5}, r"'epochs': this must be a whole number of at least 1 \(got 1.5\)"),
        ("network", {"epochs": "abc"}, r"'epochs': this must be a whole number .* \(got 'abc'\)"),
        ("tarnet", {"width": -1}, r"'width': this must be a whole number of at least 1 \(got -1\)"),
        ("network", {"width": 0}, r"'width': this must be a whole number of at least 1 \(got 0\)"),
        ("network", {"members": 3}, r"'members': this must be an even number of at least 2 \(got 3\)"),
        ("tarnet", {"members": 0}, r"'members': this must be a whole number of at least 1 \(got 0\)"),
        (
            "tarnet",
            {"learning_rate": float("nan")},
            r"'learning_rate': .* a number above 0 \(got nan",
        ),
        ("network", {"learning_rate": 0.0}, r"'learning_rate': this must be a number above 0 \(got 0.0\)"),
        (
            "network",
            {"weight_decay": -1.0},
            r"'weight_decay': .* of at least 0 \(got -1.0",
        ),
        ("tarnet", {"batch": -1}, r"'batch': this must be a whole number of at least 1 \(got -1\)"),
        ("tarnet", {"mixed_precision": "maybe"}, r"'mixed_precision': this must be true or false"),
        ("tarnet", {"watch": "qinni"}, r"'watch': this must be a known word .*Did you mean 'qini'"),
        ("tarnet", {"decision_estimator": "x"}, r"'decision_estimator': .*Known: dr, ips"),
        ("tarnet", {"ladder_by": 3}, r"'ladder_by': this must be a name or a list of names \(got 3\)"),
        ("cfr", {"balance": "mdm"}, r"'balance': this must be a known word .*Did you mean 'mmd'"),
        ("sequence", {"reader": "lstm"}, r"'reader': this must be a known word .*Known: cnn, gru"),
        ("tarnet", {"device": "gpu"}, r"'device': no such device \(got 'gpu'\). Give cpu, cuda"),
        ("network", {"device": "gpu"}, r"'device': no such device \(got 'gpu'\)"),
        ("dr", {"folds": 1}, r"'folds': this must be a whole number of at least 2 \(got 1\)"),
        ("default", {"folds": 0}, r"'folds': this must be a whole number of at least 2 \(got 0\)"),
        (
            "dr",
            {"error_folds": 1},
            r"'error_folds': .* 0 or a whole number of at least 2",
        ),
        (
            "dr",
            {"base_options": {"tree": 20}},
            r"'tree': this model has no such parameter.*Did you mean 'trees'",
        ),
        ("s", {"base_options": 20}, r"'base_options': this must be options by name \(got 20\)\. Such as"),
        ("content", {"base_options": [1]}, r"'base_options': this must be options by name"),
        ("s", {"base_options": {"trees": 0}}, r"'trees': this must be a whole number of at least 1"),
        ("logistic", {"penalty": 0}, r"'penalty': this must be a number above 0 \(got 0\)"),
        ("fm", {"rank": 0}, r"'rank': this must be a whole number of at least 1 \(got 0\)"),
        ("neighbours", {"neighbours": 0}, r"'neighbours': this must be a whole number of at least 1"),
        ("default", {"seed": -1}, r"'seed': this must be a whole number of at least 0 \(got -1\)"),
    ],
)
def test_what_a_parameter_cannot_be_is_refused(model, options, words):
    """With its name, what it must be and the value, whether the class or ``train`` is asked."""
    with pytest.raises(InputError, match="parameter " + words):
        model_entry(model).load()(**options)
    if model != "sequence":
        with pytest.raises(InputError, match="parameter " + words):
            train(SmallWorld.draw(600, 0).log(0), model, **options)


def test_a_misspelt_option_of_a_class_is_told_as_train_tells_it():
    """Also where the class has settings of an object of its own."""
    for model, options in (("tarnet", {"epoch": 2}), ("dr", {"fold": 2}), ("default", {"tree": 2})):
        with pytest.raises(InputError, match=r"this model has no such parameter\. Did you mean"):
            model_entry(model).load()(**options)


def test_set_params_refuses_what_the_constructor_does():
    """The learner stays as it was."""
    learner = model_entry("dr").load()()
    with pytest.raises(InputError, match="'folds': this must be"):
        learner.set_params(folds=1)
    assert learner.get_params()["folds"] == 3


def test_a_gpu_that_is_not_there_is_refused():
    """Before anything is learnt."""
    absent = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(InputError, match=rf"torch finds no such GPU here \(got '{absent}'\)\. Leave it out"):
        model_entry("tarnet").load()(device=absent)


def test_one_name_may_stand_for_a_list_of_one():
    """``ladder_by="kind"`` is ``["kind"]``."""
    assert model_entry("tarnet").load()(ladder_by="kind").ladder_by == ["kind"]


def test_numbers_of_numpy_are_numbers():
    """Flags, gaps and infinities are none."""
    assert Whole(1).takes(np.int32(3))
    assert Number().takes(np.float32(0.5))
    assert not any(Whole(0).takes(value) for value in (True, 1.0, None, 2**31))
    assert not any(Number().takes(value) for value in (False, float("inf"), np.nan, "1", None))


def test_limits_of_a_search_are_looked_at():
    """A time below nothing, or no trial at all."""
    log = SmallWorld.draw(600, 0).log(0)
    with pytest.raises(InputError, match=r"'time_limit': this must be a number of at least 0 \(got -1\)"):
        search(log, "s", time_limit=-1)
    with pytest.raises(InputError, match=r"'trials': this must be a whole number of at least 1 \(got 0\)"):
        search(log, "s", trials=0)
