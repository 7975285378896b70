"""The reference plan, and limits that it meets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from couponry.instances import Response
from couponry.instances.reference import Reference, at_least, at_most, draw_reference

INF = float("inf")


def response(value: list[list[float]], cost: float = 1.0, coupon: list[list[int]] | None = None) -> Response:
    """Return a response with one cost for every pair."""
    values = np.array(value, dtype=np.float32)
    places = None if coupon is None else np.array(coupon, dtype=np.int32)
    return Response({"value": values, "cost": np.full_like(values, cost)}, places)


def plan(of: Response, share: float, groups: list[int] | None = None, **limits: list[float]) -> Reference:
    """Return the reference plan over one segment, without stock and minimums unless given."""
    coupons = of.shape[1]
    codes = {} if groups is None else {"g": np.array(groups, dtype=np.int32)}
    stock, minimum = limits.get("stock", [INF] * coupons), limits.get("minimum", [0.0] * coupons)
    return draw_reference(of, codes, share, stock=np.array(stock), minimum=np.array(minimum))


def test_best_users_of_each_group_get_their_best_coupon() -> None:
    """Half of each group: users 0 and 1 lead in the first, user 3 in the second."""
    drawn = plan(
        response([[0.4, 0.1], [0.1, 0.3], [0.2, 0.1], [0.1, 0.2], [0.1, 0.1]]), 0.5, groups=[0, 0, 0, 1, 1]
    )
    assert drawn.place.tolist() == [0, 1, -1, 1, -1]
    assert drawn.best.tolist() == [0, 1, 0, 1, 0]
    assert drawn.counts(2).tolist() == [1, 2]


def test_scarce_coupon_goes_to_those_who_want_it_most() -> None:
    """All want coupon 0, of which there is one; the others take their second choice."""
    drawn = plan(response([[0.5, 0.1], [0.9, 0.2], [0.7, 0.3]]), 1.0, stock=[1, INF])
    assert drawn.place.tolist() == [1, 0, 1]


def test_users_without_any_stock_left_get_nothing() -> None:
    """Two units for three users."""
    drawn = plan(response([[0.5, 0.1], [0.9, 0.2], [0.7, 0.3]]), 1.0, stock=[1, 1])
    assert drawn.place.tolist() == [-1, 0, 1]


def test_minimum_is_met_first() -> None:
    """Nobody would choose coupon 1, but two units are promised: the two who mind least take them."""
    drawn = plan(response([[0.9, 0.1], [0.8, 0.3], [0.7, 0.2]]), 1.0, minimum=[0, 2])
    assert drawn.place.tolist() == [0, 1, 1]


def test_pairs_that_are_not_eligible_stay_out() -> None:
    """NaN is not chosen, even where nothing else is left."""
    nan = float("nan")
    drawn = plan(response([[nan, 0.1], [nan, nan], [0.2, nan]]), 1.0)
    assert drawn.place.tolist() == [1, -1, 0]


def test_shortlists_are_read_through() -> None:
    """Places are the user's own; coupons and their stock are the menu's."""
    drawn = plan(
        response([[0.9, 0.5], [0.8, 0.1], [0.3, float("nan")]], coupon=[[2, 0], [2, 1], [1, -1]]),
        1.0,
        stock=[INF, INF, 1],
        minimum=[0.0, 0.0, 0.0],
    )
    assert drawn.place.tolist() == [0, 1, 0]
    assert drawn.coupon.tolist() == [2, 1, 1]


def test_totals_by_hand() -> None:
    """Two pairs given of 0.5 and 0.25, each at cost 2; the rate is 1/2 in one group and 1 in the other."""
    drawn = plan(response([[0.5, 0.0], [0.125, 0.0], [0.0, 0.25]], cost=2.0), 0.5, groups=[0, 0, 1])
    groups = np.array([0, 0, 1])
    assert drawn.total("value") == 0.75
    assert drawn.total("cost") == 4
    assert drawn.total("cost", np.array([False, True])) == 2
    assert drawn.total_at_best("value") == 0.875
    assert drawn.total_at_best("cost", np.array([True, False])) == 4
    assert drawn.lowest_rate(groups) == 0.5
    # Overall 2 of 3; the groups are at 1/2 and 1.
    assert drawn.widest_gap(groups) == pytest.approx(1 / 3)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0, 6))
def test_limits_let_the_reference_plan_pass(wanted: float, attained: float, digits: int) -> None:
    """An upper limit is never below what is needed, a lower one never above, and neither is loose."""
    upper, lower = at_most(wanted, attained, digits), at_least(wanted, attained, digits)
    assert upper >= attained
    assert lower <= attained
    assert upper <= max(wanted, attained + 10.0**-digits + 1e-9)
    assert lower >= min(wanted, attained - 10.0**-digits - 1e-9)


def test_limits_round_outwards_in_decimals() -> None:
    """0.29 × 100 is 28.999… in binary; rounding down to two digits still gives 0.29."""
    assert at_least(1.0, 0.29, 2) == 0.29
    assert at_most(0.0, 0.29, 2) == 0.29
    assert at_most(0.05, 0.04, 4) == 0.05
    assert at_most(0.0, 12.3401, 2) == 12.35
    assert at_least(99.0, 12.3499, 2) == 12.34
