"""Which columns differ between arms more than a lottery leaves."""

import numpy as np
import pytest

from couponry.predictors.balance import unbalanced


def table(n=20_000, seed=0):
    """Return columns known before a lottery: a number of a long tail, a rare flag, one with gaps."""
    generator = np.random.default_rng(seed)
    x = np.column_stack([generator.standard_cauchy(n), generator.random(n) < 0.01, generator.normal(size=n)])
    x[generator.random(n) < 0.3, 2] = np.nan
    return x, generator.integers(-1, 3, n)


@pytest.mark.parametrize("seed", range(5))
def test_a_lottery_leaves_columns_alike(seed):
    """Also numbers of a long tail, flags that hardly any row has, and columns that are all gaps."""
    x, arm = table(seed=seed)
    x = np.column_stack([x, np.arange(len(x)) < 2, np.full(len(x), np.nan), np.zeros(len(x))])
    assert not unbalanced(x, np.where(np.arange(len(x)) < 3, 3, arm)).any()


def test_what_came_afterwards_differs():
    """By its size, by how rare it is in one arm, or by where its gaps are."""
    x, arm = table()
    x[:, 0] += 0.3 * (arm == 1)
    x[:, 1] = np.random.default_rng(1).random(len(x)) < np.where(arm == 2, 0.02, 0.005)
    x[(arm == -1) & (np.arange(len(x)) % 3 == 0), 2] = np.nan
    assert unbalanced(x, arm).all()


def test_what_many_rows_show_of_a_hardly_uneven_lottery_is_let_be():
    """A fiftieth of a standard deviation is certain in two million rows, and no sign of a later column."""
    generator = np.random.default_rng(0)
    arm = generator.integers(-1, 1, 2_000_000)
    x = generator.normal(size=(2_000_000, 1)) + 0.02 * (arm[:, None] == 0)
    assert not unbalanced(x, arm).any()


def test_what_only_one_arm_can_have_differs():
    """Nobody without the e-mail unsubscribes from it, one in two hundred of the others do."""
    generator = np.random.default_rng(0)
    arm = generator.integers(-1, 1, 20_000)
    assert unbalanced(((arm == 0) & (generator.random(20_000) < 0.005))[:, None], arm).all()
