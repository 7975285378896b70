"""Cells: classes of users × kinds of coupons, and what given numbers of users in them take at least."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from couponry.instances.program import Program
from couponry.instances.rows import COUNT, Row

__all__ = ["Cells", "LeastUse", "is_count"]

TANGENTS = 12


def is_count(row: Row) -> bool:
    """Return whether a row counts coupons, of whatever weight."""
    return all(term.measure == COUNT for term in row.terms)


@dataclass(frozen=True)
class LeastUse:
    """Lines below what ``sign`` times a row's activity is at least: ``at + slope · Σ m`` over some cells.

    Attributes
    ----------
    cells : ndarray of int64
        One cell; or all cells of a class, where a user gets one coupon at most.
    slope, at : ndarray of float64, shape (T,)
    """

    cells: np.ndarray
    slope: np.ndarray
    at: np.ndarray


@dataclass(frozen=True)
class Cells:
    """The eligible pairs by class and kind, where no row tells classes or kinds apart further.

    Attributes
    ----------
    program : Program
    counted : ndarray of int64, shape (R,)
        Rows about counts.
    codes : ndarray of int64, shape (n,)
        Each user's class.
    merged : ndarray of int64
        The class here of each of the program's.
    kind : ndarray of int64, shape (J,)
        Each coupon's kind.
    weights : ndarray of float64, shape (R, C · P)
        What a user in each cell adds to the rows about counts.
    """

    program: Program
    counted: np.ndarray
    codes: np.ndarray
    merged: np.ndarray
    kind: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, program: Program) -> Cells:
        """Group the classes that no row tells apart, and the coupons that no row about counts does."""
        rows = program.rows
        counted = np.array([k for k, row in enumerate(rows) if is_count(row)], np.int64)
        weights = np.array([sum(term.weights() for term in rows[k].terms) for k in counted])
        weights = weights.reshape(len(counted), program.n_classes, program.n_coupons)
        users = np.array([term.users for row in rows for term in row.terms]).reshape(-1, program.n_classes)
        merged, first_class = _alike(users)
        kind, first_kind = _alike(weights.reshape(-1, program.n_coupons))
        few = weights[:, first_class][:, :, first_kind].reshape(len(counted), -1)
        return cls(program, counted, merged[program.classes.codes], merged, kind, few)

    @property
    def n_kinds(self) -> int:
        """Number of kinds, P."""
        return int(self.kind.max(initial=-1)) + 1

    @property
    def n_classes(self) -> int:
        """Number of classes, C."""
        return int(self.weights.shape[1]) // max(1, self.n_kinds)

    @cached_property
    def _usable(self) -> np.ndarray:
        usable = ~np.isnan(self.program.columns["value"])
        if self.program.coupon is not None:
            usable &= self.program.coupon >= 0
        return np.asarray(usable & (self.program.choices.max_coupons > 0)[:, None])

    def _inside(self, kind: int) -> np.ndarray:
        """Return which usable pairs are of a kind, bool ``(n, S)``."""
        lists = self.program.coupon
        return np.asarray(
            self._usable & (self.kind[None, :] == kind if lists is None else self.kind[lists] == kind)
        )

    def room(self) -> tuple[np.ndarray, np.ndarray]:
        """Return how many units each cell can take, int64 ``(C · P,)``, and each class in all, ``(C,)``."""

        def units(inside: np.ndarray) -> np.ndarray:
            each = np.minimum(inside.sum(axis=1), self.program.choices.max_coupons)
            return np.bincount(self.codes, each, minlength=self.n_classes)

        each = [units(self._inside(kind)) for kind in range(self.n_kinds)]
        return np.column_stack(each).ravel().astype(np.int64), units(self._usable).astype(np.int64)

    def weight(self, row: Row) -> np.ndarray:
        """Return what a user in each cell adds to a row about counts, float64 ``(C · P,)``.

        Classes and kinds must not be told apart by it further.
        """
        table = sum(term.weights() for term in row.terms)
        first_class = np.unique(self.merged, return_index=True)[1]
        first_kind = np.unique(self.kind, return_index=True)[1]
        return np.asarray(table)[first_class][:, first_kind].ravel()

    def least_uses(self, row: int, sign: float) -> list[LeastUse]:
        """Return what ``sign`` times a row's activity is at least: of every cell, then of every class."""
        use, kinds = sign * self._use(row), self.n_kinds
        found = [
            (c * kinds + kind, numbers)
            for kind in range(kinds)
            for c, numbers in enumerate(self._ascending(use, self._inside(kind)))
        ]
        uses = [_below(np.array([cell]), numbers) for cell, numbers in sorted(found, key=lambda one: one[0])]
        if kinds > 1 and self.program.most_coupons <= 1:
            uses += [
                _below(c * kinds + np.arange(kinds), numbers)
                for c, numbers in enumerate(self._ascending(use, self._usable))
            ]
        return uses

    def _use(self, row: int) -> np.ndarray:
        """Return what every pair takes of a row, float64 ``(n, S)``."""
        program = self.program
        use = np.zeros(self._usable.shape)
        for term in program.rows[row].terms:
            users = term.users[program.classes.codes][:, None]
            coupons = term.coupons[None, :] if program.coupon is None else term.coupons[program.coupon]
            numbers = 1.0 if term.measure == COUNT else program.columns[term.measure]
            use += users * coupons * np.where(self._usable, numbers, 0.0)
        return use

    def _ascending(self, use: np.ndarray, inside: np.ndarray) -> list[np.ndarray]:
        """Return each class's uses in ascending order; of a user who gets one coupon the least alone."""
        if self.program.most_coupons <= 1:
            user = np.flatnonzero(inside.any(axis=1))
            numbers = np.where(inside[user], use[user], np.inf).min(axis=1, initial=np.inf)
        else:
            user, place = np.nonzero(inside)
            numbers = use[user, place]
        codes = self.codes[user]
        order = np.lexsort((numbers, codes))
        return np.split(numbers[order], np.searchsorted(codes[order], np.arange(1, self.n_classes)))


def _alike(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the distinct columns of a table: each column's number, and the first column of each."""
    _, first, number = np.unique(table, axis=1, return_index=True, return_inverse=True)
    return number.ravel(), first


def _below(cells: np.ndarray, ascending: np.ndarray) -> LeastUse:
    """Return tangents of the sum of the m least numbers, a convex function of m."""
    n = len(ascending)
    if not n:
        return LeastUse(cells, np.zeros(1), np.zeros(1))
    sums = np.concatenate([[0.0], np.cumsum(ascending)])
    at = np.unique(np.round(np.linspace(0, n, TANGENTS + 1)).astype(np.int64))
    slope = ascending[np.minimum(at, n - 1)]
    return LeastUse(cells, slope, sums[at] - slope * at)
