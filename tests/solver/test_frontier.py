"""The best value as a function of the budget: by hand, never falling, and each point a solve of its own."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drawn import instances
from tests.instances.small import four_users

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Coverage,
    InputError,
    Instance,
    Progress,
    Response,
    Rule,
    Target,
    Users,
)
from couponry.instances.generators import draw_instance
from couponry.solver import budget_solves
from couponry.solver.frontier import COLUMNS, Frontier, frontier
from couponry.solver.solution import Solution
from couponry.solver.solve import solve


def column(found: Frontier, name: str) -> list[object]:
    """Return a column of the table, NaN as None."""
    return [None if isinstance(v, float) and math.isnan(v) else v for v in found.table[name].tolist()]


@lru_cache
def drawn() -> Instance:
    """Return a campaign of some size."""
    return draw_instance(1200, 5, seed=4, rules=("budget", "sms_budget", "stock", "coverage"))


def test_points_of_four_users_by_hand() -> None:
    """What 1 to 8 units of money buy for four users, of whom one has to be given a B that costs 2."""
    #   1  no plan
    #   2  u4 B                     0.5
    #   3  u3 A, u4 B               0.9
    #   4  u2 A, u3 A, u4 B         1.1
    #   6  and u1 B                 1.3
    #   7  u1 C instead, which is all that anybody would like
    found = frontier(four_users(Budget(amount=4)), [4, 2, 3, 8, 6, 1, 7])
    assert tuple(found.table.columns) == COLUMNS
    assert column(found, "budget") == [1, 2, 3, 4, 6, 7, 8]
    assert column(found, "status") == ["infeasible"] + 6 * ["optimal"]
    assert column(found, "value")[0] is None
    assert column(found, "value")[1:] == pytest.approx([0.5, 0.9, 1.1, 1.3, 1.4, 1.4])
    assert column(found, "bound")[1:] == pytest.approx([0.5, 0.9, 1.1, 1.3, 1.4, 1.4])
    assert column(found, "spend") == [None, 2, 3, 4, 6, 7, 7]
    assert column(found, "given") == [None, 1, 2, 3, 4, 4, 4]
    assert column(found, "price")[-1] == 0
    assert column(found, "gap")[1:] == pytest.approx([0] * 6, abs=1e-9)
    assert found.rule == 0
    assert found.budget == 4


def test_one_proof_serves_smaller_and_slightly_larger_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a floor of 100 coupons of 1 each, nine budgets below 100 have no plan: not all are solved for."""
    solved: list[float] = []
    own = budget_solves.solve

    def counted(instance: Instance, **options: Any) -> Solution:
        solved.append(next(rule.amount for rule in instance.rules if isinstance(rule, Budget)))
        return own(instance, **options)

    monkeypatch.setattr(budget_solves, "solve", counted)
    n = 5000
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"]})),
        Users(pa.table({"user_id": np.arange(n)})),
        Response({"value": np.random.default_rng(0).random((n, 2)), "cost": np.ones((n, 2))}),
        (Budget(amount=100), Target(at_least=100, measure="count")),
    )
    found = frontier(instance, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110])
    assert column(found, "status") == ["infeasible"] * 9 + ["optimal"] * 2
    assert solved == [10, 100, 110]


def test_prices_fall_as_the_budget_grows() -> None:
    """Each further unit of a whole budget is worth no more than the one before."""
    instance = draw_instance(1200, 5, seed=4, rules=("budget",))
    prices = frontier(instance, points=6).table["price"]
    assert (prices.diff().dropna() <= 1e-9).all()
    assert prices.iloc[0] > 0


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    instance=instances(max_users=4), amounts=st.lists(st.sampled_from([0.0, 0.3, 0.5, 1.0, 2.5]), min_size=2)
)
def test_more_money_is_never_worse(instance: Instance, amounts: list[float]) -> None:
    """Along a drawn frontier values do not fall, spends keep their budgets, and a plan once found stays."""
    rules = (Budget(amount=1, name="varied"), *instance.rules)
    table = frontier(replace(instance, rules=rules), amounts, rule=0, gap=0.0).table
    assert table["budget"].tolist() == sorted(amounts)
    sense = instance.program.sense
    values = (sense * table["value"]).to_numpy()
    there = ~np.isnan(values)
    assert (np.diff(there.astype(int)) >= 0).all()
    assert (np.diff(values[there]) >= -1e-9).all()
    assert (table["spend"][there] <= table["budget"][there]).all()


def test_values_never_fall_within_a_wide_gap() -> None:
    """Points nearer to each other than the gap do not fall either: a plan for less money is one for more."""
    instance = draw_instance(1200, 5, seed=4, rules=("budget", "stock", "coverage"))
    own = instance.rules[0]
    assert isinstance(own, Budget)
    table = frontier(instance, [own.amount * (1 + step / 1000) for step in range(8)], gap=0.02).table
    assert (table["value"].diff().dropna() >= 0).all()
    assert (table["spend"] <= table["budget"]).all()
    assert (table["gap"] <= 0.02).all()


def test_a_point_is_what_a_solve_finds() -> None:
    """Each point has the bound of a solve from nothing at that budget, and its value up to the gap."""
    own = drawn().rules[0]
    assert isinstance(own, Budget)
    budgets = [0.6 * own.amount, 1.1 * own.amount]
    table = frontier(drawn(), budgets, gap=1e-3).table
    for amount, point in zip(budgets, table.itertuples(), strict=True):
        rules = (own.model_copy(update={"amount": amount}), *drawn().rules[1:])
        alone = solve(replace(drawn(), rules=rules), gap=1e-3)
        assert point.bound == pytest.approx(alone.bound, rel=1e-7)
        assert point.value == pytest.approx(alone.value, rel=1e-3)
        assert point.status == "optimal"


def test_default_points_go_from_a_quarter_to_twice_the_budget() -> None:
    """Without budgets the points lie evenly from a quarter to twice the present one."""
    found = frontier(four_users(Budget(amount=4)), points=8)
    assert column(found, "budget") == [1, 2, 3, 4, 5, 6, 7, 8]
    assert len(frontier(four_users(Budget(amount=4))).table) == 11


def test_the_whole_budget_is_varied_unless_another_is_named() -> None:
    """Of several budgets the first that speaks of everybody is varied, or the first, or the one named."""
    rules = (Budget(amount=1, coupons=["A"], name="of A"), Budget(amount=7), Budget(amount=6))
    assert frontier(four_users(*rules), [4]).rule == 1
    assert frontier(four_users(rules[0]), [4]).rule == 0
    named = frontier(four_users(*rules), [0, 2], rule=0)
    assert named.rule == 0
    assert named.budget == 1
    assert column(named, "spend") == [0, 2]


def test_least_cost_has_a_frontier_too() -> None:
    """Where cost is minimised more room in another budget never costs more."""
    instance = four_users(
        Budget(amount=1, coupons=["A"]),
        Target(at_least=0.6),
        campaign=Campaign(objective="cost", sense="minimise"),
    )
    found = frontier(instance, [0, 1, 2])
    # without A: u4 B and u1 B cost 4; with one A: u4 B and u3 A cost 3
    assert column(found, "value") == pytest.approx([4, 3, 3])
    assert column(found, "price")[-1] == 0


def test_points_are_told() -> None:
    """Before each point its budget is told, and at the end that it is done."""
    heard: list[Progress] = []
    frontier(four_users(Budget(amount=4)), [2, 1234.5], progress=heard.append)
    assert heard == [
        Progress("frontier", 0, 2, "budget 2"),
        Progress("frontier", 1, 2, "budget 1,234.5"),
        Progress("frontier", 2, 2, "done"),
    ]


def test_cancelled_frontiers_keep_their_points() -> None:
    """Once cancelled no further point is begun, and those found are handed back."""
    cancel = threading.Event()

    def stop_at_third(step: Progress) -> None:
        if step.done == 2:
            cancel.set()

    found = frontier(four_users(Budget(amount=4)), [2, 3, 4, 6], progress=stop_at_third, cancel=cancel)
    assert column(found, "budget")[:2] == [2, 3]
    assert len(found.table) <= 3
    assert column(found, "value")[:2] == pytest.approx([0.5, 0.9])


def test_frontiers_cancelled_at_once_are_empty() -> None:
    """A frontier that is cancelled before it begins is a table without rows."""
    cancel = threading.Event()
    cancel.set()
    found = frontier(four_users(Budget(amount=4)), [2, 3], cancel=cancel)
    assert len(found.table) == 0
    assert "budget" in found.table


@pytest.mark.parametrize(
    ("rules", "options", "message"),
    [
        (
            (Coverage(segment="region", at_least=0.5),),
            {},
            "there is no budget to vary. Add a [[budget]] to the instance's rules",
        ),
        (
            (Coverage(segment="region", at_least=0.5), Budget(amount=4)),
            {"rule": 0},
            "this rule is not a budget (got 0). Known: 1",
        ),
        ((Budget(amount=4),), {"points": 1}, "a frontier needs at least 2 points (got 1)"),
        (
            (Budget(amount=4),),
            {"budgets": [3, -1]},
            "a budget must be a finite number of at least 0 (got -1)",
        ),
        (
            (Budget(amount=4),),
            {"budgets": [math.nan]},
            "a budget must be a finite number of at least 0 (got nan)",
        ),
        ((Budget(amount=4),), {"budgets": []}, "no budgets were given. Give at least one amount"),
    ],
)
def test_what_cannot_be_varied_is_refused(
    rules: tuple[Rule, ...], options: dict[str, object], message: str
) -> None:
    """An instance without a budget, another rule, or an amount that is none: each is told with its value."""
    with pytest.raises(InputError) as caught:
        frontier(four_users(*rules), **options)  # type: ignore[arg-type]
    assert str(caught.value) == message


# ------------------------------------------------------------------ what finance reads off it


def test_returns_by_hand() -> None:
    """At 3 units u3 A and u4 B win 0.9 and earn 9: 0.3 conversions and 3 of revenue a unit, an ROI of 2."""
    found = frontier(four_users(Budget(amount=4)), [1, 2, 3, 6])
    assert column(found, "cost") == [None, 2, 3, 6]
    assert column(found, "value_per_cost")[1:] == pytest.approx([0.25, 0.3, 1.3 / 6])
    assert column(found, "revenue")[1:] == pytest.approx([5, 9, 13])
    assert column(found, "revenue_per_cost")[1:] == pytest.approx([2.5, 3, 13 / 6])
    assert column(found, "roi")[1:] == pytest.approx([1.5, 2, 7 / 6])
    # From 2 to 3 units 0.4 more, from 3 to 6 another 0.4; before 2 there is no plan.
    assert column(found, "marginal")[:2] == [None, None]
    assert column(found, "marginal")[2:] == pytest.approx([0.4, 0.4 / 3])


def test_without_revenue_there_is_no_return() -> None:
    """Where the response has no revenue, or nothing is spent, the ratios are not there."""
    instance = four_users(Budget(amount=4))
    bare = Response({name: instance.response.measures[name] for name in ("value", "cost")})
    found = frontier(replace(instance, coupons=plain(), response=bare), [0, 2])
    assert column(found, "roi") == [None, None]
    assert column(found, "value_per_cost") == [None, pytest.approx(0.3)]


def plain() -> Coupons:
    """Return the three coupons without stock and minimum."""
    return Coupons(pd.DataFrame({"coupon_id": ["A", "B", "C"]}))


def test_the_bound_is_concave_in_the_budget() -> None:
    """Slopes of the proven bound fall along the budgets, and lie between the prices at both ends."""
    own = drawn().rules[0]
    assert isinstance(own, Budget)
    found = frontier(drawn(), [own.amount * f for f in (0.5, 0.55, 0.7, 1.0, 1.1, 1.5)], gap=1e-3)
    table = found.table
    slopes = (table["bound"].diff() / table["budget"].diff()).to_numpy()[1:]
    assert (np.diff(slopes) <= 1e-9).all()
    assert (slopes <= table["price"].to_numpy()[:-1] + 1e-9).all()
    assert (slopes >= table["price"].to_numpy()[1:] - 1e-9).all()
    assert (table["value"] <= table["bound"]).all()


def test_a_bound_holds_between_the_budgets_that_were_tried() -> None:
    """At a budget that was not tried, the lines of those that were prove a bound for its best plan."""
    own = drawn().rules[0]
    assert isinstance(own, Budget)
    found = frontier(drawn(), [0.6 * own.amount, 1.2 * own.amount], gap=1e-3)
    for factor in (0.5, 0.8, 1.0, 1.4):
        rules = (own.model_copy(update={"amount": factor * own.amount}), *drawn().rules[1:])
        alone = solve(replace(drawn(), rules=rules), gap=1e-4)
        assert found.bound_at(factor * own.amount) >= alone.value
    assert found.bound_at(0.6 * own.amount) == found.table["bound"].iloc[0]
    nowhere = frontier(four_users(Budget(amount=1)), [0.5])
    assert nowhere.bound_at(3) == math.inf


def test_larger_budgets_than_enough_are_not_solved() -> None:
    """Once money is worth nothing the plan stands for all larger budgets: its solve is the last one."""
    heard: list[str] = []
    found = frontier(four_users(Budget(amount=4)), [8, 9, 100], progress=lambda p: heard.append(p.message))
    assert heard == ["budget 8", "budget 9", "budget 100", "done"]
    assert column(found, "value") == pytest.approx([1.4, 1.4, 1.4])
    assert column(found, "spend") == [7, 7, 7]
    assert column(found, "price") == [0, 0, 0]
    assert column(found, "marginal") == [None, 0, 0]
    assert len(found.lines) == 1


def test_the_knee_and_the_words() -> None:
    """The chord from 2 units to 8 rises by 0.15 a unit; 0.3, most of all, above it is the point at 4."""
    campaign = Campaign(currency="CNY")
    found = frontier(four_users(Budget(amount=4, name="money"), campaign=campaign), range(1, 9))
    # best                0.5   0.9   1.1   1.1   1.3   1.4   1.4  at 2 to 8 units
    # less the chord      0     0.25  0.3   0.15  0.2   0.15  0
    assert column(found, "value")[1:] == pytest.approx([0.5, 0.9, 1.1, 1.1, 1.3, 1.4, 1.4])
    assert found.knee == 4
    assert found.words.startswith(
        "From 2 CNY to 8 CNY, conversions won go from 0.5 to 1.4. Under 1 CNY there is no plan. "
        "The knee is at 4 CNY: there one more unit would win about "
    )
    assert found.words.endswith("Beyond 7 CNY more is worth nothing.")
    assert (found.name, found.unit, found.measure) == ("money", "CNY", "cost")
    none = frontier(four_users(Budget(amount=1)), [0.5, 1])
    assert none.knee is None
    assert none.words == "No plan exists under any of these budgets."


def test_of_a_budget_at_risk_each_point_proves_its_own_bound() -> None:
    """Where spends are random, prices prove nothing for other budgets; the curve is drawn all the same."""
    instance = draw_instance(300, 4, seed=5, rules=("budget",))
    response = Response({**instance.response.measures, "cost_sd": 0.5 * instance.response.measures["cost"]})
    own = instance.rules[0].model_copy(update={"overspend_probability": 0.05})
    found = frontier(replace(instance, response=response, rules=(own,)), points=3, gap=1e-3)
    assert len(found.lines) == 0
    assert (found.table["value"] <= found.table["bound"]).all()
    assert (found.table["gap"] <= 1e-3).all()
    drawn_bound = found.figure().axes[0].lines[0]
    assert list(drawn_bound.get_ydata()) == found.table["bound"].tolist()
