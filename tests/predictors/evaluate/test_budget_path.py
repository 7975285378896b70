"""The order of spending: by hand, and against the linear program at any budget."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.budget_path import hull_path, random_path, single_coupon_path

# Two users, coupons p and q. First: p is worth 4 for 2, q 6 for 4: 2 a unit of money, then 1. Second: p 3 for
# 3, q 3.5 for 4: 1 a unit, then 1/2.
VALUE = np.array([[4.0, 6.0], [3.0, 3.5]])
COST = np.array([[2.0, 4.0], [3.0, 4.0]])


@st.composite
def predictions(draw):
    """Values and costs of a few users, with ties, losses, free coupons and pairs that are not eligible."""
    n, coupons = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    generator = np.random.default_rng(draw(st.integers(0, 100_000)))
    if draw(st.booleans()):
        value = generator.integers(-2, 6, (n, coupons)).astype(float)
        cost = generator.integers(0, 4, (n, coupons)).astype(float)
    else:
        value, cost = generator.normal(1, 2, (n, coupons)), generator.exponential(1, (n, coupons))
    value[generator.random((n, coupons)) < 0.1] = np.nan
    return value, cost


def planned(path, measure, budget):
    """Return what a policy plans of a measure a row at a budget."""
    chances = path.probabilities(budget, measure.shape[1])
    return float((chances[:, 1:] * np.nan_to_num(measure)).sum() / len(measure))


def test_steps_by_hand():
    """2 a unit, then both steps of 1 a unit together, then 1/2 a unit."""
    path = hull_path(VALUE, COST)
    assert path.row.tolist() == [0, 1, 0, 1]
    assert path.before.tolist() == [-1, -1, 0, 0]
    assert path.after.tolist() == [0, 0, 1, 1]
    assert path.group.tolist() == [0, 1, 1, 2]
    assert path.spend.tolist() == [0.0, 1.0, 3.5, 4.0]


def test_a_budget_inside_a_step_gives_a_part_of_it():
    """At 2.25 a row both users are half way through the second step, which costs 5 between them."""
    chances = hull_path(VALUE, COST).probabilities(2.25, 2)
    assert chances.tolist() == [[0.0, 0.5, 0.5], [0.5, 0.5, 0.0]]


@settings(max_examples=40)
@given(predictions(), st.floats(0, 3))
def test_every_budget_has_the_linear_programs_value(prediction, budget):
    """The policy keeps the budget, and no other is planned to be worth more."""
    value, cost = prediction
    n, coupons = value.shape
    path = hull_path(value, cost)
    assert planned(path, cost, budget) <= budget + 1e-9
    rows = np.repeat(np.eye(n), coupons, axis=1)
    eligible = ~np.isnan(value.ravel())
    best = linprog(
        -np.nan_to_num(value.ravel()),
        A_ub=np.vstack([rows, cost.ravel()]),
        b_ub=np.append(np.ones(n), n * budget),
        bounds=[(0, float(e)) for e in eligible],
    )
    assert planned(path, value, budget) == pytest.approx(-best.fun / n, abs=1e-7)


@given(predictions())
def test_probabilities_are_probabilities(prediction):
    """Each row's sum to one at any budget, and none gets a pair that is not eligible."""
    value, cost = prediction
    for path in (hull_path(value, cost), random_path(cost), single_coupon_path(cost, 0)):
        for budget in (0.0, 0.3, 100.0):
            chances = path.probabilities(budget, value.shape[1])
            assert chances.sum(axis=1) == pytest.approx(1.0)
            assert chances.min() >= 0
    chances = hull_path(value, cost).probabilities(1.0, value.shape[1])
    assert (chances[:, 1:][np.isnan(value)] == 0).all()


def test_baselines_are_one_step_from_none_to_all():
    """Half of q's mean cost of 4 gives it to half of everybody; random coupons cost their mean, 3.25."""
    assert single_coupon_path(COST, 1).probabilities(2.0, 2).tolist() == [[0.5, 0.0, 0.5]] * 2
    assert random_path(COST).spend.tolist() == [0.0, 3.25]
    assert random_path(COST).probabilities(100.0, 2).tolist() == [[0.0, 0.5, 0.5]] * 2


def test_free_coupons_are_given_at_no_budget():
    """A coupon without cost and of value is a step of width 0."""
    path = hull_path(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]]))
    assert path.probabilities(0.0, 2).tolist() == [[0.0, 0.0, 1.0]]


def test_where_nothing_has_value_nothing_is_given():
    """The path has no step, and any budget leaves everybody without."""
    path = hull_path(np.array([[-1.0], [np.nan]]), np.ones((2, 1)))
    assert path.spend.tolist() == [0.0]
    assert path.probabilities(5.0, 1).tolist() == [[1.0, 0.0], [1.0, 0.0]]


def test_what_cannot_be_a_path_is_refused():
    """A negative cost, shapes that differ, a budget below 0."""
    with pytest.raises(InputError, match=r"row 1, column 'cost of coupon 0': a cost must be .*\(got -1.0\)"):
        hull_path([[1.0], [1.0]], [[1.0], [-1.0]])
    with pytest.raises(InputError, match=r"value has shape \(2, 2\) and cost \(1, 2\)"):
        hull_path(VALUE, COST[:1])
    with pytest.raises(InputError, match=r"a budget must be at least 0 \(got -1\)"):
        hull_path(VALUE, COST).probabilities(-1, 2)
