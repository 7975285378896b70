"""Rows as sparse combinations of simple demands.

Most rows say little of most users, but parity says something of everybody: a group against all. Written as
(a weight on the group) + (one weight on all), every row is a short combination of *demands*: a measure summed
over some classes and some coupons. Rows share them, so second moments over hundreds of rows cost as little as
over a few: each pair touches only the demands of its own class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from couponry.instances.program import BlockProgram
from couponry.instances.rows import Term

__all__ = ["Basis"]


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
