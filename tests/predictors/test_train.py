"""From a log to a model."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import DataWarning, InputError
from couponry.predictors.model import load_model
from couponry.predictors.train import train

NETWORK = {"members": 2, "width": 16, "depth_width": 8, "epochs": 2}


@pytest.fixture(scope="module")
def log():
    """Sixteen hundred exposures."""
    return SmallWorld.draw(1600, 0).log(0)


def test_the_card_says_what_the_model_is(log):
    """Model, log and its fingerprint, schema, versions; JSON holds it."""
    card = train(log, "t", "sklearn", seed=5).card
    assert (card["model"], card["base"], card["seed"]) == ("t", "sklearn", 5)
    assert card["log"]["rows"] == 1600
    assert card["log"]["propensities"] == "given"
    assert sum(card["log"]["arm_shares"].values()) == pytest.approx(1.0)
    assert list(card["log"]["arm_shares"]) == ["none", "five", "ten", "twenty"]
    assert len(card["log"]["fingerprint"]) == 64
    assert {column["name"]: column["kind"] for column in card["schema"]}["app"] == "flag"
    assert card["segments"] == ["region"]
    assert {"numpy", "lightgbm", "couponry"} <= set(card["versions"])
    json.dumps(card, allow_nan=False)


def test_the_networks_card_tells_of_its_training(log):
    """Epochs, losses, slopes and device."""
    training = train(log, "network", **NETWORK).card["training"]
    assert training["epochs"] == 2
    assert len(training["losses"]) == 2
    assert set(training["slopes"]) == {"base", "shared", "own", "by_base", "kept"}
    assert training["device"] in ("cpu", "cuda")


def test_a_holdout_is_kept_from_training_and_judged(log):
    """The model knows the other users alone, and the card has its figures on those of log.split."""
    model = train(log, "s", "sklearn", holdout=0.25, seed=3)
    seen, held = log.split(0.25, 3)
    alone = train(seen, "s", "sklearn", seed=3)
    assert model.card["log"]["fingerprint"] == alone.card["log"]["fingerprint"]
    assert model.card["metrics"]["rows"] == held.n
    assert [row["coupon_id"] for row in model.card["metrics"]["coupons"]] == ["five", "ten", "twenty"]
    assert (
        model.predict_response(held.features).measure("value")
        == alone.predict_response(held.features).measure("value")
    ).all()


@pytest.mark.parametrize(("name", "options"), [("network", NETWORK), ("dr", {})])
def test_same_log_and_seed_same_model(log, name, options):
    """Bit by bit."""
    first, second = (train(log, name, seed=2, **options).predict_response(log.features) for _ in range(2))
    assert (first.measure("value") == second.measure("value")).all()


def test_a_kind_can_be_named(log):
    """A column of digits may be read as a category."""
    coded = replace(log, features=log.features.assign(shop=np.arange(1600) % 3))
    model = train(coded, "s", "sklearn", columns={"shop": "category"})
    assert "shop = 2" in model.features.names


def test_the_default_is_the_model_of_that_name(log):
    """Whoever names no model is given "default", and the card says so."""
    plain, named = train(log), train(log, "default")
    assert plain.card["model"] == "default"
    first, second = (model.predict_response(log.features).measure("value") for model in (plain, named))
    assert (first == second).all()


def test_progress_is_told(log):
    """Once an epoch for the network."""
    told = []
    train(log, "network", progress=told.append, **NETWORK)
    assert [(step.stage, step.done, step.total) for step in told] == [("training", 1, 2), ("training", 2, 2)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"model": "netwrok"}, "no such model .*Did you mean 'network'"),
        ({"model": "s", "base": "xgboost"}, "unknown base learner"),
        (
            {"model": "network", "epoch": 3},
            "parameter 'epoch': this model has no such parameter. Did you mean 'epochs'",
        ),
        ({"model": "s", "folds": 3}, "parameter 'folds': this model has no such parameter"),
        ({"holdout": 1.5}, "parameter 'holdout': this must be a number of at least 0 and at most 1"),
        ({"least_rows": 100_000}, "at least 100,000 are needed"),
        ({"model": "network", "members": 3}, "parameter 'members': this must be an even number"),
    ],
)
def test_what_cannot_be_is_refused(log, arguments, words):
    """Before any time is spent on training."""
    with pytest.raises(InputError, match=words):
        train(log, **arguments)


def test_lists_that_cannot_be_stored_are_refused_before_training(log):
    """By the row of the log that was given, and before the learner has told of anything."""
    cells = [[["view", 7], ["cart", 2]] if row % 2 else [] for row in range(log.n)]
    nested = replace(log, features=log.features.assign(seen=cells))
    told = []
    with pytest.raises(
        InputError, match=r"row 1, column 'seen': .* \(got \[\['view', 7\], \['cart', 2\]\]\)"
    ):
        train(nested, "network", progress=told.append)
    assert told == []


def test_choices_stand_on_the_card_and_are_saved(log, tmp_path):
    """What was chosen, what was left out and what was warned of is on the card; the model is the same."""
    features = log.features.assign(
        land="here", logo=np.array(["red", "green", "blue", None])[log.arm], spend=np.exp(log.features["age"])
    )
    chosen = {"spend": {"kind": "money", "missing": "mean", "clip": (0.01, 0.99)}, "logo": "coupon"}
    with pytest.warns(DataWarning, match="'land'"):
        model = train(
            replace(log, features=features), "s", columns=chosen, attributes={"face_value": "money"}
        )
    model.save(tmp_path / "model")
    again = load_model(tmp_path / "model")
    spend = next(column for column in again.card["schema"] if column["name"] == "spend")
    assert spend["kind"] == "money"
    assert (spend["missing"], spend["clip"]) == ("mean", [0.01, 0.99])
    assert {c["name"]: c["kind"] for c in again.card["attributes"]}["face_value"] == "money"
    assert again.card["checks"]["dropped"] == {
        "logo": "describes the coupon",
        "land": "is the same on all rows",
    }
    assert len(again.card["checks"]["warnings"]) == 1
    assert again.coupons.table["logo"].tolist() == ["red", "green", "blue"]
    plain = features.drop(columns=["land", "logo"])  # what was left out need not be given
    before, after = (m.predict_response(plain, log.coupons).measure("value") for m in (model, again))
    assert (before == after).all()


def test_held_out_rows_are_read_before_anything_is_learnt(log):
    """A bad cell is told with its row in the log, on whichever side of the split it lands."""
    for row in (3, 4, 5, 6):
        ages = log.features["age"].to_numpy().copy()
        ages[row] = 1e307
        wrong = replace(log, features=log.features.assign(age=ages))
        with pytest.raises(InputError, match=f"row {row}, column 'age': a number is too large"):
            train(wrong, "t", "sklearn", holdout=0.5)
