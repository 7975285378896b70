"""The model's answers, whatever the learner."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.predictors.small_world import SmallWorld, menu

import couponry.predictors.answers as answers_module
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.predictors.train import train

WORLD = SmallWorld.draw(2500, 0)
NETWORK = {"members": 2, "width": 16, "depth_width": 8, "epochs": 3}


@pytest.fixture(scope="module", params=["network", "t"])
def model(request):
    """A small network and a T-learner over linear models."""
    options = NETWORK if request.param == "network" else {}
    return train(WORLD.log(0), request.param, "sklearn", **options)


def test_value_and_revenue_are_differences_and_cost_is_not(model):
    """Value = P(conversion | coupon) − P(conversion | none), cost = E[cost | coupon]; all float32."""
    response = model.predict_response(WORLD.features)
    outcomes = model.predict_outcomes(WORLD.features)
    expected = {
        "value": outcomes.conversion[:, 1:] - outcomes.conversion[:, :1],
        "cost": outcomes.cost[:, 1:],
        "revenue": outcomes.revenue[:, 1:] - outcomes.revenue[:, :1],
    }
    for name, array in expected.items():
        assert response.measure(name).dtype == np.float32
        assert response.measure(name) == pytest.approx(array, abs=1e-6, rel=1e-6)
    response.check(3)
    assert response.dense


def test_a_log_without_revenue_answers_none():
    """No revenue was told of, so that a plan has no return, rather than one of nought."""
    log = WORLD.log(0)
    silent = train(replace(log, revenue=np.zeros(log.n)), "t", "sklearn")
    assert "revenue" not in silent.predict_response(WORLD.features).measures


def test_batches_do_not_change_the_answer(model, monkeypatch):
    """Many users are answered in parts, to the same figures."""
    many = pd.concat([WORLD.features] * 2, ignore_index=True)
    whole = model.predict_response(many)
    monkeypatch.setattr(answers_module, "_PAIRS_AT_ONCE", 4 * 1024)
    told = []
    parts = model.predict_response(many, progress=told.append)
    assert [step.done for step in told] == [1024, 2048, 3072, 4096, 5000]
    assert told[0].total == 5000
    for name in whole.measures:
        assert parts.measure(name) == pytest.approx(whole.measure(name), abs=1e-6, rel=1e-6)


def test_memory_holds_little_more_than_the_answer(model):
    """Predicting 40,000 users takes the three matrices and one batch besides."""
    many = pd.concat([WORLD.features] * 16, ignore_index=True)
    model.predict_response(WORLD.features)
    tracemalloc.start()
    response = model.predict_response(many)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    answer = sum(array.nbytes for array in response.measures.values())
    one_batch = 50_000 * 4 * 8 * 20
    assert peak < answer + one_batch


def test_a_menu_in_another_order(model):
    """Columns follow the menu that is given."""
    turned = Coupons(menu().table.iloc[[2, 1, 0]])
    ours = model.predict_response(WORLD.features).measure("cost")
    theirs = model.predict_response(WORLD.features, turned).measure("cost")
    assert theirs == pytest.approx(ours[:, ::-1], rel=1e-5)


def test_a_price_that_never_varies_is_answered_exactly():
    """An e-mail of 0.65 costs float32(0.65), for the network and for a meta-learner."""
    log = WORLD.log(1)
    mail = type(log)(**(vars(log) | {"cost": np.where(log.arm >= 0, 0.65, 0.0)}))
    for name, options in (("network", NETWORK), ("s", {})):
        found = train(mail, name, "sklearn", **options).predict_response(WORLD.features)
        assert (found.measure("cost") == np.float32(0.65)).all()


def test_unknown_coupons(model):
    """Refused unless asked for, and then a network alone can answer."""
    new = Coupons(menu().table.assign(coupon_id=["five", "ten", "thirty"]))
    with pytest.raises(InputError, match=r"seen no rows of this coupon \(got 'thirty'\)"):
        model.predict_response(WORLD.features, new)
    if model.card["model"] == "network":
        response = model.predict_response(WORLD.features, new, allow_new=True)
        assert np.isfinite(response.measure("value")).all()
    else:
        with pytest.raises(InputError, match="model 't' knows coupons by their rows alone"):
            model.predict_response(WORLD.features, new, allow_new=True)


def test_users_that_differ_are_refused(model):
    """Which columns, and how."""
    with pytest.raises(InputError, match="the users lack the column 'visits'"):
        model.predict_response(WORLD.features.drop(columns="visits"))
    with pytest.raises(InputError, match=r"app \(flag in training, string here\)"):
        model.predict_response(WORLD.features.assign(app="perhaps"))
    with pytest.raises(InputError, match="there are no users to predict for"):
        model.predict_response(WORLD.features.iloc[:0])


def test_rows_of_errors_are_counted_from_the_tables_start(model, monkeypatch):
    """Not from the start of the batch in which the bad cell stands."""
    monkeypatch.setattr(answers_module, "_PAIRS_AT_ONCE", 4)
    bad = WORLD.features.copy()
    bad.loc[2000, "age"] = np.inf
    with pytest.raises(InputError, match=r"row 2000, column 'age': a feature is infinite"):
        model.predict_response(bad)
