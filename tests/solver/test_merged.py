"""Users who are exactly alike, solved as numbers of users: against brute force, HiGHS, and by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import highspy
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from tests.brute_force import best_plan
from tests.drawn import crowds, repeated
from tests.solver.test_properties import check_answer, check_highs

from couponry.instances import (
    Budget,
    Coupons,
    Coverage,
    Exclusion,
    Instance,
    Response,
    Rule,
    Target,
    UserCap,
    Users,
    library,
)
from couponry.instances.drawn.whole import draw_recipe
from couponry.solver.alike import find_alike
from couponry.solver.clock import Clock
from couponry.solver.merged import MergedProgram
from couponry.solver.prices import PriceBook
from couponry.solver.solution import Status
from couponry.solver.solve import solve
from couponry.solver.verify import verify

DRAWN = settings(max_examples=100, deadline=None, derandomize=True)


def crowd(
    value: list[list[float]],
    cost: list[list[float]],
    copies: int,
    *rules: Rule,
    menu: dict[str, Any] | None = None,
) -> Instance:
    """Return an instance in which each row of value and cost stands for several users."""
    kinds, coupons = len(value), len(value[0])
    table = pd.DataFrame({"coupon_id": [f"c{j}" for j in range(coupons)], **(menu or {})})
    users = Users(pa.table({"user_id": list(range(kinds)), "kind": [f"k{i}" for i in range(kinds)]}))
    response = Response({"value": np.array(value), "cost": np.array(cost)})
    return repeated(Instance(Coupons(table), users, response, rules), copies)


def merged(instance: Instance) -> MergedProgram | None:
    """Return the merged program of an instance."""
    program = instance.program
    return MergedProgram.of(program, PriceBook(program), find_alike(program))


@DRAWN
@given(instance=crowds())
def test_exact_finds_the_best_of_crowds(instance: Instance) -> None:
    """Merged or not, what is found is what brute force finds."""
    check_highs(instance)


@DRAWN
@given(instance=crowds(max_rules=3))
def test_auto_says_nothing_untrue_of_crowds(instance: Instance) -> None:
    """By size, the method chosen proves what it says."""
    check_answer(instance, solve(instance), best_plan(instance))


def test_budget_between_two_kinds() -> None:
    """Seven worth 3 for 2, seven worth 2 for 1, money for 10: two and six; 1½ and 7 would be 18.5."""
    instance = crowd([[3.0], [2.0]], [[2.0], [1.0]], 7, Budget(amount=10.0))
    solution = solve(instance)
    assert solution.status is Status.OPTIMAL
    assert solution.value == 18.0
    assert solution.bound == 18.0
    assert solution.certificate.bound == pytest.approx(18.5)
    assert verify(instance, solution.plan).ok


def test_only_as_many_columns_as_kinds() -> None:
    """Two kinds and three coupons make six columns, however many users there are."""
    instance = crowd([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]], [[1.0] * 3] * 2, 500, Budget(amount=10.0))
    program = merged(instance)
    assert program is not None
    assert len(program.columns) == 6
    assert program.columns.most.tolist() == [500.0] * 6


def test_caps_and_families_give_every_user_a_choice() -> None:
    """Two coupons a user, one of each kind: five users share ten units, and nobody has two gifts."""
    instance = crowd(
        [[5.0, 4.0, 3.0, 2.0]],
        [[4.0, 3.0, 2.0, 1.0]],
        5,
        UserCap(coupons=2),
        Exclusion(by="kind"),
        Budget(amount=26.0),
        menu={"kind": ["gift", "gift", "fixed_off", "fixed_off"]},
    )
    solution = solve(instance)
    found = verify(instance, solution.plan, solution.certificate)
    assert found.ok, found.words()
    # Each unit is worth its cost and one more: as many units as possible, all ten, and all of the money.
    assert solution.value == 36.0
    assert solution.bound == pytest.approx(36.0)


def test_money_a_user_makes_whole_choices() -> None:
    """At most 5 a user: of the costs 4, 3, 2 the best two are 3 and 2; merged by whole choices."""
    instance = crowd(
        [[4.0, 3.0, 2.0]], [[4.0, 3.0, 2.0]], 4, UserCap(coupons=2, money=5.0), Budget(amount=18.0)
    )
    program = merged(instance)
    assert program is not None
    assert program.columns.whole
    assert sorted(program.columns.places) == [(0,), (1,), (1, 2), (2,)]
    solution = solve(instance)
    assert solution.value == 18.0
    assert verify(instance, solution.plan).ok


def test_overlapping_families_make_whole_choices() -> None:
    """c0 excludes c1, c1 excludes c2: c0 and c2 go together, in every one of three users."""
    instance = crowd(
        [[2.0, 3.0, 2.0]],
        [[1.0, 1.0, 1.0]],
        3,
        UserCap(coupons=2),
        Exclusion(coupons=["c0", "c1"]),
        Exclusion(coupons=["c1", "c2"]),
    )
    program = merged(instance)
    assert program is not None
    assert sorted(program.columns.places) == [(0,), (0, 2), (1,), (2,)]
    assert solve(instance).value == 12.0


def test_infeasible_crowds_say_why() -> None:
    """Nobody can be served for nothing: the clash is proven and mended as for any users."""
    instance = crowd([[1.0]], [[1.0]], 40, Budget(amount=3.5), Coverage(segment="kind", at_least=0.1))
    solution = solve(instance)
    assert solution.status is Status.INFEASIBLE
    assert solution.infeasibility is not None
    assert "raise 'budget' from 3.500 to 4" in solution.infeasibility.words


def test_whole_numbers_alone_may_be_impossible() -> None:
    """Six a user cannot make thirty-three of value, though five and a half of them would."""
    instance = crowd([[6.0]], [[6.0]], 9, Budget(amount=34.0), Target(at_least=33.0))
    solution = solve(instance)
    assert solution.status is Status.INFEASIBLE
    assert solution.infeasibility is not None
    assert solution.infeasibility.proof in ("enumeration", "search")


def integer_optimum(instance: Instance) -> float:
    """Return HiGHS's optimum over numbers of each kind of user, written without the solver's code."""
    program = instance.program
    value = program.columns["value"].astype(np.float64)
    key = np.column_stack([program.classes.codes, value])
    _, first, size = np.unique(key, axis=0, return_index=True, return_counts=True)
    coupons = program.n_coupons
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("mip_abs_gap", 0.0)
    count = [
        [highs.addVariable(0, int(n), type=highspy.HighsVarType.kInteger) for _ in range(coupons)]
        for n in size
    ]
    for numbers, n in zip(count, size, strict=True):
        highs.addConstr(highs.qsum(numbers) <= int(n))
    for row in program.rows:
        terms = []
        for term in row.terms:
            measure = program.columns.get(term.measure, np.ones_like(value)).astype(np.float64)
            for g, user in enumerate(first):
                weight = term.users[program.classes.codes[user]] * term.coupons * measure[user]
                terms += [float(w) * count[g][j] for j, w in enumerate(weight) if w]
        if math.isfinite(row.upper):
            highs.addConstr(highs.qsum(terms) <= row.upper)
        if math.isfinite(row.lower):
            highs.addConstr(highs.qsum(terms) >= row.lower)
    gain = [float(value[user, j]) * count[g][j] for g, user in enumerate(first) for j in range(coupons)]
    highs.maximize(highs.qsum(gain))
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(highs.getObjectiveValue())


def test_thousands_of_ties_are_solved_to_the_end() -> None:
    """5,000 × 3, twelve kinds of users: the value is HiGHS's integer optimum, and the bound meets it."""
    instance = library.make("alike-5k")
    solution = solve(instance)
    assert solution.value == pytest.approx(integer_optimum(instance), rel=1e-9)
    assert solution.bound == pytest.approx(solution.value, rel=1e-9)
    found = verify(instance, solution.plan, solution.certificate)
    assert found.ok, found.words()
    assert found.certificate is not None
    assert found.certificate.bound >= solution.value


def test_users_matter_little() -> None:
    """Ten times as many users of the same kinds: as many columns, and the same multipliers prove a bound."""
    recipe = library.entry("alike-5k").recipe
    for users in (5_000, 50_000):
        program = merged(draw_recipe(replace(recipe, users=users)))
        assert program is not None
        assert len(program.columns) == 36
        assert program.multipliers(Clock()) is not None
