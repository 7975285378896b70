"""Groups of users who are exactly alike: all that matters must be the same, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drawn import crowds

from couponry.instances import Budget, Coupons, Coverage, Instance, Response, Users
from couponry.instances.generators import draw_instance
from couponry.solver import alike as module
from couponry.solver.alike import Alike, find_alike


def instance(
    value: Any,
    cost: Any,
    *,
    lists: Any = None,
    region: str = "aaaa",
    most: Any = None,
    dtype: Any = np.float32,
) -> Instance:
    """Return four users, with a rule on regions."""
    columns: dict[str, Any] = {"user_id": [1, 2, 3, 4], "region": list(region)}
    if most is not None:
        columns["max_coupons"] = most
    response = Response(
        {"value": np.array(value, dtype), "cost": np.array(cost, dtype)},
        None if lists is None else np.array(lists, np.int32),
    )
    rules = (Budget(amount=1.0), Coverage(segment="region", at_least=0.0))
    menu = Coupons(pd.DataFrame({"coupon_id": ["a", "b"]}))
    return Instance(menu, Users(pa.table(columns)), response, rules)


SAME = {"value": [[1, 2]] * 4, "cost": [[3, 4]] * 4}


def groups(found: Alike | None) -> list[list[int]] | None:
    """Return the groups as lists of users, or None."""
    if found is None:
        return None
    return sorted(np.flatnonzero(found.group == g).tolist() for g in range(len(found.first)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [[0, 1, 2, 3]]),
        ({"value": [[1, 2], [2, 1], [1, 2], [2, 1]]}, [[0, 2], [1, 3]]),
        ({"cost": [[3, 4], [3, 4], [3, 5], [3, 5]]}, [[0, 1], [2, 3]]),
        ({"region": "abab"}, [[0, 2], [1, 3]]),
        ({"most": pa.array([1, 1, 0, 0], pa.int32())}, [[0, 1], [2, 3]]),
        ({"lists": [[0, 1], [1, 0], [1, 0], [0, 1]]}, [[0, 3], [1, 2]]),
        # What cannot be given does not matter: the cost of a NaN, the numbers of an empty place.
        ({"value": [[np.nan, 2]] * 4, "cost": [[3, 4], [9, 4], [7, 4], [3, 4]]}, [[0, 1, 2, 3]]),
        ({"lists": [[0, -1]] * 4, "value": [[1, 2], [1, 3], [1, 4], [1, 5]]}, [[0, 1, 2, 3]]),
    ],
)
def test_groups_are_users_who_cannot_be_told_apart(changes: Any, expected: Any, dtype: Any) -> None:
    """Values, costs, class, number of coupons and shortlist count; what may not be given does not."""
    found = find_alike(instance(**{**SAME, **changes}, dtype=dtype).program)
    assert groups(found) == expected
    assert found is not None
    assert found.size.tolist() == np.bincount(found.group).tolist()
    assert all(found.group[user] == g for g, user in enumerate(found.first))


def test_members_stand_group_by_group() -> None:
    """Users 0 and 2, then 1 and 3."""
    found = find_alike(instance(**{**SAME, "value": [[1, 2], [2, 1], [1, 2], [2, 1]]}).program)
    assert found is not None
    order, start = found.members()
    assert start.tolist() == [0, 2, 4]
    assert sorted(order[:2].tolist()) in ([0, 2], [1, 3])


@pytest.mark.parametrize(("distinct", "merged"), [(2, True), (3, False)])
def test_few_doubles_are_left_alone(distinct: int, merged: bool) -> None:
    """Four users of two kinds are merged; of three kinds it would not be worth it."""
    value = [[min(i, distinct - 1), 2] for i in range(4)]
    assert (find_alike(instance(**{**SAME, "value": value}).program) is not None) == merged


def test_a_sample_tells_that_hardly_any_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 600 different users a sample of 100 is hashed, and no more."""
    program = draw_instance(600, 3, seed=1).program
    hashed = []
    whole = module._hashes
    monkeypatch.setattr(module, "SAMPLE", 100)
    monkeypatch.setattr(module, "_hashes", lambda p, rows: hashed.append(len(rows)) or whole(p, rows))
    assert find_alike(program) is None
    assert hashed == [100]


def test_users_with_one_hash_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should two different users have the same hash, nobody is merged."""
    program = instance(**{**SAME, "value": [[1, 2], [2, 1], [1, 2], [2, 1]]}).program
    monkeypatch.setattr(module, "_hashes", lambda p, rows: np.zeros(len(rows), np.uint64))
    assert find_alike(program) is None
    assert find_alike(instance(**SAME).program) is not None
    monkeypatch.undo()
    other = replace(program.classes, codes=np.array([0, 1, 0, 1], np.int32))
    monkeypatch.setattr(module, "_hashes", lambda p, rows: np.zeros(len(rows), np.uint64))
    assert find_alike(replace(instance(**SAME).program, classes=other)) is None


@settings(max_examples=100, deadline=None, derandomize=True)
@given(drawn=crowds(), data=st.data())
def test_members_of_a_group_have_equal_rows(drawn: Instance, data: st.DataObject) -> None:
    """Every measure of every usable pair is that of the user who stands for the group."""
    program = drawn.program
    found = find_alike(program)
    if found is None:
        return
    leader = found.first[found.group]
    usable = ~np.isnan(program.columns["value"])
    if program.coupon is not None:
        usable &= program.coupon >= 0
    np.testing.assert_array_equal(usable, usable[leader])
    for array in program.columns.values():
        np.testing.assert_array_equal(array[usable], array[leader][usable])
    np.testing.assert_array_equal(program.classes.codes, program.classes.codes[leader])
