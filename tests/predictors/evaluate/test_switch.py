"""Switch-DR by hand, at its two ends, and where it is better than either."""

import numpy as np
import pytest

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.estimators import Weighted, dr_value
from couponry.predictors.evaluate.switch import switch_dr_value

# Four rows: outcomes, weights, what the model expects under the policy and of the given arm.
ROWS = Weighted(np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.0, 4.0, 1.0, 2.0]), np.arange(4))
DIRECT = np.array([0.5, 0.5, 0.4, 0.6])
GIVEN = np.array([0.1, 0.5, 0.2, 0.5])


def test_by_hand():
    """At most 2: the row of weight 4 keeps the model's word; its error of 4 · 1/2 over 4 rows is the bias."""
    found = switch_dr_value(ROWS, DIRECT, GIVEN, 2.0)
    # 0.5, 0.5, 0.4 + 1·(1 − 0.2), 0.6 + 2·(0 − 0.5)
    assert found.value == pytest.approx((0.5 + 0.5 + 1.2 - 0.4) / 4)
    chance = np.std([0.5, 0.5, 1.2, -0.4]) / np.sqrt(4)
    assert found.standard_error == pytest.approx(np.hypot(chance, 0.5))
    assert found.effective_sample_size == pytest.approx((1 + 2) ** 2 / (1 + 4))
    low, high = found.interval()
    assert (high - low) / 2 == pytest.approx(1.959964 * found.standard_error, rel=1e-6)


def test_without_a_limit_it_is_doubly_robust_and_at_zero_the_model():
    """The two ends of the switch."""
    robust = dr_value(ROWS, DIRECT, GIVEN)
    without = switch_dr_value(ROWS, DIRECT, GIVEN, np.inf)
    assert (without.value, without.standard_error) == (robust.value, robust.standard_error)
    assert switch_dr_value(ROWS, DIRECT, GIVEN, 0.0).value == pytest.approx(DIRECT.mean())


def test_what_is_left_out_is_not_more_certain_than_what_chance_would_hide():
    """The standard error is no smaller than the left-out errors' own: the model alone is not sure."""
    generator = np.random.default_rng(1)
    weight = np.where(generator.random(2000) < 0.1, 10.0, 0.0)
    rows = Weighted((generator.random(2000) < 0.15).astype(float), weight, np.arange(2000))
    model = np.full(2000, 0.15)
    alone, robust = switch_dr_value(rows, model, model, 0.0), dr_value(rows, model, model)
    assert 0.9 * robust.standard_error < alone.standard_error < 2 * robust.standard_error


def test_a_chosen_limit_leaves_a_quarter_of_the_weight_to_the_log():
    """However good the model looks: where all weights are alike, it is doubly robust."""
    generator = np.random.default_rng(2)
    weight = np.where(generator.random(2000) < 0.1, 10.0, 0.0)
    rows = Weighted((generator.random(2000) < 0.15).astype(float), weight, np.arange(2000))
    assert switch_dr_value(rows, np.full(2000, 0.15), np.full(2000, 0.15)).switch == np.inf
    for seed in range(5):
        log, model, _ = one_log(seed)
        used = log.weight[log.weight <= switch_dr_value(log, model, model).switch].sum()
        assert used >= 0.25 * log.weight.sum()


def one_log(seed, off=0.0, rows=2000):
    """A log in which one in 200 of half the users weighs 200; the model is ``off`` by so much."""
    generator = np.random.default_rng(seed)
    rare = generator.random(rows) < 0.5
    drawn = generator.random(rows) < np.where(rare, 1 / 200, 1 / 2)
    weight = np.where(drawn, np.where(rare, 200.0, 2.0), 0.0)
    truth = np.where(rare, 0.30, 0.20)
    outcome = (generator.random(rows) < truth).astype(float)
    return Weighted(outcome, weight, np.arange(rows)), truth - off, truth


def over_logs(off):
    """Return root mean squared errors, and intervals that hold the truth: of a chosen limit, and of none."""
    errors, inside = [], []
    for seed in range(200):
        rows, model, truth = one_log(seed, off)
        both = switch_dr_value(rows, model, model), dr_value(rows, model, model)
        errors.append([found.value - truth.mean() for found in both])
        inside.append([found.interval()[0] < truth.mean() < found.interval()[1] for found in both])
    return np.sqrt((np.array(errors) ** 2).mean(axis=0)), np.sum(inside, axis=0)


def test_a_chosen_limit_errs_less_than_doubly_robust_where_few_rows_carry_all():
    """With a good model a quarter of the error goes, and intervals hold the truth nine times in ten."""
    (chosen, robust), inside = over_logs(0.01)
    assert chosen < 0.75 * robust
    assert inside[0] >= 180


def test_a_model_that_is_off_costs_little():
    """Off by half of what it predicts: an eighth more error; intervals hold as often as of none."""
    (chosen, robust), inside = over_logs(0.15)
    assert chosen < 1.25 * robust
    assert inside[0] >= inside[1] - 5


def test_a_wrong_model_is_not_trusted():
    """Where the model is off by much, leaving rows out would bias: nothing or little is left out."""
    generator = np.random.default_rng(0)
    rows = Weighted(
        (generator.random(5000) < 0.5).astype(float), generator.choice([0.0, 1.0, 2.0], 5000), np.arange(5000)
    )
    found = switch_dr_value(rows, np.full(5000, 0.01), np.full(5000, 0.01))
    assert found.switch == np.inf
    assert found.value == pytest.approx(0.5, abs=4 * found.standard_error)


def test_rows_that_the_policy_never_gives_leave_the_model_alone():
    """Without a weight above 0 there is nothing to choose."""
    rows = Weighted(np.ones(3), np.zeros(3), np.arange(3))
    assert switch_dr_value(rows, np.full(3, 0.2), np.zeros(3)).value == pytest.approx(0.2)


@pytest.mark.parametrize("switch", [-1.0, np.nan])
def test_a_limit_below_zero_is_refused(switch):
    """The message names it."""
    with pytest.raises(InputError, match="switch must be a weight of at least 0"):
        switch_dr_value(ROWS, DIRECT, GIVEN, switch)
