"""Pairs that alone break a rule are in no plan: budgets of next to nothing are solved to the end."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances import Budget, Coupons, Instance, Response, Rule, Stock, UserCap, Users
from couponry.solver.possible import without_impossible
from couponry.solver.prices import PriceBook
from couponry.solver.scale import measure_scale
from couponry.solver.solution import Status
from couponry.solver.solve import solve
from couponry.solver.verify import verify


def campaign(
    users: int, rules: tuple[Rule, ...], *, cost: np.ndarray | None = None, seed: int = 0
) -> Instance:
    """Return users with three coupons that cost 1, 2 and 3; one user is worth a hundred thousand."""
    value = np.random.default_rng(seed).random((users, 3))
    value[users // 2] = 1e5
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B", "C"]})),
        Users(pa.table({"user_id": np.arange(users)})),
        Response({"value": value, "cost": np.tile([1.0, 2.0, 3.0], (users, 1)) if cost is None else cost}),
        (*rules, UserCap(coupons=1)),
    )


def left_of(instance: Instance) -> np.ndarray | None:
    """Return which pairs are left, or None where all are."""
    book = PriceBook(instance.program)
    scale = measure_scale(instance.program, book, np.arange(instance.program.n_users))
    program = without_impossible(instance.program, book, scale)
    return None if program is None else ~np.isnan(program.columns["value"])


def test_pairs_that_cost_more_than_the_budget_go() -> None:
    """Of coupons that cost 1, 2 and 3 a budget of 2.5 leaves the first two, one of 3 all."""
    left = left_of(campaign(4, (Budget(amount=2.5),)))
    assert left is not None
    assert left.tolist() == [[True, True, False]] * 4
    assert left_of(campaign(4, (Budget(amount=3),))) is None


def test_coupons_without_stock_go() -> None:
    """A stock of nothing takes its own coupon's pairs, no others."""
    left = left_of(campaign(4, (Stock(coupons=["B"], at_most=0),)))
    assert left is not None
    assert left.tolist() == [[True, False, True]] * 4


def test_nothing_goes_where_some_pairs_earn() -> None:
    """Where a pair brings money others may cost more than the budget."""
    cost = np.tile([-5.0, 2.0, 3.0], (4, 1))
    assert left_of(campaign(4, (Budget(amount=1),), cost=cost)) is None


@pytest.mark.parametrize("users", [30, 3500])
@pytest.mark.parametrize(("budget", "best"), [(0.0, 0.0), (0.5, 0.0), (1.0, 1e5), (2.0, None)])
def test_tiny_budgets_are_solved_to_the_end(users: int, budget: float, best: float | None) -> None:
    """However few coupons the money buys, the plan is the best and proven so, within a millionth."""
    instance = campaign(users, (Budget(amount=budget),))
    solution = solve(instance)
    if best is None:  # the dear user's coupon and the next best
        value = instance.response.measures["value"]
        best = 1e5 + float(np.delete(value[:, 0], users // 2).max())
    assert solution.status is Status.OPTIMAL
    assert solution.value == pytest.approx(best, rel=1e-6)
    assert solution.bound >= solution.value
    assert verify(instance, solution.plan, solution.certificate).ok
