"""Rows and objectives in whole numbers: exact for decimals, and outwards for all else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from couponry.solver.backends.whole_numbers import whole_objective, whole_row

NUMBERS = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=6).map(np.array)
TAKEN = st.lists(st.booleans(), min_size=6, max_size=6).map(np.array)


def test_money_is_exact() -> None:
    """Cents are counted: 0.1 + 0.2 is within 0.3, and one cent more is not."""
    row = whole_row(np.array([0.1, 0.2, 0.01]), -math.inf, 0.3)
    assert row.at_most.tolist() == [10, 20, 1]
    assert row.at_most is row.at_least
    assert (row.lower, row.upper) == (None, 30)


def test_counts_are_themselves() -> None:
    """A count keeps its ones, and a limit between two whole numbers is the lower one."""
    row = whole_row(np.ones(4), 1.5, 2.5)
    assert row.at_most.tolist() == [1, 1, 1, 1]
    assert (row.lower, row.upper) == (2, 2)


@pytest.mark.parametrize("numbers", [np.array([1 / 3, 2 / 3]), np.array([1e9 / 7, 1e-9])])
def test_sums_stay_far_from_overflow(numbers: np.ndarray) -> None:
    """Whatever the sizes, all coefficients together are below 2^45 + their number, and above half of that."""
    whole, _ = whole_objective(numbers)
    assert 2**44 <= np.abs(whole).sum() <= 2**45 + len(numbers)


@given(numbers=NUMBERS, taken=TAKEN, share=st.floats(-1, 1))
def test_no_plan_is_lost(numbers: np.ndarray, taken: np.ndarray, share: float) -> None:
    """What the row admits is admitted in whole numbers, whatever side it touches."""
    picked = taken[: len(numbers)]
    activity = math.fsum(numbers[picked])
    limit = activity + share * abs(activity)
    below, above = whole_row(numbers, -math.inf, limit), whole_row(numbers, limit, math.inf)
    assert below.upper is not None
    assert above.lower is not None
    if activity <= limit:
        assert int(below.at_most[picked].sum()) <= below.upper
    if activity >= limit:
        assert int(above.at_least[picked].sum()) >= above.lower


@given(numbers=NUMBERS, taken=TAKEN)
def test_objective_is_no_less(numbers: np.ndarray, taken: np.ndarray) -> None:
    """A plan's objective in whole numbers is at least the true one, by less than one part a coefficient."""
    whole, scale = whole_objective(numbers)
    picked = taken[: len(numbers)]
    true = math.fsum(numbers[picked])
    found = int(whole[picked].sum()) / scale
    slack = 1e-12 * np.abs(numbers).sum()
    assert true - slack <= found <= true + len(numbers) / scale + slack
