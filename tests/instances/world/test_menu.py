"""Menus of a world."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from couponry.instances import Coupons
from couponry.instances.coupons import KINDS
from couponry.instances.world.menu import FREE_DELIVERY_FROM, SMS_PRICE, Offers, draw_menu


def draw(coupons: int, users: int = 10_000, seed: int = 0) -> Coupons:
    """Return a menu."""
    return draw_menu(np.random.default_rng(seed), coupons, users)


@given(st.integers(1, 40), st.integers(1, 5_000), st.integers(0, 1_000))
def test_any_menu_holds_together(coupons: int, users: int, seed: int) -> None:
    """Ids differ, and no minimum is above its stock, whatever the size."""
    menu = draw(coupons, users, seed)
    assert len(set(menu.ids)) == coupons
    assert (menu.minimum <= menu.stock).all()


def test_five_coupons_are_of_all_kinds() -> None:
    """Every kind is there as soon as there is room."""
    assert list(draw(5).table["kind"]) == list(KINDS)


def test_terms_do_not_depend_on_the_number_of_users() -> None:
    """Stock grows with the users; everything else stays."""
    small, large = draw(12, users=1_000).table, draw(12, users=50_000).table
    terms = [c for c in small.columns if c not in ("stock", "minimum")]
    pd.testing.assert_frame_equal(small[terms], large[terms])
    limited = small["stock"].notna()
    assert limited.any()
    assert (small["stock"] < large["stock"])[limited].all()


def test_gifts_are_scarce_and_the_first_has_a_minimum() -> None:
    """Of 10,000 users, 250 can have a gift, and 20 must have the first."""
    gifts = draw(10).table.query("kind == 'gift'")
    assert list(gifts["stock"]) == [250, 250]
    assert gifts["minimum"].iloc[0] == 20
    assert np.isnan(gifts["minimum"].iloc[1])


def test_ids_say_the_terms_and_repeat_nothing() -> None:
    """An id is readable, and a second coupon with the same terms gets a number."""
    menu = draw(60)
    for coupon, row in zip(menu.ids, menu.table.itertuples(), strict=True):
        assert str(row.channel) in coupon
        if row.kind == "threshold_off":
            assert coupon.startswith(f"off{row.face_value:g}-over{row.threshold:g}")
    assert any(coupon.endswith("-2") for coupon in menu.ids)


def test_offers_read_the_menu() -> None:
    """What a redemption is worth and costs, and on which baskets, follows from the terms, worked by hand."""
    columns = ("kind", "face_value", "threshold", "unit_cost", "channel")
    rows = [
        ("threshold_off", 15.0, 99.0, 15.0, "app"),
        ("percent_off", 12.0, 0.0, np.nan, "sms"),
        ("fixed_off", 5.0, 0.0, 5.0, "push"),
        ("gift", 20.0, 69.0, 11.0, "email"),
        ("free_shipping", 10.0, 29.0, 8.0, "app"),
    ]
    table = pd.DataFrame(rows, columns=list(columns)).assign(
        coupon_id=list("abcde"), slot="noon", valid_days=7, category=["all", "grocery", "all", "baby", "all"]
    )
    offers = Offers.of(Coupons(table))
    assert offers.worth.tolist() == [15, 0, 5, 16, 10]
    assert offers.share == pytest.approx([0, 0.12, 0, 0, 0])
    assert offers.unit_cost.tolist() == [15, 0, 5, 11, 8]
    assert offers.opens.tolist() == [99, 0, 5, 69, 29]
    assert offers.closes.tolist() == [np.inf, np.inf, np.inf, np.inf, FREE_DELIVERY_FROM]
    assert offers.sending == pytest.approx([0, SMS_PRICE, 0, 0, 0])
    assert offers.category.tolist() == [6, 0, 6, 5, 6]
    assert offers.channel.tolist() == [0, 2, 1, 3, 0]
