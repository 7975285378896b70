"""Tables as texts whose decimals stand below each other, and those of who gets what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from couponry.instances.errors import InputError
from couponry.report.allocation import Allocation
from couponry.report.formats import Formats
from couponry.report.segments import Mix, SegmentTable
from couponry.report.summary import Summary

__all__ = ["ShareTable", "Table", "check_columns", "coupon_table", "segment_table"]


@dataclass(frozen=True)
class Table:
    """A table of texts; the first column names the rows."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class ShareTable:
    """A table whose every row has a name, a share drawn as a bar, and numbers.

    Attributes
    ----------
    name : str
    heads : sequence of str
        Of the name, the share, and every column of numbers.
    rows : list of (name, note, share, mix, numbers)
    total : sequence of str
        Numbers of all rows together; empty where there is no such row.
    note : str
    """

    name: str
    heads: Sequence[str]
    rows: list[tuple[str, str, float, list[Mix], tuple[str, ...]]]
    total: Sequence[str] = ()
    note: str = ""


def coupon_table(summary: Summary, allocation: Allocation) -> ShareTable:
    """Return what each coupon does, and all together."""
    formats, coupons = summary.formats, summary.coupons
    given, value, cost = len(allocation), sum(c.value for c in coupons), sum(c.cost for c in coupons)
    columns = [
        [*(formats.count(c.given) for c in coupons), formats.count(given)],
        [*(formats.count(c.stock) for c in coupons), ""],
        formats.column([*(c.value for c in coupons), value]),
        formats.column([*(c.cost for c in coupons), cost], money=True),
        formats.column([*(_over(c.cost, c.value) for c in coupons), _over(cost, value)], money=True),
        formats.column(
            [_over(100 * v, n) for v, n in [*((c.value, c.given) for c in coupons), (value, given)]],
            digits=3,
        ),
    ]
    *numbers, total = zip(*columns, strict=True)
    return ShareTable(
        "What each coupon does",
        [
            "Coupon",
            "Share of all given",
            "Given",
            "Stock",
            "Conversions won",
            formats.in_currency("Cost"),
            formats.in_currency("Cost per conversion"),
            "Mean uplift, %",
        ],
        [
            (coupon.coupon_id, coupon.terms, coupon.given / given if given else 0.0, [], row)
            for coupon, row in zip(coupons, numbers, strict=True)
        ],
        total,
    )


def segment_table(table: SegmentTable, formats: Formats) -> ShareTable:
    """Return what every group of a segment gets."""
    groups = [group for group, _ in table.groups]
    columns = [
        [formats.count(group.users) for group in groups],
        [formats.count(group.given) for group in groups],
        formats.column([group.value for group in groups]),
        formats.column([group.cost for group in groups], money=True),
        formats.column([group.cost / group.users for group in groups], money=True),
    ]
    return ShareTable(
        table.name,
        [
            "Group",
            "Users with a coupon",
            "Users",
            "Coupons",
            "Conversions won",
            formats.in_currency("Cost"),
            formats.in_currency("Cost a head"),
        ],
        [
            (group.label, "", group.reached / group.users, mix, numbers)
            for (group, mix), numbers in zip(table.groups, zip(*columns, strict=True), strict=True)
        ],
        note=f"{table.left_out} smaller groups are not shown." if table.left_out else "",
    )


def _over(above: float, below: float) -> float | None:
    return above / below if below > 0 else None


def check_columns(table: pd.DataFrame, names: Sequence[str], what: str) -> None:
    """Refuse a table that lacks a column.

    Raises
    ------
    InputError
        Naming the column, and those that are there.
    """
    for name in names:
        if name not in table:
            raise InputError(
                f"the table of the {what} lacks a column",
                column=name,
                mend=f"Columns found: {', '.join(map(str, table.columns))}",
            )
