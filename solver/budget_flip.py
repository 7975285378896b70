"""How much more, or less, of a budget until its price would flip what a user gets.

What one user gets depends on the budget through the prices alone. Along the prices of the budget, each with
all other prices re-optimised (:mod:`couponry.solver.priced_limit`), the lead of the user's choice over the
next best is followed to where it is used up; the budget that belongs to that price is the answer. It speaks
of the linear program: near it, a plan of whole coupons may give the user one or the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from couponry.instances.program import Program
from couponry.solver.clock import Clock
from couponry.solver.priced_limit import limit_at_price
from couponry.solver.user_choice import UserChoice

__all__ = ["Flip", "Person", "budget_flips"]

# The lead is followed until this share of it is left, in so many solves of the dual at most.
NEAR = 0.02
TRIALS = 6
# Just beyond the price at which the user is torn, so that the budget is one at which the choice has changed.
BEYOND = 1e-6
# A price so many times what anything is worth that only what takes least of the budget is given.
FAR = 1e6


@dataclass(frozen=True)
class Person:
    """What one user can be given, and what it is worth and takes.

    Attributes
    ----------
    choice : UserChoice
        Reduced by some multipliers.
    worth : ndarray of float64, shape (S,)
        What each place adds to ``sense · objective``.
    amounts : ndarray of float64, shape (K, S)
        What each place takes of each row.
    given : frozenset of int
        The places that the plan gives.
    """

    choice: UserChoice
    worth: np.ndarray
    amounts: np.ndarray
    given: frozenset[int]

    def at(self, multipliers: np.ndarray) -> Person:
        """Return the same person at other prices."""
        return replace(self, choice=replace(self.choice, reduced=self.worth - multipliers @ self.amounts))

    def rivals(self) -> list[frozenset[int]]:
        """Return, for every eligible place, the best choice that treats it otherwise than the plan does."""
        places = map(int, np.flatnonzero(self.choice.eligible))
        found = [
            self.choice.best_without(place) if place in self.given else self.choice.best_with(place)
            for place in places
        ]
        return [places for places in found if places is not None]

    def lead_over(self, other: frozenset[int]) -> float:
        """Return by how much the plan's choice is the better one."""
        return self.choice.worth(self.given) - self.choice.worth(other)


@dataclass(frozen=True)
class Flip:
    """A budget at which a user's choice would be another.

    Attributes
    ----------
    then : float
        The budget, in the row's own scale.
    places : frozenset of int
        The user's best choice there.
    """

    then: float
    places: frozenset[int]


@dataclass(frozen=True)
class _Trial:
    """A price of the budget: the limit that it belongs to, the user's lead there, and the best rival."""

    price: float
    limit: float
    lead: float
    rival: frozenset[int]


def budget_flips(
    program: Program,
    row: int,
    person: Person,
    multipliers: np.ndarray,
    *,
    clock: Clock | None = None,
    seed: int = 0,
) -> list[Flip]:
    """Find the nearest budget below and the nearest above at which a user's choice would be another.

    Parameters
    ----------
    program : Program
    row : int
        Of the budget, in ``program.rows``.
    person : Person
        At the multipliers, where the plan's choice is the best.
    multipliers : ndarray of float64, shape (K,)
    clock : Clock, optional
    seed : int

    Returns
    -------
    list of Flip
        At most two, the smaller budget first; none in a direction in which no budget would do.
    """
    clock = clock or Clock()
    start = multipliers

    def trial(price: float) -> _Trial | None:
        nonlocal start
        if clock.stopped_by is not None:
            return None
        found = limit_at_price(program, row, price, start, clock=clock, seed=seed)
        start = found.multipliers  # the next trial is near by
        if math.isnan(found.limit):
            return None
        there = person.at(found.multipliers)
        rival = min(there.rivals(), key=there.lead_over)
        return _Trial(price, found.limit, there.lead_over(rival), rival)

    present, limit = float(multipliers[row]), program.rows[row].upper
    lead = min(map(person.lead_over, person.rivals()), default=0.0)
    flips = []
    for way in (1.0, -1.0):  # a dearer budget is a smaller one
        first = _first_price(person, person.amounts[row], present, way)
        if lead > 0 and first is not None:
            flip = _follow(trial, _Trial(present, limit, lead, person.given), first, way)
            if flip is not None and way * (limit - flip.then) >= 0:
                flips.append(flip)
    return flips


def _first_price(person: Person, amount: np.ndarray, present: float, way: float) -> float | None:
    """Return the nearest price at which another choice is as good, all other prices as they are.

    What is best far away is traced back: where its line meets that of the plan's choice, something else may
    be best still, which meets it nearer by. None where the plan's choice is best at every price.
    """

    def taken(places: frozenset[int]) -> float:
        return math.fsum(float(amount[place]) for place in places)

    used = np.abs(amount[amount != 0])
    far = present + FAR * np.abs(person.choice.reduced).max() / used.min() if way > 0 and len(used) else 0.0
    price, met = float(far), False
    while True:
        choice = replace(person.choice, reduced=person.choice.reduced - (price - present) * amount)
        rival = choice.best_without(-1)
        more = way * (taken(person.given) - taken(rival))
        if more <= 0:  # the plan's own choice, or one that is as good at every price
            return price if met and price > 0 else None
        nearer = present + way * max(0.0, person.lead_over(rival)) / more
        if met and way * (price - nearer) <= 1e-9 * abs(price):
            return nearer if nearer > 0 else None
        price, met = nearer, True


def _follow(trial: Callable[[float], _Trial | None], start: _Trial, first: float, way: float) -> Flip | None:
    """Follow the lead from where it is above 0 to where it is used up.

    By false position; an end that is met twice counts half (the "Illinois" rule of Dowell and Jarratt 1971,
    10.1007/BF01934364), so that kinks of the lead do not hold it up.
    """
    price, ahead, behind, repeats = first, start, None, 0
    for _ in range(TRIALS):
        now = trial(price * (1 + way * BEYOND))
        if now is None:
            return None
        if now.lead > 0:
            repeats = min(repeats, 0) - 1 if behind is not None else 0
            ahead = now
        else:
            repeats = max(repeats, 0) + 1 if behind is not None else 0
            behind = now
        if behind is None:
            price = _further(start, ahead)
        elif behind.lead >= -NEAR * start.lead:
            break
        else:
            price = _between(ahead, behind, 2.0 ** (repeats - np.sign(repeats)))
        if price <= 0:
            return None
    return None if behind is None else Flip(behind.limit, behind.rival)


def _between(ahead: _Trial, behind: _Trial, weight: float) -> float:
    """Return where the line between two leads is 0, that behind weighed ``weight`` times."""
    left, over = ahead.lead, -behind.lead * weight
    return ahead.price + (behind.price - ahead.price) * left / (left + over)


def _further(start: _Trial, ahead: _Trial) -> float:
    """Return where the line through two leads reaches 0, or twice as far where it hardly falls."""
    fallen, moved = start.lead - ahead.lead, ahead.price - start.price
    if fallen <= 0.1 * start.lead:
        return start.price + 2 * moved
    return ahead.price + 1.05 * moved * ahead.lead / fallen
