"""What one user can be given, and which choice is best under a condition."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["UserChoice"]


@dataclass(frozen=True)
class UserChoice:
    """The set X_i of one user, with the reduced value of each place of the user's list.

    Attributes
    ----------
    reduced : ndarray of float64, shape (S,)
        Worth of each place less all prices.
    cost : ndarray of float64, shape (S,)
    eligible : ndarray of bool, shape (S,)
    conflicts : ndarray of bool, shape (S, S)
        Pairs of places that cannot be given together.
    most : int
        Places that can be given together.
    money : float
        Most cost together; infinite where there is no cap.
    """

    reduced: np.ndarray
    cost: np.ndarray
    eligible: np.ndarray
    conflicts: np.ndarray
    most: int
    money: float

    def worth(self, places: frozenset[int]) -> float:
        """Return the reduced value of some places together."""
        return math.fsum(float(self.reduced[place]) for place in places)

    def price(self, places: frozenset[int]) -> float:
        """Return what some places cost together."""
        return math.fsum(float(self.cost[place]) for place in places)

    def allowed(self, places: frozenset[int]) -> bool:
        """Return whether the user may be given these places together."""
        members = list(places)
        return (
            len(members) <= self.most
            and bool(self.eligible[members].all())
            and not self.conflicts[np.ix_(members, members)].any()
            and (math.isinf(self.money) or self.price(places) <= self.money)
        )

    def best_with(self, place: int) -> frozenset[int] | None:
        """Return the best choice that includes ``place``; None where the user may never have it."""
        start = frozenset([place])
        return self._extend(start, without=-1) if self.allowed(start) else None

    def best_without(self, place: int) -> frozenset[int]:
        """Return the best choice that leaves ``place`` out."""
        return self._extend(frozenset(), without=place)

    def _extend(self, start: frozenset[int], without: int) -> frozenset[int]:
        """Add the best further places by branch and bound, those worth most tried first."""
        free = [
            int(p) for p in np.argsort(-self.reduced, kind="stable") if self._useful(int(p), start, without)
        ]
        best, best_worth = start, self.worth(start)
        if math.isinf(self.money) and not self.conflicts.any():
            return start | frozenset(free[: self.most - len(start)])
        stack = [(start, 0)]
        while stack:
            chosen, position = stack.pop()
            worth = self.worth(chosen)
            if worth > best_worth:
                best, best_worth = chosen, worth
            room = self.most - len(chosen)
            hope = worth + math.fsum(float(self.reduced[p]) for p in free[position : position + room])
            if position == len(free) or room == 0 or hope <= best_worth:
                continue
            stack.append((chosen, position + 1))
            wider = chosen | {free[position]}
            if self.allowed(wider):
                stack.append((wider, position + 1))
        return best

    def _useful(self, place: int, start: frozenset[int], without: int) -> bool:
        return (
            bool(self.eligible[place]) and place not in start and place != without and self.reduced[place] > 0
        )
