"""The multi-arm Qini curve: by hand, against policy values, and against what is known."""

import numpy as np
import pytest
from tests.predictors.evaluate.test_policy import four_rows
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.budget_path import hull_path, random_path, single_coupon_path
from couponry.predictors.evaluate.multi_arm import (
    arm_scores,
    integrated_difference,
    multi_arm_qini,
)
from couponry.predictors.evaluate.policy import policy_value

# As in test_budget_path: steps at 0, 1, 3.5 and 4 a row.
VALUE = np.array([[4.0, 6.0], [3.0, 3.5]])
COST = np.array([[2.0, 4.0], [3.0, 4.0]])
SCORES = np.array([[1.0, 3.0, 7.0], [0.0, 2.0, 1.0]])


@pytest.fixture(scope="module")
def judged():
    """A world, its log, scores with a good model, and paths of truth and of baselines."""
    world = SmallWorld.draw(3000, seed=3)
    log = world.log(4, (0.4, 0.3, 0.2, 0.1))
    scores = arm_scores(log, outcome_model=world.probability)
    return world, log, scores, hull_path(world.value, world.cost)


def test_the_curve_by_hand():
    """Steps win 2; 2 and 4 together; −1: the mean of two rows rises to 1, 4, and falls to 3.5."""
    curve = multi_arm_qini(hull_path(VALUE, COST), SCORES)
    assert curve.spend.tolist() == [0.0, 1.0, 3.5, 4.0]
    assert curve.value.tolist() == [0.0, 1.0, 4.0, 3.5]
    # Gains of the two rows: (2, 0), (6, 2), (6, 1).
    assert curve.standard_error == pytest.approx([0.0, np.sqrt(2) / 2, np.sqrt(8) / 2, np.sqrt(12.5) / 2])
    assert curve.at(2.25)[0] == pytest.approx(2.5)
    assert curve.at(9.0)[0] == 3.5


def test_the_area_by_hand():
    """To 3.5: a triangle of 1/2 and a trapezoid of 2.5 · 2.5, over 3.5; to 5 the end is drawn on level."""
    curve = multi_arm_qini(hull_path(VALUE, COST), SCORES)
    assert curve.area(3.5)[0] == pytest.approx((0.5 + 6.25) / 3.5)
    assert curve.area(5.0)[0] == pytest.approx((0.5 + 6.25 + 0.5 * 3.75 + 3.5) / 5)
    assert curve.area()[0] == pytest.approx((0.5 + 6.25 + 0.5 * 3.75) / 4)


def test_the_area_is_the_mean_of_the_curve(judged):
    """Averaging the curve over many budgets gives it, and its error is below the curve's at the end."""
    curve = multi_arm_qini(judged[3], judged[2])
    budgets = (np.arange(2000) + 0.5) * 2.0 / 2000
    area, error = curve.area(2.0)
    assert area == pytest.approx(np.mean([curve.at(b)[0] for b in budgets]), abs=1e-6)
    assert 0 < error < curve.at(2.0)[1]


def test_points_and_errors_are_those_between_them(judged):
    """At a point of the curve value and error are what its rows' gains say."""
    curve = multi_arm_qini(judged[3], judged[2])
    for k in (0, 10, 1000, len(curve.spend) - 1):
        value, error = curve.at(curve.spend[k])
        assert value == pytest.approx(curve.value[k], abs=1e-9)
        assert error == pytest.approx(curve.standard_error[k], abs=1e-9)


def test_a_point_is_the_policys_doubly_robust_value_over_nothing(judged):
    """The same policy, judged by policy_value, is worth the same; so the path is only faster."""
    world, log, scores, path = judged
    curve = multi_arm_qini(path, scores)
    chances = path.probabilities(1.5, 3)
    given = policy_value(log, chances, method="dr", outcome_model=world.probability)
    nothing = policy_value(log, np.full(3000, -1), method="dr", outcome_model=world.probability)
    assert curve.at(1.5)[0] == pytest.approx(given.value - nothing.value)


def test_the_true_order_beats_baselines_and_meets_the_truth(judged):
    """At each budget above a random order and one coupon for all, and within four errors of what is known."""
    world, _, scores, path = judged
    best = multi_arm_qini(path, scores)
    known = multi_arm_qini(path, np.column_stack([np.zeros(3000), world.value]))
    others = [multi_arm_qini(p, scores) for p in (random_path(world.cost), single_coupon_path(world.cost, 2))]
    for budget in (0.5, 1.0, 2.0):
        value, error = best.at(budget)
        assert value == pytest.approx(known.at(budget)[0], abs=4 * error)
        assert all(value > other.at(budget)[0] for other in others)
    for other in others:
        difference, error = integrated_difference(best, other, 2.0)
        assert difference == pytest.approx(best.area(2.0)[0] - other.area(2.0)[0])
        assert difference > 3 * error


def test_rows_of_one_user_are_one_observation():
    """Each row written twice leaves values and errors as they were; as other users, errors shrink."""
    path, twice = hull_path(VALUE, COST), hull_path(np.tile(VALUE, (2, 1)), np.tile(COST, (2, 1)))
    once = multi_arm_qini(path, SCORES)
    same = multi_arm_qini(twice, np.tile(SCORES, (2, 1)), user=[0, 1, 0, 1])
    assert same.value == pytest.approx(once.value)
    assert same.standard_error == pytest.approx(once.standard_error)
    other = multi_arm_qini(twice, np.tile(SCORES, (2, 1)))
    assert other.standard_error == pytest.approx(once.standard_error / np.sqrt(2))


def test_scores_by_hand():
    """Outcome over propensity on the arm given, else 0; with a model its word, and its error weighted."""
    log = four_rows()
    weighted = arm_scores(log)
    assert weighted.tolist() == [[0, 0, 0], [0, 4, 0], [0, 0, 4], [0, 0, 0]]
    model = np.tile([0.1, 0.5, 0.2], (4, 1))
    robust = arm_scores(log, outcome_model=model)
    assert robust[1].tolist() == pytest.approx([0.1, 0.5 + 4 * 0.5, 0.2])
    assert robust[3].tolist() == pytest.approx([0.1, 0.5 - 2 * 0.5, 0.2])
    assert arm_scores(log, log.cost)[1, 1] == 12.0
    assert model[1].tolist() == [0.1, 0.5, 0.2]  # what was given stays as it was


def test_what_does_not_fit_is_refused():
    """Scores of other rows, a model of another shape, an average over no budget."""
    path = hull_path(VALUE, COST)
    with pytest.raises(InputError, match=r"scores have shape \(3, 3\), and the path 2 rows"):
        multi_arm_qini(path, np.zeros((3, 3)))
    with pytest.raises(InputError, match=r"outcome_model has shape \(4, 2\), not \(4, 3\)"):
        arm_scores(four_rows(), outcome_model=np.zeros((4, 2)))
    with pytest.raises(InputError, match=r"an average needs a budget above 0 \(got 0"):
        multi_arm_qini(path, SCORES).area(0.0)
