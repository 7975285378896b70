"""Parity of counts among whole users: which totals can be shared out that equally.

With C coupons given among N users, a group of n_g users within ε of the overall share gets a whole number M_g
with |M_g/n_g − C/N| ≤ ε, and the M_g sum to C. Where ε is less than half a user, few totals C can be shared
out so: for sizes without a common divisor and ε = 0 none but nobody and everybody. Which ones is a matter of
arithmetic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from couponry.instances.program import Program
from couponry.instances.rows import COUNT, Row, Term
from couponry.solver.prices import PriceBook

__all__ = ["EqualShares"]


@dataclass(frozen=True)
class EqualShares:
    """One parity rule about counts.

    Attributes
    ----------
    rows : ndarray of int64, shape (G,)
        Its rows.
    members : ndarray of bool, shape (G, C)
        Which classes are in which group.
    sizes : ndarray of int64, shape (G,)
        Users of each group.
    lower, upper : ndarray of int64, shape (G,)
        Limits of M_g·N − n_g·C, whole numbers.
    coupons : ndarray of float64, shape (J,)
        1 for each coupon that is counted.
    """

    rows: np.ndarray
    members: np.ndarray
    sizes: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    coupons: np.ndarray

    @classmethod
    def all_of(cls, program: Program, book: PriceBook) -> list[EqualShares]:
        """Return the parity rules about counts; none where users are frozen."""
        if len(program.frozen):
            return []
        rules: dict[int, list[int]] = {}
        for k, row in enumerate(program.rows):
            if row.kind == "parity" and [term.measure for term in row.terms] == [COUNT]:
                rules.setdefault(row.rule, []).append(k)
        found = (cls.of_rows(program, book, np.array(rows)) for rows in rules.values())
        return [one for one in found if one is not None]

    @classmethod
    def of_rows(cls, program: Program, book: PriceBook, rows: np.ndarray) -> EqualShares | None:
        """Return the parity rule that makes some rows; None where they count with other weights."""
        users = np.array([program.rows[k].terms[0].users for k in rows])
        coupons = program.rows[rows[0]].terms[0].coupons
        members = users > 0
        sizes = members @ program.classes.sizes
        total = int(sizes.sum())
        # A group that is everybody has weights of nought and so no members here: it shares with nobody.
        if len(rows) < 2 or (sizes == 0).any():
            return None
        divisor = np.array([math.gcd(int(size), total) for size in sizes])
        # Whatever else is not as parity is written is left alone.
        inside = members.any(axis=0)
        others = np.where(inside, -(sizes // divisor)[:, None], 0)
        wanted = np.where(members, ((total - sizes) // divisor)[:, None], others)
        if (wanted != users).any() or not np.isin(coupons, (0.0, 1.0)).all():
            return None
        limits = (side[rows] * divisor for side in book.inward)
        lower, upper = (np.asarray(limit) for limit in limits)
        if not (np.isfinite(lower).all() and np.isfinite(upper).all()):
            return None
        return cls(rows, members, sizes, lower.astype(np.int64), upper.astype(np.int64), coupons)

    @property
    def users(self) -> int:
        """Users of all groups, N."""
        return int(self.sizes.sum())

    def narrow(self) -> bool:
        """Whether there may be totals that cannot be shared out: less than a user between the sides."""
        return bool((self.upper - self.lower < self.users).any())

    def kept_at(self, totals: np.ndarray) -> np.ndarray:
        """Return which totals whole users can share out within the limits, bool ``(T,)``."""
        least, most = self._ranges(totals)
        fits = (least <= most).all(axis=0)
        return np.asarray(fits & (least.sum(axis=0) <= totals) & (totals <= most.sum(axis=0)))

    def shares(self, total: int) -> np.ndarray:
        """Return a number for each group, whole and summing to a total that can be shared out, ``(G,)``."""
        least, most = (side[:, 0] for side in self._ranges(np.array([total])))
        given = np.clip(np.round(self.sizes * (total / self.users)).astype(np.int64), least, most)
        while (off := total - int(given.sum())) != 0:
            step = 1 if off > 0 else -1
            able = given < most if step > 0 else given > least
            # Who is furthest from its share on the other side moves first.
            behind = np.where(able, step * (self.sizes * (total / self.users) - given) / self.sizes, -np.inf)
            given[int(np.argmax(behind))] += step
        return given

    def unique(self, total: int) -> bool:
        """Whether a total can be shared out in one way alone."""
        least, most = self._ranges(np.array([total]))
        return bool((least == most).all())

    def tolerance_at(self, totals: np.ndarray) -> np.ndarray:
        """Return the least ε with which each total can be shared out, float64 ``(T,)``.

        Each group gets its share rounded down or up, and as many are rounded up as the total asks for: the
        least error that forces no more of them up, and no more of the others down.
        """
        quota = self.sizes[:, None] * totals[None, :]
        rest = quota % self.users
        down = rest / (self.sizes[:, None] * self.users)
        up = np.where(rest > 0, (self.users - rest) / (self.sizes[:, None] * self.users), np.inf)
        wanted = rest.sum(axis=0) // self.users
        return _least_of_splits(down, up, wanted)

    def _ranges(self, totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        quota = self.sizes[:, None] * totals[None, :]
        least = -((-(quota + self.lower[:, None])) // self.users)
        return np.maximum(least, 0), (quota + self.upper[:, None]) // self.users

    def counted(self, program: Program) -> Row:
        """Return a row that counts what is given in all groups, without limits."""
        inside = np.asarray(self.members.any(axis=0), np.float64)
        term, row = Term(COUNT, inside, self.coupons), program.rows[int(self.rows[0])]
        return replace(row, terms=(term,), lower=-math.inf, upper=math.inf, unit=1.0)

    def fixed(self, program: Program, total: int) -> Program:
        """Return the program with numbers of users in place of the rule: shares of a total."""
        rows = list(program.rows)
        for k, members, share in zip(self.rows, self.members, self.shares(total), strict=True):
            term = Term(COUNT, members.astype(np.float64), self.coupons)
            rows[k] = replace(rows[k], terms=(term,), lower=float(share), upper=float(share), unit=1.0)
        return replace(program, rows=tuple(rows))


def _least_of_splits(down: np.ndarray, up: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the least threshold on errors at which ``wanted`` of the groups can go up."""
    best = np.full(down.shape[1], np.inf)
    for threshold in np.concatenate([down, up]):
        must_up, must_down = down > threshold, up > threshold
        fits = (must_up.sum(axis=0) <= wanted) & (must_down.sum(axis=0) <= len(down) - wanted)
        fits &= ~(must_up & must_down).any(axis=0)
        best = np.where(fits, np.minimum(best, threshold), best)
    return best
