"""Near ties exchanged until every row is met, by simulated annealing.

At the dual's minimiser the distance of a plan from the bound is a sum of two things: what users lose by a
choice that is not their best, and what is left of priced rows, at their prices. A plan within the gap meets
the priced rows nearly to the unit, with users who lose next to nothing. Of such users a large instance has
hundreds; an exchange touches a few numbers, so a hundred thousand are tried in the twentieth part of a second
(Kirkpatrick, Gelatt and Vecchi 1983, 10.1126/science.220.4598.671).

Rows that count are stiff: one unit off costs more than all that users lose. So every other trial exchanges
two users at once whose effects on those rows cancel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

__all__ = ["Annealing"]

# Breaking a row by one unit costs this many times its price, or its natural price if that is more.
PENALTY = 3.0
# Breaking a row by however little costs this share of what may be lost in all.
KINK = 0.1
# First temperature in natural sizes of the objective; the last as a share of what may be lost.
HOT, COLD = 0.3, 0.01


@dataclass(frozen=True)
class Annealing:
    """Exchanges, at most one a user, and what they do to the rows.

    Attributes
    ----------
    user : ndarray of int64, shape (E,)
        Small whole numbers.
    loss : ndarray of float64, shape (E,)
        What each exchange loses at the prices.
    change : ndarray of float64, shape (E, K)
        What it adds to each row's activity.
    activity : ndarray of float64, shape (K,)
        Before any exchange.
    lower, upper : ndarray of float64, shape (K,)
    price : ndarray of float64, shape (K,)
        Multipliers: positive prices the upper side, negative the lower.
    natural : ndarray of float64, shape (K,)
        Natural size of each multiplier.
    stiff : ndarray of bool, shape (K,)
        Rows whose activity is a whole number of steps.
    """

    user: np.ndarray
    loss: np.ndarray
    change: np.ndarray
    activity: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    price: np.ndarray
    natural: np.ndarray
    stiff: np.ndarray

    @cached_property
    def partners(self) -> tuple[np.ndarray, np.ndarray]:
        """For each exchange, those that undo its effect on stiff priced rows, and those with the same effect.

        Returns
        -------
        ndarray of int64, shape (E, 4)
            First position and number in the list of the former, then of the latter.
        ndarray of int64, shape (E,)
            The list.
        """
        rows = self.stiff & (self.price != 0)
        # One number for a vector: two effects are equal where their random projections are.
        key = self.change[:, rows] @ np.random.default_rng(0).standard_normal(int(rows.sum()))
        order = np.argsort(key, kind="stable")
        ranked, near = key[order], 1e-9 * max(1.0, float(np.abs(key).max(initial=0.0)))
        ranges = []
        for wanted in (-key, key):
            first = np.searchsorted(ranked, wanted - near)
            ranges += [first, np.searchsorted(ranked, wanted + near) - first]
        return np.stack(ranges, axis=1), order

    def run(self, *, allowed: float, objective: float, steps: int, seed: int) -> tuple[np.ndarray, float]:
        """Look for exchanges that keep all rows and lose little.

        Parameters
        ----------
        allowed : float
            Stop at exchanges that keep all rows and lose no more.
        objective : float
            Natural size of a user's objective.
        steps : int
            Exchanges to try.
        seed : int

        Returns
        -------
        ndarray of bool, shape (E,)
            The exchanges made.
        float
            What they and the rest of priced rows lose together; infinite where no trial kept all rows.
        """
        hot, cold = HOT * objective, max(COLD * allowed, 1e-12 * objective)
        best, lost = _anneal(
            self.user,
            self.loss,
            self.change,
            self.activity.copy(),
            self.lower,
            self.upper,
            self.price,
            PENALTY * np.maximum(np.abs(self.price), self.natural),
            KINK * allowed,
            *self.partners,
            allowed,
            hot,
            (min(cold, hot) / hot) ** (1.0 / steps),
            seed,
            steps,
        )
        made = np.zeros(len(self.user), bool)
        made[best[best >= 0]] = True
        return made, float(lost)


@njit(nogil=True, cache=True, fastmath={"contract"})
def _burden(activity, lower, upper, price, penalty, kink):  # type: ignore[no-untyped-def]
    """Return what a row costs (the rest of its priced side, or the penalty), and 1 if it is broken."""
    over = activity - upper
    under = lower - activity
    if over > 0.0:
        return kink + penalty * over, 1
    if under > 0.0:
        return kink + penalty * under, 1
    if price > 0.0:
        return -price * over, 0
    if price < 0.0:
        return price * under, 0
    return 0.0, 0


@njit(nogil=True, cache=True)
def _partner(e, sign, user, current, ranges, order):  # type: ignore[no-untyped-def]
    """Return a second exchange to turn round with ``e``, −1 where the one drawn does not fit."""
    same = 2 * np.random.randint(2)
    size = ranges[e, same + 1]
    if size == 0:
        return -1
    f = order[ranges[e, same] + np.random.randint(size)]
    held = current[user[f]]
    if user[f] == user[e] or (held != f and held != -1):
        return -1
    turned = -1.0 if held == f else 1.0
    return f if (turned == sign) == (same == 0) else -1


@njit(nogil=True, cache=True)
def _add(step, amounts, sign):  # type: ignore[no-untyped-def]
    for k in range(len(step)):
        step[k] += sign * amounts[k]


@njit(nogil=True, cache=True)
def _anneal(  # type: ignore[no-untyped-def]
    user,
    loss,
    change,
    activity,
    lower,
    upper,
    price,
    penalty,
    kink,
    ranges,
    order,
    allowed,
    heat,
    cooling,
    seed,
    steps,
):
    np.random.seed(seed)
    rows = len(activity)
    current = np.full(user.max() + 1, -1)
    best, best_total = current.copy(), np.inf
    burden, broken, step = np.empty(rows), np.empty(rows, np.int64), np.zeros(rows)
    for k in range(rows):
        burden[k], broken[k] = _burden(activity[k], lower[k], upper[k], price[k], penalty[k], kink)
    total, count = burden.sum(), broken.sum()
    if count == 0:
        best_total = total
    for turn in range(steps):
        if best_total <= allowed:
            break
        heat *= cooling
        e = np.random.randint(len(user))
        old = current[user[e]]
        new = -1 if old == e else e
        f = -1
        if turn % 2 == 1:
            if old >= 0 and new >= 0:
                continue
            f = _partner(e, 1.0 if new >= 0 else -1.0, user, current, ranges, order)
            if f < 0:
                continue
        step[:] = 0.0
        delta = 0.0
        if new >= 0:
            delta += loss[new]
            _add(step, change[new], 1.0)
        if old >= 0:
            delta -= loss[old]
            _add(step, change[old], -1.0)
        if f >= 0:
            sign = -1.0 if current[user[f]] == f else 1.0
            delta += sign * loss[f]
            _add(step, change[f], sign)
        bar = -heat * np.log(1.0 - np.random.random())
        changed = 0
        for k in range(rows):
            if step[k] != 0.0:
                after, wrong = _burden(activity[k] + step[k], lower[k], upper[k], price[k], penalty[k], kink)
                delta += after - burden[k]
                changed += wrong - broken[k]
        if delta > bar:
            continue
        for k in range(rows):
            if step[k] != 0.0:
                activity[k] += step[k]
                burden[k], broken[k] = _burden(activity[k], lower[k], upper[k], price[k], penalty[k], kink)
        current[user[e]] = new
        if f >= 0:
            current[user[f]] = -1 if current[user[f]] == f else f
        total += delta
        count += changed
        if count == 0 and total < best_total:
            best_total = total
            best[:] = current
    return best, best_total
