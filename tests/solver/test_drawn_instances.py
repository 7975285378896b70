"""Two thousand drawn instances, each against brute force; more on demand.

COUPONRY_DRAWN=20000 pytest tests/solver/test_drawn_instances.py
COUPONRY_DRAWN_FROM=1234 COUPONRY_DRAWN=1 pytest tests/solver/test_drawn_instances.py
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from tests.brute_force import best_plan
from tests.seeded import seeded_instance
from tests.solver.test_properties import check_answer, slack

from couponry.instances import Instance
from couponry.solver.solution import Status
from couponry.solver.solve import solve

DRAWN = int(os.environ.get("COUPONRY_DRAWN", "2000"))
FIRST = int(os.environ.get("COUPONRY_DRAWN_FROM", "0"))
PARTS = 20
METHODS = ("auto", "highs", "priced")


def check(instance: Instance, method: str, *, explain: bool) -> str:
    """Assert that a method's answer is true, and the best one where the method searches to the end."""
    best = best_plan(instance)
    solution = solve(instance, method=method, gap=0.0, explain_clashes=explain)
    check_answer(instance, solution, best)
    if method == "priced":
        return solution.status.value
    assert solution.status is (Status.INFEASIBLE if best is None else Status.OPTIMAL), solution.status
    if best is not None:
        assert abs(solution.value - best.value) <= slack(best.value), (solution.value, best.value)
        assert abs(solution.bound - best.value) <= 2 * slack(best.value), (solution.bound, best.value)
    return solution.status.value


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_answers_are_those_of_brute_force(part: int) -> None:
    """Every answer is true; the methods that search to the end find the best plan, or rightly none."""
    wrong = []
    for seed in range(FIRST + part, FIRST + DRAWN, PARTS):
        method = METHODS[seed // PARTS % len(METHODS)]
        try:
            check(seeded_instance(seed), method, explain=seed % 5 == 0)
        except Exception as error:
            again = f"COUPONRY_DRAWN_FROM={seed} COUPONRY_DRAWN=1 pytest {__file__}"
            wrong.append(f"seed {seed}, method {method}: {type(error).__name__}: {error}\n  again: {again}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_what_is_drawn_is_of_every_sort() -> None:
    """Among three hundred, a good share has a plan and a good share none; every kind of rule is there."""
    drawn = [seeded_instance(seed) for seed in range(300)]
    none = sum(best_plan(instance) is None for instance in drawn)
    assert 30 < none < 200
    kinds = Counter(rule.kind for instance in drawn for rule in instance.rules)
    assert len(kinds) == 9
    assert min(kinds.values()) >= 10
    assert any(instance.response.coupon is not None for instance in drawn)
    assert {instance.campaign.sense for instance in drawn} == {"maximise", "minimise"}


def test_a_seed_is_an_instance() -> None:
    """The same number always gives the same instance, and a method's answer to it is true."""
    one, same = seeded_instance(7), seeded_instance(7)
    assert one.response.measures["value"].tobytes() == same.response.measures["value"].tobytes()
    assert str(one.rules) == str(same.rules)
    check(one, "highs", explain=True)
