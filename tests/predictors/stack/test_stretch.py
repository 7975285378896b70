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


def test_many_rows_bring_deviations_to_size() -> None:
    """Deviations told at seven tenths come back at most a tenth off where 400,000 rows speak."""
    assert Stretch.of(*trial(400_000)).factor == pytest.approx(1 / 0.7, abs=0.1)


def test_deviations_of_the_right_size_stay() -> None:
    """The factor is one within its error where nothing is told too small."""
    assert Stretch.of(*trial(400_000, share=1.0)).factor == pytest.approx(1, abs=0.04)


def test_few_rows_move_nothing() -> None:
    """With 300 rows the slope's error is so large that the factor stays within a twentieth of one."""
    assert all(abs(Stretch.of(*trial(300, seed)).factor - 1) < 0.05 for seed in range(20))


def test_effects_that_are_the_same_for_everybody_have_no_slope() -> None:
    """Where nobody differs the factor is one."""
    _, arm, y, weight = trial(1000)
    assert Stretch.of(np.tile([0.2, 0.3, 0.4], (1000, 1)), arm, y, weight).factor == 1


def test_stretching_keeps_means_and_new_coupons() -> None:
    """Deviations and errors grow by the factor, coupons' means stay, a coupon never shown stays as it was."""
    probability = np.array([[0.2, 0.3, 0.5], [0.1, 0.3, 0.3]])
    stretch = Stretch(2.0, np.array([0.15, 0.25]))
    told, error = stretch.apply(probability, np.full((2, 2), 0.01), np.array([0, -1]))
    assert told == pytest.approx(np.array([[0.2, 0.25, 0.5], [0.1, 0.35, 0.3]]))
    assert error == pytest.approx(np.array([[0.02, 0.01]] * 2))


def test_answers_stay_probabilities() -> None:
    """A stretched effect neither leads below nought nor above one."""
    told, _ = Stretch(2.0, np.array([0.0])).apply(
        np.array([[0.9, 0.99], [0.1, 0.02]]), np.zeros((2, 1)), np.array([0])
    )
    assert told[:, 1].tolist() == [1.0, 0.0]
