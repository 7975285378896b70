"""The menu that a model knows."""

import numpy as np
import pandas as pd
import pytest
from tests.predictors.small_world import menu

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.predictors.menu import Menu


def test_stock_and_name_are_no_attributes():
    """Two menus that differ in stock and minimum encode alike."""
    other = Coupons(menu().table.assign(stock=[1, 2, 3], minimum=[0, 1, 2]))
    known = Menu(menu())
    assert (known.encode(other) == known.encode(menu())).all()
    assert known.known(other, allow_new=False).tolist() == [0, 1, 2]


def test_percent_and_money_are_two_columns():
    """20 % and 20 yuan do not share a scale."""
    coupons = Coupons(
        pd.DataFrame({"coupon_id": ["a", "b"], "kind": ["percent_off", "fixed_off"], "face_value": [20, 20]})
    )
    encoder = Menu(coupons).encoder
    assert {"face_value", "percent"} <= set(encoder.names)


def test_a_menu_of_names_alone_has_no_columns():
    """A coupon may be nothing but an id."""
    coupons = Coupons(pd.DataFrame({"coupon_id": ["a", "b"]}))
    assert Menu(coupons).encode(coupons).shape == (2, 0)


def test_coupons_are_found_by_id():
    """A part of the menu in another order."""
    part = Coupons(menu().table.iloc[[2, 0]])
    assert Menu(menu()).known(part, allow_new=False).tolist() == [2, 0]


def test_a_new_coupon_is_refused_unless_asked_for():
    """The message names it and the known ones."""
    new = Coupons(menu().table.assign(coupon_id=["five", "ten", "thirty"]))
    with pytest.raises(
        InputError, match=r"seen no rows of this coupon \(got 'thirty'\). Known: five, ten, twenty"
    ):
        Menu(menu()).known(new, allow_new=False)
    assert Menu(menu()).known(new, allow_new=True).tolist() == [0, 1, -1]


def test_a_new_coupon_without_attributes_is_refused_by_the_menus_own_columns():
    """Not by those that are made of them; with empty cells it is answered for as an average one."""
    plain = Coupons(pd.DataFrame({"coupon_id": ["five", "thirty"]}))
    words = (
        r"row 1, column 'kind': a new coupon is answered for by its attributes, and the menu lacks "
        r"kind, face_value, threshold, channel \(got 'thirty'\)\. Give the menu the columns kind, face_value"
    )
    with pytest.raises(InputError, match=words):
        Menu(menu()).encode(plain)
    part = Coupons(menu().table.iloc[[0, 1]].assign(coupon_id=["five", "thirty"]).drop(columns="threshold"))
    with pytest.raises(InputError, match=r"column 'threshold': .* the menu lacks threshold \(got 'thirty'\)"):
        Menu(menu()).encode(part)
    empty = Coupons(menu().table.iloc[[0, 1]].assign(coupon_id=["five", "thirty"], threshold=np.nan))
    assert np.isfinite(Menu(menu()).encode(empty)).all()


def test_a_known_name_with_other_terms_is_refused():
    """The same id with a higher face value is another coupon."""
    changed = Coupons(menu().table.assign(face_value=[5.0, 10.0, 50.0]))
    words = (
        r"row 2, column 'face_value': coupon 'twenty' is not the one .* face_value was .*20.0.* \(got .*50.0"
    )
    with pytest.raises(InputError, match=words):
        Menu(menu()).known(changed, allow_new=True)


def test_state_and_back():
    """Ids, attributes and their encoding survive."""
    before = Menu(menu())
    after = Menu.from_state(before.state())
    assert after.coupons.ids == ["five", "ten", "twenty"]
    assert np.array_equal(after.encode(menu()), before.encode(menu()))
    assert after.known(menu(), allow_new=False).tolist() == [0, 1, 2]


def test_a_changed_coupon_is_told_in_plain_figures() -> None:
    """What it was, as the menu has it."""
    was = pd.DataFrame({"coupon_id": ["a", "b"], "kind": "fixed_off", "face_value": [5.0, 10.0]})
    known = Menu(Coupons(was))
    with pytest.raises(InputError, match=r"face_value was 10\.0 .*got 99\.0"):
        known.known(Coupons(was.assign(face_value=[5.0, 99.0])), allow_new=False)
