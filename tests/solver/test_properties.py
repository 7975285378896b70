"""What must hold of every solve over drawn instances, judged by brute force and by ``verify``."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brute_force import Best, best_plan
from tests.drawn import campaigns, instances

from couponry.instances import Budget, Instance
from couponry.solver.solution import Solution, Status
from couponry.solver.solve import solve
from couponry.solver.verify import verify, verify_infeasible

DRAWN = settings(max_examples=150, deadline=None, derandomize=True)
MORE = settings(max_examples=600, deadline=None, derandomize=True)
METHODS = ["highs", "priced"]


def sense(instance: Instance) -> float:
    """Return +1 where more is better, −1 where less is."""
    return 1.0 if instance.campaign.sense == "maximise" else -1.0


def slack(value: float) -> float:
    """Return by how much equal objectives may differ."""
    return 1e-9 * max(1.0, abs(value))


def check_answer(instance: Instance, solution: Solution, best: Best | None) -> None:
    """Assert that a solution says nothing that is not so."""
    if solution.status in (Status.OPTIMAL, Status.FEASIBLE):
        assert best is not None
        check_plan(instance, solution, best)
    else:
        assert math.isnan(solution.value)
        assert solution.plan.num_rows == 0
    if solution.status is Status.INFEASIBLE:
        assert best is None
        check_infeasible(instance, solution)


def check_plan(instance: Instance, solution: Solution, best: Best) -> None:
    """Assert that the plan keeps every rule, and that best lies between its value and both bounds."""
    found = verify(instance, solution.plan, solution.certificate)
    assert found.ok, found.words()
    assert found.certificate is not None
    assert solution.value == pytest.approx(found.value, rel=1e-12, abs=1e-12)
    for bound in (solution.bound, solution.certificate.bound, found.certificate.bound):
        assert sense(instance) * best.value <= sense(instance) * bound + slack(best.value)
    assert sense(instance) * solution.value <= sense(instance) * best.value + slack(best.value)
    gap = abs(solution.bound - solution.value) / max(1.0, abs(solution.bound))
    assert solution.gap == pytest.approx(gap, rel=1e-9, abs=1e-12)
    if solution.stats["bound_source"] == "prices":
        unsure = slack(solution.bound) + found.certificate.error
        assert sense(instance) * solution.bound >= sense(instance) * found.certificate.bound - unsure
    check_table(instance, solution)


def check_table(instance: Instance, solution: Solution) -> None:
    """Assert that every row of the prices table lies within its limits, for every row of the program."""
    table = solution.prices
    assert list(table["name"]) == [row.name for row in instance.program.rows]
    for row in table.itertuples():
        room = 1e-9 * max(1.0, abs(row.activity))
        assert row.lower - room <= row.activity <= row.upper + room, row


def check_infeasible(instance: Instance, solution: Solution) -> None:
    """Assert that an infeasible answer says why, and that its proof by prices is one."""
    reason = solution.infeasibility
    assert reason is not None
    assert reason.words
    assert reason.proof in ("prices", "enumeration", "search", "counts")
    if reason.proof == "prices":
        assert reason.multipliers is not None
        assert verify_infeasible(instance, reason.multipliers).proven


@pytest.mark.parametrize("method", METHODS)
@DRAWN
@given(instance=instances())
def test_answer_is_true(method: str, instance: Instance) -> None:
    """Plans are feasible, no bound is beaten, and infeasible is said only of what has no plan."""
    check_answer(instance, solve(instance, method=method, seed=1), best_plan(instance))


@DRAWN
@given(instance=instances())
def test_highs_finds_the_best(instance: Instance) -> None:
    """HiGHS over the whole finds what brute force finds, and says infeasible where that finds nothing."""
    check_highs(instance)


def check_highs(instance: Instance) -> None:
    """Assert that HiGHS on the whole program agrees with brute force."""
    best = best_plan(instance)
    solution = solve(instance, method="highs", gap=0.0)
    if best is None:
        assert solution.status is Status.INFEASIBLE
    else:
        assert solution.status is Status.OPTIMAL
        assert abs(solution.value - best.value) <= slack(best.value)
        assert abs(solution.bound - best.value) <= 2 * slack(best.value)


@pytest.mark.parametrize("method", METHODS)
@DRAWN
@given(instance=instances(), seed=st.integers(0, 3))
def test_same_seed_gives_the_same_plan(method: str, instance: Instance, seed: int) -> None:
    """Two solves with one seed answer alike, to the last digit."""
    first, second = (solve(instance, method=method, seed=seed) for _ in range(2))
    assert first.plan.equals(second.plan)
    assert first.status is second.status
    assert first.bound == second.bound or (math.isnan(first.bound) and math.isnan(second.bound))
    assert first.certificate.multipliers.tolist() == second.certificate.multipliers.tolist()


@DRAWN
@given(
    instance=instances(), amount=st.sampled_from([0.0, 0.5, 1.5, 3.0]), more=st.sampled_from([1e-9, 0.3, 2.0])
)
def test_more_budget_never_lowers_the_value(instance: Instance, amount: float, more: float) -> None:
    """With a larger budget the exact optimum is no worse, and an instance with a plan keeps one."""
    first, second = (
        solve(with_budget(instance, budget), method="highs", gap=0.0) for budget in (amount, amount + more)
    )
    if first.status is Status.OPTIMAL:
        assert second.status is Status.OPTIMAL
        assert sense(instance) * second.value >= sense(instance) * first.value - slack(first.value)


def with_budget(instance: Instance, amount: float) -> Instance:
    """Return the instance with one more budget."""
    rules: tuple[Any, ...] = (*instance.rules, Budget(amount=amount, name="the budget"))
    return Instance(instance.coupons, instance.users, instance.response, rules, instance.campaign)


@DRAWN
@given(instance=instances(), amount=st.sampled_from([0.5, 1.5]), more=st.sampled_from([-0.5, 0.0, 0.3]))
def test_start_from_another_solution_changes_no_truth(instance: Instance, amount: float, more: float) -> None:
    """Started from the solution of another budget, a priced solve answers as truly as from nothing."""
    start = solve(with_budget(instance, amount), method="priced")
    other = with_budget(instance, amount + more)
    check_answer(other, solve(other, method="priced", start=start), best_plan(other))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(instance=campaigns())
def test_priced_stands_up_to_highs_on_hundreds_of_users(instance: Instance) -> None:
    """Where prices alone settle most users, the priced method agrees with HiGHS on the whole program."""
    check_against_highs(instance)


def check_against_highs(instance: Instance) -> None:
    """Assert that the two methods agree, as far as the time goes."""
    check_two(instance, *(solve(instance, method=method, time_limit=5) for method in METHODS))


def check_two(instance: Instance, highs: Solution, priced: Solution) -> None:
    """Assert that two solutions of an instance do not contradict each other."""
    for solution in (highs, priced):
        if solution.status in (Status.OPTIMAL, Status.FEASIBLE):
            check_plan(instance, solution, Best(solution.value, solution.plan, 0))
        if solution.status is Status.INFEASIBLE:
            check_infeasible(instance, solution)
    plans = [
        solution for solution in (highs, priced) if solution.plan.num_rows or not math.isnan(solution.value)
    ]
    assert not plans or Status.INFEASIBLE not in (highs.status, priced.status)
    for one, other in ((highs, priced), (priced, highs)):
        if any(one is plan for plan in plans):
            assert sense(instance) * one.value <= sense(instance) * other.bound + slack(other.bound)


@pytest.mark.slow
@MORE
@given(instance=instances(max_users=6, max_rules=6))
def test_answers_are_true_of_many(instance: Instance) -> None:
    """Many more and somewhat larger instances: both methods, against brute force."""
    best = best_plan(instance)
    check_highs(instance)
    check_answer(instance, solve(instance, method="priced"), best)
    check_answer(instance, solve(instance), best)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(instance=campaigns(users=(600, 1500), coupons=(5, 8)))
def test_priced_stands_up_to_highs_on_thousands(instance: Instance) -> None:
    """The same of larger campaigns."""
    check_against_highs(instance)
