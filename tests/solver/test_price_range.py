"""How far prices hold: by hand, and beside HiGHS's optima at other limits."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.solver.linear import linear_optimum

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Freeze,
    InputError,
    Instance,
    Response,
    Rule,
    Target,
    UserCap,
    Users,
)
from couponry.instances.generators import draw_instance
from couponry.solver.price_range import price_ranges
from couponry.solver.priced_limit import PricedLimits
from couponry.solver.solution import Solution
from couponry.solver.solve import solve


def shop(*rules: Rule, campaign: Campaign | None = None) -> Instance:
    """Return three users whom one coupon wins 3, 2 and 1, at 1 each."""
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Users(pa.table({"user_id": ["u1", "u2", "u3"], "region": ["n", "n", "s"]})),
        Response({"value": np.array([[3.0], [2.0], [1.0]]), "cost": np.ones((3, 1))}),
        rules,
        campaign or Campaign(currency="CNY"),
    )


def ranges(instance: Instance, **options: object) -> pd.DataFrame:
    """Return the ranges of an instance's rows, by their names."""
    return price_ranges(instance, solve(instance), **options).set_index("name")  # type: ignore[arg-type]


def test_a_budget_by_hand() -> None:
    """With 1.5 the next unit wins u2's 2, from where u1 is served to where u2 is: limits of 1 to 2."""
    row = ranges(shop(Budget(amount=1.5))).loc["budget"]
    assert (row["side"], row["limit"]) == ("upper", 1.5)
    assert row["price"] == pytest.approx(2)
    assert row["holds_from"] == pytest.approx(1)
    assert row["holds_to"] == pytest.approx(2)
    assert row["words"] == "0.1 CNY more would win about 0.2 more conversions, up to about 0.5 CNY more."


def test_a_wide_tolerance_goes_on_to_the_next_step() -> None:
    """The price of 2 may halve and more: then the range goes on over u3's 1, to where all are served."""
    row = ranges(shop(Budget(amount=1.5)), tolerance=0.6).loc["budget"]
    assert row["holds_from"] == pytest.approx(0)
    assert row["holds_to"] == pytest.approx(3)


def test_a_floor_by_hand() -> None:
    """Of the 1.5 a quarter must go to the south, which takes it from u2 at 2 − 1, up to a half of it."""
    south = Target(at_least=0.25, measure="count", users={"region": ["s"]})
    row = ranges(shop(Budget(amount=1.5), south)).loc["target count"]
    assert row["side"] == "lower"
    assert row["price"] == pytest.approx(-1)
    # Beyond 0.5 it is u1 who pays for it, with 3 − 1.
    assert row["holds_from"] == pytest.approx(0)
    assert row["holds_to"] == pytest.approx(0.5)
    assert row["words"] == "Asking 0.01 less would win about 0.01 more conversions, up to about 0.25 less."


def test_least_cost_has_ranges_too() -> None:
    """Turned round, a target of 4 conversions costs 1 + 1/2, and half a unit a conversion from 3 to 5."""
    instance = shop(Target(at_least=4), campaign=Campaign(objective="cost", sense="minimise", currency="CNY"))
    row = ranges(instance).loc["target value"]
    assert row["price"] == pytest.approx(0.5)
    assert (row["holds_from"], row["holds_to"]) == pytest.approx((3, 5))
    assert row["words"] == ("Asking 0.1 less would save about 0.05 CNY of expected cost, up to about 1 less.")


def test_a_row_without_a_price_holds_from_what_is_taken() -> None:
    """A budget of 5 of which 3 are spent costs nothing from 3 on, nor a floor up to what is won."""
    found = ranges(shop(Budget(amount=5), Target(at_least=2)))
    assert found["price"].tolist() == [0, 0]
    assert found["holds_from"].tolist() == [3, -math.inf]
    assert found["holds_to"].tolist() == [math.inf, 6]
    assert found["words"].iloc[0] == "Has room: 2 CNY below its limit."


@lru_cache
def drawn() -> tuple[Instance, Solution]:
    """Return a campaign in which several rows of several kinds have a price, and its solution."""
    instance = draw_instance(
        400, 4, seed=5, rules=("budget", "sms_budget", "stock", "coverage", "parity", "return_floor")
    )
    return instance, solve(instance, method="priced", gap=1e-3)


def optimum(instance: Instance, row: int, side: str, limit: float) -> float:
    """Return HiGHS's optimum of the linear program with one limit changed, in the rule's own unit."""
    rows = list(instance.program.rows)
    own = limit * rows[row].unit
    rows[row] = replace(rows[row], upper=own) if side == "upper" else replace(rows[row], lower=own)
    return linear_optimum(replace(instance.program, rows=tuple(rows)))


def test_ranges_end_where_the_price_has_moved_by_a_tenth() -> None:
    """Beside HiGHS's optima: just within a range slopes are within a tenth of the price, just beyond not."""
    instance, solution = drawn()
    found = price_ranges(instance, solution)
    priced = found[found["price"] != 0]
    assert len(priced) >= 4
    assert set(priced["side"]) == {"lower", "upper"}
    for k, row in priced.iterrows():
        upper = row["side"] == "upper"
        looser = 1e-4 * max(1e-3, abs(row["limit"])) * (1 if upper else -1)
        tight, loose = (row["holds_from"], row["holds_to"])[:: 1 if upper else -1]
        assert tight != row["limit"] != loose

        def slope(limit: float, step: float, k: int = k, side: str = row["side"]) -> float:  # type: ignore[assignment]
            gain = optimum(instance, k, side, limit + step) - optimum(instance, k, side, limit)
            return abs(gain / step)

        price = abs(row["price"])
        assert slope(tight, -looser) >= 1.1 * price * (1 - 1e-5)
        assert slope(tight, looser) <= 1.1 * price * (1 + 1e-5)
        assert slope(loose, -looser) >= 0.9 * price * (1 - 1e-5)
        assert slope(loose, looser) <= 0.9 * price * (1 + 1e-5)


def test_gains_within_a_range_are_between_nine_tenths_and_all_of_the_price() -> None:
    """What the words promise: to the end of the range, more of the budget wins 0.9 to 1 times the price."""
    instance, solution = drawn()
    names = [row.name for row in instance.program.rows]
    k = names.index("budget")
    row = price_ranges(instance, solution, rows=["budget"]).iloc[0]
    more = row["holds_to"] - row["limit"]
    gain = optimum(instance, k, "upper", row["holds_to"]) - optimum(instance, k, "upper", row["limit"])
    assert more > 0
    assert 0.9 * row["price"] * more <= gain * (1 + 1e-6)
    assert gain <= row["price"] * more * (1 + 1e-6)


def test_the_limit_of_a_price_has_that_price() -> None:
    """At the limit found for 0.7 of the price, HiGHS's slopes to either side have 0.7 of it between them."""
    instance, solution = drawn()
    k = [row.name for row in instance.program.rows].index("budget")
    price = 0.7 * solution.certificate.multipliers[k]
    limit = PricedLimits(instance.program, k, solution.certificate.multipliers).at(price).limit
    below, at, above = (optimum(instance, k, "upper", limit + step) for step in (-0.01, 0, 0.01))
    assert (at - below) / 0.01 >= price * (1 - 1e-5)
    assert (above - at) / 0.01 <= price * (1 + 1e-5)


@pytest.mark.parametrize("factor", [0.6, 1.1])
def test_samples_do_not_blur_the_limit_of_a_price(factor: float) -> None:
    """With users enough for samples, HiGHS's slopes beside the limit still have the price between them."""
    instance, solution = many()
    k = [row.name for row in instance.program.rows].index("budget")
    price = factor * solution.certificate.multipliers[k]
    limits = PricedLimits(instance.program, k, solution.certificate.multipliers)
    assert limits.sampled
    limit = limits.at(price).limit
    below, at, above = (optimum(instance, k, "upper", limit + step) for step in (-0.01, 0, 0.01))
    assert (at - below) / 0.01 >= price * (1 - 1e-5)
    assert (above - at) / 0.01 <= price * (1 + 1e-5)


def test_what_a_sample_says_is_near() -> None:
    """Prices of the others that a sample tells at half and twice the price are found, to a few percent."""
    instance, solution = many()
    k = [row.name for row in instance.program.rows].index("budget")
    limits = PricedLimits(instance.program, k, solution.certificate.multipliers)
    for factor in (0.5, 2.0):
        price = factor * solution.certificate.multipliers[k]
        told, found = limits.near(price), limits.at(price).multipliers
        assert told[k] == found[k] == price
        assert np.abs(told - found).max() <= 0.1 * np.abs(found).max()


@lru_cache
def many() -> tuple[Instance, Solution]:
    """Return a campaign of so many users that samples tell prices, and its solution."""
    instance = draw_instance(6000, 4, seed=5, rules=("budget", "stock", "exclusion", "return_floor"))
    return instance, solve(instance)


def test_rows_are_chosen_by_name() -> None:
    """Only the named rows are looked at, in the program's order."""
    instance = shop(Budget(amount=1.5), Target(at_least=1))
    assert list(ranges(instance, rows=["target value"]).index) == ["target value"]


def test_a_cancelled_search_leaves_what_is_not_known() -> None:
    """Once cancelled, rows with a price have no range, and their words none either."""
    cancel = threading.Event()
    cancel.set()
    found = ranges(shop(Budget(amount=1.5)), cancel=cancel)
    assert found[["holds_from", "holds_to"]].isna().all(axis=None)
    assert found["words"].iloc[0] == "0.1 CNY more would win about 0.2 more conversions."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": ["bugdet"]}, "no row has this name (got 'bugdet'). Did you mean 'budget'? Known: budget"),
        ({"tolerance": 1.0}, "a tolerance lies between 0 and 1 (got 1.0). 0.1 is usual"),
    ],
)
def test_bad_arguments_are_told(options: dict[str, object], message: str) -> None:
    """A row that is not there and a tolerance that is none are refused with their value."""
    with pytest.raises(InputError) as caught:
        ranges(shop(Budget(amount=1.5)), **options)
    assert str(caught.value) == message


def test_a_solution_without_a_plan_or_of_other_rules_is_refused() -> None:
    """Prices of rules that clash mean nothing, and those of other rules are of other rows."""
    clashing = shop(Budget(amount=1.5), Target(at_least=7))
    with pytest.raises(InputError, match="the solution has no plan, so its prices mean nothing"):
        price_ranges(clashing, solve(clashing))
    with pytest.raises(InputError, match="the plan was made for other rules than this instance has"):
        price_ranges(shop(Budget(amount=1.5)), solve(shop(UserCap(coupons=1))))


def test_frozen_users_count_in_the_limit() -> None:
    """With u1's 1 spent already, half a unit is left for u2: the price of 2 holds from limits of 1 to 2."""
    earlier = pa.table({"user_id": ["u1"], "coupon_id": ["A"]})
    row = ranges(shop(Freeze(plan=earlier), Budget(amount=1.5))).loc["budget"]
    assert row["price"] == pytest.approx(2)
    assert (row["holds_from"], row["holds_to"]) == pytest.approx((1, 2))


def test_a_budget_at_risk_has_a_range_round_its_own_limit() -> None:
    """The range is told in the budget's own amount, and more of it wins between 0.9 and 1 times the price."""
    instance = draw_instance(400, 4, seed=5, rules=("budget", "stock"))
    response = Response({**instance.response.measures, "cost_sd": 0.5 * instance.response.measures["cost"]})
    own = instance.rules[0].model_copy(update={"overspend_probability": 0.05})
    risky = replace(instance, response=response, rules=(own, *instance.rules[1:]))
    row = ranges(risky, rows=["budget"]).loc["budget"]
    assert row["limit"] == own.amount  # type: ignore[union-attr]
    assert row["price"] > 0
    assert row["holds_from"] < row["limit"] < row["holds_to"]
    more = own.model_copy(update={"amount": row["holds_to"]})
    now, then = (solve(replace(risky, rules=(r, *instance.rules[1:])), gap=1e-5) for r in (own, more))
    gain = (then.value - now.value) / (row["holds_to"] - row["limit"])
    assert 0.88 * row["price"] < gain < 1.02 * row["price"]
