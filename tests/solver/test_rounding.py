"""From prices to a plan: rows are kept exactly, the core decides, tolerances do not."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.solver.searched import KINDS, Searched, searched

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Coverage,
    Instance,
    Progress,
    Response,
    Rule,
    Target,
    UserCap,
    Users,
)
from couponry.instances.generators import draw_instance
from couponry.solver.clock import Clock
from couponry.solver.engine import Pairs
from couponry.solver.exact_sums import ExactTables
from couponry.solver.feasibility import excesses, over_money, pair_columns
from couponry.solver.integer import PairProgram, eligible_pairs
from couponry.solver.local import LocalEngine
from couponry.solver.open_users import Rounded
from couponry.solver.prices import PriceBook
from couponry.solver.result import plan_table
from couponry.solver.rounding import keep_rows_exactly, plan_value
from couponry.solver.verify import verify

NOTHING = Pairs(np.empty(0, np.int64), np.empty(0, np.int64))


def costing(costs: list[float], values: list[float], *rules: Rule) -> Instance:
    """Return a coupon A with these costs and values, a user each."""
    n = len(costs)
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Users(pa.table({"user_id": list(range(n))})),
        Response({"value": np.array(values, float)[:, None], "cost": np.array(costs, float)[:, None]}),
        rules,
    )


def whole(instance: Instance) -> PairProgram:
    """Return the integer program over all pairs."""
    program = instance.program
    book = PriceBook(program)
    return PairProgram(
        program, book, eligible_pairs(program, np.arange(program.n_users)), np.zeros(book.n_rows)
    )


def users_given(instance: Instance) -> tuple[list[int] | None, bool]:
    """Return who is given A when rows are kept exactly, and whether that is called optimal."""
    picked, answer = keep_rows_exactly(whole(instance), None, Clock())
    return None if picked is None else picked.user.tolist(), answer.optimal


# ----------------------------------------------------------------- rows kept exactly


def test_value_of_a_plan_is_rounded_once() -> None:
    """0.1 + 0.2 + 0.3 has a value of 0.6; a plan's count is its pairs."""
    instance = costing([1, 1, 1], [0.1, 0.2, 0.3])
    everybody = Pairs(np.arange(3), np.zeros(3, np.int64))
    assert plan_value(instance.program, everybody) == 0.6
    counted = replace(instance, campaign=Campaign(objective="count"))
    assert plan_value(counted.program, everybody) == 3
    assert plan_value(instance.program, NOTHING) == 0


def test_what_a_tolerance_allowed_is_ruled_out() -> None:
    """A cost of 1.0000000001 is over a budget of 1, though HiGHS takes it: the next user is given."""
    instance = costing([1 + 1e-10, 1.0, 0.5], [3, 2, 1], Budget(amount=1.0))
    naive, _ = whole(instance).solve(Clock())
    assert naive is not None
    assert naive.user.tolist() == [0]  # what the tolerance allows
    assert users_given(instance) == ([1], True)


def test_floors_are_not_met_by_a_tolerance() -> None:
    """A value of 0.9999999999 is not yet a target of 1: another user is given for it."""
    instance = costing([1, 5], [1 - 1e-10, 1.0], Target(at_least=1.0), Budget(amount=5))
    least = replace(instance, campaign=Campaign(objective="cost", sense="minimise"))
    assert users_given(least) == ([1], True)


def test_exact_ties_are_kept() -> None:
    """A budget that a plan meets to the last digit is kept: 0.1 + 0.2 + 0.3 is 0.6."""
    assert users_given(costing([0.1, 0.2, 0.3], [1, 1, 1], Budget(amount=0.6))) == ([0, 1, 2], True)


def test_the_last_digit_over_is_over() -> None:
    """0.1 + 0.2 is over 0.3 by the last digit: one of the two is given."""
    assert users_given(costing([0.1, 0.2], [1, 2], Budget(amount=0.3))) == ([1], True)


def test_single_precision_costs_are_summed_as_they_are() -> None:
    """Ten costs of 0.1 in single precision are over a budget of 1; nine of them are not."""
    instance = costing([0.1] * 10, [1.0] * 10, Budget(amount=1.0))
    single = {name: array.astype(np.float32) for name, array in instance.response.measures.items()}
    given, _ = users_given(replace(instance, response=Response(single)))
    assert given is not None
    assert len(given) == 9


def test_a_cap_on_money_is_kept_exactly() -> None:
    """A user's coupons of 0.1 and 0.2 break a cap of 0.3 by the last digit, so that only one is given."""
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"]})),
        Users(pa.table({"user_id": [1]})),
        Response({"value": np.array([[1.0, 2.0]]), "cost": np.array([[0.1, 0.2]])}),
        (UserCap(coupons=2, money=0.3),),
    )
    picked, answer = keep_rows_exactly(whole(instance), None, Clock())
    assert picked is not None
    assert picked.place.tolist() == [1]
    assert answer.optimal


def test_no_plan_is_none() -> None:
    """Where only a tolerance would let a plan in there is none, and HiGHS says at last that there is none."""
    picked, answer = keep_rows_exactly(whole(costing([1], [1 - 1e-10], Target(at_least=1.0))), None, Clock())
    assert picked is None
    assert answer.infeasible


def test_rows_count_what_is_fixed() -> None:
    """The fixed pairs' cost is in the sum that is checked: with 0.1 spent another 0.2 is over 0.3."""
    instance = costing([0.1, 0.2, 0.15], [1, 2, 1], Budget(amount=0.3))
    program = instance.program
    problem = PairProgram(
        program, PriceBook(program), eligible_pairs(program, np.array([1, 2])), np.array([0.1])
    )
    fixed = ExactTables.of(program)
    fixed.add_pairs(*pair_columns(program, Pairs(np.array([0]), np.array([0]))))
    picked, _ = keep_rows_exactly(problem, fixed, Clock())
    assert picked is not None
    assert picked.user.tolist() == [2]


@pytest.mark.parametrize("over", [5e-10, 1e-10, 1e-12])
def test_room_is_made_where_forbidding_has_no_end(over: float) -> None:
    """Twenty users whom only a tolerance allows are not ruled out one by one: room at the row is enough."""
    costs = [1 + over * (1 + i / 100) for i in range(20)]
    instance = costing([*costs, 0.5], [20.0 - i for i in range(20)] + [0.5], Budget(amount=1))
    assert users_given(instance)[0] == [20]


# --------------------------------------------------------------------------- the core


@pytest.mark.parametrize("kind", KINDS)
def test_plans_keep_every_row(kind: str) -> None:
    """The plan keeps all rows and caps exactly, says the judge, and is near the bound."""
    start = searched(KINDS[kind])
    rounder = start.rounder(gap=1e-3)
    found = rounder.run()
    assert found is not None
    program, pairs = start.instance.program, rounder.plan(found)
    assert not excesses(program, pairs).any()
    assert over_money(program, pairs).tolist() == []
    assert verify(start.instance, plan_table(start.instance, pairs)).ok
    assert found.value == plan_value(program, pairs)
    assert found.value <= start.bound
    assert found.value >= start.bound * (1 - 1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_users_outside_the_core_have_what_prices_give_them(kind: str) -> None:
    """All but a core of users have their best choice at the prices; the core is a small part."""
    start = searched(KINDS[kind])
    program = start.instance.program
    rounder = start.rounder(gap=1e-3)
    found = rounder.run()
    assert found is not None
    best = LocalEngine(program).choices(PriceBook(program).scores(start.dual.multipliers))[0]
    plan = np.zeros_like(best)
    pairs = rounder.plan(found)
    plan[pairs.user, pairs.place] = True
    others = np.flatnonzero((plan != best).any(axis=1))
    assert len(others) <= found.core_users < program.n_users / 2


def test_a_search_that_closes_bounds_all_plans() -> None:
    """Where the search closed, HiGHS on the whole program finds nothing beyond its bound."""
    instance = draw_instance(150, 4, seed=5, rules=("budget", "coverage"))
    start = Searched.of(instance)
    found = start.rounder(gap=0.0).run()
    assert found is not None
    assert found.searched is not None
    picked, answer = whole(instance).solve(Clock())
    assert picked is not None
    assert answer.optimal
    best = plan_value(instance.program, picked)
    assert found.value == pytest.approx(best, rel=1e-9)
    assert best <= found.searched <= start.bound + 1e-9
    assert found.searched == pytest.approx(best, rel=1e-8)


def test_choices_that_lose_more_than_the_gap_are_left_out_first() -> None:
    """Of 9,000 users a few are searched, each by choices that lose no more than a whole plan may."""
    start = searched(KINDS["one"], 9000)
    rounder = start.rounder(gap=3e-6)
    found = rounder._within_the_gap()
    assert found is not None
    program = start.instance.program
    pairs = rounder.plan(found)
    assert not excesses(program, pairs).any()
    engine, scores = LocalEngine(program), PriceBook(program).scores(start.dual.multipliers)
    plan = np.zeros((program.n_users, program.places), bool)
    plan[pairs.user, pairs.place] = True
    lost = engine.choices(scores)[1] - np.where(plan, engine.scores(scores), 0.0).sum(axis=1)
    searched_users = (rounder.open.margin <= rounder.open.allowed).sum()
    assert found.core_users == searched_users < 600
    assert (lost > rounder.open.allowed * (1 + 1e-9)).sum() == 0


def test_a_wide_gap_is_met_by_the_first_core() -> None:
    """Within a gap of one in a hundred the first plan will do, and it is told once."""
    heard: list[Progress] = []
    found = searched(KINDS["one"]).rounder(gap=1e-2, clock=Clock(report=heard.append)).run()
    assert found is not None
    assert [step.stage for step in heard] == ["plan"]
    assert heard[0].message.startswith(f"value {found.value:,.6g}, gap ")


def test_no_plan_from_any_core() -> None:
    """Where rules clash no core has a plan."""
    instance = draw_instance(300, 4, seed=5, rules=("budget",))
    clash = (*instance.rules, Target(at_least=1e6, measure="count"))
    assert Searched.of(replace(instance, rules=clash)).rounder().run() is None


def test_cancelled_rounding_stops_after_one_core() -> None:
    """Once cancelled no further core is tried, and what was found is kept."""
    cancel = threading.Event()
    cancel.set()
    heard: list[Progress] = []
    clock = Clock(cancel=cancel, report=heard.append)
    start = searched(KINDS["one"])
    rounder = start.rounder(gap=0.0, clock=clock)
    found: Rounded | None = rounder.run()
    assert len(heard) <= 1
    assert found is None or not excesses(start.instance.program, rounder.plan(found)).any()


def test_rules_about_few_users_are_mended_by_them() -> None:
    """A floor of half of three users is two of them, which the core decides though they are so few."""
    instance = draw_instance(1500, 4, seed=3, rules=("budget",))
    area = pa.array(["islands" if i < 3 else "main" for i in range(1500)])
    people = Users(instance.users.table.append_column("area", area))
    rules = (*instance.rules, Coverage(segment="area", at_least=0.5, users={"area": ["islands"]}))
    start = Searched.of(replace(instance, users=people, rules=rules))
    rounder = start.rounder(gap=1e-3)
    found = rounder.run()
    assert found is not None
    assert (rounder.plan(found).user < 3).sum() >= 2
