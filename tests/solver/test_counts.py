"""Rules about counts that only fractions of users could meet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from tests.brute_force import best_plan
from tests.drawn import instances
from tests.solver.hard import met_sides
from tests.solver.linear import integer_optimum, linear_optimum
from tests.solver.test_merged import crowd

from couponry.instances import Budget, Coupons, Coverage, Instance, Parity, Response, Rule, Stock, Users
from couponry.instances.generators import draw_instance
from couponry.solver.clock import Clock
from couponry.solver.counts import CountProgram
from couponry.solver.prices import PriceBook
from couponry.solver.scenario import Scenario
from couponry.solver.solution import Status
from couponry.solver.solve import solve
from couponry.solver.verify import verify


def clash(instance: Instance) -> bool:
    """Return what is said of an instance."""
    counts = CountProgram.of(instance.program, PriceBook(instance.program))
    return counts is not None and counts.impossible(Clock())


def test_half_a_user_is_nobody() -> None:
    """Of two groups of one and two users, equal shares are all or nobody: with one coupon in stock nobody."""
    one = crowd([[1.0], [1.0], [1.0]], [[1.0]] * 3, 1, Parity(segment="kind", tolerance=0.0))
    table = one.users.table.set_column(1, "kind", [["a", "b", "b"]])
    users = Users(table)

    def with_stock(least: int, most: int) -> Instance:
        rules = (*one.rules, Stock(coupons=["c0"], at_least=least, at_most=most))
        return Instance(one.coupons, users, one.response, rules)

    assert clash(with_stock(1, 1))
    assert clash(with_stock(1, 2))
    assert not clash(with_stock(0, 1))
    assert not clash(with_stock(1, 3))


def test_coupons_that_no_row_tells_apart_are_one() -> None:
    """Three coupons a user may each have one of: six users can take six units, not nine."""
    instance = crowd([[1.0, 1.0, 1.0]], [[1.0] * 3], 6, Coverage(segment="kind", at_least=1.5, at_most=1.5))
    assert clash(instance)
    within = crowd([[1.0, 1.0, 1.0]], [[1.0] * 3], 6, Coverage(segment="kind", at_least=1.0, at_most=1.0))
    assert not clash(within)


def test_wide_rules_are_not_looked_at() -> None:
    """Without sides that nearly meet, or with a rule on money alone, nothing is solved."""
    for rule in (Coverage(segment="kind", at_least=0.2), Budget(amount=0.5)):
        program = crowd([[1.0]], [[1.0]], 40, rule).program
        assert CountProgram.of(program, PriceBook(program)) is None


def two_groups(*rules: Rule) -> Instance:
    """Return groups of one and two users, each of whom may have a coupon for 1 or one for 3, under parity."""
    value, cost = np.array([[1.0, 2.0]] * 3), np.array([[1.0, 3.0]] * 3)
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"]})),
        Users(pa.table({"user_id": [1, 2, 3], "group": ["a", "b", "b"]})),
        Response({"value": value, "cost": cost}),
        (Parity(segment="group", tolerance=0.0), *rules),
    )


@pytest.mark.parametrize(("amount", "clashes"), [(2.9, True), (3.0, False)])
def test_money_rules_out_everybody(amount: float, clashes: bool) -> None:
    """Equal shares and a target mean a coupon for all three, the cheapest of which cost 3."""
    rules = (Budget(amount=amount), Stock(coupons=["A", "B"], at_least=1))
    assert clash(two_groups(*rules)) is clashes


def test_totals_that_the_other_rules_leave_room_for() -> None:
    """A floor of one coupon and money for 2.5 leave one and two; without the floor none, too."""
    program = two_groups(Budget(amount=2.5), Stock(coupons=["A", "B"], at_least=1)).program
    counts = CountProgram.of(program, PriceBook(program))
    assert counts is not None
    (parity,) = counts.parities
    floor = next(k for k, row in enumerate(program.rows) if row.kind == "stock")
    assert counts.totals(Clock(), parity).tolist() == [1, 2]  # type: ignore[union-attr]
    assert counts.totals(Clock(), parity, without=[floor]).tolist() == [0, 1, 2]  # type: ignore[union-attr]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(instance=instances(max_users=4, max_coupons=3, max_rules=3))
def test_no_clash_where_there_is_a_plan(instance: Instance) -> None:
    """Wherever brute force finds a plan, whole numbers exist."""
    if best_plan(instance) is not None:
        assert not clash(instance)


def test_a_narrow_parity_of_many_users_has_a_plan() -> None:
    """At 2,000 users equal shares mean a coupon for everybody: found, and proven to be nearly the best."""
    instance = Scenario(draw_instance(2_000, 4, seed=0)).edit("rich", "parity 0", "budget x3").instance
    solution = solve(instance, gap=1e-3)
    assert solution.status is Status.OPTIMAL
    assert solution.given == 2_000
    assert verify(instance, solution.plan, solution.certificate).ok


@pytest.mark.slow
def test_why_whole_users_cannot_share_equally() -> None:
    """Too little money for everybody: the rules are named, and wider tolerance, or more money, has a plan."""
    drawn = Scenario(draw_instance(2_000, 4, seed=0)).edit("tight", "parity 0", "budget x0.4")
    why = drawn.solve().infeasibility
    assert why is not None
    assert why.proof == "counts"
    for words in ("'budget'", "'coverage region'", "'parity age_band'", "with 0 or 2,000 coupons in all"):
        assert words in why.words
    mends = {clash.rule: clash for clash in why.clashes}
    tolerance = mends["parity"].mended_limit
    assert tolerance is not None
    assert mends["parity"].least_limit is not None
    assert mends["parity"].least_limit <= tolerance < 0.001
    assert drawn.edit(f"parity {tolerance:.6f}").solve(gap=1e-2).given > 0
    assert drawn.edit(f"budget {mends['budget'].mended_limit}").solve(gap=1e-2).given == 2_000


@pytest.mark.slow
def test_many_users_that_only_fractions_could_serve() -> None:
    """At 1,500 users there is a fractional plan and no whole one: said at once, and as HiGHS says it."""
    instance = met_sides(1, 1_500)
    linear_optimum(instance.program)
    assert integer_optimum(instance.program) is None
    solution = solve(instance, explain_clashes=False)
    assert solution.status is Status.INFEASIBLE
    assert solution.infeasibility is not None
    assert solution.infeasibility.proof == "counts"
