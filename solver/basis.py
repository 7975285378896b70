"""Rows as sparse combinations of simple demands.

Most rows say little of most users, but parity says something of everybody: a group against all. Written as
(a weight on the group) + (one weight on all), every row is a short combination of *demands*: a measure summed
over some classes and some coupons. Rows share them, so second moments over hundreds of rows cost as little as
over a few: each pair touches only the demands of its own class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from couponry.instances.program import BlockProgram
from couponry.instances.rows import Term

if TYPE_CHECKING:
    from couponry.solver.engine import Exchanges

__all__ = ["Basis"]

# A demand of so many rows is worth a column of its own in a linear program.
SHARED = 4


@dataclass(frozen=True)
class Basis:
    """Demands, and the rows made of them.

    Attributes
    ----------
    measure : ndarray of int64, shape (B,)
        Position of each demand's measure in ``program.measures``.
    users : ndarray of float64, shape (B, C)
        Weights of the classes.
    coupons : ndarray of float64, shape (B, J)
        Weights of the coupons.
    combine : ndarray of float64, shape (K, B)
        Rows as combinations of demands.
    start, member : ndarray of int64, shapes (C + 1,) and (·,)
        Demands that speak of each class: ``member[start[c] : start[c + 1]]``.
    """

    measure: np.ndarray
    users: np.ndarray
    coupons: np.ndarray
    combine: np.ndarray
    start: np.ndarray
    member: np.ndarray

    @classmethod
    def of(cls, program: BlockProgram) -> Basis:
        """Take a program's rows apart."""
        places: dict[tuple[str, bytes, bytes], int] = {}
        demands: list[Term] = []
        entries: list[tuple[int, int, float]] = []
        for k, row in enumerate(program.rows):
            for term in row.terms:
                for weight, part in _parts(term):
                    key = (part.measure, part.users.tobytes(), part.coupons.tobytes())
                    if key not in places:
                        places[key] = len(demands)
                        demands.append(part)
                    entries.append((k, places[key], weight))
        combine = np.zeros((len(program.rows), len(demands)))
        for k, b, weight in entries:
            combine[k, b] += weight
        names = list(program.measures)
        users = np.array([d.users for d in demands]).reshape(len(demands), program.n_classes)
        speaks = users.T != 0
        return cls(
            measure=np.array([names.index(d.measure) for d in demands], dtype=np.int64),
            users=users,
            coupons=np.array([d.coupons for d in demands]).reshape(len(demands), program.n_coupons),
            combine=combine,
            start=np.concatenate([[0], np.cumsum(speaks.sum(axis=1))]).astype(np.int64),
            member=np.nonzero(speaks)[1].astype(np.int64),
        )

    def _table(self, near: Exchanges) -> np.ndarray:
        """Return what each exchange adds to each demand, ``(E, B)``."""
        table = np.zeros((len(near.loss), len(self.measure)))
        for coupon, numbers, sign in (
            (near.entering, near.measures_in, 1.0),
            (near.leaving, near.measures_out, -1.0),
        ):
            there = np.flatnonzero(coupon >= 0)
            first, last = self.start[near.classes[there]], self.start[near.classes[there] + 1]
            which = np.repeat(there, last - first)
            ahead = np.cumsum(last - first) - (last - first)
            demand = self.member[np.arange(len(which)) + np.repeat(first - ahead, last - first)]
            weight = self.users[demand, near.classes[which]] * self.coupons[demand, coupon[which]]
            # No demand is listed twice for a class, so no entry is added to twice.
            table[which, demand] += sign * weight * numbers[self.measure[demand], which]
        return table

    def entries(self, near: Exchanges, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """Return a sparse matrix of what exchanges add to the rows, each row scaled.

        A demand that many rows share, as parity does that of everybody, is a column of its own after the
        exchanges, and a row after the rows that says Σ exchanges − column = 0.

        Returns
        -------
        row, column : ndarray of int64
        value : ndarray of float64
        int
            Number of shared demands.
        """
        k, e = len(self.combine), len(near.loss)
        shared = np.flatnonzero((self.combine != 0).sum(axis=0) >= SHARED)
        table = self._table(near)
        combine = self.combine * scale[:, None]
        of_shared, by_shared = combine[:, shared], table[:, shared]
        combine[:, shared] = 0.0
        parts = (
            (0, 0, combine @ table.T),
            (0, e, of_shared),
            (k, 0, by_shared.T),
            (k, e, -np.eye(len(shared))),
        )
        places = [np.nonzero(part) for _, _, part in parts]
        return (
            np.concatenate([first + at[0] for (first, _, _), at in zip(parts, places, strict=True)]),
            np.concatenate([first + at[1] for (_, first, _), at in zip(parts, places, strict=True)]),
            np.concatenate([part[at] for (_, _, part), at in zip(parts, places, strict=True)]),
            len(shared),
        )

    def coefficients(self, near: Exchanges) -> np.ndarray:
        """Return what each exchange adds to the rows' activity, float64 ``(E, K)``."""
        return np.ascontiguousarray(self._table(near) @ self.combine.T)


def _parts(term: Term) -> list[tuple[float, Term]]:
    """Return a term as weights on indicators: what most classes share, and what sets others apart."""
    values, counts = np.unique(term.users[term.users != 0], return_counts=True)
    if not len(values):
        return []
    common = float(values[counts.argmax()])
    everywhere = (term.users != 0).astype(np.float64)
    rest = np.where(term.users != 0, term.users - common, 0.0)
    parts = [(common, Term(term.measure, everywhere, term.coupons))]
    parts += [
        (float(value), Term(term.measure, (rest == value).astype(np.float64), term.coupons))
        for value in np.unique(rest[rest != 0])
    ]
    return parts
