"""Cases that are hard where most are easy: whatever the method, HiGHS's integer optimum is met."""

from __future__ import annotations

import pytest
from tests.solver.hard import CROWDED, HARD
from tests.solver.linear import integer_optimum

from couponry.instances import Instance
from couponry.solver.solution import Solution, Status
from couponry.solver.solve import solve
from couponry.solver.verify import verify

METHODS = ("auto", "highs", "priced")


def check(instance: Instance, solution: Solution, best: float | None) -> None:
    """Assert that a solution is the best there is, or says rightly that there is none."""
    if best is None:
        assert solution.status is Status.INFEASIBLE
        assert solution.infeasibility is not None
        assert solution.infeasibility.words
        return
    assert solution.status is Status.OPTIMAL, (solution.status, solution.stopped_by, solution.gap)
    assert solution.value == pytest.approx(best, rel=1e-6, abs=1e-9)
    assert solution.bound >= best - 1e-9 * max(1.0, abs(best))
    judged = verify(instance, solution.plan, solution.certificate)
    assert judged.ok, judged.words()


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", HARD)
def test_small_ones_are_solved_to_the_end(name: str, seed: int) -> None:
    """A hundred or two users, or one: each method finds what HiGHS finds, and a bound that meets it."""
    instance = HARD[name](seed)
    best = integer_optimum(instance.program)
    for method in METHODS:
        check(instance, solve(instance, method=method), best)


@pytest.mark.slow
@pytest.mark.parametrize("name", CROWDED)
def test_larger_ones_need_prices(name: str) -> None:
    """With 1,200 users most are settled by prices, and still the answer is HiGHS's up to the reported gap."""
    instance = CROWDED[name](1, 1_200)
    solution = solve(instance, gap=1e-5)
    if solution.status is Status.INFEASIBLE:
        assert integer_optimum(instance.program) is None
        return
    best = integer_optimum(instance.program, gap=2e-6)
    assert best is not None
    assert solution.status is Status.OPTIMAL, (solution.stopped_by, solution.gap)
    assert solution.value == pytest.approx(best, rel=2e-5, abs=1e-9)
    assert verify(instance, solution.plan, solution.certificate).ok


def test_one_user_takes_the_best_that_the_money_allows() -> None:
    """Twelve coupons, three at most, one of each kind: the value is that of the plan itself, rounded once."""
    instance = HARD["one_user"](0)
    solution = solve(instance)
    assert 0 < solution.plan.num_rows <= 3
    assert solution.value == pytest.approx(sum(solution.plan["value"].to_pylist()))


def test_zero_budget_is_earned() -> None:
    """Without money some pairs that cost are still given: others earn what they take."""
    instance = HARD["zero_budget"](0)
    costs = solve(instance).plan["cost"].to_pylist()
    assert sum(costs) <= 1e-12
    assert any(cost > 0 for cost in costs)


def test_nobody_is_served_where_every_value_is_negative() -> None:
    """Unless a rule asks for it, the best plan is empty, and worth 0."""
    solution = solve(HARD["all_negative_and_free"](0))
    assert solution.status is Status.OPTIMAL
    assert solution.value == 0.0
    assert solution.plan.num_rows == 0
