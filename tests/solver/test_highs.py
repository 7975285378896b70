"""HiGHS behind its door: models by hand, limits that stop it, errors in our own tree."""

from __future__ import annotations

import math
import threading
import time

import highspy
import numpy as np
import pytest

from couponry.instances import BackendError
from couponry.solver.clock import Clock
from couponry.solver.highs import Sparse, new_highs, pass_model, run, solve_integer

INF = math.inf


def knapsack(weights: list[float], most: float, worths: list[float] | None = None) -> highspy.Highs:
    """Return HiGHS with min −worth·x, weights·x ≤ most, x of 0 and 1."""
    n = len(weights)
    highs = new_highs()
    matrix = Sparse.of(np.zeros(n, int), np.arange(n), np.array(weights), n)
    cost = -np.array(weights if worths is None else worths)
    pass_model(highs, cost, np.ones(n), np.array([-INF]), np.array([most]), matrix, integers=n)
    return highs


PLANTED = np.random.default_rng(4).random(40) < 0.5


def market_split(clock: Clock | None = None) -> highspy.Highs:
    """Return a market split (Cornuéjols & Dawande 1999): far too hard for branch and bound.

    Five weighted sums of 40 zeros and ones are to come as near as they can to those of a planted point.
    """
    rows, n = 5, len(PLANTED)
    weights = np.random.default_rng(0).integers(1, 100, (rows, n)).astype(float)
    wanted = weights @ PLANTED
    row, column = np.nonzero(weights)
    own, above, below = np.arange(rows), n + np.arange(rows), n + rows + np.arange(rows)
    matrix = Sparse.of(
        np.concatenate([row, own, own]),
        np.concatenate([column, above, below]),
        np.concatenate([weights[row, column], -np.ones(rows), np.ones(rows)]),
        n + 2 * rows,
    )
    cost = np.concatenate([np.zeros(n), np.ones(2 * rows)])
    upper = np.concatenate([np.ones(n), np.full(2 * rows, INF)])
    highs = new_highs(clock)
    pass_model(highs, cost, upper, wanted, wanted, matrix, integers=n)
    return highs


def test_entries_are_sorted_into_columns() -> None:
    """Entries in any order become columns, zeros are left out, and empty columns stay."""
    matrix = Sparse.of(np.array([1, 0, 1, 0]), np.array([2, 2, 0, 0]), np.array([5.0, 4.0, 0.0, 3.0]), 4)
    assert matrix.start.tolist() == [0, 1, 1, 3, 3]
    assert matrix.index.tolist() == [0, 0, 1]
    assert matrix.value.tolist() == [3.0, 4.0, 5.0]
    assert matrix.start.dtype == matrix.index.dtype == np.int32


def test_linear_program_by_hand() -> None:
    """Least −3a − 2b with a + b ≤ 1.5 and both at most 1 is −4, and the row is worth 2 a unit."""
    highs = new_highs(Clock())
    matrix = Sparse.of(np.zeros(2, int), np.arange(2), np.ones(2), 2)
    pass_model(highs, np.array([-3.0, -2.0]), np.ones(2), np.array([-INF]), np.array([1.5]), matrix)
    assert run(highs) == highspy.HighsModelStatus.kOptimal
    assert highs.getInfo().objective_function_value == pytest.approx(-4.0)
    assert highs.getSolution().row_dual == pytest.approx([-2.0])


def test_only_the_first_columns_are_whole() -> None:
    """With a whole a and a real b, a + b ≥ 1.5 and a ≥ 0.5 costs one a and half of b."""
    highs = new_highs()
    matrix = Sparse.of(np.array([0, 0, 1]), np.array([0, 1, 0]), np.ones(3), 2)
    lower, none = np.array([1.5, 0.5]), np.full(2, INF)
    pass_model(highs, np.array([1.0, 4.0]), np.ones(2), lower, none, matrix, integers=1)
    answer = solve_integer(highs, Clock())
    assert answer.x == pytest.approx([1.0, 0.5])
    assert answer.bound == pytest.approx(3.0)


def test_integer_program_by_hand() -> None:
    """Of weights 5, 4, 3 within 8 the best are 5 and 3."""
    answer = solve_integer(knapsack([5.0, 4.0, 3.0], 8.0), Clock())
    assert answer.x == pytest.approx([1.0, 0.0, 1.0])
    assert answer.optimal
    assert not answer.infeasible
    assert answer.bound == pytest.approx(-8.0)


def test_what_cannot_be_is_called_infeasible() -> None:
    """A row that no choice reaches leaves no point."""
    highs = new_highs()
    matrix = Sparse.of(np.zeros(2, int), np.arange(2), np.ones(2), 2)
    pass_model(highs, np.zeros(2), np.ones(2), np.array([3.0]), np.array([INF]), matrix, integers=2)
    answer = solve_integer(highs, Clock())
    assert answer.x is None
    assert answer.infeasible
    assert not answer.optimal


def test_a_good_enough_point_ends_the_search() -> None:
    """At a target of 10 of 780 the search ends without a proof of the best."""
    rng = np.random.default_rng(1)
    weights, worths = rng.integers(10, 60, 60).astype(float), rng.integers(10, 60, 60).astype(float)
    best = solve_integer(knapsack(weights.tolist(), 500.5, worths.tolist()), Clock())
    enough = solve_integer(knapsack(weights.tolist(), 500.5, worths.tolist()), Clock(), target=-10.0)
    assert best.optimal
    assert enough.x is not None
    assert -float(worths @ enough.x) <= -10
    assert not enough.optimal


def test_nodes_are_limited() -> None:
    """A search that may look at one node ends without a proof."""
    answer = solve_integer(market_split(), Clock(), nodes=1)
    assert not answer.optimal
    assert not answer.infeasible


def test_time_is_limited() -> None:
    """A search ends with the clock, but for a last second in which to find some plan."""
    began = time.perf_counter()
    answer = solve_integer(market_split(), Clock(time_limit=0.01))
    assert time.perf_counter() - began < 6
    assert not answer.optimal


def test_cancel_ends_a_search() -> None:
    """A cancel flag that is set while HiGHS runs ends the run."""
    cancel = threading.Event()
    clock = Clock(cancel=cancel)
    threading.Timer(0.3, cancel.set).start()
    began = time.perf_counter()
    answer = solve_integer(market_split(clock), clock)
    assert time.perf_counter() - began < 20
    assert not answer.optimal


def test_start_is_used() -> None:
    """A point to start from is found at once, where the search alone would not have found it."""
    cold = solve_integer(market_split(), Clock(), nodes=1)
    assert cold.x is None or cold.x[:40].round().tolist() != PLANTED.tolist()
    start = np.concatenate([PLANTED, np.zeros(10, bool)])
    warm = solve_integer(market_split(), Clock(), nodes=1, start=start)
    assert warm.x is not None
    assert warm.x[:40].round().tolist() == PLANTED.tolist()


def test_absolute_gap_ends_a_search() -> None:
    """Within the asked distance of the best the search is over and called optimal."""
    answer = solve_integer(knapsack([5.0, 4.0, 3.0], 8.0), Clock(), abs_gap=100.0)
    assert answer.x is not None
    assert answer.optimal


def test_refused_models_are_ordinary_errors() -> None:
    """A model that HiGHS does not take ends in an exception of our own."""
    matrix = Sparse(np.array([0, 1], np.int32), np.array([7], np.int32), np.array([1.0]))
    with pytest.raises(BackendError, match="HiGHS refused the model"):
        pass_model(new_highs(), np.zeros(1), np.ones(1), np.zeros(1), np.ones(1), matrix)


def test_failed_runs_are_ordinary_errors() -> None:
    """A run that HiGHS cannot make, here of whole numbers with squares, ends in an exception of our own."""
    highs = knapsack([1.0, 1.0], 1.0)
    squares = highspy.HighsHessian()
    squares.dim_, squares.format_ = 2, highspy.HessianFormat.kTriangular
    squares.start_, squares.index_ = np.arange(3, dtype=np.int32), np.arange(2, dtype=np.int32)
    squares.value_ = np.ones(2)
    highs.passHessian(squares)
    with pytest.raises(BackendError, match="HiGHS failed: "):
        run(highs)
