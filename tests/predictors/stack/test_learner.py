"""The default model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.predictors.small_world import SmallWorld, menu

from couponry.instances.coupons import Coupons
from couponry.instances.log import Log
from couponry.instances.world import World
from couponry.predictors.model import Model, load_model
from couponry.predictors.train import train


def test_uplift_and_cost_are_near_the_truth():
    """On users that it has not seen, with the slope of true on predicted uplift near one."""
    model = train(SmallWorld.draw(12_000, 0).log(0), "default", trees=20)
    world = SmallWorld.draw(3000, 1)
    answer = model.predict_response(world.features)
    told, true = answer.measure("value"), world.value
    assert np.corrcoef(told.ravel(), true.ravel())[0, 1] > 0.85
    assert 0.8 < np.polyfit(told.ravel(), true.ravel(), 1)[0] < 1.25
    assert np.corrcoef(answer.measure("cost").ravel(), world.cost.ravel())[0, 1] > 0.95
    assert 0 <= model.card["training"]["share_of_trees"] <= 1


def test_trees_of_effects_speak_where_features_must_meet_and_survive_saving(tmp_path: Path):
    """A coupon that acts where two features are high is found, among five and alone; idle ones have none."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(20_000, 4)), columns=list("abcd"))
    arm = rng.integers(-1, 5, len(table)).astype(np.int32)
    effect = np.where((table.a > 0.3) & (table.b > 0), 0.3, 0.0) * (arm >= 2)
    y = (rng.random(len(table)) < 0.05 + effect).astype(float)
    ids = np.array([f"u{i}" for i in range(len(table))], object)
    offers = pd.DataFrame({"coupon_id": list("vwxyz"), "kind": "fixed_off", "face_value": 5.0})

    def learn(*kept: int) -> Model:
        use = np.isin(arm, (-1, *kept))
        nothing = np.zeros(use.sum())
        parts = (
            table[use].reset_index(drop=True),
            ids[use],
            Coupons(offers.iloc[list(kept)]),
            np.array([-1, *(kept.index(j) if j in kept else -1 for j in range(5))], np.int32)[arm[use] + 1],
            y[use],
            5.0 * y[use] * (arm[use] >= 0),
            nothing,
        )
        names = ("features", "user_id", "coupons", "arm", "conversion", "cost", "revenue")
        return train(Log(**dict(zip(names, parts, strict=True))), "default", trees=10)

    many, alone, idle = learn(0, 1, 2, 3, 4), learn(4), learn(0, 1)
    true = np.where((table.a > 0.3) & (table.b > 0), 0.3, 0.0)
    for name, model in (("many", many), ("alone", alone)):
        assert model.card["training"]["share_of_effect_trees"] > 0.3
        told = model.predict_response(table).measure("value")
        assert np.corrcoef(told[:, -1], true)[0, 1] > 0.9
        model.save(tmp_path / name)
        assert (load_model(tmp_path / name).predict_response(table).measure("value") == told).all()
    assert idle.card["training"]["share_of_effect_trees"] < 0.1


def test_a_coupon_is_answered_alike_whoever_is_asked_about_with_it() -> None:
    """Two coupons of five, in another order, a new one between them; effects are stretched by part."""
    world = World.draw(6500, 5, seed=1)
    model = train(world.log(6000, 1), "default", trees=20)
    users, offers = world.users_table(np.arange(6000, 6500)), world.coupons.table
    new = offers.iloc[[1]].assign(coupon_id="new")
    assert model.learner.blend.stretch.looks_at_all
    all_of_them = model.predict_response(users, world.coupons)
    some = model.predict_response(
        users, Coupons(pd.concat([offers.iloc[[3]], new, offers.iloc[[0]]])), allow_new=True
    )
    for measure in ("value", "cost"):
        assert some.measure(measure)[:, 0] == pytest.approx(all_of_them.measure(measure)[:, 3], rel=1e-5)
        assert some.measure(measure)[:, 2] == pytest.approx(all_of_them.measure(measure)[:, 0], rel=1e-5)


def test_a_new_coupon_is_answered_from_its_attributes():
    """A coupon of 15 costs more than that of 10 and less than that of 20, up to noise."""
    model = train(SmallWorld.draw(4000, 0).log(0), "default", trees=5)
    table = menu().table.iloc[:2]
    table = table.assign(coupon_id=["ten", "new"], face_value=[10.0, 15.0], channel="sms")
    answer = model.predict_response(SmallWorld.draw(200, 1).features, Coupons(table), allow_new=True)
    assert answer.measure("value").shape == (200, 2)
    assert np.isfinite(answer.measure("value")).all()
    assert answer.measure("cost")[:, 1].mean() > answer.measure("cost")[:, 0].mean()


@pytest.mark.slow
def test_text_events_and_gaps_are_learnt_from_and_survive_saving(tmp_path: Path):
    """A shop's log with reviews, browsing and gaps in every kind of column trains, answers, and reloads."""
    world = World.draw(3000, 5, 0)
    log = world.log(2500)
    rng, gappy = np.random.default_rng(0), log.features.copy()
    for name in ("tier", "spend_365d", "discount_share", "review"):
        gappy.loc[rng.random(len(gappy)) < 0.2, name] = None
    model = train(replace(log, features=gappy), "default", trees=5)
    kinds = {column["name"]: column["kind"] for column in model.card["schema"]}
    assert kinds["review"] == "text"
    users = world.users_table(np.arange(200))
    gaps = np.arange(200) % 3 == 0
    users = users.assign(**{name: users[name].mask(gaps) for name in ("tier", "spend_365d", "review")})
    told = model.predict_response(users)
    model.save(tmp_path / "model")
    again = load_model(tmp_path / "model").predict_response(users)
    for name, array in told.measures.items():
        assert np.isfinite(array).all()
        assert (again.measures[name] == array).all()
    silent = users.assign(review="")
    assert (model.predict_response(silent).measure("value") != told.measure("value")).any()


def test_few_rows_of_three_coupons_leave_doubt_though_the_evidence_finds_none(tmp_path: Path):
    """Nine of ten true effects lie within 1.96 `value_se`, saved or not; many rows need no other opinion."""
    offers = Coupons(pd.DataFrame({"coupon_id": list("xyz"), "kind": "fixed_off", "face_value": 5.0}))

    def draw(users: int) -> tuple[pd.DataFrame, np.ndarray, np.random.Generator]:
        rng = np.random.default_rng(0)
        table = pd.DataFrame(rng.normal(size=(users, 8)), columns=list("abcdefgh"))
        return table, 0.06 + 0.08 * np.sin(2 * table.to_numpy()[:, :3]), rng

    def learn(users: int, rows: int) -> Model:
        table, true, rng = draw(users)
        arm = rng.integers(-1, 3, users).astype(np.int32)
        p = 0.2 + np.where(arm >= 0, true[np.arange(users), arm], 0.0)
        y, ids = (
            (rng.random(users) < p).astype(float)[:rows],
            np.array([f"u{i}" for i in range(rows)], object),
        )
        arm = arm[:rows]
        log = Log(table[:rows], ids, offers, arm, y, 5.0 * y * (arm >= 0), np.zeros(rows))
        return train(log, "default", trees=5)

    table, true, _ = draw(10_000)
    few = learn(10_000, 2000)
    few.save(tmp_path / "few")
    for model in (few, load_model(tmp_path / "few")):
        answer = model.predict_response(table[2000:].reset_index(drop=True))
        off = np.abs(answer.measure("value") - true[2000:])
        assert (off < 1.96 * answer.measure("value_se")).mean() > 0.9
        assert model.learner.opinion is not None
    assert learn(100_001, 100_001).learner.opinion is None
