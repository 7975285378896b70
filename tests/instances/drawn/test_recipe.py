"""Blocks of users: each drawn by itself, always the same, told apart from the others."""

from __future__ import annotations

import numpy as np
import pytest
from tests.instances.drawn.test_write import asked

from couponry.instances import Campaign, InputError
from couponry.instances.drawn import recipe as recipes
from couponry.instances.drawn.behaviour import draw_shortlists, skewed
from couponry.instances.drawn.recipe import BLOCK, Recipe


def test_blocks_come_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third block drawn alone is the third of all; its users carry on the numbers of the second."""
    monkeypatch.setattr(recipes, "BLOCK", 100)
    recipe = asked(250)
    alone, last = recipe.block(2), list(recipe.drawn())[2]
    np.testing.assert_array_equal(alone.response.measure("value"), last.response.measure("value"))
    np.testing.assert_array_equal(alone.plan.place, last.plan.place)
    assert alone.users.ids.to_pylist()[0] == "u0000200"
    assert len(alone.users) == 50
    assert (recipe.block(0).response.measure("value")[:50] != alone.response.measure("value")).any()


def test_every_group_is_there() -> None:
    """Ten users of a segment with seven groups: all seven have one."""
    codes = asked(10, segments={"city": 7}).block(0).codes["city"]
    assert set(codes.tolist()) == set(range(7))


def test_ids_are_as_wide_as_the_last() -> None:
    """With ten million users and more, the first has eight digits too."""
    users = recipes.users_table({}, {}, 10_000_000, 2, 10_000_002)
    assert users.ids.to_pylist() == ["u10000000", "u10000001"]
    assert recipes.users_table({}, {}, 0, 1, 10_000_001).ids.to_pylist() == ["u00000000"]


def test_a_plan_within_stock_needs_one_block() -> None:
    """Blocks cannot know what others took of a stock."""
    with pytest.raises(
        InputError, match=r"needs a single block of users \(got 131073\)\. Draw at most 131,072"
    ):
        Recipe(Campaign(), BLOCK + 1, 2, 0, {}, 0.3, held=np.ones(2))


def test_shortlists_are_even() -> None:
    """Three of five: no coupon twice, and each on three lists in five, within five standard errors."""
    lists = draw_shortlists(np.random.default_rng(1), 10_000, 5, 3)
    assert all(len(set(row)) == 3 for row in lists.tolist())
    shares = np.bincount(lists.ravel(), minlength=5) / 10_000
    assert np.abs(shares - 0.6).max() < 5 * np.sqrt(0.24 / 10_000)
    first = np.bincount(lists[:, 2], minlength=5) / 10_000
    assert np.abs(first - 0.2).max() < 5 * np.sqrt(0.16 / 10_000)


def test_a_shortlist_may_hold_the_whole_menu() -> None:
    """Four of four is an order of all."""
    lists = draw_shortlists(np.random.default_rng(2), 50, 4, 4)
    assert (np.sort(lists, axis=1) == np.arange(4)).all()


def test_skewed_numbers_have_mean_one() -> None:
    """Mean 1 and variance 9/7, within five standard errors, none negative, the median well below."""
    drawn = skewed(np.random.default_rng(3), 100_000)
    assert drawn.min() >= 0
    assert drawn.mean() == pytest.approx(1, abs=5 * np.sqrt(9 / 7 / 100_000))
    assert drawn.var() == pytest.approx(9 / 7, abs=0.02)
    assert np.median(drawn) == pytest.approx(0.5, abs=0.02)
