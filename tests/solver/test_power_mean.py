"""The equal-share equivalent: by hand, and against what any weights prove."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from couponry.solver.power_mean import Fairness

ALPHAS = [0.0, 0.5, 1.0, 2.0, 7.0, math.inf]
NUMBERS = st.lists(st.floats(0.01, 100), min_size=3, max_size=3).map(np.array)


@pytest.mark.parametrize(
    ("alpha", "value", "utility"),
    [
        (0.0, 5.0, 5.0),
        # Per head 1 for one user and 2 for two: (1·2²)^(1/3), 3 / (1 + 2/2), ((1 + 2√2)/3)².
        (1.0, 3 * 4 ** (1 / 3), math.log(4)),
        (2.0, 4.5, -2.0),
        (0.5, (1 + 2 * math.sqrt(2)) ** 2 / 3, 2 * (1 + 2 * math.sqrt(2))),
        (math.inf, 3.0, 1.0),
    ],
)
def test_by_hand(alpha: float, value: float, utility: float) -> None:
    """One user who has 1 and two who have 2 each are as well off as three with the mean of that kind."""
    fairness = Fairness(alpha, np.array([1.0, 2.0]))
    assert fairness.value(np.array([1.0, 4.0])) == pytest.approx(value)
    assert fairness.utility(value) == pytest.approx(utility)


def test_nothing_and_less() -> None:
    """A group with nothing is worth nothing under proportional fairness, one below 0 cannot be judged."""
    sizes = np.array([1.0, 1.0])
    assert Fairness(1.0, sizes).value(np.array([0.0, 4.0])) == 0
    assert Fairness(1.0, sizes).utility(0.0) == -math.inf
    assert Fairness(2.0, sizes).value(np.array([-1.0, 4.0])) == -math.inf
    assert Fairness(math.inf, sizes).value(np.array([-1.0, 4.0])) == -2
    assert Fairness(0.5, sizes).value(np.array([0.0, 0.0])) == 0


@pytest.mark.parametrize("alpha", ALPHAS)
@given(totals=NUMBERS, sizes=NUMBERS, weights=NUMBERS)
def test_any_weights_bound_it(
    alpha: float, totals: np.ndarray, sizes: np.ndarray, weights: np.ndarray
) -> None:
    """Normalised weights value totals at no less than their equivalent, the slopes at exactly that."""
    fairness = Fairness(alpha, sizes)
    value = fairness.value(totals)
    assert fairness.normalised(weights) @ totals >= value * (1 - 1e-12)
    assert fairness.gradient(totals) @ totals == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("alpha", ALPHAS)
@given(one=NUMBERS, other=NUMBERS, sizes=NUMBERS)
def test_concave_and_of_degree_one(
    alpha: float, one: np.ndarray, other: np.ndarray, sizes: np.ndarray
) -> None:
    """A mixture is at least as fair as the mean of its parts, and twice the totals are worth twice."""
    fairness = Fairness(alpha, sizes)
    mean = (fairness.value(one) + fairness.value(other)) / 2
    assert fairness.value((one + other) / 2) >= mean * (1 - 1e-9)
    assert fairness.value(2 * one) == pytest.approx(2 * fairness.value(one))
