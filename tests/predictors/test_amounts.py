"""Expected money: constants exactly, the rest by the law of total expectation."""

import numpy as np
import pytest

from couponry.predictors.amounts import AmountModel, Strata

ARM = np.array([-1, -1, 0, 0, 0, 1, 1], dtype=np.int32)
BOUGHT = np.array([0.0, 1, 0, 1, 1, 0, 1])


def test_strata_by_hand():
    """Means by arm and conversion; coupon 1 costs 0.3 on all its rows, none costs 0."""
    amount = np.array([0.0, 0, 0, 4, 6, 0.3, 0.3])
    strata = Strata.of(amount, ARM, BOUGHT, 2)
    assert strata.mean.tolist() == [[0, 0], [0, 5], [0.3, 0.3]]
    assert strata.constant.tolist() == [[True, True], [True, False], [True, True]]
    assert strata.fixed[[0, 2]].tolist() == [0.0, 0.3]
    assert np.isnan(strata.fixed[1])


def test_an_arm_that_costs_the_same_on_every_row_costs_exactly_that():
    """The price of a message is answered bit by bit, whatever the probability of a conversion."""
    amount = np.where(ARM == 1, 0.1, np.where(ARM == 0, BOUGHT * 5, 0.0))
    model = AmountModel("sklearn").fit(np.zeros((7, 1), np.float32), ARM, BOUGHT, amount, 2)
    conversion = np.random.default_rng(0).random((50, 3))
    found = model.predict(np.zeros((50, 1), np.float32), conversion, np.array([0, 1]))
    assert (found[:, 2] == 0.1).all()
    assert (found[:, 0] == 0.0).all()


def test_a_redemption_costs_with_the_probability_of_any_conversion():
    """A face value of 5 on every conversion costs 5 · P(conversion | coupon), not 5 · uplift."""
    amount = np.where(ARM == 0, BOUGHT * 5, 0.0)
    model = AmountModel("sklearn").fit(np.zeros((7, 1), np.float32), ARM, BOUGHT, amount, 2)
    conversion = np.array([[0.2, 0.3, 0.25]])
    assert model.predict(np.zeros((1, 1), np.float32), conversion, np.array([0, 1]))[0, 1] == pytest.approx(
        1.5
    )


def test_fractional_conversions_keep_the_mean():
    """A row with conversion 0.4 counts as 0.4 of a converted row; the decomposition gives back the mean."""
    generator = np.random.default_rng(1)
    y, amount = generator.random(500), generator.random(500) * 9
    arm = np.zeros(500, dtype=np.int32)
    strata = Strata.of(amount, arm, y, 1)
    sides = [np.full((500, 2), strata.mean[1, side]) for side in (0, 1)]
    expected = strata.combine(np.column_stack([y, y]), sides)[:, 1]
    assert expected.mean() == pytest.approx(amount.mean())


@pytest.mark.parametrize("base", ["sklearn", "lightgbm"])
def test_who_spends_more_is_learnt_across_arms(base):
    """Spend doubles with the feature in every arm; each arm keeps its own level."""
    generator = np.random.default_rng(2)
    n = 6000
    x = generator.choice([-1, 1], (n, 1)).astype(np.float32)
    arm = generator.integers(-1, 2, n).astype(np.int32)
    y = (generator.random(n) < 0.5).astype(float)
    amount = y * (1.5 + 0.5 * x[:, 0]) * np.array([10.0, 20.0, 0.0])[arm] * generator.uniform(0.5, 1.5, n)
    model = AmountModel(base).fit(x, arm, y, amount, 2)
    found = model.predict(np.array([[-1.0], [1.0]], np.float32), np.ones((2, 3)), np.array([0, 1]))
    assert found[:, 1] == pytest.approx([10, 20], rel=0.08)
    assert found[:, 2] == pytest.approx([20, 40], rel=0.08)
    assert found[:, 0].tolist() == [0, 0]


def test_a_new_coupon_costs_what_its_attributes_say():
    """Costs of a conversion are 1 + 2 · attribute over the menu; a new coupon follows the line."""
    attribute = np.linspace(-2, 2, 40)[:, None]
    mean = np.column_stack([np.zeros(41), np.append(0.0, 1 + 2 * attribute[:, 0])])
    strata = Strata(mean, np.ones((41, 2), dtype=np.bool_), np.append(0.0, np.full(40, np.nan)))
    found = strata.select_or_guess(np.array([3, -1]), np.array([[9.0], [1.5]]), attribute)
    assert found.mean[1].tolist() == mean[4].tolist()
    assert found.mean[2] == pytest.approx([0.0, 4.0], abs=0.1)
    assert found.constant.all()


def test_a_new_coupon_of_a_menu_of_one_price_has_that_price():
    """Where every message costs 0.1, so does a new one; exactly."""
    strata = Strata(np.full((3, 2), 0.1), np.ones((3, 2), dtype=np.bool_), np.array([0.0, 0.1, 0.1]))
    found = strata.select_or_guess(np.array([-1]), np.ones((1, 1)), np.array([[0.0], [1.0]]))
    assert found.fixed[1] == 0.1


def test_an_unseen_stratum_takes_the_mean_of_the_others():
    """Nobody with coupon 1 converted: what a conversion costs there is guessed from coupon 0 and none."""
    bought = np.array([0.0, 1, 0, 1, 1, 0, 0])
    strata = Strata.of(np.where(ARM == 0, bought * 4.0, 0.0), ARM, bought, 2)
    assert strata.mean[2, 1] == pytest.approx(2.0)


def test_state_and_back_for_a_part_of_the_menu():
    """A restored model answers alike, and a part of the menu has its own columns."""
    generator = np.random.default_rng(3)
    x = generator.normal(size=(400, 2)).astype(np.float32)
    arm = generator.integers(-1, 2, 400).astype(np.int32)
    y = (generator.random(400) < 0.6).astype(float)
    model = AmountModel("sklearn").fit(x, arm, y, y * generator.random(400), 2)
    again = AmountModel.from_state(model.state())
    p = generator.random((400, 3))
    whole = model.predict(x, p, np.array([0, 1]))
    assert (again.predict(x, p, np.array([0, 1])) == whole).all()
    assert (model.predict(x, p[:, [0, 2]], np.array([1])) == whole[:, [0, 2]]).all()
