"""The quadratic model's minimiser: by hand, against every pattern of signs, and by its conditions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from couponry.solver.quadratic import minimise_quadratic

INF = math.inf
DRAWN = settings(max_examples=150, deadline=None, derandomize=True)


def arrays(*numbers: list[float]) -> list[np.ndarray]:
    """Return arrays of floats."""
    return [np.array(part, dtype=float) for part in numbers]


def value(
    x: np.ndarray,
    hessian: np.ndarray,
    slope: np.ndarray,
    start: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
) -> float:
    """Return what is minimised; infinite where a side is priced that is not there."""
    move = x - start
    limits = sum(float(u * v if v > 0 else w * v) for v, w, u in zip(x, lower, upper, strict=True) if v)
    return float(0.5 * move @ hessian @ move + slope @ move + limits)


def by_signs(
    hessian: np.ndarray, slope: np.ndarray, start: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> float:
    """Return the least value over all patterns of signs, each minimised by a linear solve."""
    least = INF
    for signs in itertools.product((-1, 0, 1), repeat=len(slope)):
        pattern = np.array(signs)
        limit = np.where(pattern > 0, upper, np.where(pattern < 0, lower, 0.0))
        if not np.isfinite(limit).all():
            continue
        free = np.flatnonzero(pattern)
        x = np.zeros(len(slope))
        # Those at zero moved there: x − x₀ = −x₀.
        fixed = slope - hessian @ start
        if len(free):
            x[free] = np.linalg.solve(hessian[np.ix_(free, free)], -(fixed + limit)[free])
        if (np.sign(x[free]) == pattern[free]).all():
            least = min(least, value(x, hessian, slope, start, lower, upper))
    return least


def drawn(
    rng: np.random.Generator, size: int, condition: float, rank: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw a model as rows make it: a few strong directions, two-sided and one-sided limits, some at zero."""
    factors = rng.normal(size=(size, rank)) * 10.0 ** rng.uniform(-1, 1, (1, rank))
    hessian = factors @ factors.T
    hessian += np.diag(np.diag(hessian)) / condition + np.eye(size) / condition
    middle, width = 3 * rng.normal(size=size), 2 * rng.random(size)
    kind = rng.integers(0, 4, size)
    lower = np.where(kind == 0, -INF, middle - width)
    upper = np.where(kind == 1, INF, middle + width)
    upper = np.where(kind == 3, lower, upper)  # an equation
    start = rng.normal(size=size) * (rng.random(size) < 0.6)
    start = np.where(np.isfinite(upper), start, np.minimum(start, 0.0))
    start = np.where(np.isfinite(lower), start, np.maximum(start, 0.0))
    return hessian, 4 * rng.normal(size=size), start, lower, upper


# ------------------------------------------------------------------------- by hand


@pytest.mark.parametrize(
    ("slope", "limits", "expected"),
    [
        # ½ · 2 · x² + g x, and u = 1 above zero, l = −1 below: x = −(g + u)/2 where that is above zero.
        (-4.0, (-1.0, 1.0), 1.5),
        (4.0, (-1.0, 1.0), -1.5),
        (0.5, (-1.0, 1.0), 0.0),
        (-1.0, (-1.0, 1.0), 0.0),
        (4.0, (-INF, 1.0), 0.0),
        (-4.0, (-1.0, INF), 0.0),
        (-4.0, (-INF, 1.0), 1.5),
        (4.0, (-1.0, INF), -1.5),
        (4.0, (-INF, INF), 0.0),
        (-4.0, (3.0, 3.0), 0.5),
    ],
)
def test_one_row(slope: float, limits: tuple[float, float], expected: float) -> None:
    """One multiplier stops where its row's slack is zero, and at zero where neither side is worth a price."""
    hessian, slopes, start, lower, upper = arrays([[2.0]], [slope], [0.0], [limits[0]], [limits[1]])
    assert minimise_quadratic(hessian, slopes, start, lower, upper).tolist() == [expected]


def test_two_rows_that_pull_together() -> None:
    """Both are priced above zero: H x = −(g + u) = (3, 3) with H = ((2, 1), (1, 2)) has x = (1, 1)."""
    hessian, slope, start, lower, upper = arrays([[2, 1], [1, 2]], [-4, -4], [0, 0], [-1, -1], [1, 1])
    assert minimise_quadratic(hessian, slope, start, lower, upper) == pytest.approx([1.0, 1.0])


def test_the_model_is_about_its_start() -> None:
    """Where the slope at the start is the negative limit the start is the minimiser."""
    hessian, slope, start, lower, upper = arrays([[2, 1], [1, 2]], [-1, 5], [3, -2], [-5, -5], [1, 1])
    assert minimise_quadratic(hessian, slope, start, lower, upper).tolist() == [3, -2]


def test_a_price_changes_its_sign() -> None:
    """From a price on the upper side the minimiser may lie on the lower side: 2(x − 1) + 5 = 1 at x = −1."""
    hessian, slope, start, lower, upper = arrays([[2]], [5], [1], [-1], [1])
    assert minimise_quadratic(hessian, slope, start, lower, upper).tolist() == [-1]


def test_nothing_given_is_changed() -> None:
    """The model's arrays are left as they were."""
    rng = np.random.default_rng(3)
    model = drawn(rng, 5, 1e3, 3)
    before = [part.copy() for part in model]
    minimise_quadratic(*model)
    assert all(np.array_equal(one, other) for one, other in zip(before, model, strict=True))


def test_no_rows() -> None:
    """Without multipliers there is nothing to move."""
    empty = np.zeros(0)
    assert minimise_quadratic(np.zeros((0, 0)), empty, empty, empty, empty).shape == (0,)


# ---------------------------------------------------------------------------- drawn


@DRAWN
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 5), condition=st.sampled_from([1.0, 1e3, 1e6]))
def test_as_good_as_every_pattern_of_signs(seed: int, size: int, condition: float) -> None:
    """The value is the least over all patterns of signs, each minimised exactly."""
    rng = np.random.default_rng(seed)
    model = drawn(rng, size, condition, 2)
    found = value(minimise_quadratic(*model), *model)
    least = by_signs(*model)
    assert found == pytest.approx(least, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("size", [10, 60, 200])
@pytest.mark.parametrize("seed", range(8))
def test_conditions_of_the_minimiser(size: int, seed: int) -> None:
    """A priced side is met, an unpriced one is not exceeded, and absent sides have no price."""
    rng = np.random.default_rng(seed)
    model = drawn(rng, size, 1e3, max(2, size // 2))
    hessian, slope, start, lower, upper = model
    x = minimise_quadratic(*model)
    gradient = hessian @ (x - start) + slope
    near = 1e-6 * (np.abs(slope) + np.abs(hessian) @ np.abs(x - start) + 1)
    assert np.isfinite(upper[x > 0]).all()
    assert np.isfinite(lower[x < 0]).all()
    assert (np.abs(gradient + upper)[x > 0] <= near[x > 0]).all()
    assert (np.abs(gradient + lower)[x < 0] <= near[x < 0]).all()
    idle = x == 0
    assert (gradient + upper >= -near)[idle].all()
    assert (gradient + lower <= near)[idle].all()
    assert idle.any()
    assert (x > 0).any()
    assert (x < 0).any()


@DRAWN
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([3, 12, 40]))
def test_signs_are_those_of_the_limits(seed: int, size: int) -> None:
    """However ill the curvature, absent sides get no price, and the start is never better."""
    model = drawn(np.random.default_rng(seed), size, 1e9, max(1, size // 4))
    x = minimise_quadratic(*model)
    found = value(x, *model)
    assert math.isfinite(found)
    assert found <= value(model[2], *model) + 1e-9 * abs(found)
