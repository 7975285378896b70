"""The most that each user's choice can be worth, by methods of the judge's own.

Three cases: at most one coupon a user; exclusion families that do not overlap and no money cap, where taking
the best first is optimal (the choices form a matroid); and all others, by depth-first search over sets of
places, many users at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from couponry.solver.verify.user_limits import UserLimits

__all__ = ["Block", "best_choices"]


@dataclass(frozen=True)
class Block:
    """Some users and all their places.

    Attributes
    ----------
    worth : ndarray of float64, shape (b, S)
        What each place adds; −inf where it is not eligible.
    cost : ndarray of float64, shape (b, S)
    coupon : ndarray of int64, shape (b, S)
    most : ndarray of int64, shape (b,)
    """

    worth: np.ndarray
    cost: np.ndarray
    coupon: np.ndarray
    most: np.ndarray

    def take(self, users: np.ndarray) -> Block:
        """Return the users at these positions."""
        return Block(self.worth[users], self.cost[users], self.coupon[users], self.most[users])

    def best_first(self) -> Block:
        """Return the same with every user's places in falling order of worth."""
        order = np.argsort(-self.worth, axis=1, kind="stable")
        worth, cost, coupon = (
            np.take_along_axis(numbers, order, axis=1) for numbers in (self.worth, self.cost, self.coupon)
        )
        return Block(worth, cost, coupon, self.most)


def best_choices(block: Block, limits: UserLimits) -> np.ndarray:
    """Return the worth of each user's best choice, float64 ``(b,)``; at least 0, that of no coupon.

    Parameters
    ----------
    block : Block
    limits : UserLimits
        The money cap and the families; how many coupons is said by ``block.most``.
    """
    best = np.zeros(len(block.worth))
    one = np.flatnonzero(block.most == 1)
    if len(one):
        worth = block.worth[one]
        if math.isfinite(limits.money):
            worth = np.where(block.cost[one] <= limits.money, worth, -np.inf)
        best[one] = np.maximum(worth.max(axis=1), 0.0)
    several = np.flatnonzero(block.most > 1)
    if len(several):
        chosen = block.take(several).best_first()
        conflicts = _conflicts(limits, max(1, int(block.coupon.max()) + 1))
        if math.isfinite(limits.money) or not _disjoint(conflicts):
            best[several] = _Search(chosen, conflicts, limits.money).run()
        else:
            best[several] = _greedy(chosen, conflicts)
    return best


def _conflicts(limits: UserLimits, coupons: int) -> np.ndarray:
    """Return which coupons no user gets together, bool ``(J, J)``, True on the diagonal."""
    together = np.eye(coupons, dtype=bool)
    for _, family in limits.families:
        inside = family[:coupons]
        together |= np.outer(inside, inside)
    return together


def _disjoint(conflicts: np.ndarray) -> bool:
    """Return whether the conflicts split the menu into families that do not overlap."""
    first = conflicts.argmax(axis=1)
    return bool((conflicts == conflicts[first]).all())


def _greedy(block: Block, conflicts: np.ndarray) -> np.ndarray:
    """Take the best first, unless one of its family was taken."""
    users, places = block.worth.shape
    total, count = np.zeros(users), np.zeros(users, dtype=np.int64)
    taken = np.zeros((users, places), dtype=bool)
    family = conflicts.argmax(axis=1)[np.maximum(block.coupon, 0)]
    for s in range(places):
        free = (block.worth[:, s] > 0) & (count < block.most)
        if not free.any():
            break
        free &= ~(taken[:, :s] & (family[:, :s] == family[:, s, None])).any(axis=1)
        taken[:, s] = free
        total += np.where(free, block.worth[:, s], 0.0)
        count += free
    return total


class _Search:
    """Depth-first search over sets of places; each node carries the users for whom it may still be best."""

    def __init__(self, block: Block, conflicts: np.ndarray, money: float) -> None:
        self.block = block
        self.conflicts = conflicts
        self.money = money
        self.best = np.zeros(len(block.worth))
        finite = np.where(np.isfinite(block.worth), block.worth, 0.0)
        cost = np.where(np.isfinite(block.worth), block.cost, 0.0)
        self._gain = _suffix_sums(np.maximum(finite, 0.0))
        self._relief = _suffix_sums(np.minimum(cost, 0.0))
        self._doubt = np.abs(cost).sum(axis=1) * 1e-12

    def run(self) -> np.ndarray:
        """Return each user's best worth."""
        users = np.arange(len(self.best))
        self._extend((), 0, users, np.zeros(len(users)), np.zeros(len(users)))
        return self.best

    def _extend(
        self, chosen: tuple[int, ...], start: int, users: np.ndarray, worth: np.ndarray, spent: np.ndarray
    ) -> None:
        for s in range(start, self.block.worth.shape[1]):
            keep = self._may_add(chosen, s, users, worth, spent)
            if not keep.any():
                continue
            some = users[keep]
            now_worth = worth[keep] + self.block.worth[some, s]
            now_spent = spent[keep] + self.block.cost[some, s]
            sets = (*chosen, s)
            paid = self._affordable(sets, some, now_spent)
            self.best[some[paid]] = np.maximum(self.best[some[paid]], now_worth[paid])
            more = self.block.most[some] > len(sets)
            if more.any():
                self._extend(sets, s + 1, some[more], now_worth[more], now_spent[more])

    def _may_add(
        self, chosen: tuple[int, ...], s: int, users: np.ndarray, worth: np.ndarray, spent: np.ndarray
    ) -> np.ndarray:
        """Return for which users a set that goes on with place ``s`` can still be allowed and better."""
        block = self.block
        keep: np.ndarray = block.worth[users, s] > -np.inf
        for t in chosen:
            keep &= ~self.conflicts[block.coupon[users, t], block.coupon[users, s]]
        with np.errstate(invalid="ignore"):
            keep &= worth + block.worth[users, s] + self._gain[users, s + 1] > self.best[users]
            if math.isfinite(self.money):
                least = spent + block.cost[users, s] + self._relief[users, s + 1]
                keep &= least <= self.money + self._doubt[users]
        return keep

    def _affordable(self, places: tuple[int, ...], users: np.ndarray, spent: np.ndarray) -> np.ndarray:
        """Return who can pay for a set, with exactly rounded sums where rounding could decide it."""
        if not math.isfinite(self.money):
            return np.ones(len(users), dtype=bool)
        paid = spent <= self.money
        for i in np.flatnonzero(np.abs(spent - self.money) <= self._doubt[users]):
            paid[i] = math.fsum(self.block.cost[users[i], list(places)].tolist()) <= self.money
        return paid


def _suffix_sums(numbers: np.ndarray) -> np.ndarray:
    """Return the sums of what stands from each place on, ``(b, S + 1)``."""
    sums = np.zeros((numbers.shape[0], numbers.shape[1] + 1))
    sums[:, :-1] = np.cumsum(numbers[:, ::-1], axis=1)[:, ::-1]
    return sums
