"""Rules made of a reference plan: as wanted where the plan allows it, else what the plan attains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.instances.drawn.test_attained import NO, plan, two_blocks

from couponry.instances import Budget, Coverage, Parity, Response, ReturnFloor, Target, UserCap
from couponry.instances.drawn import makers
from couponry.instances.drawn.attained import Attained
from couponry.instances.reference import Reference

MENU = pd.DataFrame({"coupon_id": ["a", "b"], "channel": ["app", "sms"]})


def with_revenue(revenue: list[float]) -> Attained:
    """Return the sums over two users who both get the only coupon, which costs 2."""
    array = np.array(revenue, dtype=np.float32)[:, None]
    chosen = np.zeros(2, dtype=np.int32)
    sums = Attained({}, 1)
    response = Response({"value": array, "cost": np.full((2, 1), 2, np.float32), "revenue": array})
    sums.add(Reference(chosen, chosen, response, chosen), {})
    return sums


@pytest.mark.parametrize(("share", "amount"), [(1.0, 36.0), (0.5, 22.01)])
def test_budget_pays_for_the_plan(share: float, amount: float) -> None:
    """The plan costs 22 and giving all their best 36: half of that is raised, by what rounding may hide."""
    assert makers.budget(share)(two_blocks(), MENU) == Budget(amount=amount)


def test_budget_of_a_channel() -> None:
    """Coupon b alone is sent by SMS; the plan spends 20 on it, and the best of all 24."""
    rule = makers.budget(1.0, channel="sms")(two_blocks(), MENU)
    assert rule == Budget(name="sms budget", amount=24.0, coupons=["b"])


@pytest.mark.parametrize(
    ("wanted", "ceiling", "low", "high"), [(0.2, None, 0.2, None), (0.5, 0.4, 0.3333, 1.0)]
)
def test_coverage_of_the_poorest_group(wanted: float, ceiling: float | None, low: float, high: Any) -> None:
    """Of region 1 a third is served and of region 0 all: no floor above, no ceiling below."""
    rule = makers.coverage("region", wanted, ceiling=ceiling)(two_blocks(), MENU)
    assert rule == Coverage(segment="region", at_least=low, at_most=high)


@pytest.mark.parametrize(("tolerance", "digits", "made"), [(0.5, 4, 0.5), (0.1, 4, 0.4), (0.1, 1, 0.4)])
def test_parity_leaves_the_plan_room(tolerance: float, digits: int, made: float) -> None:
    """Region 0 lies 0.4 above the overall rate of 0.6."""
    rule = makers.parity("region", tolerance, digits=digits)(two_blocks(), MENU)
    assert isinstance(rule, Parity)
    assert made <= rule.tolerance <= made + 1.001 * 10**-digits


def test_target_is_below_the_plan() -> None:
    """95 % of 11."""
    assert makers.target(two_blocks(), MENU) == Target(at_least=10.45)


def test_return_floor_of_the_plan() -> None:
    """Revenue 6 for a cost of 4, the best plan being the same: a floor of 1.5 less a hundredth at most."""
    rule = makers.return_floor(with_revenue([4, 2]), MENU)
    assert isinstance(rule, ReturnFloor)
    assert 1.49 <= rule.ratio <= 1.5


def test_no_return_floor_where_nothing_returns() -> None:
    """A plan that loses revenue is asked for no return."""
    assert makers.return_floor(with_revenue([-4, 2]), MENU) is None


def test_user_caps() -> None:
    """The dearest pair of the plan, 16, stays allowed; without money only the number is capped."""
    assert makers.user_cap(2)(two_blocks(), MENU) == UserCap(coupons=2, money=16.0)
    assert makers.user_cap(3, money=False)(two_blocks(), MENU) == UserCap(coupons=3)


def test_stock_is_what_the_plan_holds_or_more() -> None:
    """Coupon a: a sixth of half of five users, rounded up, is one; coupon b has a minimum of half of two."""
    menu = makers.stock(two_blocks(), MENU, np.random.default_rng(0))
    assert menu["stock"].tolist()[0] == 1
    assert np.isnan(menu["stock"].tolist()[1])
    assert menu["minimum"].tolist()[1] == 1


def test_earlier_plan_differs_in_one_pair_of_ten() -> None:
    """Of twenty given pairs two are of the next coupon; users without a coupon do not stand there."""
    reference = plan([0] * 20 + [NO], [0] * 21, [[1, 1]] * 21)
    ids = pa.array([f"u{i}" for i in range(21)])
    table = makers.earlier_plan(reference, ids, ["a", "b"])
    assert table["user_id"].to_pylist() == [f"u{i}" for i in range(20)]
    assert [i for i, coupon in enumerate(table["coupon_id"].to_pylist()) if coupon == "b"] == [9, 19]
