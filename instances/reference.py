"""A reference plan, and limits never tighter than it: how drawn instances are feasible by construction.

The reference plan gives a coupon to the same share of users in every group of the segments that the rules
speak of, to those who respond best for the money, within stock and minimum. Every rule is then asked for at
the tightness that is wanted, but never beyond what the reference plan attains: its budget is at least what
that plan costs, its coverage at most the rate that plan reaches in its poorest group, and so on. The
reference plan thus meets all of them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import ceil, floor, fsum

import numpy as np

from couponry.instances.response import Response

__all__ = ["Reference", "at_least", "at_most", "coupon_at", "draw_reference"]


@dataclass(frozen=True)
class Reference:
    """A plan with at most one coupon a user.

    Attributes
    ----------
    place : ndarray of int32, shape (n,)
        Place in the user's response, −1 for no coupon.
    coupon : ndarray of int32, shape (n,)
        Menu position, −1 for no coupon.
    response : Response
    best : ndarray of int32, shape (n,)
        The place that each user would get if nothing were scarce, −1 where no value is positive.
    """

    place: np.ndarray
    coupon: np.ndarray
    response: Response
    best: np.ndarray

    def total(self, measure: str, coupons: np.ndarray | None = None) -> float:
        """Return Σ measure of the plan, exactly rounded; over ``coupons`` (bool, menu) if given."""
        chosen = self.place >= 0
        if coupons is not None:
            chosen &= coupons[self.coupon]
        rows = np.flatnonzero(chosen)
        return fsum(self.response.measure(measure)[rows, self.place[rows]].astype(np.float64))

    def total_at_best(self, measure: str, coupons: np.ndarray | None = None) -> float:
        """Return Σ measure if each user got the place of most value."""
        chosen = self.best >= 0
        if coupons is not None:
            chosen &= coupons[coupon_at(self.response, self.best)]
        rows = np.flatnonzero(chosen)
        return float(self.response.measure(measure)[rows, self.best[rows]].sum(dtype=np.float64))

    def counts(self, coupons: int) -> np.ndarray:
        """Return units of each coupon, int64 ``(J,)``."""
        return np.bincount(self.coupon[self.coupon >= 0], minlength=coupons)

    def lowest_rate(self, codes: np.ndarray) -> float:
        """Return the smallest share of users with a coupon among the groups of a segment."""
        return float(self._rates(codes).min())

    def widest_gap(self, codes: np.ndarray) -> float:
        """Return the largest distance of a group's share of users with a coupon from the overall one."""
        return float(np.abs(self._rates(codes) - np.mean(self.place >= 0)).max())

    def _rates(self, codes: np.ndarray) -> np.ndarray:
        sizes = np.bincount(codes)
        given = np.bincount(codes, weights=self.place >= 0, minlength=len(sizes))
        return given[sizes > 0] / sizes[sizes > 0]


def draw_reference(
    response: Response,
    groups: Mapping[str, np.ndarray],
    share: float,
    *,
    stock: np.ndarray,
    minimum: np.ndarray,
) -> Reference:
    """Make the reference plan of a response.

    Parameters
    ----------
    response : Response
    groups : mapping from str to ndarray of int32, each of shape (n,)
        Codes of the segments that rules will speak of.
    share : float
        Share of users in each group who get a coupon.
    stock, minimum : ndarray of float64, shape (J,)
        Limits to keep to; minimums are met as far as there are users who may take the coupon.
    """
    value, cost = response.measure("value"), response.measure("cost")
    eligible = response.eligible()
    best = _argmax(np.where(eligible, value, -np.inf), floor_at=0.0)
    rows = np.flatnonzero(best >= 0)
    # Exactly rounded, so that the plan is the same on every machine.
    paid = fsum(cost[rows, best[rows]].tolist())
    won = fsum(value[rows, best[rows]].tolist())
    # What money buys when nothing is scarce: it steers the plan to offers that are better than that.
    price = np.float32(won / paid) if paid > 0 else np.float32(0)
    score = np.where(eligible, value - price * cost, -np.inf)
    selected = _top_share(score.max(axis=1), _cells(groups, len(best)), share)
    place = _assign(score[selected], _menu_positions(response, selected), stock, minimum)
    everyone = np.full(len(best), -1, dtype=np.int32)
    everyone[selected] = place
    return Reference(everyone, coupon_at(response, everyone), response, best)


def at_most(wanted: float, attained: float, digits: int) -> float:
    """Return an upper limit: the wanted one, or what the reference plan needs, rounded up."""
    return wanted if wanted >= attained else _rounded(attained, digits, ROUND_CEILING)


def at_least(wanted: float, attained: float, digits: int) -> float:
    """Return a lower limit: the wanted one, or what the reference plan attains, rounded down."""
    return wanted if wanted <= attained else _rounded(attained, digits, ROUND_FLOOR)


def _rounded(number: float, digits: int, way: str) -> float:
    # In decimals, as the number is written: number * 10**digits may itself be rounded to the wrong side.
    return float(Decimal(repr(number)).quantize(Decimal(1).scaleb(-digits), rounding=way))


def coupon_at(response: Response, place: np.ndarray) -> np.ndarray:
    """Return the menu position at each user's place, −1 where there is none; int32."""
    if response.coupon is None:
        return place
    coupon = response.coupon[np.arange(len(place)), place]
    on_menu: np.ndarray = np.where(place >= 0, coupon, np.int32(-1))
    return on_menu


def _argmax(score: np.ndarray, floor_at: float) -> np.ndarray:
    best: np.ndarray = score.argmax(axis=1).astype(np.int32)
    best[score[np.arange(len(best)), best] <= floor_at] = -1
    return best


def _cells(groups: Mapping[str, np.ndarray], users: int) -> np.ndarray:
    """Return each user's cell in the cross of all groups; equal shares there are equal everywhere."""
    cell = np.zeros(users, dtype=np.int64)
    for codes in groups.values():
        cell = np.unique(cell * (int(codes.max()) + 1) + codes, return_inverse=True)[1]
    return cell


def _top_share(score: np.ndarray, cell: np.ndarray, share: float) -> np.ndarray:
    """Return the users with the highest score in each cell, ``share`` of them, rounded up."""
    order = np.lexsort((-score, cell))
    sizes = np.bincount(cell)
    rank = np.arange(len(cell)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    wanted = np.ceil(share * sizes)[cell[order]]
    chosen: np.ndarray = np.sort(order[(rank < wanted) & np.isfinite(score[order])])
    return chosen


def _menu_positions(response: Response, rows: np.ndarray) -> np.ndarray:
    if response.coupon is None:
        return np.broadcast_to(np.arange(response.shape[1], dtype=np.int32), (len(rows), response.shape[1]))
    coupon: np.ndarray = response.coupon[rows]
    return coupon


def _assign(score: np.ndarray, coupon: np.ndarray, stock: np.ndarray, minimum: np.ndarray) -> np.ndarray:
    """Give each row its best place within stock, those who want a scarce coupon most first."""
    place = np.full(len(score), -1, dtype=np.int32)
    left = stock.copy()
    for j in np.flatnonzero(minimum > 0):
        wish = np.where(coupon == j, score, -np.inf)
        at = wish.argmax(axis=1)
        wish = wish.max(axis=1)
        wish[place >= 0] = -np.inf
        first = np.argsort(-wish, kind="stable")[: ceil(minimum[j])]
        first = first[np.isfinite(wish[first])]
        place[first] = at[first]
        left[j] -= len(first)
    open_score = np.where((coupon >= 0) & (left[coupon] >= 1), score, -np.inf)
    while True:
        free = np.flatnonzero((place < 0) & np.isfinite(open_score.max(axis=1, initial=-np.inf)))
        if not len(free):
            return place
        wanted = open_score[free].argmax(axis=1)
        wanted_coupon = coupon[free, wanted]
        for j in np.unique(wanted_coupon):
            takers = np.flatnonzero(wanted_coupon == j)
            best_first = takers[np.argsort(-open_score[free[takers], wanted[takers]], kind="stable")]
            served = best_first[: floor(min(left[j], len(best_first)))]
            place[free[served]] = wanted[served]
            left[j] -= len(served)
        open_score = np.where((coupon >= 0) & (left[coupon] >= 1), open_score, -np.inf)
