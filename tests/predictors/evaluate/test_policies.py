"""Policies to judge and to compare with."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.predictors.evaluate.policies import (
    budgeted,
    everyone,
    plan_arms,
    random_share,
    single_coupon_first,
    top_share,
)


def test_simple_policies():
    """Everyone, the first half, and a random half."""
    assert everyone(3, 1).tolist() == [1, 1, 1]
    assert single_coupon_first(4, 2, 0.5).tolist() == [2, 2, -1, -1]
    assert random_share(1, 2, 0.5).tolist() == [[0.5, 0.25, 0.25]]


def test_top_share_takes_the_best_coupon_of_the_best_users():
    """Best scores are 3, 2, 5 and nothing: half of four users get their best coupon."""
    score = [[1.0, 3.0], [2.0, 0.0], [5.0, 4.0], [np.nan, np.nan]]
    assert top_share(score, 0.5).tolist() == [1, -1, 0, -1]


def test_top_share_leaves_out_those_who_lose():
    """With only_positive a negative best score gets nothing; without, only pairs that are not eligible."""
    score = [[-1.0], [np.nan], [2.0]]
    assert top_share(score, 1.0).tolist() == [-1, -1, 0]
    assert top_share(score, 1.0, only_positive=False).tolist() == [0, -1, 0]


def test_a_share_outside_its_range_is_refused():
    """The message has the value."""
    with pytest.raises(InputError, match=r"parameter 'share': this must lie in \[0, 1\] \(got 1.5\)"):
        random_share(3, 2, 1.5)


def test_budgeted_by_hand():
    """Values a unit of money are 3, 2, 1: a budget of 2 takes the first two users."""
    assert budgeted([[3.0], [1.0], [2.0]], [[1.0], [1.0], [1.0]], 2.0).tolist() == [0, -1, 0]


def test_budgeted_takes_all_that_helps_when_money_suffices():
    """A user whose best coupon wins nothing gets none."""
    assert budgeted([[3.0, 4.0], [-1.0, 0.0]], np.ones((2, 2)), 10.0).tolist() == [1, -1]


def test_budgeted_without_money_gives_what_is_free():
    """With a budget of 0 only coupons that cost nothing are given."""
    assert budgeted([[3.0, 1.0], [2.0, np.nan]], [[1.0, 0.0], [1.0, 0.0]], 0.0).tolist() == [1, -1]


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 3), st.floats(0, 12))
def test_budgeted_keeps_the_budget_and_is_near_the_best(seed, users, coupons, budget):
    """It never spends more, and loses at most one user's best value against brute force."""
    generator = np.random.default_rng(seed)
    value = generator.integers(-2, 9, (users, coupons)).astype(float)
    cost = generator.integers(0, 5, (users, coupons)).astype(float)

    def worth(arms):
        pairs = [(i, a) for i, a in enumerate(arms) if a >= 0]
        return sum(value[p] for p in pairs), sum(cost[p] for p in pairs)

    plans = [worth(arms) for arms in product(range(-1, coupons), repeat=users)]
    best = max(v for v, c in plans if c <= budget)
    won, spent = worth(budgeted(value, cost, budget))
    assert spent <= budget + 1e-9
    assert won >= best - value.max(initial=0.0) - 1e-9


def test_plan_arms():
    """A plan's pairs become menu positions, −1 for users without."""
    coupons = Coupons(pd.DataFrame({"coupon_id": ["p", "q"]}))
    assert plan_arms([("b", "q"), ("a", "p")], ["a", "b", "c"], coupons).tolist() == [0, 1, -1]
    with pytest.raises(InputError, match=r"two coupons.*\(got 'a'\)"):
        plan_arms([("a", "p"), ("a", "q")], ["a"], coupons)
    with pytest.raises(InputError, match=r"a coupon that is not in the log's menu.* 1 of 1 users"):
        plan_arms([("a", "r")], ["a"], coupons)


def test_a_share_of_rows_is_as_many_as_it_was_made_of():
    """For every k of n rows, be the product of k / n and n rounded down or not."""
    for rows in (49, 100):
        for k in range(rows + 1):
            assert (single_coupon_first(rows, 0, k / rows) == 0).sum() == k
            assert (top_share(np.ones((rows, 1)), k / rows) == 0).sum() == k
