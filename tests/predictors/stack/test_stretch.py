"""How far effects stray from their coupon's mean is brought to size by rows that models did not see."""

import numpy as np
import pytest

from couponry.predictors.stack.stretch import Stretch


def trial(n: int, seed: int = 0, share: float = 0.7):
    """Return what is told of effects (deviations ``share`` of the truth's), arms, outcomes, weights."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(0.1, 0.3, n)
    true = np.array([0.1, 0.2]) + rng.uniform(-0.1, 0.1, (n, 2))
    arm = rng.integers(-1, 2, n).astype(np.int32)
    chance = np.column_stack([base, base[:, None] + true])
    y = (rng.random(n) < chance[np.arange(n), arm + 1]).astype(float)
    told = np.column_stack([base, base[:, None] + true.mean(axis=0) + share * (true - true.mean(axis=0))])
    return told, arm, y, np.ones(n)


def found(told, arm, y, weight, answers=None, apart=True) -> Stretch:
    """Return the stretch where the models that answer are those without a fold, or others."""
    answers = told if answers is None else answers
    return Stretch.of(told, arm, y, weight, answers, np.arange(len(arm)), apart)


def test_many_rows_bring_deviations_to_size() -> None:
    """Deviations told at seven tenths come back at most a tenth off where 400,000 rows speak."""
    stretch = found(*trial(400_000))
    assert (stretch.shared, stretch.own) == pytest.approx((1 / 0.7, 1 / 0.7), abs=0.1)
    one = found(*trial(400_000), apart=False)
    assert one.shared == one.own == pytest.approx(1 / 0.7, abs=0.1)


def test_deviations_of_the_right_size_stay() -> None:
    """The factors are one within their error where nothing is told too small."""
    stretch = found(*trial(400_000, share=1.0))
    assert (stretch.shared, stretch.own) == pytest.approx((1, 1), abs=0.06)


def test_what_is_shared_and_what_is_own_come_to_size_apart() -> None:
    """A user's mean deviation is told at eight tenths, what is a coupon's own at twelve tenths."""
    told, arm, y, weight = trial(2_000_000, share=1.0)
    effect = told[:, 1:] - told[:, :1]
    deviation = effect - effect.mean(axis=0)
    shared = deviation.mean(axis=1, keepdims=True)
    told[:, 1:] += 0.2 * (deviation - shared) - 0.2 * shared
    stretch = found(told, arm, y, weight)
    assert (stretch.shared, stretch.own) == pytest.approx((1 / 0.8, 1 / 1.2), abs=0.06)


def test_what_the_answers_have_in_size_already_is_not_added_again() -> None:
    """Models without a fold tell seven tenths, those that answer the whole: nothing is to stretch."""
    told, arm, y, weight = trial(400_000)
    right, *_ = trial(400_000, share=1.0)
    stretch = found(told, arm, y, weight, answers=right)
    assert (stretch.shared, stretch.own) == pytest.approx((1, 1), abs=0.06)


def test_few_rows_move_nothing() -> None:
    """With 300 rows slopes' errors are so large that the factors stay within a tenth of one."""
    stretches = [found(*trial(300, seed)) for seed in range(20)]
    assert all(abs(factor - 1) < 0.1 for stretch in stretches for factor in (stretch.shared, stretch.own))


def test_effects_that_are_the_same_for_everybody_have_no_slope() -> None:
    """Where nobody differs the factors are one."""
    _, arm, y, weight = trial(1000)
    stretch = found(np.tile([0.2, 0.3, 0.4], (1000, 1)), arm, y, weight)
    assert (stretch.shared, stretch.own) == (1, 1)


def test_stretching_keeps_means_and_new_coupons() -> None:
    """Deviations and errors grow by the factor, coupons' means stay, a coupon never shown stays as it was."""
    probability = np.array([[0.2, 0.3, 0.5], [0.1, 0.3, 0.3]])
    stretch = Stretch(2.0, 2.0, np.array([0.15, 0.25]))
    told, error = stretch.apply(probability, np.full((2, 2), 0.01), np.array([0, -1]))
    assert told == pytest.approx(np.array([[0.2, 0.25, 0.5], [0.1, 0.35, 0.3]]))
    assert error == pytest.approx(np.array([[0.02, 0.01]] * 2))


def test_two_factors_by_hand() -> None:
    """Deviations of −.05 and .15 share .05, beside −.1 and .1: twice .05, half of the rest, .05 and .15."""
    stretch = Stretch(2.0, 0.5, np.array([0.1, 0.2]))
    told, _ = stretch.apply(np.array([[0.2, 0.25, 0.55]]), np.zeros((1, 2)), np.array([0, 1]))
    assert told == pytest.approx(np.array([[0.2, 0.35, 0.55]]))
    swapped, _ = stretch.apply(np.array([[0.2, 0.9, 0.55, 0.25]]), np.zeros((1, 3)), np.array([-1, 1, 0]))
    assert swapped == pytest.approx(np.array([[0.2, 0.9, 0.55, 0.35]]))


def test_answers_stay_probabilities() -> None:
    """A stretched effect neither leads below nought nor above one."""
    told, _ = Stretch(2.0, 2.0, np.array([0.0])).apply(
        np.array([[0.9, 0.99], [0.1, 0.02]]), np.zeros((2, 1)), np.array([0])
    )
    assert told[:, 1].tolist() == [1.0, 0.0]
