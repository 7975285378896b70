"""What a reference plan adds up to, block by block of users: what rules are made of."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum

import numpy as np

from couponry.instances.reference import Reference, coupon_at

__all__ = ["Attained"]

_MARGIN = 1e-12


class Attained:
    """Sums over a reference plan.

    Sums are rounded once a block and once over the blocks, so they do not depend on the machine. What is
    left of rounding is covered by a margin of 1e-12 of what was added.

    Parameters
    ----------
    segments : mapping from str to int
        Segment columns and how many groups they have.
    coupons : int
        Length of the menu, J.

    Attributes
    ----------
    users, given : int
        Users seen, and those of them with a coupon in the plan.
    counts : ndarray of int64, shape (J,)
        Units of each coupon.
    costs : ndarray of float64
        What each given pair of the first block costs: a sample.
    dearest : float
        The most that a given pair costs.
    """

    def __init__(self, segments: Mapping[str, int], coupons: int) -> None:
        self.users = self.given = 0
        self.counts = np.zeros(coupons, dtype=np.int64)
        self.costs: np.ndarray | None = None
        self.dearest = 0.0
        self.sizes = {name: np.zeros(count, dtype=np.int64) for name, count in segments.items()}
        self.served = {name: np.zeros(count, dtype=np.int64) for name, count in segments.items()}
        self._sums: dict[tuple[str, bool], list[np.ndarray]] = {}
        self._sizes: dict[str, np.ndarray] = {}

    def add(self, plan: Reference, codes: Mapping[str, np.ndarray]) -> None:
        """Add a block of users with their groups."""
        rows = np.flatnonzero(plan.place >= 0)
        self.users += len(plan.place)
        self.given += len(rows)
        self.counts += plan.counts(len(self.counts))
        for name, code in codes.items():
            groups = len(self.sizes[name])
            self.sizes[name] += np.bincount(code, minlength=groups)
            self.served[name] += np.bincount(code[rows], minlength=groups)
        costs = plan.response.measure("cost")[rows, plan.place[rows]].astype(np.float64)
        self.dearest = max(self.dearest, float(costs.max(initial=0.0)))
        self.costs = costs if self.costs is None else self.costs
        for measure in plan.response.measures:
            self._add_sums(plan, measure, rows, plan.place, best=False)
            self._add_sums(plan, measure, np.flatnonzero(plan.best >= 0), plan.best, best=True)

    def _add_sums(
        self, plan: Reference, measure: str, rows: np.ndarray, place: np.ndarray, *, best: bool
    ) -> None:
        """Add the sums by coupon of one measure over the places that some users have."""
        numbers = plan.response.measure(measure)[rows, place[rows]].astype(np.float64)
        coupon = coupon_at(plan.response, place)[rows]
        menu = len(self.counts)
        order = np.argsort(coupon, kind="stable")
        ends = np.cumsum(np.bincount(coupon, minlength=menu))
        parts = np.split(numbers[order], ends[:-1])
        self._sums.setdefault((measure, best), []).append(np.array([fsum(part) for part in parts]))
        size = np.bincount(coupon, np.abs(numbers), minlength=menu)
        self._sizes[measure] = self._sizes.get(measure, 0.0) + size

    def total(self, measure: str, coupons: np.ndarray | None = None) -> float:
        """Return Σ measure of the plan; over ``coupons`` (bool, menu) if given."""
        return self._total(measure, False, coupons)

    def total_at_best(self, measure: str, coupons: np.ndarray | None = None) -> float:
        """Return Σ measure if each user got the place of most value."""
        return self._total(measure, True, coupons)

    def _total(self, measure: str, best: bool, coupons: np.ndarray | None) -> float:
        return fsum(number for block in self._sums[measure, best] for number in block[_over(coupons)])

    def at_most(self, measure: str, coupons: np.ndarray | None = None) -> float:
        """Return what Σ measure of the plan is not above."""
        return self.total(measure, coupons) + self._margin(measure, coupons)

    def at_least(self, measure: str, coupons: np.ndarray | None = None) -> float:
        """Return what Σ measure of the plan is not below."""
        return self.total(measure, coupons) - self._margin(measure, coupons)

    def _margin(self, measure: str, coupons: np.ndarray | None) -> float:
        return _MARGIN * float(self._sizes[measure][_over(coupons)].sum())

    def rates(self, segment: str) -> np.ndarray:
        """Return the share of users with a coupon in each group that has users."""
        there = self.sizes[segment] > 0
        shares: np.ndarray = self.served[segment][there] / self.sizes[segment][there]
        return shares

    def widest_gap(self, segment: str) -> float:
        """Return the largest distance of a group's share of users with a coupon from the overall one."""
        return float(np.abs(self.rates(segment) - self.given / self.users).max())


def _over(coupons: np.ndarray | None) -> slice | np.ndarray:
    return slice(None) if coupons is None else coupons
