"""What a rule costs, on an instance small enough to work by hand."""

from __future__ import annotations

import math
import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Coverage,
    Exclusion,
    InputError,
    Instance,
    Response,
    Rule,
    Target,
    UserCap,
    Users,
)
from couponry.instances.generators import draw_instance
from couponry.solver.explain_rule import RuleExplanation, explain_rule, without_rule
from couponry.solver.solve import solve

MOST = Campaign(currency="CNY")
LEAST_COST = Campaign(currency="CNY", objective="cost", sense="minimise")


def shop(*rules: Rule, campaign: Campaign = MOST, stock: float = math.nan) -> Instance:
    """Return three users; A wins 3, 2, 1 and B 2.5, 0.5, 0.25, each for 1; the third lives in the south."""
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"], "stock": [stock, math.nan]})),
        Users(pa.table({"user_id": ["u1", "u2", "u3"], "region": ["north", "north", "south"]})),
        Response({"value": np.array([[3, 2.5], [2, 0.5], [1, 0.25]]), "cost": np.ones((3, 2))}),
        rules,
        campaign,
    )


def explained(instance: Instance, rule: str, **options: object) -> RuleExplanation:
    """Return what a rule of an instance costs."""
    return explain_rule(instance, solve(instance), rule, **options)  # type: ignore[arg-type]


SOUTH = Coverage(segment="region", at_least=0.5)


def test_a_coverage_costs_what_the_plan_without_it_wins_more() -> None:
    """Two coupons for both regions win 3 + 1; where they may go to the north alone, 3 + 2."""
    found = explained(shop(Budget(amount=2), SOUTH), "coverage")
    assert found.rule == "coverage"
    assert (found.value, found.without.value, found.cost) == (4, 5, 1)
    assert found.cost_least <= 1 <= found.cost_most
    assert (found.cost_least, found.cost_most) == pytest.approx((1, 1), abs=1e-6)
    assert list(found.prices["name"]) == ["coverage region=north", "coverage region=south"]
    assert found.words.startswith(
        "Without 'coverage' the plan would win about 1 more conversions: 5 instead of 4. "
    )


def test_a_rule_that_does_not_bind_costs_nothing() -> None:
    """Of a budget of 9 only 3 are spent, so the plan without it is the same."""
    found = explained(shop(Budget(amount=9)), "budget")
    assert found.cost == 0
    assert (
        found.words
        == "'budget' costs nothing: without it the best plan is no better. None of its limits binds."
    )


def test_a_single_row_is_told_with_its_price() -> None:
    """A budget's one row needs no name: its price, and how far it holds."""
    found = explained(shop(Budget(amount=1.5)), "budget")
    # 6 can be won in all; 3 are, and the bound by prices, which integers cannot reach, is 4.
    assert found.cost == 3
    assert found.words.endswith(
        "0.1 CNY more would win about 0.2 more conversions, up to about 0.5 CNY more."
    )


def test_rules_on_one_user_have_a_cost_too() -> None:
    """Without the exclusion u1 gets B beside A; without the cap of one so do all."""
    rules = (Budget(amount=3), UserCap(coupons=2), Exclusion(coupons=["A", "B"]))
    exclusion = explained(shop(*rules), "exclusion")
    # With it A for all three: 6. Without it A and B for u1 and A for u2: 7.5.
    assert (exclusion.value, exclusion.without.value) == (6, 7.5)
    assert len(exclusion.prices) == 0
    cap = explained(shop(Budget(amount=3), UserCap(coupons=1)), "user cap")
    assert (cap.value, cap.without.value, cap.cost) == (6, 7.5, 1.5)


def test_the_menus_stock_can_be_asked_of() -> None:
    """The one A is for u2, with B for the others 4.75; with as many as wanted 6."""
    found = explained(shop(Budget(amount=3), stock=1), "stock A")
    assert (found.rule, found.value, found.without.value) == ("stock A", 4.75, 6)
    assert list(found.prices["name"]) == ["stock A"]


def test_a_row_stands_for_its_rule() -> None:
    """Asked of one region's row, the whole coverage is left out."""
    label, rows, without = without_rule(shop(Budget(amount=2), SOUTH), "coverage region=south")
    assert label == "coverage"
    assert rows == ["coverage region=north", "coverage region=south"]
    assert without.rules == (Budget(amount=2),)


def test_least_cost_saves() -> None:
    """Where cost is minimised a rule's cost is money: without the coverage one coupon for u1 is enough."""
    found = explained(shop(Target(at_least=3), SOUTH, campaign=LEAST_COST), "coverage")
    assert (found.value, found.without.value, found.cost) == (2, 1, 1)
    assert found.words.startswith(
        "Without 'coverage' the plan would save about 1 CNY of expected cost: 1 CNY instead of 2 CNY."
    )


def test_the_cost_is_proven_between_two_numbers() -> None:
    """With wide gaps the true cost still lies between the two, which both solves' bounds prove."""
    instance = draw_instance(1200, 5, seed=4, rules=("budget", "stock", "coverage", "parity"))
    rough = explain_rule(instance, solve(instance, gap=0.02), "coverage", gap=0.02)
    exact = explain_rule(instance, solve(instance, gap=1e-5), "coverage", gap=1e-5)
    assert rough.cost_least <= exact.cost_least <= exact.cost <= exact.cost_most <= rough.cost_most
    assert exact.cost_most > exact.cost_least > 0
    assert "is proven to lie between" in exact.words


def test_without_a_plan_in_time_there_is_no_cost() -> None:
    """Cancelled before it began, the solve without the rule may have no plan; the proven side remains."""
    cancel = threading.Event()
    cancel.set()
    instance = draw_instance(1200, 5, seed=4, rules=("budget", "coverage"))
    found = explain_rule(instance, solve(instance, gap=1e-3), "coverage", cancel=cancel)
    assert math.isnan(found.cost) == math.isnan(found.without.value)
    assert found.cost_least >= 0
    assert found.prices[found.prices["price"] != 0][["holds_from", "holds_to"]].isna().all(axis=None)
    if math.isnan(found.cost):
        assert found.words.startswith("No plan without 'coverage' was found: It was cancelled")


def test_what_cannot_be_explained_is_refused() -> None:
    """A rule that is not there, a solution without a plan, and one of other rules."""
    instance = shop(Budget(amount=2), SOUTH)
    with pytest.raises(InputError) as caught:
        explained(instance, "covrage")
    assert str(caught.value) == (
        "no rule has this name (got 'covrage'). Did you mean 'coverage'? Known: budget, coverage"
    )
    clashing = shop(Budget(amount=1), SOUTH)
    with pytest.raises(InputError, match="the solution has no plan to explain"):
        explained(clashing, "coverage")
    with pytest.raises(InputError, match="the plan was made for other rules than this instance has"):
        explain_rule(instance, solve(shop(Budget(amount=2))), "budget")
