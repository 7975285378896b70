"""The least money for a target, on an instance small enough to work by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brute_force import best_plan
from tests.drawn import instances
from tests.instances.small import four_users

from couponry.instances import Budget, Campaign, InputError, Instance, Target, write_plan
from couponry.instances.generators import draw_instance
from couponry.solver.least_budget import LeastBudget, least_budget, turned_round
from couponry.solver.solve import solve
from couponry.solver.verify import verify

CNY = Campaign(currency="CNY")


def test_least_money_by_hand() -> None:
    """1.0 conversions need u3 A, u4 B and u2 A at 4; what 0.9 cost, 3, is not enough."""
    found = least_budget(four_users(Budget(amount=2), campaign=CNY), target=1.0)
    assert found.enough == 4
    assert found.least == pytest.approx(4, abs=1e-6)
    assert found.words == "4 CNY are enough for 1 conversions; no plan does it for less."
    assert sorted(found.solution.plan["user_id"].to_pylist()) == ["u2", "u3", "u4"]
    assert verify(found.instance, found.solution.plan, found.solution.certificate).ok


def test_budgets_of_money_over_everybody_are_dropped_and_no_others() -> None:
    """A budget of some coupons, of contacts, or of some users is a rule like any other."""
    rules = (
        Budget(amount=1),
        Budget(amount=2, coupons=["A"], name="of A"),
        Budget(amount=3, measure="count"),
        Budget(amount=5, users={"region": ["north"]}),
    )
    turned = turned_round(four_users(*rules, campaign=CNY), 1.0, "value")
    assert turned.rules == (*rules[1:], Target(at_least=1.0))
    assert (turned.campaign.objective, turned.campaign.sense, turned.campaign.currency) == (
        "cost",
        "minimise",
        "CNY",
    )


def test_to_keep_a_result() -> None:
    """What the plan under 4 units wins, 1.1, cannot be had for less than the 4 that it spends."""
    instance = four_users(Budget(amount=4), campaign=CNY)
    solution = solve(instance)
    for plan in (solution, solution.plan):
        found = least_budget(instance, keep_result=plan, start=solution)
        assert found.target == solution.value
        assert found.enough == pytest.approx(4)


def test_a_result_on_disk(tmp_path: Path) -> None:
    """The earlier plan may be a file or what solve wrote; its own numbers count, not today's."""
    earlier = pa.table({"user_id": ["u1", "gone"], "coupon_id": ["A", "B"], "value": [0.5, 0.4]})
    write_plan(earlier, tmp_path / "plan.parquet")
    for place in (tmp_path, str(tmp_path / "plan.parquet")):
        assert least_budget(four_users(), keep_result=place).target == 0.9
    assert least_budget(four_users(), keep_result=earlier, measure="count").target == 2


def test_another_measure() -> None:
    """Of three coupons at least, the cheapest are two A and a B: 4 units."""
    found = least_budget(four_users(campaign=CNY), target=3, measure="count")
    assert found.enough == 4
    assert found.words == "4 CNY are enough for 3 coupons; no plan does it for less."
    # Where cost is minimised already, what is meant are conversions.
    cost = Campaign(objective="cost", sense="minimise")
    assert least_budget(four_users(campaign=cost), target=0.5).measure == "value"


def test_no_money_is_enough() -> None:
    """The most that can be won is 1.4: more has no plan, and the answer says what could be had."""
    found = least_budget(four_users(Budget(amount=2), campaign=CNY), target=2)
    assert math.isnan(found.enough)
    assert found.words.startswith("No money is enough for 2 conversions. No plan can meet these rules ")
    assert "lower 'target value' from 2 to 1.400" in found.words


@pytest.mark.parametrize(
    ("enough", "least", "words"),
    [
        (48199.991, 48150.009, "48,200 CNY are enough for 5,000 conversions; less than 48,150 cannot be."),
        (12.341, 12.339, "12.35 CNY are enough for 5,000 conversions; less than 12.33 cannot be."),
        (12.34, 12.34, "12.34 CNY are enough for 5,000 conversions; no plan does it for less."),
        (3.3 / 10, -math.inf, "0.33 CNY are enough for 5,000 conversions; nothing is proven of less."),
    ],
)
def test_amounts_are_rounded_on_the_safe_side(enough: float, least: float, words: str) -> None:
    """What is enough is rounded up to the cent and what is not is rounded down."""
    instance = four_users(campaign=CNY)
    solution = replace(solve(instance), value=enough, bound=least)
    assert LeastBudget(5000, "value", instance, solution).words == words


@settings(max_examples=40, deadline=None, derandomize=True)
@given(instance=instances(max_users=4), target=st.sampled_from([0.0, 0.25, 0.6, 1.0]))
def test_it_is_the_cheapest_of_all_plans(instance: Instance, target: float) -> None:
    """Trying all plans that reach the target, within all rules that stay, none costs less."""
    found = least_budget(instance, target=target, measure="value", method="highs", gap=0.0)
    best = best_plan(found.instance)
    if best is None:
        assert math.isnan(found.enough)
    else:
        assert found.enough == pytest.approx(best.value, abs=1e-9)
        assert found.least <= best.value + 1e-9


def test_it_inverts_the_budget_of_a_large_campaign() -> None:
    """What a budget wins costs no more than the budget, and within the gaps no less than its plan."""
    instance = draw_instance(1500, 5, seed=4, rules=("budget", "stock", "coverage", "parity"))
    solution = solve(instance, gap=1e-4)
    cold, warm = (
        least_budget(instance, keep_result=solution, start=start, gap=1e-4) for start in (None, solution)
    )
    budget = instance.rules[0].amount  # type: ignore[union-attr]
    assert warm.least <= warm.enough <= budget * (1 + 1e-4)
    assert warm.enough == pytest.approx(cold.enough, rel=2e-4)
    # A little less money than was proven to be least wins less: the bound of that budget says so.
    less = instance.rules[0].model_copy(update={"amount": 0.99 * warm.least})
    assert solve(replace(instance, rules=(less, *instance.rules[1:])), gap=1e-4).bound < solution.value
    assert np.isfinite(warm.solution.certificate.multipliers).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "the least money is asked for one thing. Give either target or keep_result"),
        (
            {"target": 1, "keep_result": "plan"},
            "the least money is asked for one thing. Give either target or keep_result",
        ),
        ({"target": math.nan}, "a target must be a finite number (got nan). Give what is to be reached"),
        (
            {"keep_result": pa.table({"user_id": ["u1"], "coupon_id": ["A"]}), "measure": "revenue"},
            "column 'revenue': the earlier plan does not say its revenue. Give the target as a number",
        ),
    ],
)
def test_bad_questions_are_told(options: dict[str, object], message: str) -> None:
    """Nothing or two things asked for, no number, and a plan that does not say: each is refused."""
    with pytest.raises(InputError) as caught:
        least_budget(four_users(), **options)  # type: ignore[arg-type]
    assert str(caught.value) == message
    with pytest.raises(InputError, match="no such measure"):
        least_budget(four_users(), target=1, measure="margin")


def test_a_target_reads_as_other_numbers_do() -> None:
    """Of a target computed from an earlier plan four figures are told, not twelve."""
    instance = four_users(campaign=CNY)
    found = least_budget(instance, target=1.10000000123)
    assert " for 1.100 conversions" in found.words
