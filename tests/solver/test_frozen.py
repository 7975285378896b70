"""Frozen users: nothing about them changes, and what they take counts everywhere."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from tests.brute_force import best_plan
from tests.drawn import instances
from tests.instances.small import four_users
from tests.solver.test_properties import METHODS, check_answer, check_highs

from couponry.instances import Budget, Campaign, Freeze, Instance, Stock, Target
from couponry.instances.generators import draw_instance
from couponry.solver.engine import Pairs
from couponry.solver.explain import explain
from couponry.solver.feasibility import excesses
from couponry.solver.frozen import with_frozen
from couponry.solver.prices import PriceBook
from couponry.solver.rounding import plan_value
from couponry.solver.scenario import Scenario
from couponry.solver.solve import solve
from couponry.solver.verify import verify, verify_infeasible

DRAWN = settings(max_examples=100, deadline=None, derandomize=True)


def plan(*pairs: tuple[str, str]) -> pa.Table:
    """Return a plan of these pairs."""
    return pa.table({"user_id": [user for user, _ in pairs], "coupon_id": [coupon for _, coupon in pairs]})


def pairs(*given: tuple[int, int]) -> Pairs:
    """Return pairs of a user's row and a place."""
    return Pairs(np.array([u for u, _ in given], np.int64), np.array([s for _, s in given], np.int64))


def who_gets(table: pa.Table) -> dict[str, str]:
    """Return which coupon each user gets."""
    return dict(zip(table["user_id"].to_pylist(), table["coupon_id"].to_pylist(), strict=True))


@pytest.mark.parametrize("method", METHODS)
def test_what_was_sent_is_spent(method: str) -> None:
    """u4 was sent C for 3; of a budget of 6 what is left goes to A for u3 (1) and B for u1 (2)."""
    instance = four_users(Budget(amount=6), Freeze(plan=plan(("u4", "C"))))
    solution = solve(instance, method=method)
    assert who_gets(solution.plan) == {"u1": "B", "u3": "A", "u4": "C"}
    assert solution.value == pytest.approx(0.7)
    assert solution.status.value == "optimal"
    budget = solution.prices.set_index("name").loc["budget"]
    assert (budget["activity"], budget["upper"]) == (6.0, 6.0)
    assert verify(instance, solution.plan, solution.certificate).ok


def test_limits_are_what_frozen_pairs_leave() -> None:
    """Of a budget of 6 and a stock of two A's, u4's C of 3 and u1's A of 1 leave 2 and 1."""
    instance = four_users(Budget(amount=6), Freeze(plan=plan(("u4", "C"), ("u1", "A"))))
    book = PriceBook(instance.program)
    assert [row.name for row in instance.program.rows] == ["stock A", "stock B", "budget"]
    assert book.upper.tolist() == [1.0, np.inf, 2.0]
    assert book.lower.tolist() == [-np.inf, 1.0, -np.inf]
    assert [side.tolist() for side in book.inward] == [book.lower.tolist(), book.upper.tolist()]
    assert book.constant == pytest.approx(0.2)
    assert PriceBook(instance.program, with_objective=False).constant == 0.0


def test_what_is_left_is_a_decimal() -> None:
    """A budget of 0.7 less a frozen 0.1 leaves 0.6, not a hair less."""
    instance = four_users()
    cost = np.full((4, 3), 0.1)
    cost[1:] = 0.6
    response = replace(instance.response, measures={**instance.response.measures, "cost": cost})
    rules = Budget(amount=0.7), Freeze(plan=plan(("u1", "B")))
    tight = replace(instance, response=response, rules=rules)
    assert PriceBook(tight.program).upper[-1] == 0.6
    assert solve(tight).plan.num_rows == 2


def test_sums_over_a_plan_count_frozen_pairs_once() -> None:
    """Value and excess are those of the whole plan, whether or not it was handed over whole."""
    instance = four_users(Budget(amount=4), Freeze(plan=plan(("u4", "C"))))
    part, whole = pairs((0, 1)), pairs((0, 1), (3, 2))
    for some in (part, whole):
        assert plan_value(instance.program, some) == pytest.approx(0.3)
        assert excesses(instance.program, some).tolist() == [0.0, 0.0, 1.0]
        assert with_frozen(instance.program, some).user.tolist() == [0, 3]
        assert with_frozen(instance.program, some).place.tolist() == [1, 2]


@pytest.mark.parametrize("method", METHODS)
def test_everybody_frozen(method: str) -> None:
    """Where nothing is left to decide the plan is the frozen one, and its value is the bound."""
    sent = plan(("u1", "C"), ("u2", "B"), ("u3", "A"), ("u4", "A"))
    solution = solve(four_users(Freeze(plan=sent)), method=method)
    assert who_gets(solution.plan) == who_gets(sent)
    assert solution.value == pytest.approx(0.3 + 0.1 + 0.4 + 0.1)
    assert solution.bound == pytest.approx(solution.value)
    assert solution.status.value == "optimal"


def test_fewest_coupons_count_the_frozen_ones() -> None:
    """Turned round: with C for u4 (0.1) and B for someone, 0.7 takes three coupons."""
    campaign = Campaign(objective="count", sense="minimise")
    instance = four_users(Target(at_least=0.7), Freeze(plan=plan(("u4", "C"))), campaign=campaign)
    solution = solve(instance)
    assert (solution.value, solution.bound) == (3.0, 3.0)
    assert verify(instance, solution.plan, solution.certificate).ok


def test_frozen_pairs_alone_beyond_a_budget() -> None:
    """What was sent costs 5 and the budget is 4: no plan exists, proven by prices, and the mend is said."""
    instance = four_users(Budget(amount=4), Freeze(plan=plan(("u4", "C"), ("u1", "B"))))
    solution = solve(instance)
    assert solution.infeasibility is not None
    assert solution.infeasibility.words == (
        "No plan can meet these rules together: 'budget'. Any one of these changes mends it: "
        "raise 'budget' from 4 to 5. The frozen pairs alone use 5 of 'budget'."
    )
    assert solution.infeasibility.multipliers is not None
    assert verify_infeasible(instance, solution.infeasibility.multipliers).proven


def test_judge_sees_a_frozen_user_who_changed() -> None:
    """A coupon taken away, exchanged or added is told by user; all others may have anything."""
    instance = four_users(Freeze(plan=plan(("u1", "A"), ("u3", "C"))))
    found = verify(instance, plan(("u2", "B"), ("u3", "B")))
    assert [v.words for v in found.violations] == [
        "freeze: user u1 is frozen with A and gets nothing.",
        "freeze: user u3 is frozen with C and gets B.",
    ]
    more = verify(instance, plan(("u1", "A"), ("u1", "B"), ("u3", "C")))
    assert "freeze: user u1 is frozen with A and gets A, B." in more.words()


def test_a_frozen_user_is_explained() -> None:
    """There is no runner-up and nothing that would change it."""
    instance = four_users(Budget(amount=6), Freeze(plan=plan(("u4", "C"))))
    told = explain(instance, solve(instance), "u4")
    assert told.frozen
    assert told.words.startswith("User u4 stays with C: frozen.")
    assert (told.runner_up, told.changes) == ((), ())
    assert not explain(instance, solve(instance), "u1").frozen


def test_edit_freezes_a_plan(tmp_path: Path) -> None:
    """An edit adds the rule in the words of instance.toml, and drops it again."""
    path = tmp_path / "sent.csv"
    path.write_text("user_id,coupon_id\nu4,C\n", encoding="utf-8")
    frozen = Scenario(four_users(Stock(coupons=["C"], at_most=1))).edit(f"with freeze plan = '{path}'")
    assert who_gets(frozen.solve().plan)["u4"] == "C"
    assert who_gets(frozen.edit("without freeze").solve().plan)["u4"] == "B"


@pytest.mark.parametrize("method", METHODS)
@DRAWN
@given(instance=instances(frozen=True))
def test_answer_is_true(method: str, instance: Instance) -> None:
    """With frozen users plans, bounds and infeasibility stand up to brute force and to the judge."""
    check_answer(instance, solve(instance, method=method, seed=1), best_plan(instance))


@DRAWN
@given(instance=instances(frozen=True))
def test_exact_finds_the_best(instance: Instance) -> None:
    """The exact method finds what brute force finds with the frozen users left out of the choice."""
    check_highs(instance)


@lru_cache
def half_sent() -> Instance:
    """Return 2,000 users of whom every second one who was given something has been notified."""
    instance = draw_instance(2000, 6, seed=3, rules=("budget", "coverage", "parity", "return_floor"))
    first = solve(instance, gap=1e-3)
    sent = first.plan.take(np.arange(0, first.plan.num_rows, 2)).select(["user_id", "coupon_id"])
    return replace(instance, rules=(*instance.rules, Freeze(plan=sent)))


def test_freezing_half_of_a_plan_keeps_its_value() -> None:
    """The plan that was frozen in half is still possible: no less is won, and the judge agrees."""
    instance = half_sent()
    first = solve(replace(instance, rules=instance.rules[:-1]), gap=1e-3)
    again = solve(instance, gap=1e-3)
    assert again.value >= first.value * (1 - 1e-3)
    found = verify(instance, again.plan, again.certificate)
    assert found.ok, found.words()
