"""One row's price held: the row's limit to which the price belongs, against HiGHS's linear optimum there."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from tests.solver.linear import linear_optimum

from couponry.instances import Program
from couponry.instances.generators import draw_instance
from couponry.solver.bound import dual_bound
from couponry.solver.clock import Clock
from couponry.solver.held_price import HeldPrice
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook
from couponry.solver.solve import solve

USERS = 4_000


@lru_cache
def solved() -> tuple[Program, int, np.ndarray]:
    """Return a program of budget and coverage, where its budget stands, and its prices."""
    instance = draw_instance(USERS, 4, seed=6, rules=("budget", "coverage"))
    program = instance.program
    row = next(k for k, one in enumerate(program.rows) if one.kind == "budget")
    return program, row, solve(instance, method="priced", gap=1e-4).certificate.multipliers


@lru_cache
def held() -> HeldPrice:
    """Return the search with the budget's price held."""
    program, row, multipliers = solved()
    return HeldPrice(program, row, multipliers, Clock(), 0)


@pytest.mark.parametrize("times", [0.5, 1.0, 1.5])
def test_limit_and_prices_are_those_of_the_linear_optimum(times: float) -> None:
    """Under the limit that comes back L at the multipliers is HiGHS's optimum: they are its duals."""
    program, row, multipliers = solved()
    price = times * float(multipliers[row])
    found = held().at(price)
    assert found is not None
    limit, prices = found
    assert prices[row] == price
    rows = tuple(replace(r, upper=limit) if k == row else r for k, r in enumerate(program.rows))
    under = replace(program, rows=rows)
    bound = dual_bound(LocalEngine(under), PriceBook(under), prices)
    assert bound == pytest.approx(linear_optimum(under), rel=1e-7)


def test_a_dearer_price_belongs_to_a_smaller_limit() -> None:
    """The optimum is concave in the limit: of three prices the dearest goes with the least money."""
    _, row, multipliers = solved()
    limits = [held().at(times * float(multipliers[row])) for times in (0.5, 1.0, 1.5)]
    amounts = [found[0] for found in limits if found is not None]
    assert len(amounts) == 3
    assert amounts == sorted(amounts, reverse=True)
    assert amounts[1] == pytest.approx(solved()[0].rows[row].upper, rel=1e-2)


def test_near_keeps_the_price_and_the_sides() -> None:
    """Without asking anybody: the price as it was given, and no other on a side where it was not."""
    _, row, multipliers = solved()
    near = held().near(2 * float(multipliers[row]))
    assert near[row] == 2 * multipliers[row]
    others = np.delete(near, row) * np.delete(multipliers, row)
    assert (others >= 0).all()


def test_few_users_do_not_fit() -> None:
    """Samples of fewer than 300 users a row, or of 3,000 in all, tell no prices."""
    program = solved()[0]
    assert HeldPrice.fits(program)
    assert not HeldPrice.fits(program.take(np.arange(2_000)))
    many = replace(program, rows=program.rows * 5)
    assert not HeldPrice.fits(many)
