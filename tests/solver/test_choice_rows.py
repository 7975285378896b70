"""The set X_i as rows: the plans of whole numbers that keep them are what a user may be given."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from couponry.instances.choices import Choices
from couponry.solver.choice_rows import choice_rows, cover_by_cliques

DRAWN = settings(max_examples=150, deadline=None, derandomize=True)


def related(size: int, *pairs: tuple[int, int]) -> np.ndarray:
    """Return a table of conflicts."""
    conflicts = np.zeros((size, size), bool)
    for a, b in pairs:
        conflicts[a, b] = conflicts[b, a] = True
    return conflicts


def families(conflicts: np.ndarray) -> list[list[int]]:
    """Return the members of each family of the cover."""
    return [np.flatnonzero(family).tolist() for family in cover_by_cliques(conflicts)]


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    """Draw conflicts among up to seven coupons."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.integers(1, 7))
    upper = np.triu(rng.random((size, size)) < draw(st.sampled_from([0.1, 0.4, 0.8])), 1)
    return upper | upper.T


@pytest.mark.parametrize(
    ("conflicts", "expected"),
    [
        (related(3), []),
        (related(4, (0, 1), (2, 3)), [[0, 1], [2, 3]]),
        (related(4, (0, 2), (0, 3), (2, 3)), [[0, 2, 3]]),
        (related(3, (0, 1), (1, 2)), [[0, 1], [1, 2]]),  # a path is no family
        # a triangle with a tail
        (related(4, (0, 1), (0, 2), (1, 2), (2, 3)), [[0, 1, 2], [2, 3]]),
    ],
)
def test_families_by_hand(conflicts: np.ndarray, expected: list[list[int]]) -> None:
    """Disjoint families are found again, and overlapping conflicts are split into families."""
    assert families(conflicts) == expected


@DRAWN
@given(tables())
def test_families_cover_every_conflict_and_nothing_else(conflicts: np.ndarray) -> None:
    """Two coupons are in conflict exactly where some family holds both."""
    together = np.zeros_like(conflicts)
    for family in cover_by_cliques(conflicts):
        together |= np.outer(family, family)
    np.fill_diagonal(together, False)
    assert together.tolist() == conflicts.tolist()


def test_rows_of_two_users_by_hand() -> None:
    """One row a user for the cap, one a user and family, one a user for the money."""
    # User 3 may have 2 of A, B, C, user 7 one of B, C; A and C exclude each other; money up to 4.
    most = np.zeros(8, np.int32)
    most[[3, 7]] = [2, 1]
    choices = Choices(most, 4.0, related(3, (0, 2)))
    rows = choice_rows(
        choices, np.array([3, 3, 3, 7, 7]), np.array([0, 1, 2, 1, 2]), np.array([1.0, 2.0, 3.0, 2.5, 0.0])
    )
    entries = sorted(zip(rows.row.tolist(), rows.pair.tolist(), rows.value.tolist(), strict=True))
    assert rows.upper.tolist() == [2, 1, 1, 1, 4, 4]
    assert [(k, p) for k, p, _ in entries if k < 2] == [(0, 0), (0, 1), (0, 2), (1, 3), (1, 4)]
    assert [(k, p) for k, p, _ in entries if k in (2, 3)] == [(2, 0), (2, 2), (3, 4)]
    assert [e for e in entries if e[0] == 4] == [(4, 0, 1.0), (4, 1, 2.0), (4, 2, 3.0)]
    assert [e for e in entries if e[0] == 5] == [(5, 3, 2.5), (5, 4, 0.0)]


def test_single_coupons_need_no_families() -> None:
    """Where nobody may have two, the cap alone says it all."""
    choices = Choices(np.ones(1, np.int32), math.inf, related(2, (0, 1)))
    rows = choice_rows(choices, np.array([0, 0]), np.array([0, 1]), None)
    assert rows.upper.tolist() == [1.0]
    assert rows.value.tolist() == [1.0, 1.0]


@DRAWN
@given(
    conflicts=tables(),
    most=st.integers(0, 3),
    money=st.sampled_from([math.inf, 1.0, 2.5]),
    seed=st.integers(0, 99),
)
def test_whole_points_are_what_a_user_may_have(
    conflicts: np.ndarray, most: int, money: float, seed: int
) -> None:
    """Every set of pairs keeps the rows exactly where it keeps the cap, the conflicts and the money."""
    n = len(conflicts)
    cost = np.random.default_rng(seed).integers(-2, 8, n) / 4
    choices = Choices(np.array([most], np.int32), money, conflicts)
    rows = choice_rows(choices, np.zeros(n, np.int64), np.arange(n), cost)
    matrix = np.zeros((len(rows.upper), n))
    np.add.at(matrix, (rows.row, rows.pair), rows.value)
    for taken in itertools.product([0, 1], repeat=n):
        x = np.array(taken)
        allowed = x.sum() <= most and not conflicts[np.ix_(x == 1, x == 1)].any() and cost @ x <= money
        assert bool((matrix @ x <= rows.upper).all()) == allowed
