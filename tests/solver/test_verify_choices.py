"""The worth of a user's best choice, by the judge's three methods, against trying every choice."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from couponry.solver.verify.choices import Block, best_choices
from couponry.solver.verify.user_limits import UserLimits


def limits(
    money: float = math.inf, families: tuple[tuple[int, ...], ...] = (), coupons: int = 5
) -> UserLimits:
    """Return a money cap and families of coupons."""
    masks = tuple(("family", np.isin(np.arange(coupons), family)) for family in families)
    return UserLimits(np.empty(0, dtype=np.int64), money, "user cap", masks)


def one_user(worth: list[float], cost: list[float], most: int, coupon: list[int] | None = None) -> Block:
    """Return a block of a single user."""
    places = np.arange(len(worth)) if coupon is None else np.array(coupon)
    return Block(np.array([worth]), np.array([cost]), places[None, :], np.array([most]))


@pytest.mark.parametrize(
    ("most", "money", "families", "best"),
    [
        # Worth 5, 4, 3, −1 at cost 4, 2, 2, 0.
        (0, math.inf, (), 0.0),
        (1, math.inf, (), 5.0),
        (2, math.inf, (), 9.0),
        (4, math.inf, (), 12.0),
        (1, 3.0, (), 4.0),
        (2, 4.0, (), 7.0),
        (2, math.inf, ((0, 1),), 8.0),
        (3, math.inf, ((0, 1), (1, 2)), 8.0),
        (3, math.inf, ((0, 1), (0, 2)), 7.0),
        (2, 5.0, ((1, 2),), 5.0),
    ],
)
def test_best_choice_by_hand(
    most: int, money: float, families: tuple[tuple[int, ...], ...], best: float
) -> None:
    """Caps, money and families, one at a time and together, give what is worked out by hand."""
    block = one_user([5.0, 4.0, 3.0, -1.0], [4.0, 2.0, 2.0, 0.0], most)
    assert best_choices(block, limits(money, families)).tolist() == [best]


def test_money_is_summed_exactly() -> None:
    """Three times 0.1 is over 0.3 and ten times 0.1 is 1, as the plan's own check has it."""
    assert best_choices(one_user([1.0] * 3, [0.1] * 3, 3), limits(0.3)).tolist() == [2.0]
    tenth = one_user([1.0] * 10, [0.1] * 10, 10)
    assert best_choices(tenth, limits(1.0, coupons=10)).tolist() == [10.0]


def test_a_coupon_that_saves_money_can_pay_for_another() -> None:
    """A worthless coupon of negative cost is given where it makes room under the cap."""
    assert best_choices(one_user([3.0, -1.0], [2.0, -1.0], 2), limits(1.0)).tolist() == [2.0]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Block, UserLimits]:
    """Return some users with up to five places, and limits of every kind."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    users, places, coupons = 3, draw(st.sampled_from([5, 4, 3, 1])), 5
    worth = random.integers(-4, 12, (users, places)) / 4
    worth[random.random(worth.shape) < 0.15] = -np.inf
    cost = random.integers(draw(st.sampled_from([0, -2])), 8, (users, places)) / 10
    coupon = np.array([random.permutation(coupons)[:places] for _ in range(users)])
    most = random.integers(0, 5, users)
    families = tuple(
        tuple(random.permutation(coupons)[: random.integers(2, 4)].tolist())
        for _ in range(draw(st.integers(0, 2)))
    )
    return Block(worth, cost, coupon, most), limits(draw(st.sampled_from([math.inf, 0.3, 0.7])), families)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(cases())
def test_best_choice_is_the_best_of_all(case: tuple[Block, UserLimits]) -> None:
    """No allowed set of places is worth more, and one is worth as much."""
    block, rules = case
    found = best_choices(block, rules)
    for user, best in enumerate(found):
        assert best == pytest.approx(best_by_trying(block, rules, user), abs=1e-12)


def best_by_trying(block: Block, rules: UserLimits, user: int) -> float:
    """Return the worth of the best of all sets of places."""
    eligible = np.flatnonzero(block.worth[user] > -np.inf)
    best = 0.0
    for size in range(1, int(block.most[user]) + 1):
        for places in itertools.combinations(eligible.tolist(), size):
            coupons = block.coupon[user, list(places)]
            apart = all(family[coupons].sum() <= 1 for _, family in rules.families)
            if apart and math.fsum(block.cost[user, list(places)]) <= rules.money:
                best = max(best, math.fsum(block.worth[user, list(places)]))
    return best
