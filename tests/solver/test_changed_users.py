"""Re-planning with few users changed: what the planner asked for is what the plan has."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from couponry.instances import Instance, Keep, Response
from couponry.instances.generators import draw_instance
from couponry.solver.explain import explain
from couponry.solver.solve import solve
from couponry.solver.verify import verify


def sets(plan: pa.Table) -> dict[object, frozenset[str]]:
    """Return what each user gets, nothing for those who are not named."""
    held: dict[object, set[str]] = defaultdict(set)
    for row in plan.to_pylist():
        held[row["user_id"]].add(row["coupon_id"])
    return defaultdict(frozenset, {user: frozenset(coupons) for user, coupons in held.items()})


def changed_users(instance: Instance, before: pa.Table, after: pa.Table) -> int:
    """Return how many of the instance's users get another set of coupons, counted user by user."""
    old, new = sets(before), sets(after)
    return sum(old[user] != new[user] for user in instance.users.ids.to_pylist())


def next_month() -> tuple[Instance, pa.Table]:
    """Return a campaign, and the plan that it had last month, when people responded otherwise."""
    last = draw_instance(800, 4, seed=1, rules=("budget", "stock"))
    drift = np.random.default_rng(0).uniform(0.5, 1.5, last.response.shape).astype(np.float32)
    value = last.response.measures["value"] * drift
    now = replace(last, response=Response({**last.response.measures, "value": value}))
    return now, solve(last, gap=1e-3).plan


@pytest.mark.parametrize("method", ["highs", "priced"])
def test_at_most_so_many_users_change(method: str) -> None:
    """Free, more than a tenth change; with a tenth allowed no more do, and it costs something."""
    instance, before = next_month()
    free = solve(instance, method=method, gap=1e-3)
    calm = replace(instance, rules=(*instance.rules, Keep(plan=before, changed_at_most=0.1)))
    solution = solve(calm, method=method, gap=1e-3)
    assert changed_users(instance, before, free.plan) > 100
    assert changed_users(instance, before, solution.plan) <= 80
    assert solution.value < free.value
    row = solution.prices[solution.prices["name"] == "keep changed"].iloc[0]
    assert row["activity"] == changed_users(instance, before, solution.plan)
    assert (row["measure"], row["upper"]) == ("users changed", 80)
    assert row["price"] > 0
    assert verify(calm, solution.plan, solution.certificate).ok


def test_nobody_changes() -> None:
    """With no change allowed, the earlier plan of the same campaign is the only one."""
    instance = draw_instance(300, 4, seed=1, rules=("budget", "stock"))
    before = solve(instance, gap=1e-3).plan
    kept = replace(instance, rules=(*instance.rules, Keep(plan=before, changed_at_most=0)))
    solution = solve(kept)
    assert sets(solution.plan) == sets(before)
    tighter = instance.rules[0].model_copy(update={"amount": 0.9 * instance.rules[0].amount})  # type: ignore[union-attr]
    clash = solve(replace(kept, rules=(tighter, *kept.rules[1:])))
    assert clash.infeasibility is not None
    assert "'keep changed'" in clash.infeasibility.words


def test_a_user_is_told_what_a_change_costs() -> None:
    """Someone who keeps a coupon is paid for it by the rule, someone who is new to one pays for it."""
    instance, before = next_month()
    calm = replace(instance, rules=(*instance.rules, Keep(plan=before, changed_at_most=0.1)))
    solution = solve(calm, gap=1e-3)
    old = sets(before)
    paid = {
        (len(old[user]), offer.coupon_id in old[user], price.amount)
        for user in instance.users.ids.to_pylist()
        for offer in explain(calm, solution, user).offers
        for price in offer.prices
        if price.row == "keep changed"
    }
    assert paid == {(1, True, -1.0), (0, False, 1.0)}
