"""What a group of users who are alike can be given together: columns, their rows, and dealing out.

With n users alike, the plan's part for them is a sum of n choices out of one set X. Where X is given by at
most k coupons and at most one of each of some disjoint families, such sums are exactly the whole points of
n·conv X (a matroid: Baum and Trotter 1981, 10.1137/0602014), so a column a pair is enough, and dealing units
out in turn, one family after the other, gives each user a choice (the wrap-around rule of McNaughton 1959,
10.1287/mnsc.6.1.1). Where families overlap, or money is capped for several coupons, there is a column a
whole choice instead.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from couponry.instances.program import Program
from couponry.solver.alike import Alike
from couponry.solver.choice_rows import cover_by_cliques
from couponry.solver.engine import Pairs

__all__ = ["GroupColumns", "group_columns"]


@dataclass(frozen=True)
class GroupColumns:
    """Columns that say how many users of a group get what.

    Attributes
    ----------
    alike : Alike
    group : ndarray of int64, shape (Q,)
        Each column's group, ascending.
    places : tuple of tuple of int
        Each column's places in the list of the group's users; a single one where a column is a pair.
    whole : bool
        Whether a column is a whole choice.
    family : ndarray of int64, shape (Q,)
        Where a column is a pair: its family among those of its group.
    row, column, upper : ndarray
        Rows ``Σ_{entries} y ≤ upper`` that keep to what the groups can be given; entries are ones.
    """

    alike: Alike
    group: np.ndarray
    places: tuple[tuple[int, ...], ...]
    whole: bool
    family: np.ndarray
    row: np.ndarray
    column: np.ndarray
    upper: np.ndarray

    def __len__(self) -> int:
        return len(self.group)

    @property
    def most(self) -> np.ndarray:
        """The largest number of each column, its group's size; float64 ``(Q,)``."""
        return np.asarray(self.alike.size[self.group], dtype=np.float64)

    def members(self) -> tuple[Pairs, np.ndarray]:
        """Return every column's pairs, of the users who stand for their groups, and each pair's column."""
        column = np.repeat(np.arange(len(self)), [len(places) for places in self.places])
        place = np.array([place for places in self.places for place in places], dtype=np.int64)
        return Pairs(self.alike.first[self.group[column]], place), column

    def deal(self, count: np.ndarray) -> Pairs:
        """Give out what the columns say: one choice a user, none outside what that user may have.

        Parameters
        ----------
        count : ndarray of int64, shape (Q,)
        """
        order, start = self.alike.members()
        users, places = [], []
        ends = np.searchsorted(self.group, np.arange(len(self.alike.first) + 1))
        for g in np.unique(self.group[count > 0]):
            columns = np.arange(ends[g], ends[g + 1])
            columns = columns[np.argsort(self.family[columns], kind="stable")]
            columns = np.repeat(columns, count[columns])
            taker = order[start[g] + np.arange(len(columns)) % self.alike.size[g]]
            width = [len(self.places[q]) for q in columns]
            users.append(np.repeat(taker, width))
            places.append(np.array([p for q in columns for p in self.places[q]], dtype=np.int64))
        if not users:
            return Pairs(np.empty(0, np.int64), np.empty(0, np.int64))
        user, place = np.concatenate(users), np.concatenate(places)
        order = np.lexsort((place, user))
        return Pairs(user[order], place[order])


def group_columns(program: Program, alike: Alike, most: int) -> GroupColumns | None:
    """Return the columns of all groups, or None where there would be more than ``most``."""
    families = _families(program.choices.conflicts)
    single = program.choices.max_coupons[alike.first].max(initial=0) <= 1
    capped = math.isfinite(program.choices.money)
    whole = not single and (families is None or capped)
    group: list[int] = []
    places: list[tuple[int, ...]] = []
    family: list[int] = []
    for g, user in enumerate(alike.first.tolist()):
        for choice in _choices(program, user, whole, most - len(group)):
            group.append(g)
            places.append(choice)
            coupon = _coupon(program, user, choice[0])
            family.append(0 if whole or families is None else int(families[coupon]))
        if len(group) > most:
            return None
    columns = np.array(group, dtype=np.int64)
    kinds = np.array(family, dtype=np.int64)
    row, column, upper = _rows(program, alike, columns, kinds, whole)
    return GroupColumns(alike, columns, tuple(places), whole, kinds, row, column, upper)


def _families(conflicts: np.ndarray) -> np.ndarray | None:
    """Return each coupon's family, ``(J,)``, or None where families overlap."""
    family = np.arange(len(conflicts))
    for position, members in enumerate(cover_by_cliques(conflicts)):
        family[members] = len(conflicts) + position
    together = family[:, None] == family[None, :]
    np.fill_diagonal(together, False)
    return family if bool((together == conflicts).all()) else None


def _coupon(program: Program, user: int, place: int) -> int:
    return place if program.coupon is None else int(program.coupon[user, place])


def _choices(program: Program, user: int, whole: bool, room: int) -> list[tuple[int, ...]]:
    """Return what a user may be given, as single pairs or as whole choices; more than ``room`` are cut."""
    usable = ~np.isnan(program.columns["value"][user])
    if program.coupon is not None:
        usable &= program.coupon[user] >= 0
    money = program.choices.money
    cost = program.columns["cost"][user].astype(np.float64) if math.isfinite(money) else None
    most = int(program.choices.max_coupons[user])
    if cost is not None and not whole:
        usable &= cost <= money
    free = np.flatnonzero(usable).tolist() if most > 0 else []
    if not whole:
        return [(place,) for place in free]
    conflicts = program.choices.conflicts
    found: list[tuple[int, ...]] = []
    for size in range(1, min(most, len(free)) + 1):
        for choice in itertools.combinations(free, size):
            coupons = [_coupon(program, user, place) for place in choice]
            if conflicts[np.ix_(coupons, coupons)].any():
                continue
            if cost is not None and math.fsum(cost[list(choice)]) > money:
                continue
            found.append(choice)
            if len(found) > room:
                return found
    return found


def _rows(
    program: Program, alike: Alike, group: np.ndarray, family: np.ndarray, whole: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows that keep to what each group can be given: as many coupons, one of each family."""
    groups, own = np.unique(group, return_inverse=True)
    size = alike.size[groups].astype(np.float64)
    most = np.ones(len(groups)) if whole else program.choices.max_coupons[alike.first[groups]]
    parts = [(own, np.arange(len(group)), size * most)]
    if not whole and most.max(initial=0) > 1:
        cell = group * (family.max(initial=0) + 1) + family
        cells, position, width = np.unique(cell, return_inverse=True, return_counts=True)
        shared = width[position] > 1
        parts.append(
            (
                len(groups) + position[shared],
                np.flatnonzero(shared),
                alike.size[cells // (family.max(initial=0) + 1)].astype(np.float64),
            )
        )
    row, column, upper = (np.concatenate(part) for part in zip(*parts, strict=True))
    return row, column, upper
