"""Which totals whole users can share out equally: by hand, and against trying all numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from couponry.instances import Coupons, Instance, Parity, Response, Users
from couponry.solver.equal_shares import EqualShares
from couponry.solver.prices import PriceBook


def groups_of(sizes: list[int], tolerance: float) -> EqualShares:
    """Return the parity of groups of given sizes, one coupon a user."""
    instance = instance_of(sizes, tolerance)
    (parity,) = EqualShares.all_of(instance.program, PriceBook(instance.program))
    return parity


def instance_of(sizes: list[int], tolerance: float) -> Instance:
    """Return users of groups of given sizes, each of whom may have the one coupon."""
    label = np.repeat([f"g{g}" for g in range(len(sizes))], sizes)
    n = len(label)
    return Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A"]})),
        Users(pa.table({"user_id": np.arange(n), "group": label})),
        Response({"value": np.ones((n, 1)), "cost": np.ones((n, 1))}),
        (Parity(segment="group", tolerance=tolerance),),
    )


def worst(sizes: np.ndarray, given: np.ndarray) -> float:
    """Return by how much some group's rate is off the overall one."""
    return float(np.abs(given / sizes - given.sum() / sizes.sum()).max())


def test_one_and_two_users_share_nothing_or_everything() -> None:
    """Equal rates in groups of one and two: nobody or all."""
    exact = groups_of([1, 2], 0.0)
    totals = np.arange(4)
    assert exact.kept_at(totals).tolist() == [True, False, False, True]
    # One coupon: (0, 1) is off by 1/3, and 1/2 − 1/3; two: (1, 1) is off by 1 − 2/3 and 2/3 − 1/2.
    assert exact.tolerance_at(totals) == pytest.approx([0, 1 / 3, 1 / 3, 0])
    assert exact.narrow()
    assert exact.shares(3).tolist() == [1, 2]


def test_one_group_shares_with_nobody() -> None:
    """A segment of one label has one row without weights, and no totals to look at."""
    program = instance_of([3], 0.0).program
    assert EqualShares.all_of(program, PriceBook(program)) == []


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=3),
    tolerance=st.sampled_from([0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5]),
)
def test_totals_are_those_of_some_numbers(sizes: list[int], tolerance: float) -> None:
    """A total is kept if some numbers keep it; its tolerance is the least that some need."""
    parity, users = groups_of(sizes, tolerance), np.array(sizes)
    every = [np.array(given) for given in itertools.product(*(range(size + 1) for size in sizes))]
    for total in range(sum(sizes) + 1):
        off = min(worst(users, given) for given in every if given.sum() == total)
        assert parity.tolerance_at(np.array([total]))[0] == pytest.approx(off, abs=1e-12)
        kept = bool(parity.kept_at(np.array([total]))[0])
        if abs(off - tolerance) > 1e-9:
            assert kept == (off < tolerance)
        if kept:
            given = parity.shares(total)
            assert given.sum() == total
            assert worst(users, given) <= tolerance + 1e-9
            ways = sum(g.sum() == total and worst(users, g) <= tolerance + 1e-9 for g in every)
            assert parity.unique(total) <= (ways == 1)


def test_fixed_numbers_take_the_place_of_the_rule() -> None:
    """With a total fixed each group's row asks for its own number."""
    instance = instance_of([2, 4], 0.0)
    (parity,) = EqualShares.all_of(instance.program, PriceBook(instance.program))
    rows = parity.fixed(instance.program, 3).rows
    assert [(row.lower, row.upper) for row in rows] == [(1.0, 1.0), (2.0, 2.0)]
