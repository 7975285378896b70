"""The cost curve of one coupon and of several."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.predictors.small_world import SmallWorld

from couponry.predictors.evaluate.aucc import (
    aucc_score,
    cost_curve,
    multi_arm_aucc,
    multi_arm_cost_curve,
)
from couponry.predictors.evaluate.budget_path import hull_path, random_path, single_coupon_path
from couponry.predictors.evaluate.multi_arm import arm_scores

# Four users, best first: treated bought for 1, none, none bought, treated for 3 did not buy.
OUTCOME = np.array([1.0, 0.0, 1.0, 0.0])
COST = np.array([1.0, 0.0, 0.0, 3.0])
SCORE = np.array([4.0, 3.0, 2.0, 1.0])
TREATED = np.array([True, False, False, True])


def test_the_curve_by_hand():
    """Mean cost and outcome of treated less the others', times rows, after each user."""
    cost, gain = cost_curve(OUTCOME, COST, SCORE, TREATED)
    assert cost.tolist() == [0, 1, 2, 3, 8]
    assert gain.tolist() == [0, 1, 2, 1.5, 0]


def test_the_score_by_hand():
    """Reversed buyers: gains 0, 0, −1/2·3, −1·2, 0 would end at none, so nothing can be scored."""
    assert np.isnan(aucc_score(OUTCOME, COST, SCORE, TREATED))
    outcome = np.array([1.0, 0.0, 0.0, 1.0])
    # Cost 0, 1, 2, 3, 8 and gain 0, 1, 2, 3, 4: area 4.5 + 5 · 3.5 of a rectangle of 32.
    assert aucc_score(outcome, COST, SCORE, TREATED) == pytest.approx(22 / 32)


@given(st.integers(0, 1000))
def test_an_order_that_says_nothing_scores_one_half(seed):
    """Tied users are one step, so the curve is the diagonal."""
    generator = np.random.default_rng(seed)
    treated = np.arange(40) % 2 == 0
    outcome = np.where(treated, 1.0, 0.0) * generator.integers(0, 2, 40)
    outcome[0] = 1.0
    cost = np.where(treated, generator.exponential(1, 40), 0.0)
    assert aucc_score(outcome, cost, np.zeros(40), treated) == pytest.approx(0.5)


def test_value_for_money_scores_above_value_alone():
    """Where the responsive are dear, ranking by uplift a unit of money wins more for each unit."""
    generator = np.random.default_rng(0)
    n = 40_000
    uplift = generator.uniform(0.05, 0.5, n)
    price = uplift * generator.uniform(1, 20, n)
    treated = generator.random(n) < 0.5
    outcome = (generator.random(n) < 0.1 + treated * uplift).astype(float)
    cost = treated * price
    by_money, by_value = (aucc_score(outcome, cost, s, treated) for s in (uplift / price, uplift))
    assert by_money > by_value + 0.1
    assert by_value == pytest.approx(0.5, abs=0.1)


@pytest.fixture(scope="module")
def judged():
    """A world with its path of truth, and scores of conversions and cost."""
    world = SmallWorld.draw(3000, seed=5)
    log = world.log(6)
    model = np.column_stack([np.zeros(3000), world.cost])
    return (
        world,
        hull_path(world.value, world.cost),
        arm_scores(log, outcome_model=world.probability),
        arm_scores(log, log.cost, outcome_model=model),
    )


def test_one_coupon_to_ever_more_rows_scores_one_half_of_its_own_corner(judged):
    """So do random coupons of theirs: their curves are straight."""
    world, _, won, spent = judged
    for path in (single_coupon_path(world.cost, 1), random_path(world.cost)):
        assert multi_arm_aucc(*multi_arm_cost_curve(path, won, spent)) == pytest.approx(0.5)


def test_several_coupons_by_value_for_money_score_higher_on_one_rectangle(judged):
    """The rectangle is that of one coupon to all, and the curve ends beyond it or is drawn on."""
    world, path, won, spent = judged
    single = multi_arm_cost_curve(single_coupon_path(world.cost, 1), won, spent)
    corner = (float(single[0][-1]), float(single[1][-1]))
    assert multi_arm_aucc(*single, corner) == pytest.approx(0.5)
    assert multi_arm_aucc(*multi_arm_cost_curve(path, won, spent), corner) > 0.6
    # A rectangle three times as wide: the diagonal fills a half of its first third, then the level line all.
    assert multi_arm_aucc(*single, (3 * corner[0], corner[1])) == pytest.approx((0.5 + 2) / 3)


def test_a_curve_is_cut_where_the_rectangle_ends():
    """Half of a straight curve, on a rectangle of half its cost and all of its gain: 1/4."""
    assert multi_arm_aucc([0, 4], [0, 2], (2.0, 2.0)) == pytest.approx(1 / 4)


def test_a_corner_without_cost_or_gain_cannot_be_scored():
    """The score says NaN."""
    assert np.isnan(multi_arm_aucc([0, 4], [0, 2], (0.0, 1.0)))
    assert np.isnan(multi_arm_aucc([0, 4], [0, -2]))
