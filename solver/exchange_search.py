"""Plans from near ties: of the cheapest exchanges, annealing picks those that meet every row.

A long list of exchanges hides the good ones, a short one may not mend all rows. So several lengths are tried,
each so that all its exchanges together lose some multiple of what a plan may be missing.
"""

from __future__ import annotations

import math

import numpy as np

from couponry.solver.anneal import Annealing
from couponry.solver.clock import Clock
from couponry.solver.engine import Exchanges, Pairs
from couponry.solver.feasibility import excesses, over_money
from couponry.solver.local import LocalEngine
from couponry.solver.open_users import OpenUsers, Rounded
from couponry.solver.scarce import cheapest, joined, scarce_moves, strong

__all__ = ["ExchangeSearch"]

# Exchanges that are tried first: so many that together they lose these multiples of what may be lost.
EXCHANGED_LOSS = (0.3, 1.0, 3.0, 30.0)
EXCHANGE_STEPS = (100_000, 800_000)
# With more priced rows than this the first trials are longer in proportion.
FEW_PRICED = 60
FAR = 6.0
FEWEST_EXCHANGED, MOST_EXCHANGED, EXCHANGED_A_ROW = 60, 3000, 15
# Of exchanges that mend a broken row so many are always there, found within so many times the usual loss.
MENDING_A_ROW, WIDER_TO_MEND = 60, 8.0
ROOM_FOR_ROUNDING = 1e-13


class ExchangeSearch:
    """Looks for a plan within the gap by exchanges of near ties.

    Parameters
    ----------
    users : OpenUsers
    clock : Clock
    patient : bool
        Whether to go on where the first trials ended far from the gap.
    """

    def __init__(self, users: OpenUsers, clock: Clock, *, patient: bool) -> None:
        self.users, self.clock, self.patient = users, clock, patient
        self.program, self.book = users.program, users.book
        self.engine = LocalEngine(users.program)
        self.stiff = users.book.grain > 0
        self.priced = np.count_nonzero(users.multipliers)
        self.chosen = np.zeros((self.program.n_users, self.program.places), bool)
        self.chosen[users.chosen.user, users.chosen.place] = True

    def run(self) -> Rounded | None:
        """Return the best plan that exchanges make, or None."""
        if not self.program.n_users:  # the prices settled everybody
            return self._plan_of(self.engine.exchanges_from(self.users.scores, self.chosen, 0.0))
        short = int(EXCHANGE_STEPS[0] * max(1.0, self.priced / FEW_PRICED))
        chosen = self._nearest(1.0).take(slice(0, self.most)), np.empty(0, np.int64)
        best: Rounded | None = None
        for turn, steps in enumerate((short, EXCHANGE_STEPS[1])):
            best, done = self._tried(*chosen, best, steps, turn * len(EXCHANGED_LOSS))
            if best is None and turn == 0 and self.clock.stopped_by is None:
                chosen = self._mending()
                best, done = self._tried(*chosen, best, steps, 0)
            if done or self.clock.stopped_by is not None:
                break
        return best

    def _tried(
        self, near: Exchanges, always: np.ndarray, best: Rounded | None, steps: int, seed: int
    ) -> tuple[Rounded | None, bool]:
        """Try ever more exchanges, some of them always; return the best plan, and whether that is enough."""
        users = self.users
        reached = np.cumsum(near.loss)
        for share in EXCHANGED_LOSS:
            # What is missing when the first plans are known says better what may be lost.
            loss = share * (users.allowed if best is None else min(users.allowed, users.missing(best)))
            count = max(int(np.searchsorted(reached, loss)), FEWEST_EXCHANGED)
            few = near.take(np.union1d(np.arange(min(count, len(near.loss))), always))
            best = users.better(best, self._annealed(few, steps, seed))
            # Other trials win a third or so, with many priced rows less: from far away that is not enough.
            tried = seed > 0 or self.priced > FEW_PRICED
            far = best is not None and tried and users.missing(best) > FAR * users.allowed
            if users.near_enough(best) or (far and not self.patient):
                return best, True
            if self.clock.stopped_by is not None:
                break
            seed += 1
        return best, False

    @property
    def most(self) -> int:
        """How many exchanges are looked at."""
        return max(MOST_EXCHANGED, EXCHANGED_A_ROW * self.book.n_rows)

    def _nearest(self, times: float) -> Exchanges:
        """Return the exchanges that lose least, in that order, within so many times the usual loss."""
        margin = self.users.margin
        width = times * float(np.sort(margin)[min(len(margin), self.most) - 1])
        near = self.engine.exchanges_from(self.users.scores, self.chosen, width * (1 + 1e-9))
        near = self._affordable(near)
        return near.take(np.argsort(near.loss, kind="stable"))

    def _mending(self) -> tuple[Exchanges, np.ndarray]:
        """Return the exchanges that lose least, and which of them mend rows that are broken.

        The linear program may leave a row broken by a unit or two: where few exchanges touch it, none of the
        cheapest of all may mend it.
        """
        near, broken = self._nearest(WIDER_TO_MEND), self._broken()
        least = strong(self.program, self.book)
        moves = scarce_moves(self.book.basis.coefficients(near), least, broken < 0, broken > 0)
        width = float(near.loss.max(initial=self.users.allowed))
        found = cheapest(self.engine, self.book, self.users.scores, moves, least, width, chosen=self.chosen)
        near = joined(near, None if found is None else self._affordable(found))
        toward = self.book.basis.coefficients(near) * -np.sign(broken)
        mending = [np.flatnonzero(toward[:, k] > 0)[:MENDING_A_ROW] for k in np.flatnonzero(broken)]
        always = np.unique(np.concatenate([np.empty(0, np.int64), *mending]))
        kept = np.union1d(np.arange(min(self.most, len(near.loss))), always)
        return near.take(kept), np.searchsorted(kept, always)

    def _broken(self) -> np.ndarray:
        """Return by how much each row is above (+) or below (−) its limits before any exchange, ``(K,)``."""
        activity = self.book.activity(self.users.outside(self.users.chosen).high)
        lower, upper = self.book.inward
        return np.asarray(np.maximum(activity - upper, 0.0) - np.maximum(lower - activity, 0.0))

    def _affordable(self, near: Exchanges) -> Exchanges:
        """Return the exchanges after which a user's coupons keep the cap on money."""
        money = self.program.choices.money
        if not math.isfinite(money):
            return near
        cost = self.program.columns["cost"].astype(np.float64)
        spent = np.where(self.chosen, cost, 0.0).sum(axis=1)[near.user]
        entering = np.where(near.place_in < 0, 0.0, cost[near.user, near.place_in])
        leaving = np.where(near.place_out < 0, 0.0, cost[near.user, near.place_out])
        return near.take(spent + entering - leaving <= money * (1 - 1e-12))

    def _annealed(self, near: Exchanges, steps: int, seed: int) -> Rounded | None:
        """Return the plan after those of the exchanges that annealing picks, or None."""
        if not len(near.loss):
            return None
        users = self.users
        outside = users.outside(users.chosen)
        lower, upper = self.book.inward
        # Activities are floats here: where they are no whole numbers the limits leave room for that.
        below, above = (
            np.where(np.isfinite(side) & ~self.stiff, ROOM_FOR_ROUNDING * np.abs(side), 0.0)
            for side in (lower, upper)
        )
        problem = Annealing(
            user=np.unique(near.user, return_inverse=True)[1],
            loss=near.loss,
            change=self.book.basis.coefficients(near),
            activity=self.book.activity(outside.high),
            lower=lower + below,
            upper=upper - above,
            price=users.multipliers,
            natural=users.natural,
            stiff=self.stiff,
        )
        made, lost = problem.run(
            allowed=0.8 * users.allowed, objective=users.objective, steps=steps, seed=seed
        )
        return self._plan_of(near.take(made)) if math.isfinite(lost) else None

    def _plan_of(self, made: Exchanges) -> Rounded | None:
        """Return the plan after exchanges, or None where it breaks a row by what rounding hid."""
        chosen = self.chosen.copy()
        out, into = made.place_out >= 0, made.place_in >= 0
        chosen[made.user[out], made.place_out[out]] = False
        chosen[made.user[into], made.place_in[into]] = True
        pairs = Pairs(*np.nonzero(chosen))
        outside = self.users.with_frozen(self.users.assigned.sums)
        if excesses(self.program, pairs, outside).any() or len(over_money(self.program, pairs)):
            return None
        best = self.engine.choices(self.users.scores)[0]
        decided = int((chosen != best).any(axis=1).sum())
        return Rounded(pairs, self.users.value(outside, pairs), decided)
