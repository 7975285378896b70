"""The knee of a curve, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from couponry.solver.knee import knee


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        # above the chord: 0, 0.4, 0.35, 0
        ([0, 1, 2, 4], [0, 6.5, 8.5, 10], 1),
        # the same curve, scaled and moved
        ([100, 200, 300, 500], [-5, 60, 80, 95], 1),
        # of two that are as far, the smaller budget
        ([0, 1, 3, 4], [0, 2, 4, 4], 1),
        ([0, 1, 2], [0, 1, 2], None),
        ([0, 1, 2], [3, 3, 3], None),
        ([0, 1], [0, 3], None),
        ([], [], None),
    ],
)
def test_knees_by_hand(x: list[float], y: list[float], expected: int | None) -> None:
    """It is the first point furthest above the chord; a straight, flat or short curve has none."""
    assert knee(np.array(x, float), np.array(y, float)) == expected


@given(
    steps=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 50)), min_size=2, max_size=8),
    scale=st.sampled_from([1.0, 1e-6, 1e6]),
)
def test_the_knee_is_where_the_slope_passes_that_of_the_chord(
    steps: list[tuple[int, int]], scale: float
) -> None:
    """On a concave curve slopes before the knee are at least the chord's, those after it at most."""
    steps = sorted(steps, key=lambda step: -step[1])
    x = np.cumsum([0, *(width for width, _ in steps)]) * scale
    y = np.cumsum([0, *(width * slope for width, slope in steps)])
    at = knee(x, y)
    if at is not None:
        slopes = np.diff(y) / np.diff(x)
        chord = (y[-1] - y[0]) / (x[-1] - x[0])
        assert slopes[at - 1] >= chord * (1 - 1e-9)
        assert slopes[at] <= chord * (1 + 1e-9)
