"""What hierarchical models hold for possible of another model's effects."""

from dataclasses import replace

import numpy as np
import pytest

from couponry.predictors.learner import TrainingRows
from couponry.predictors.second_opinion import SecondOpinion

KNOWN = np.arange(4)


def draw(n: int, seed: int, columns: int = 3):
    """Return a log in numbers and the true probabilities: two coupons of four follow x₀, two its opposite."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, columns)).astype(np.float32)
    arm = rng.integers(-1, 4, n).astype(np.int32)
    effect = 0.08 + 0.05 * np.tanh(x[:, :1]) * np.array([1.0, 1.0, -1.0, -1.0])
    p = 0.2 + np.column_stack([np.zeros(n), effect])
    y = (rng.random(n) < p[np.arange(n), arm + 1]).astype(float)
    nothing = np.zeros(n)
    return TrainingRows(
        x, (), np.eye(4, dtype=np.float32), arm, y, nothing, nothing, nothing, np.arange(n)
    ), p


def opinion_of(rows: TrainingRows, told: np.ndarray, columns: slice = slice(None)) -> SecondOpinion:
    """Return the opinion of answers for the log's own rows, by some of its columns."""
    return SecondOpinion.of(replace(rows, x=rows.x[:, columns]), told, np.arange(rows.n))


def alike(p: np.ndarray) -> np.ndarray:
    """Return probabilities with one effect for all."""
    return np.tile(p.mean(axis=0), (len(p), 1))


@pytest.fixture(scope="module")
def opinion():
    """One of answers that tell one effect for all, and 2,000 other users with their true effects."""
    rows, p = draw(8000, 0)
    users, true = draw(2000, 1)
    return opinion_of(rows, alike(p)), users.x, users.coupons, true[:, 1:] - true[:, :1]


def test_a_model_that_tells_one_effect_for_all_is_covered(opinion):
    """Its members would agree to the last digit; nine of ten true effects lie within 1.96 of the doubts."""
    told, users, coupons, effect = opinion
    same = np.broadcast_to(effect.mean(axis=0), effect.shape)
    error = told.error(users, KNOWN, coupons, same)
    assert (np.abs(effect - same) < 1.96 * error).mean() > 0.9
    assert np.corrcoef(np.abs(effect - same).ravel(), error.ravel())[0, 1] > 0.4


def test_a_better_answer_is_doubted_less(opinion):
    """The truth has smaller doubts than one effect for all, and that than the opposite of the truth."""
    told, users, coupons, effect = opinion
    mean = effect.mean(axis=0)
    doubts = [
        told.error(users, KNOWN, coupons, mean + times * (effect - mean)).mean() for times in (1.0, 0.0, -1.0)
    ]
    assert doubts == sorted(doubts)


def test_more_rows_leave_less_doubt():
    """Of the same answer, the true effects, with four times the rows."""
    users, p = draw(1000, 1)
    asked = (users.x, KNOWN, users.coupons, p[:, 1:] - p[:, :1])
    few, many = (opinion_of(*draw(rows, 2)).error(*asked).mean() for rows in (2000, 8000))
    assert many < 0.8 * few


def test_answers_that_unseen_rows_bear_out_are_believed():
    """Where the models do not see x₀, answers that follow it are borne out, one answer for all is not."""
    rows, p = draw(20_000, 3)
    right, same = (opinion_of(rows, told, slice(1, 3)) for told in (p, alike(p)))
    assert right.borne_out > 0.7
    assert same.borne_out < 0.2
    effect = p[:, 1:] - p[:, :1]
    asked = (rows.x[:, 1:], KNOWN, rows.coupons, effect)
    assert right.error(*asked).mean() < 0.8 * same.error(*asked).mean()


def test_a_new_coupon_is_doubted_more_than_a_known_one(opinion):
    """Beyond its attributes nothing is known of it."""
    told, users, coupons, effect = opinion
    old, new = (told.error(users, np.array([at]), coupons[:1], effect[:, :1]).mean() for at in (0, -1))
    assert new > old


def test_of_many_columns_those_that_tell_are_looked_at():
    """A hundred of 150, the one that outcomes follow among them."""
    rows, p = draw(3000, 3, 150)
    rows = replace(rows, conversion=np.where(rows.x[:, 149] > 1, 1.0, rows.conversion))
    columns = opinion_of(rows, p).columns
    assert len(columns) == 100
    assert 149 in columns


@pytest.mark.parametrize("arms", [1, 4])
def test_without_features_the_mean_effect_is_doubted_by_its_own_error(arms):
    """About √(p(1 − p)(1/n₀ + 1/n₁)) of a coupon's own rows and those without, and the same for all."""
    rows, p = draw(8000, 4)
    rows = rows.take(rows.arm < arms)
    rows = replace(rows, x=rows.x[:, :0], coupons=rows.coupons[:arms])
    told = alike(p)[: rows.n, : arms + 1]
    effect = told[:5, 1:] - told[:5, :1]
    error = opinion_of(rows, told).error(rows.x[:5], np.arange(arms), rows.coupons, effect)
    assert error == pytest.approx(np.tile(error[:1], (5, 1)))
    assert error.mean() == pytest.approx(np.sqrt(0.18 * 2 / 1600), rel=0.5)


def test_a_round_trip_changes_no_bit(opinion):
    """What is kept is all that is needed."""
    told, users, coupons, effect = opinion
    again = SecondOpinion.from_state(told.state())
    asked = (users, KNOWN, coupons, effect)
    assert (again.error(*asked) == told.error(*asked)).all()
