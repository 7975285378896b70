"""Who gets what, by segment."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances import Coupons, Coverage, Instance, Response, Users
from couponry.report.allocation import Allocation
from couponry.report.formats import Formats
from couponry.report.segments import legend, segment_tables

Tiny = Callable[..., Instance]
Pairs = Callable[..., pa.Table]
formats = Formats()


def wide(coupons: int, **columns: list[object]) -> tuple[Instance, pa.Table]:
    """Return an instance in which user k gets coupon k, and that plan."""
    users = len(next(iter(columns.values())))
    menu = Coupons(pd.DataFrame({"coupon_id": [f"c{j}" for j in range(coupons)]}))
    ones = np.ones((users, coupons))
    table = Users(pa.table({"user_id": [f"u{i}" for i in range(users)], **columns}))
    rules = (Coverage(segment="town", at_least=0.0),) if "town" in columns else ()
    plan = pa.table(
        {"user_id": [f"u{i}" for i in range(users)], "coupon_id": [f"c{i % coupons}" for i in range(users)]}
    )
    return Instance(menu, table, Response({"value": ones, "cost": ones}), rules), plan


def test_mix_sums_to_one(tiny: Tiny, pairs: Pairs) -> None:
    """Each group's parts make the whole of what it was given."""
    allocation = Allocation(tiny(), pairs(("u1", "A"), ("u2", "B"), ("u3", "A")))
    (table,) = segment_tables(allocation, formats)
    assert table.name == "region"
    for _, mix in table.groups:
        assert sum(part.share for part in mix) == pytest.approx(1.0)
    (_, north), (_, south) = table.groups
    assert [part.words for part in north] == ["A 50\u00a0%", "B 50\u00a0%"]
    assert [part.words for part in south] == ["A 100\u00a0%"]


def test_a_group_without_coupons_has_no_mix(tiny: Tiny, pairs: Pairs) -> None:
    """Nothing given has no parts."""
    (table,) = segment_tables(Allocation(tiny(), pairs(("u1", "A"))), formats)
    assert [len(mix) for _, mix in table.groups] == [1, 0]


def test_coupons_given_most_have_their_own_colour() -> None:
    """With more coupons than colours the rest share the last one."""
    instance, plan = wide(11, half=["a", "b"] * 11)
    entries = legend(Allocation(instance, plan))
    assert [colour for colour, _, _ in entries] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert entries[-1][1] == "4 others"
    assert sorted(j for _, _, coupons in entries for j in coupons) == list(range(11))


def test_segments_that_no_rule_mentions_are_shown_when_they_are_short() -> None:
    """A column with many values is a feature, not a segment to show, unless a rule speaks of it."""
    instance, plan = wide(
        2,
        half=["a", "b"] * 20,
        encoded=pa.array(["x", "y"] * 20).dictionary_encode(),
        code=[f"x{i}" for i in range(40)],
        age=[float(i) for i in range(40)],
        known=["a", None] * 20,
    )
    names = [table.name for table in segment_tables(Allocation(instance, plan), formats)]
    assert names == ["half", "encoded"]


def test_many_groups_are_cut_to_the_largest() -> None:
    """A segment with forty values shows thirty and says that ten are left out."""
    instance, plan = wide(2, town=[f"t{i % 40:02d}" for i in range(100)])
    (table,) = segment_tables(Allocation(instance, plan), formats)
    assert (len(table.groups), table.left_out) == (30, 10)
    # 100 users in 40 towns: the first 20 towns have three users, the others two.
    assert [group.users for group, _ in table.groups] == [3] * 20 + [2] * 10
