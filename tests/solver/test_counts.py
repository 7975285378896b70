"""Rules about counts that only fractions of users could meet."""

from __future__ import annotations

import pytest
from tests.solver.hard import met_sides
from tests.solver.linear import integer_optimum, linear_optimum
from tests.solver.test_merged import crowd

from couponry.instances import Budget, Coverage, Instance, Parity, Stock, Users
from couponry.solver import counts
from couponry.solver.clock import Clock
from couponry.solver.counts import counts_clash
from couponry.solver.prices import PriceBook
from couponry.solver.solution import Status
from couponry.solver.solve import solve


def clash(instance: Instance) -> bool:
    """Return what is said of an instance."""
    return counts_clash(instance.program, PriceBook(instance.program), Clock())


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


def test_wide_rules_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without sides that nearly meet, or with a rule on money alone, nothing is solved."""
    monkeypatch.setattr(counts, "_impossible", lambda *_: pytest.fail("was looked at"))
    assert not clash(crowd([[1.0]], [[1.0]], 40, Coverage(segment="kind", at_least=0.2)))
    assert not clash(crowd([[1.0]], [[1.0]], 40, Budget(amount=0.5)))


@pytest.mark.slow
def test_many_users_that_only_fractions_could_serve() -> None:
    """At 1,500 users there is a fractional plan and no whole one: said at once, and as HiGHS says it."""
    instance = met_sides(1, 1_500)
    linear_optimum(instance.program)
    assert integer_optimum(instance.program) is None
    solution = solve(instance, explain_clashes=False)
    assert solution.status is Status.INFEASIBLE
    assert solution.infeasibility is not None
    assert solution.infeasibility.proof == "search"
