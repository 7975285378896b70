"""Which segments a report shows, and each group's mix of coupons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from couponry.instances.instance import Instance
from couponry.report.allocation import Allocation, Group
from couponry.report.formats import Formats

__all__ = ["Mix", "SegmentTable", "legend", "segment_tables"]

_MOST_SEGMENTS = 6
_MOST_LABELS = 12
_MOST_GROUPS = 30
COLOURS = 8


@dataclass(frozen=True)
class Mix:
    """One part of a group's stacked bar.

    Attributes
    ----------
    colour : int
        1 to 8; the last stands for all other coupons.
    share : float
        Of the coupons given in the group.
    words : str
    """

    colour: int
    share: float
    words: str


@dataclass(frozen=True)
class SegmentTable:
    """A segment's groups, and how many groups are not shown because there are too many."""

    name: str
    groups: list[tuple[Group, list[Mix]]]
    left_out: int


def segment_tables(allocation: Allocation, formats: Formats) -> list[SegmentTable]:
    """Return a table for each segment that rules mention, then for those with few values."""
    colours = legend(allocation)
    tables = []
    for name in _chosen(allocation.instance):
        groups = allocation.by_segment(name)
        shown = groups
        if len(groups) > _MOST_GROUPS:
            largest = sorted(range(len(groups)), key=lambda g: -groups[g].users)[:_MOST_GROUPS]
            shown = [groups[g] for g in sorted(largest)]
        parts = [(group, _mix(group, colours, formats)) for group in shown]
        tables.append(SegmentTable(name, parts, len(groups) - len(shown)))
    return tables


def legend(allocation: Allocation) -> list[tuple[int, str, list[int]]]:
    """Return colour, words and coupons: the coupons given most have one of their own."""
    given = np.bincount(allocation.coupon, minlength=len(allocation.instance.coupons))
    ids = allocation.instance.coupons.ids
    order = [int(j) for j in np.argsort(-given, kind="stable") if given[j] > 0]
    own = order if len(order) <= COLOURS else order[: COLOURS - 1]
    entries = [(colour + 1, ids[j], [j]) for colour, j in enumerate(own)]
    if len(order) > len(own):
        entries.append((COLOURS, f"{len(order) - len(own)} others", order[len(own) :]))
    return entries


def _mix(group: Group, colours: list[tuple[int, str, list[int]]], formats: Formats) -> list[Mix]:
    if not group.given:
        return []
    shares = [
        (colour, name, float(group.mix[coupons].sum()) / group.given) for colour, name, coupons in colours
    ]
    return [
        Mix(colour, share, f"{name} {formats.percent(share, 2)}") for colour, name, share in shares if share
    ]


def _chosen(instance: Instance) -> list[str]:
    mentioned = [str(name) for name in instance.program.classes.table.columns]
    others = [
        name
        for name in instance.users.segment_names
        if name not in mentioned and _has_few_values(instance, name)
    ]
    return (mentioned + others)[:_MOST_SEGMENTS]


def _has_few_values(instance: Instance, name: str) -> bool:
    column = instance.users.table[name]
    if pa.types.is_floating(column.type) or column.null_count:
        return False
    return 2 <= len(column.unique()) <= _MOST_LABELS
