"""The fairest mixture: by hand, and no known plan is worth more by its weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from couponry.solver.fair_hull import Hull
from couponry.solver.power_mean import Fairness


@pytest.mark.parametrize("alpha", [1.0, 2.0, math.inf])
def test_two_opposite_plans_are_halved(alpha: float) -> None:
    """Of plans that give (4, 1) and (1, 4) to groups of one user, half of each is fairest."""
    hull = Hull(Fairness(alpha, np.ones(2)))
    hull.add(np.array([4.0, 1.0]))
    hull.add(np.array([1.0, 4.0]))
    assert hull.weights() == pytest.approx([1.0, 1.0], abs=1e-5)
    assert hull.best == pytest.approx([2.5, 2.5], abs=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 3.0, math.inf])
@settings(deadline=None)
@given(st.lists(st.lists(st.floats(0.1, 10), min_size=3, max_size=3), min_size=1, max_size=6))
def test_weights_prove_the_mixture(alpha: float, points: list[list[float]]) -> None:
    """By the weights no plan is worth more than the mixture, which lies between plans."""
    fairness = Fairness(alpha, np.array([1.0, 2.0, 5.0]))
    hull = Hull(fairness)
    for point in points:
        hull.add(np.array(point))
    weights = hull.weights()
    most = max(float(weights @ np.array(point)) for point in points)
    value = fairness.value(hull.best)
    assert value <= most * (1 + 1e-9)
    assert most <= value * (1 + 1e-6)
    assert (hull.best <= np.max(points, axis=0) + 1e-9).all()
