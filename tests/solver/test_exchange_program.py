"""The linear program over exchanges, against an example solved by hand and against HiGHS."""

from __future__ import annotations

import math

import highspy
import numpy as np
import pytest
from tests.instances.small import four_users

from couponry.instances import Budget, Instance
from couponry.instances.generators import draw_instance
from couponry.solver.clock import Clock
from couponry.solver.engine import Exchanges
from couponry.solver.exchange_program import Exchanged, exchange
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook
from couponry.solver.scale import RowScale, measure_scale


class Ready:
    """Users at some prices, their near ties, and what rows have left."""

    def __init__(self, instance: Instance, multipliers: np.ndarray, width: float) -> None:
        program = instance.program
        self.book = PriceBook(program)
        self.scale: RowScale = measure_scale(program, self.book, np.arange(program.n_users))
        demand, self.near = LocalEngine(program).exchanges(self.book.scores(multipliers), width)
        activity = self.book.activity(demand.tables)
        self.room = self.book.lower - activity, self.book.upper - activity

    def solve(self, above: np.ndarray | float = math.inf, below: np.ndarray | float = math.inf) -> Exchanged:
        """Solve with rows that may be broken at a price, by default at none."""
        breaking = tuple(
            np.broadcast_to(np.asarray(price, float), self.room[0].shape) for price in (above, below)
        )
        return exchange(
            self.near,
            self.book,
            self.scale,
            Clock(),
            cost=self.near.loss,
            room=self.room,
            breaking=breaking,  # type: ignore[arg-type]
        )


def four(amount: float) -> Ready:
    """Return the four users with what each likes best: C, A, A and B for 7, and two units of A at most."""
    instance = four_users(Budget(amount=amount))
    return Ready(instance, np.zeros(len(instance.program.rows)), 10.0)


def test_two_less_by_hand() -> None:
    """Of 7 only 5 may be spent: whatever u1 gives up of C's 0.3 saves 1 for 0.1, all others more dearly."""
    found = four(5.0).solve()
    assert found.lost == pytest.approx(0.2)
    assert found.multipliers.tolist() == pytest.approx([0.0, 0.0, 0.1])
    assert found.broken.tolist() == [0.0, 0.0, 0.0]


def test_one_coupon_a_user_by_hand() -> None:
    """At 3 u1's whole C is gone (0.3 for 3); the fourth unit is u2's A, 0.2 for 1."""
    found = four(3.0).solve()
    assert found.lost == pytest.approx(0.5)
    made = four(3.0).near
    by_user = np.bincount(made.user, weights=found.share, minlength=4)
    assert by_user[0] == pytest.approx(1.0)
    assert (by_user <= 1 + 1e-9).all()


def test_a_row_is_broken_where_that_is_cheaper() -> None:
    """At 0.05 a unit beyond the budget of 5 nobody changes: 2 are broken and 0.1 is lost."""
    found = four(5.0).solve(above=np.array([np.inf, np.inf, 0.05]))
    assert found.broken.tolist() == pytest.approx([0.0, 0.0, 2.0])
    assert found.lost == pytest.approx(0.1)
    assert found.multipliers[2] == pytest.approx(0.05)
    assert found.share.sum() == pytest.approx(0.0)


def changes(book: PriceBook, near: Exchanges) -> np.ndarray:
    """Return what each exchange does to the rows, ``(K, E)``, from the rows' coefficients of single pairs."""
    total = np.zeros((book.n_rows, len(near.loss)))
    for coupon, numbers, sign in (
        (near.entering, near.measures_in, 1.0),
        (near.leaving, near.measures_out, -1.0),
    ):
        measures = dict(zip(book.program.measures, numbers, strict=True))
        own = book.coefficients(measures, near.classes, np.maximum(coupon, 0))
        total += np.where(coupon >= 0, sign * own, 0.0)
    return total


def by_highs(ready: Ready, above: float, below: float) -> float:
    """Return the program's optimum, written out whole."""
    near, k, e = ready.near, ready.book.n_rows, len(ready.near.loss)
    matrix = changes(ready.book, near)
    owner = np.unique(near.user, return_inverse=True)[1]
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    for loss in near.loss:
        highs.addVar(0.0, 1.0)
        highs.changeColCost(highs.getNumCol() - 1, float(loss))
    for price in (above, below):
        for _ in range(k):
            highs.addVar(0.0, np.inf)
            highs.changeColCost(highs.getNumCol() - 1, price)
    for row in range(k):
        columns = np.concatenate([np.flatnonzero(matrix[row]), [e + row, e + k + row]]).astype(np.int32)
        values = np.concatenate([matrix[row][matrix[row] != 0], [-1.0, 1.0]])
        highs.addRow(float(ready.room[0][row]), float(ready.room[1][row]), len(columns), columns, values)
    for user in range(owner.max() + 1):
        own = np.flatnonzero(owner == user).astype(np.int32)
        highs.addRow(-np.inf, 1.0, len(own), own, np.ones(len(own)))
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(highs.getInfo().objective_function_value)


@pytest.mark.parametrize("seed", range(4))
def test_drawn_programs_meet_highs(seed: int) -> None:
    """Under budget, coverage and parity, prices a little off, rows breakable dearly: one optimum."""
    instance = draw_instance(150, 4, seed=seed, rules=("budget", "coverage", "parity"))
    rows = PriceBook(instance.program)
    rng = np.random.default_rng(seed)
    multipliers = rows.clip(rng.normal(0, 0.01, rows.n_rows))
    ready = Ready(instance, multipliers, 0.5)
    found = ready.solve(50.0, 50.0)
    assert found.lost == pytest.approx(by_highs(ready, 50.0, 50.0), rel=1e-6, abs=1e-7)
    moved = changes(ready.book, ready.near) @ found.share - found.broken
    size = 1e-6 * (1 + np.abs(ready.scale.coefficient))
    assert (moved >= ready.room[0] - size).all()
    assert (moved <= ready.room[1] + size).all()
