"""Rows that few near ties move: a coupon of little worth that some must have, a small city's parity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.solver.campaigns import Parts
from tests.solver.linear import linear_optimum

from couponry.instances import Budget, Coupons, Coverage, Instance, Parity, Response, Users
from couponry.instances.rules import Rule
from couponry.solver.clock import Clock
from couponry.solver.dual import DualSearch
from couponry.solver.polish import polish
from couponry.solver.scarce import ENOUGH, Rare, cheapest, joined, scarce_moves, strong


def unloved(users: int = 4000, least: int = 3, *rules: Rule) -> Parts:
    """Return users who like A well and B badly, of which some must be given; money is short."""
    rng = np.random.default_rng(0)
    value = np.column_stack([1 + rng.random(users), -5 - 5 * rng.random(users)])
    cost = np.column_stack([1 + rng.random(users), np.ones(users)])
    menu = pd.DataFrame({"coupon_id": ["A", "B"], "minimum": [0, least]})
    table = pa.table(
        {"user_id": np.arange(users), "town": pa.array((np.arange(users) % 50 == 0).astype(str))}
    )
    rules = (Budget(amount=0.4 * users), *rules)
    return Parts(
        Instance(Coupons(menu), Users(table), Response({"value": value, "cost": cost}), rules).program
    )


def row_of(some: Parts, name: str) -> int:
    """Return the position of the row of a name."""
    return [row.name for row in some.program.rows].index(name)


def test_only_counts_are_moved_by_units() -> None:
    """Money is moved by every exchange; a parity strongly by its own group's alone."""
    some = unloved(200, 3, Parity(segment="town", tolerance=0.1))
    least = strong(some.program, some.book)
    assert np.isinf(least[row_of(some, "budget")])
    assert least[row_of(some, "stock B")] == pytest.approx(0.4)
    parity = next(k for k, row in enumerate(some.program.rows) if row.name.startswith("parity"))
    table = some.program.rows[parity].terms[0].weights()
    assert np.abs(table).max() * 0.4 == pytest.approx(least[parity])


def test_moves_that_too_few_make() -> None:
    """Of seven exchanges that raise a row and eight that lower it the former are too few, where wanted."""
    change = np.array([[1.0]] * (ENOUGH - 1) + [[-1.0]] * ENOUGH + [[0.3]] * 5)
    least, yes, no = np.array([0.4]), np.array([True]), np.array([False])
    assert scarce_moves(change, least, yes, yes).tolist() == [[0, 1]]
    assert scarce_moves(change, least, no, yes).tolist() == []
    assert scarce_moves(change, np.array([np.inf]), yes, yes).tolist() == []


def test_cheapest_exchanges_whatever_they_lose() -> None:
    """Those who lose least by taking B are found, though each loses more than thousands of others."""
    some = unloved()
    prices = np.zeros(some.book.n_rows)
    prices[row_of(some, "budget")] = 1.2
    scores = some.book.scores(prices)
    k = row_of(some, "stock B")
    moves = np.array([[k, 1.0]])
    found = cheapest(some.engine, some.book, scores, moves, strong(some.program, some.book), 1e-6)
    assert found is not None
    assert (found.entering == 1).all()
    reduced = some.engine.scores(scores)
    loss = np.maximum(reduced[:, 0], 0) - reduced[:, 1]
    best = np.argsort(loss, kind="stable")[:ENOUGH]
    assert np.sort(found.user).tolist() == np.sort(best).tolist()
    assert np.sort(found.loss) == pytest.approx(np.sort(loss[best]))
    assert cheapest(some.engine, some.book, scores, moves[:0], np.ones(3), 1e-6) is None


def test_joined_without_repeats() -> None:
    """Others stand after the nearest, if they lose more than all of these."""
    some = unloved()
    near = some.engine.exchanges(some.book.objective, 0.5)[1]
    few = near.take(np.argsort(near.loss)[:10])
    assert len(joined(few, near).loss) == len(near.loss)
    assert joined(few, None) is few


def test_rare_users_at_other_prices() -> None:
    """The exchanges of rare users are looked up anew, by their places among all."""
    some = unloved()
    nothing = np.zeros(some.book.n_rows)
    prices = nothing.copy()
    prices[row_of(some, "budget")] = 1.2
    near = some.engine.exchanges(some.book.scores(prices), 1e-3)[1]
    rare = Rare.of(some.engine, some.book, prices, nothing, near)
    again = rare.exchanges(1.01 * prices)
    assert again is not None
    assert np.isin(again.user, rare.users).all()
    assert (some.basis.coefficients(again)[:, row_of(some, "stock B")] == 1).all()
    far = rare.furthest(joined(near, again), 1e-3)
    assert far[row_of(some, "stock B")] == again.loss.max()
    assert far[row_of(some, "budget")] == 1e-3


def test_polished_to_the_vertex_where_a_coupon_has_no_takers() -> None:
    """Three must have B, whom no price near by makes take it: the end is HiGHS's optimum, no row broken."""
    some = unloved()
    start = np.zeros(some.book.n_rows)
    start[row_of(some, "budget")] = some.newton().minimise(start).multipliers[row_of(some, "budget")]
    width = 0.001 * some.scale.objective
    answer = polish(some.engine, some.book, some.scale, Clock(), some.nothing, start, some.reach, width)
    assert answer is not None
    assert not answer.broken.any()
    assert answer.value == pytest.approx(linear_optimum(some.program), rel=1e-9)


def test_many_rows_on_few_users_need_no_sample() -> None:
    """Parity and coverage in 70 towns of 57 users each: prices are exact, at HiGHS's linear optimum."""
    rng = np.random.default_rng(1)
    users, towns = 4000, 70
    value = rng.random((users, 3))
    table = pa.table({"user_id": np.arange(users), "town": pa.array((np.arange(users) % towns).astype(str))})
    rules = (
        Budget(amount=0.2 * users),
        Parity(segment="town", tolerance=0.02),
        Coverage(segment="town", at_least=0.2),
    )
    response = Response({"value": value, "cost": 0.5 + value**2})
    some = Parts(
        Instance(Coupons(pd.DataFrame({"coupon_id": list("ABC")})), Users(table), response, rules).program
    )
    assert some.book.n_rows > 120
    answer = DualSearch(some.program, some.book, some.engine, some.scale, some.reach, Clock()).run()
    assert some.bound(answer.multipliers) == pytest.approx(linear_optimum(some.program), rel=1e-9)
