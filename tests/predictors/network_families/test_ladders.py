"""Ladders of face values, and responses that never fall on the way up."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.predictors.network_families.trained import rows_of, trained, uplift
from tests.predictors.small_world import SmallWorld

from couponry.instances.coupons import Coupons
from couponry.instances.errors import DataWarning, InputError
from couponry.predictors.calibration import METHODS
from couponry.predictors.network_families.cfr import CFRLearner
from couponry.predictors.network_families.dragonnet import DragonNetLearner
from couponry.predictors.network_families.ladders import (
    climb,
    doubts_of_ladders,
    ladders_of,
    start_of,
)
from couponry.predictors.network_families.monotone import MonotoneLearner
from couponry.predictors.rising import never_falling
from couponry.predictors.train import train


def coupons(face, **columns):
    """A menu of so many coupons of one kind."""
    plain = {"coupon_id": [f"c{j}" for j in range(len(face))], "kind": "fixed_off", "face_value": face}
    return Coupons(pd.DataFrame(plain | columns))


def test_ladders_are_of_a_kind_by_rising_face_value():
    """Two kinds: 5 < 8 = 8 of one; the other has one face value alone, which is no ladder."""
    menu = coupons([8.0, 5.0, 3.0, 8.0], kind=["fixed_off", "fixed_off", "gift", "fixed_off"])
    assert ladders_of(menu) == (((1,), (0, 3)),)


def test_a_ladder_may_ask_for_more_than_the_kind():
    """By kind and channel, the two channels are apart."""
    menu = coupons([1.0, 2.0, 3.0, 4.0], channel=["app", "sms", "app", "sms"])
    assert ladders_of(menu, ("kind", "channel")) == (((0,), (2,)), ((1,), (3,)))


def test_a_menu_without_face_values_is_refused():
    """And so is a column that it lacks."""
    with pytest.raises(InputError, match=r"column 'face_value': coupons are ordered by face value"):
        ladders_of(Coupons(pd.DataFrame({"coupon_id": ["a", "b"]})))
    with pytest.raises(InputError, match=r"column 'chanel': the menu lacks a column. Did you mean 'channel'"):
        ladders_of(coupons([1.0, 2.0], channel="app"), ("chanel",))


def test_coupons_on_no_ladder_are_named():
    """One without a face value and one alone of its kind, beside a ladder of two."""
    menu = coupons([5.0, np.nan, 8.0, 3.0], kind=["fixed_off", "fixed_off", "fixed_off", "gift"])
    (found,) = doubts_of_ladders(menu)
    assert "2 of the 4 coupons on the menu are on no ladder of face values" in found
    assert (
        ": 'c1' (no face value), 'c3' (no other face value where 'kind' agrees). Correct 'face_value' or"
        in found
    )
    assert found.endswith("ladder_by=['COLUMN']")
    assert doubts_of_ladders(coupons([1.0, 2.0])) == []


@pytest.mark.parametrize(
    "columns", [{"face_value": 7.0, "kind": "fixed_off"}, {"kind": ["fixed_off", "percent_off", "gift"]}]
)
def test_a_menu_with_nothing_to_order_is_warned_of(columns):
    """All face values equal, or each coupon of its own kind; the card has it, and 'tarnet' does not ask."""
    log = SmallWorld.draw(400, 0).log(0)
    table = log.coupons.table.assign(threshold=np.nan, percent=np.nan).assign(**columns)
    log = replace(log, coupons=Coupons(table))
    with pytest.warns(DataWarning, match="3 of the 3 coupons on the menu are on no ladder"):
        model = train(log, "monotone", members=1, epochs=1)
    assert model.learner.ladders == ()
    assert any("on no ladder" in text for text in model.card["checks"]["warnings"])
    assert train(log, "tarnet", members=1, epochs=1).card["checks"]["warnings"] == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-20, 20, width=32), min_size=6, max_size=6))
def test_whatever_the_heads_say_logits_rise(raw):
    """On every rung they are at least those of the rung below; arms without a ladder are as the heads say."""
    found = climb(torch.tensor([raw]), (((1,), (0, 3), (2,)),))[0]
    assert found[0] == raw[0]
    assert found[5] == np.float32(raw[5])
    assert max(found[1], found[4]) >= found[2]  # positions 0 and 3 over position 1
    assert min(found[1], found[4]) >= found[2]
    assert found[3] >= max(found[1], found[4])


def test_training_starts_at_the_arms_averages():
    """Where these rise; where they do not, a small step above the rung below."""
    ladders = (((0,), (1,), (2,)),)
    rising = start_of((-1.0, -0.5, 0.1, 0.4), ladders)
    assert climb(torch.tensor([rising]), ladders)[0].tolist() == pytest.approx(
        [-1.0, -0.5, 0.1, 0.4], abs=1e-5
    )
    falling = start_of((-1.0, 0.3, 0.1, 0.2), ladders)
    assert climb(torch.tensor([falling]), ladders)[0].tolist() == pytest.approx(
        [-1.0, 0.3, 0.31, 0.32], abs=1e-5
    )


@pytest.mark.parametrize("kind", [MonotoneLearner, DragonNetLearner, CFRLearner])
def test_no_user_responds_less_to_a_larger_face_value(kind):
    """Also where the log says otherwise: the largest coupon of the ladder was given its worst outcomes."""
    log = SmallWorld.draw(2000, 0).log(0)
    table = log.coupons.table.assign(kind="fixed_off", threshold=np.nan)
    worse = np.where(log.arm == 2, log.conversion * (np.arange(2000) % 3 == 0), log.conversion)
    learner, rows = trained(
        kind, replace(log, coupons=Coupons(table), conversion=worse), ladder_by=("kind",), members=2
    )
    found = uplift(learner, rows)
    assert (np.diff(found, axis=1) > -1e-6).all()
    again = kind.from_state(learner.state())
    assert (uplift(again, rows) == found).all()
    assert again.task.ladders == (((0,), (1,), (2,)),)


@pytest.mark.parametrize("method", [*METHODS, None])
def test_a_larger_face_value_lowers_no_value_that_is_calibrated_or_shrunk(method):
    """The promise is of what a campaign is told, in a log of which chance says otherwise."""
    log = SmallWorld.draw(1500, 0).log(0)
    table = log.coupons.table.assign(kind="fixed_off", threshold=np.nan)
    worse = np.where(log.arm == 2, log.conversion * (np.arange(1500) % 3 == 0), log.conversion)
    log = replace(log, coupons=Coupons(table), conversion=worse)
    model = train(log, "monotone", members=2, epochs=3, batch=128, calibrate=method)
    value = model.predict_response(log.features, shrink=method is None).measure("value")
    assert (np.diff(value, axis=1) >= -1e-6).all()
    assert value.std(axis=0).min() > 0


def test_what_falls_meets_in_the_middle_and_what_rises_stays():
    """Over rungs 5 < 10 = 10 < 20, none first, with a coupon of another kind in between."""
    ladders = (((0,), (1, 3), (4,)),)
    known = np.arange(5)
    falls = np.array([[0.1, 0.4, 0.2, 0.0, 0.5, 0.45]])
    assert never_falling(falls, ladders, known)[0] == pytest.approx([0.1, 0.3, 0.3, 0.0, 0.475, 0.475])
    rises = np.array([[0.1, 0.2, 0.3, 0.0, 0.25, 0.45]])
    assert (never_falling(rises, ladders, known) == rises).all()
    part = np.array([4, 2, 0])  # 20, the other kind, 5
    assert never_falling(np.array([[0.1, 0.2, 0.9, 0.4]]), ladders, part)[0] == pytest.approx(
        [0.1, 0.3, 0.9, 0.3]
    )


def test_rows_without_their_menu_are_refused():
    """Face values would not be known."""
    log = SmallWorld.draw(300, 0).log(0)
    learner = MonotoneLearner(members=1)
    with pytest.raises(InputError, match="face values are not known"):
        learner.fit(replace(rows_of(log, learner), offers=None))
