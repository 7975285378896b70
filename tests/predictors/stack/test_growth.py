"""One tree whose leaves hold a number for every arm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from couponry.predictors.stack.growth import _evidence, _fill, add_values, grow

number = st.floats(-5, 5)
weight = st.floats(0, 20)


@given(st.lists(st.tuples(number, weight), min_size=3, max_size=3), st.tuples(*[st.floats(0.01, 2)] * 3))
def test_a_leaf_is_the_posterior_of_base_shared_and_own_effects(arms, prior):
    """Its means and evidence are those of ridge regression on all five coefficients."""
    g, h = (np.array(part) for part in zip(*arms, strict=True))
    design = np.array([[1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 0, 1.0]])  # none; b, s and u of two coupons
    variance = np.array([prior[0], prior[1], prior[2], prior[2]])
    precision = design.T @ (h[:, None] * design) + np.diag(1 / variance)
    mean = np.linalg.solve(precision, design.T @ g)
    value = np.empty(3)
    _fill(g, h, *prior, value)
    assert value == pytest.approx(design @ mean, rel=1e-7, abs=1e-9)
    assert _evidence(g, h, *prior) == pytest.approx(0.5 * (design.T @ g) @ mean, rel=1e-7, abs=1e-9)


@pytest.fixture(scope="module")
def steps():
    """Four thousand rows of two features; coupon 1 adds 1 where the first is above bin 3."""
    rng = np.random.default_rng(0)
    binned = rng.integers(0, 8, (4000, 2)).astype(np.uint8)
    arm = rng.integers(0, 3, 4000)
    y = 1.0 * ((arm == 1) & (binned[:, 0] > 3))
    return binned, arm, y


def test_the_split_is_where_one_coupon_acts(steps):
    """And the leaf says so of that coupon, hardly of the other or of none."""
    binned, arm, y = steps
    bins = np.array([8, 8])
    found = grow(binned, bins, arm, y, np.ones(4000), np.arange(4000), 3, (0.1, 0.1, 1.0), 4, 1.0, 20)
    feature, bound, left, right, value, gain = found
    assert (feature[0], bound[0]) == (0, 3)
    assert value[right[0]] == pytest.approx([0, 1, 0], abs=0.02)
    assert value[left[0]] == pytest.approx([0, 0, 0], abs=0.02)
    assert gain > 100


def test_a_tree_grown_by_differences_is_that_of_its_rows(steps):
    """Every leaf holds the posterior of the rows that reach it, though only smaller parts are counted."""
    binned, arm, y = steps
    prior, rows = (0.2, 0.1, 0.3), np.arange(0, 4000, 2)
    noisy = y + np.random.default_rng(1).normal(size=4000)
    *tree, value, _ = grow(binned, np.array([8, 8]), arm, noisy, np.ones(4000), rows, 3, prior, 6, 0.0, 20)
    assert (tree[0] < 0).sum() == 6
    at = np.zeros(4000)
    number = np.repeat(np.arange(len(value), dtype=float)[:, None], 3, axis=1)
    add_values(binned, arm, rows, *tree, number, at)
    for leaf in np.flatnonzero(tree[0] < 0):
        own = rows[at[rows] == leaf]
        g, h = (np.bincount(arm[own], w, minlength=3) for w in (noisy[own], np.ones(len(own))))
        expected = np.empty(3)
        _fill(g, h, *prior, expected)
        assert len(own) >= 20
        assert value[leaf] == pytest.approx(expected, abs=1e-9)


def test_nothing_is_split_that_adds_too_little(steps):
    """Where outcomes are one number the tree is one leaf, and says it."""
    binned, arm, _ = steps
    ones = np.ones(4000)
    found = grow(binned, np.array([8, 8]), arm, ones, ones, np.arange(4000), 3, (1.0, 0.0, 0.0), 4, 0.1, 20)
    assert list(found[0]) == [-1]
    assert found[4][0] == pytest.approx([1, 1, 1], abs=1e-3)
    assert found[5] == 0
