"""New coupons that are unlike all that a model learnt from."""

import warnings

import numpy as np
import pandas as pd
import pytest
from tests.predictors.small_world import SmallWorld, menu

from couponry.instances.coupons import Coupons
from couponry.instances.errors import DataWarning
from couponry.predictors.menu import Menu
from couponry.predictors.outside_menu import outside_menu
from couponry.predictors.train import train


def said(new: dict[str, object], before: Coupons | None = None, **columns: str) -> list[str]:
    """Return what is said of a copy of the menu's first coupon with other attributes."""
    known = Menu(before or menu(), columns)
    row = known.coupons.table.iloc[:1].assign(coupon_id="new", **new)
    coupons = Coupons(pd.concat([known.coupons.table, row], ignore_index=True))
    return outside_menu(known, coupons, known.known(coupons, allow_new=True))


def test_a_number_far_beyond_the_menu_is_told_with_its_range():
    """Face values were 5 to 20; the message names coupon, attribute, value, consequence and mend."""
    (message,) = said({"face_value": 500.0})
    assert message.startswith("coupon 'new' is unlike those that the model learnt from: ")
    assert "face_value is 500, where training had 5 to 20. " in message
    assert "wins and costs may be far from what is predicted" in message
    assert "give it to a few users by lot" in message


@pytest.mark.parametrize("face", [5.0, 12.0, 23.0, 1.5, np.nan])
def test_a_number_within_the_menu_or_near_it_is_not(face):
    """Up to a quarter of the range beyond it, 3.75 here; and an empty cell is an average coupon."""
    assert said({"face_value": face}) == []


def test_a_word_that_no_coupon_had_is_told():
    """The channels were app and sms."""
    (message,) = said({"channel": "tv", "kind": "gift"})
    assert "channel is 'tv', where training had 'app', 'sms'" in message
    assert "kind is 'gift', where training had 'fixed_off', 'threshold_off'" in message


def test_numbers_written_as_text_are_held_against_numbers():
    """Levels 10 and 30 are text in the table and numbers by choice: 20 lies between them, 90 does not."""
    before = Coupons(pd.DataFrame({"coupon_id": ["a", "b"], "level": ["10", "30"]}))
    assert said({"level": "20"}, before, level="number") == []
    (message,) = said({"level": "90"}, before, level="number")
    assert "level is 90, where training had 10 to 30." in message


def test_dates_are_held_against_dates():
    """The third lies between the first and the ninth; December is far from May."""
    ends = pd.to_datetime(["2024-05-01", "2024-05-09"])
    before = Coupons(pd.DataFrame({"coupon_id": ["a", "b"], "ends": ends}))
    assert said({"ends": pd.Timestamp("2024-05-03")}, before) == []
    (message,) = said({"ends": pd.Timestamp("2024-12-24")}, before)
    assert "ends is 2024-12-24 00:00:00, where training had 2024-05-01 00:00:00 to 2024-05-09" in message


def test_lists_are_not_compared():
    """What is near a list of events is not said by its words."""
    before = Coupons(pd.DataFrame({"coupon_id": ["a", "b"], "tags": [["new"], ["new", "sale"]]}))
    row = before.table.iloc[[1]].assign(coupon_id="new")
    coupons = Coupons(pd.concat([before.table, row], ignore_index=True))
    assert outside_menu(Menu(before), coupons, np.array([0, 1, -1])) == []


def test_percentages_are_held_against_percentages():
    """10 and 20 % beside 100 yuan: 50 % is far, and so is an amount of 20; 100 yuan are not."""
    table = {"coupon_id": ["a", "b", "c"], "kind": ["percent_off", "percent_off", "fixed_off"]}
    before = Coupons(pd.DataFrame(table | {"face_value": [10.0, 20.0, 100.0]}))
    (message,) = said({"face_value": 50.0}, before)
    assert "percent is 50, where training had 10 to 20." in message
    (message,) = said({"kind": "fixed_off", "face_value": 20.0}, before)
    assert "face_value is 20, where training had 100." in message
    assert said({"kind": "fixed_off", "face_value": 100.0}, before) == []


def test_a_share_of_the_threshold_is_told_where_its_parts_are_not_strange():
    """10 off 50 and 40 off 200 are a fifth; 40 off 50 has parts that were there, and is none such."""
    table = {"coupon_id": ["a", "b"], "face_value": [10.0, 40.0], "threshold": [50.0, 200.0]}
    (message,) = said({"face_value": 40.0}, Coupons(pd.DataFrame(table)))
    assert "from: share_of_threshold is 0.8, where training had 0.2." in message
    (message,) = said({"face_value": 400.0}, Coupons(pd.DataFrame(table)))
    assert "share_of_threshold" not in message


def test_what_the_model_does_not_read_is_not_told():
    """An attribute that was to be ignored."""
    assert said({"channel": "tv"}, channel="ignore") == []


def test_predicting_warns():
    """The answer is given, with a warning; of the coupons that it knows nothing is said."""
    world = SmallWorld.draw(400, 0)
    model = train(world.log(1), "content", "sklearn")
    row = menu().table.iloc[:1].assign(coupon_id="new", face_value=500.0)
    new = Coupons(pd.concat([menu().table, row], ignore_index=True))
    with pytest.warns(DataWarning, match="coupon 'new' is unlike .* face_value is 500"):
        assert model.predict_response(world.features, new, allow_new=True).measure("value").shape == (400, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        model.predict_response(world.features, menu(), allow_new=True)
