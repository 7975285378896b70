"""How much more, or less, of a budget until its price would flip what a user gets.

What one user gets depends on the budget through the prices alone. Along the prices of the budget, each with
all other prices re-optimised (:mod:`couponry.solver.priced_limit`), the lead of the user's choice over the
next best is followed to where it is used up; the budget that belongs to that price is the answer. It speaks
of the linear program: near it, a plan of whole coupons may give the user one or the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from couponry.instances.program import Program
from couponry.solver.clock import Clock
from couponry.solver.priced_limit import PricedLimits
from couponry.solver.user_choice import UserChoice

__all__ = ["Flip", "Person", "budget_flips"]

# The lead is followed until this share of it is left, in so many solves of the dual at most.
NEAR = 0.02
TRIALS = 6
# Where a sample tells prices: how many of its lead to a solve that tells the truth, and how many solves.
# Budgets and leads that differ by less than these shares are the same, or none.
SKETCHES, SKETCHED = 8, 2
SAME, TORN = 1e-9, 1e-9
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
    present, limit = float(multipliers[row]), program.rows[row].upper
    lead = min(map(person.lead_over, person.rivals()), default=0.0)
    start = _Trial(present, limit, lead, person.given)
    limits: PricedLimits | None = None
    flips = []
    for way in (1.0, -1.0):  # a dearer budget is a smaller one
        first = _first_price(person, person.amounts[row], present, way)
        if lead > 0 and first is not None:
            limits = limits or PricedLimits(program, row, multipliers, clock=clock, seed=seed)
            flip = _Search(person, limits, clock).follow(start, first, way)
            if flip is not None and way * (limit - flip.then) >= 0:
                flips.append(flip)
    return flips


@dataclass(frozen=True)
class _Search:
    """Follows one person's lead along the prices of a budget."""

    person: Person
    limits: PricedLimits
    clock: Clock

    def follow(self, start: _Trial, first: float, way: float) -> Flip | None:
        """Return where the lead is used up, from a price on at which it may be."""
        path, limit = _Path(start, way, NEAR, first), math.nan
        for turn in range(TRIALS):
            if self.limits.sampled and turn < SKETCHED:
                guess = self._guess(start, path.price, way)
                if guess is None and turn == 0:
                    return None
                path.price = path.price if guess is None else guess
            now = self._solve(path.beyond)
            # Where other rows leave no less to be spent, any price belongs to the same budget.
            if now is None or abs(now.limit - limit) <= SAME * abs(limit):
                break
            limit = now.limit if self.limits.sampled else math.nan
            path.note(now)
            if path.found or path.price <= 0:
                break
        return None if path.behind is None else Flip(path.behind.limit, path.behind.rival)

    def _guess(self, start: _Trial, first: float, way: float) -> float | None:
        """Return the price at which a sample sees the lead used up; None where it sees none."""
        # Aimed at the middle of what is near enough, since a sample is off by a little.
        aim = 0.4 * NEAR * start.lead
        path = _Path(start, way, 0.5 * NEAR, first)
        for _ in range(SKETCHES):
            if self.clock.stopped_by is not None:
                return None
            price = path.beyond
            now = self._trial(price, math.nan, self.limits.near(price))
            path.note(replace(now, lead=now.lead + aim))
            if path.found:
                return now.price
            if path.price <= 0:
                return None
        return None if path.behind is None else path.behind.price

    def _solve(self, price: float) -> _Trial | None:
        """Return the truth about a price; None where it is not known."""
        if self.clock.stopped_by is not None:
            return None
        found = self.limits.at(price)
        return None if math.isnan(found.limit) else self._trial(price, found.limit, found.multipliers)

    def _trial(self, price: float, limit: float, multipliers: np.ndarray) -> _Trial:
        there = self.person.at(multipliers)
        rival = min(there.rivals(), key=there.lead_over)
        return _Trial(price, limit, there.lead_over(rival), rival)


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


@dataclass
class _Path:
    """Prices from one at which the plan's choice leads to one at which it does so no longer.

    By false position; an end that is met twice counts half (the "Illinois" rule of Dowell and Jarratt 1971,
    10.1007/BF01934364), so that kinks of the lead do not hold it up.

    Attributes
    ----------
    start : _Trial
        The present price.
    way : float
        +1 towards dearer prices, −1 towards cheaper ones.
    near : float
        Which share of the lead may be missing where it is used up.
    price : float
        What to try next.
    ahead, behind : _Trial or None
        The nearest prices tried at which it leads, and does not.
    """

    start: _Trial
    way: float
    near: float
    price: float
    ahead: _Trial | None = None
    behind: _Trial | None = None
    repeats: int = 0

    @property
    def beyond(self) -> float:
        """The next price, and a little further."""
        return self.price * (1 + self.way * BEYOND)

    @property
    def found(self) -> bool:
        """Whether the lead is just used up at ``behind``."""
        return self.behind is not None and self.behind.lead >= -self.near * self.start.lead

    def note(self, now: _Trial) -> None:
        """Take note of a trial, and choose the next price."""
        if now.lead > TORN * self.start.lead:
            self.repeats = min(self.repeats, 0) - 1 if self.behind is not None else 0
            self.ahead = now
        else:
            self.repeats = max(self.repeats, 0) + 1 if self.behind is not None else 0
            self.behind = now
        if self.behind is None:
            self.price = _further(self.start, now)
        else:
            weight = 2.0 ** (self.repeats - np.sign(self.repeats))
            self.price = _between(self.ahead or self.start, self.behind, weight)


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
