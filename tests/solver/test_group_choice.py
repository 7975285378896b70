"""Columns of groups and dealing out: whatever the numbers, each user gets what that user may have."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drawn import crowds

from couponry.instances import Coupons, Exclusion, Instance, Response, UserCap, Users
from couponry.solver.alike import find_alike
from couponry.solver.engine import Pairs
from couponry.solver.group_choice import GroupColumns, group_columns
from couponry.solver.result import plan_table
from couponry.solver.verify import verify


def columns(users: int, *rules: Any, coupons: int = 4, most: int = 100) -> GroupColumns | None:
    """Return the columns of some users alike, with coupons of two kinds in turn, at 1, 2, 3 and 4."""
    menu = pd.DataFrame({"coupon_id": [f"c{j}" for j in range(coupons)], "kind": ["gift", "fixed_off"] * 2})
    numbers = np.tile(np.arange(1.0, coupons + 1), (users, 1))
    instance = Instance(
        Coupons(menu),
        Users(pa.table({"user_id": list(range(users))})),
        Response({"value": numbers, "cost": numbers}),
        rules,
    )
    found = find_alike(instance.program)
    assert found is not None
    return group_columns(instance.program, found, most)


def held(pairs: Pairs) -> dict[int, list[int]]:
    """Return the places that each user has."""
    return {
        int(user): [int(p) for u, p in zip(pairs.user, pairs.place, strict=True) if u == user]
        for user in np.unique(pairs.user)
    }


def test_one_coupon_a_user() -> None:
    """Three users, four pairs: at most three in all, dealt to three different users."""
    made = columns(3)
    assert made is not None
    assert not made.whole
    assert made.upper.tolist() == [3.0]
    assert held(made.deal(np.array([1, 0, 2, 0]))) == {0: [0], 1: [2], 2: [2]}


def test_families_are_dealt_in_turn() -> None:
    """Two coupons a user, one of each kind: three gifts of two sorts and two others, for three users."""
    made = columns(3, UserCap(coupons=2), Exclusion(by="kind"))
    assert made is not None
    assert sorted(made.upper.tolist()) == [3.0, 3.0, 6.0]
    taken = held(made.deal(np.array([2, 1, 1, 1])))
    assert sorted(itertools.chain(*taken.values())) == [0, 0, 1, 2, 3]
    assert all(len({place % 2 for place in places}) == len(places) for places in taken.values())
    assert max(map(len, taken.values())) == 2


def test_money_for_one_coupon_leaves_out_dear_ones() -> None:
    """With one coupon a user, a cap of 2 is no row: the pairs that cost more are not there."""
    made = columns(3, UserCap(coupons=1, money=2.0))
    assert made is not None
    assert not made.whole
    assert made.places == ((0,), (1,))


def test_whole_choices_are_dealt_as_they_are() -> None:
    """Two users take places 0 and 1 together, one takes place 2: four fit in a cap of 3."""
    made = columns(3, UserCap(coupons=2, money=3.0))
    assert made is not None
    assert made.whole
    assert made.places == ((0,), (1,), (2,), (0, 1))
    assert held(made.deal(np.array([0, 0, 1, 2]))) == {0: [2], 1: [0, 1], 2: [0, 1]}


def test_too_many_columns_are_not_made() -> None:
    """Six pairs and choices of three are more than five."""
    assert columns(3, UserCap(coupons=2, money=3.0), most=3) is None
    assert columns(3, most=3) is None
    assert columns(3, most=4) is not None


def test_nobody_gets_anything() -> None:
    """Zero columns deal no pairs."""
    made = columns(2)
    assert made is not None
    assert not len(made.deal(np.zeros(4, np.int64)).user)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(drawn=crowds(kinds=2, max_coupons=4, copies=4, max_rules=0), data=st.data())
def test_whatever_the_numbers_users_get_what_they_may(drawn: Instance, data: st.DataObject) -> None:
    """Any whole numbers within the columns' rows can be dealt out: the judge finds no broken user rule."""
    found = find_alike(drawn.program)
    made = None if found is None else group_columns(drawn.program, found, 1000)
    if made is None or not len(made):
        return
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    count = np.zeros(len(made), np.int64)
    for q in random.permutation(np.repeat(np.arange(len(made)), made.most.astype(int))):
        count[q] += 1
        used = np.bincount(made.row, count[made.column], minlength=len(made.upper))
        if (used > made.upper).any():
            count[q] -= 1
    pairs = made.deal(count)
    assert sum(len(made.places[q]) * n for q, n in enumerate(count.tolist())) == len(pairs.user)
    menu = Coupons(drawn.coupons.table.drop(columns=["stock", "minimum"], errors="ignore"))
    judged = verify(
        Instance(menu, drawn.users, drawn.response, drawn.rules, drawn.campaign), plan_table(drawn, pairs)
    )
    assert judged.ok, judged.words()
