"""What each of four users may be given, by caps, exclusions and what was given before."""

import numpy as np
from tests.instances.small import four_users, menu, people, responses

from couponry.instances import Coupons, Exclusion, Instance, UserCap

INF = np.inf
MENU_ROWS = 2  # A's stock and B's minimum


def test_choices_by_default() -> None:
    """One coupon a user, no money cap, no conflicts, no rows."""
    choices = four_users().program.choices
    assert (choices.max_coupons.tolist(), choices.money) == ([1, 1, 1, 1], INF)
    assert not choices.conflicts.any()


def test_user_cap() -> None:
    """The strictest of the caps holds; a user's own number comes first; no more than the menu has."""
    users = people(max_coupons=[None, 9, 0, None])
    rules = (UserCap(coupons=3, money=30), UserCap(coupons=2, money=40))
    program = Instance(menu(), users, responses(), rules).program
    assert program.choices.max_coupons.tolist() == [2, 3, 0, 2]
    assert program.choices.money == 30
    assert len(program.rows) == MENU_ROWS
    assert program.measures == ("value", "cost", "count")


def test_exclusion_by_column() -> None:
    """B and C share the channel app; A is alone."""
    assert four_users(Exclusion(by="channel")).program.choices.conflicts.tolist() == [
        [False, False, False],
        [False, False, True],
        [False, True, False],
    ]


def test_exclusion_by_ids_adds_to_others() -> None:
    """A excludes C, and B and C exclude each other by channel."""
    conflicts = four_users(Exclusion(coupons=["A", "C"]), Exclusion(by="channel")).program.choices.conflicts
    assert np.argwhere(conflicts).tolist() == [[0, 2], [1, 2], [2, 0], [2, 1]]


def test_exclusion_passes_over_empty_cells() -> None:
    """Coupons without a value in the column exclude nothing."""
    table = menu().table.assign(channel=[None, None, "app"])
    program = Instance(Coupons(table), people(), responses(), (Exclusion(by="channel"),)).program
    assert not program.choices.conflicts.any()
