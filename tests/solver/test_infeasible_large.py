"""Infeasible is proven and mended at 100,000 × 10 too; and what no solve could answer never gets that far."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances import Budget, Campaign, Coupons, InputError, Instance, Response, Target, Users
from couponry.instances.generators import draw_instance
from couponry.solver.solution import Status
from couponry.solver.solve import solve
from couponry.solver.verify import verify, verify_infeasible


@lru_cache
def feasible() -> Instance:
    """Return a drawn instance that has a plan."""
    return draw_instance(100_000, 10, seed=3, rules=("budget", "target"))


def with_budget(amount: float) -> Instance:
    """Return it with another budget."""
    budget, target = feasible().rules
    assert isinstance(budget, Budget)
    assert isinstance(target, Target)
    return replace(feasible(), rules=(budget.model_copy(update={"amount": amount}), target))


@pytest.mark.slow
def test_clash_words_and_mends_of_a_hundred_thousand() -> None:
    """A third of the money cannot reach the target: both rules are named, and what mends each.

    The proof is checked by code that is not the solver's, and the mended budget lets a plan in.
    """
    budget = feasible().rules[0]
    assert isinstance(budget, Budget)
    tight = with_budget(round(0.3 * budget.amount, 2))
    solution = solve(tight)
    assert solution.status is Status.INFEASIBLE
    why = solution.infeasibility
    assert why is not None
    assert why.multipliers is not None
    assert verify_infeasible(tight, why.multipliers).proven
    assert "No plan can meet these rules together: 'budget', 'target value'." in why.words
    assert "raise 'budget' from" in why.words
    assert "lower 'target value' from" in why.words
    mended = next(clash.mended_limit for clash in why.clashes if clash.name == "budget")
    assert mended is not None
    assert 0.3 * budget.amount < mended <= budget.amount
    # A little more than the least, which leaves whole users no choice at all.
    again = solve(with_budget(round(1.001 * mended, 2)), gap=1e-3)
    assert again.status in (Status.OPTIMAL, Status.FEASIBLE)
    assert verify(with_budget(round(1.001 * mended, 2)), again.plan).ok
    assert solve(with_budget(round(0.999 * mended, 2)), explain_clashes=False).status is Status.INFEASIBLE


@pytest.mark.slow
def test_many_rules_that_clash_are_named() -> None:
    """A twentieth of the money against coverage of every region: proven by prices, the rules named."""
    drawn = draw_instance(100_000, 10, seed=3, rules=("budget", "coverage", "stock", "parity"))
    budget = drawn.rules[0]
    assert isinstance(budget, Budget)
    amount = round(0.05 * budget.amount, 2)
    tight = replace(drawn, rules=(budget.model_copy(update={"amount": amount}), *drawn.rules[1:]))
    why = solve(tight, explain_clashes=False).infeasibility
    assert why is not None
    assert why.multipliers is not None
    assert verify_infeasible(tight, why.multipliers).proven
    assert "'budget'" in why.words
    assert "'coverage region=" in why.words


def tiny(value: float, cost: float, **campaign: str) -> Instance:
    """Return one user and one coupon."""
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["a"]})),
        Users(pa.table({"user_id": [1]})),
        Response({"value": np.array([[value]]), "cost": np.array([[cost]])}),
        (),
        Campaign(**campaign),
    )


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinite_values_cannot_enter(value: float) -> None:
    """An infinite value would make a program unbounded; it is refused with its place."""
    with pytest.raises(InputError, match="value of an eligible pair must be a finite number"):
        tiny(value, 1.0)


@pytest.mark.parametrize("cost", [math.nan, math.inf])
def test_costs_that_are_no_number_cannot_enter(cost: float) -> None:
    """NaN says 'not eligible' of a value, and nothing of a cost."""
    with pytest.raises(InputError, match="cost of an eligible pair must be a finite number"):
        tiny(1.0, cost)


@pytest.mark.parametrize("amount", [math.nan, math.inf])
def test_limits_that_are_no_number_cannot_enter(amount: float) -> None:
    """A rule without a finite limit is no rule."""
    with pytest.raises(InputError):
        Budget(amount=amount)
    with pytest.raises(InputError):
        Target(at_least=amount)


@pytest.mark.parametrize("objective", ["cost", "count", "value"])
def test_without_any_rule_the_bound_is_finite(objective: str) -> None:
    """What a user may have bounds every objective, however many are asked for."""
    solution = solve(tiny(2.0, 3.0, objective=objective))
    assert solution.status is Status.OPTIMAL
    assert solution.bound == {"cost": 3.0, "count": 1.0, "value": 2.0}[objective]
