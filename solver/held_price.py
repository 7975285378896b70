"""The dual with one row's price held, over many users.

A price that is held is no variable: what the row charges is part of what a pair is worth, and the row itself
is gone. What is left is an ordinary dual that starts next to its minimiser, since a sample says how the other
prices answer to this one, up to an error that the sample shows where everybody's prices are known.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from couponry.instances.program import Program
from couponry.solver.clock import Clock
from couponry.solver.dual import EXACT_USERS, SAMPLE_PRECISION, WARM_WIDTH, DualSearch
from couponry.solver.engine import Settled
from couponry.solver.fractional import fractions_near
from couponry.solver.local import LocalEngine
from couponry.solver.newton import Newton, NewtonAnswer
from couponry.solver.priced import REACH, SCALE_SAMPLE
from couponry.solver.prices import NOTHING, PriceBook, Tables
from couponry.solver.radius import table_radius
from couponry.solver.scale import measure_scale

__all__ = ["HeldPrice"]

SAMPLE = 25_000
# With fewer users a row than this no sample tells prices well enough.
USERS_A_ROW = 300
DEVIATIONS = 3.0
# What of a sample's error may come anew at another price.
NEW_ERROR = 0.5
# At the minimiser only those who are torn are left open.
LAST = 1e-2
# Linear programs at the end, and the gap between L and what fractions of plans reach, in users' worth a user.
MOVES, EXACT = 4, 1e-13
# Gaps beyond which another sample is asked, and beyond which the price is not met at all.
ENOUGH, MOST = 1e-5, 1e-3


class _HeldBook(PriceBook):
    """Prices of rows, where each pair is charged something besides.

    Parameters
    ----------
    program : Program

    Attributes
    ----------
    charge : Tables
        What is added to the scores; at first nothing.
    """

    charge: Tables = {}  # noqa: RUF012  # replaced, never written to

    def charging(self, charge: Tables) -> _HeldBook:
        """Return the same book with something charged."""
        book = copy(self)
        book.charge = charge
        return book

    def scores(self, multipliers: np.ndarray) -> Tables:
        """Return T, as :class:`PriceBook` does, with the charge."""
        tables = super().scores(multipliers)
        for measure, table in self.charge.items():
            tables[measure] = tables[measure] + table if measure in tables else table
        return tables


@dataclass(frozen=True)
class _Known:
    """A price at which everybody's other multipliers are known, beside the sample's."""

    price: float
    everybodys: np.ndarray
    samples: np.ndarray


class HeldPrice:
    """Minimises L over all multipliers but one.

    Parameters
    ----------
    program : Program
        Of many users, see :meth:`fits`.
    row : int
        The row whose price is held.
    multipliers : ndarray of float64, shape (K,)
        Minimisers for the program as it is.
    clock : Clock
    seed : int
        Of the samples.
    """

    def __init__(self, program: Program, row: int, multipliers: np.ndarray, clock: Clock, seed: int) -> None:
        self.row, self.clock, self.seed = row, clock, seed
        self.whole = PriceBook(program)
        self.rest = replace(program, rows=tuple(r for k, r in enumerate(program.rows) if k != row))
        self.engine, self.free = LocalEngine(self.rest), _HeldBook(self.rest)
        few = program.sampler(seed, SCALE_SAMPLE).users(SCALE_SAMPLE)
        self.of_all = measure_scale(program.take(few), self.whole, np.arange(len(few)))
        self.scale = replace(self.of_all, coefficient=np.delete(self.of_all.coefficient, row))
        self.reach = REACH * self.scale.price
        size = min(SAMPLE, program.n_users // 3)
        users = self.rest.sampler(seed, size).users(size)
        self.share = len(users) / program.n_users
        self.sample = LocalEngine(self.rest.take(users))
        self.width = WARM_WIDTH * self.scale.objective
        self.first, self.sampled_at = np.delete(multipliers, row), dict[float, NewtonAnswer]()
        price = float(multipliers[row])
        found = self._sampled(price)
        self.error = table_radius(
            self.sample,
            self._book(price),
            found.multipliers,
            found.hessian,
            self.scale.price,
            share=self.share,
            times=DEVIATIONS,
            seed=seed,
        )
        self.known = [_Known(price, self.first, found.multipliers)]

    @staticmethod
    def fits(program: Program) -> bool:
        """Whether the users are many enough for samples to tell prices."""
        return program.n_users > max(EXACT_USERS, USERS_A_ROW * len(program.rows))

    def near(self, price: float) -> np.ndarray:
        """Return about what all multipliers are at a price, ``(K,)``: no user outside a sample is asked."""
        return np.insert(self._expected(price), self.row, price)

    def at(self, price: float) -> tuple[float, np.ndarray] | None:
        """Return the row's limit at a price, and all multipliers there, ``(K,)``; None where not met."""
        book = self._book(price)
        search = DualSearch(self.rest, book, self.engine, self.scale, self.reach, self.clock, self.seed)
        radius = {measure: NEW_ERROR * table for measure, table in self.error.items()}
        start, user = self._expected(price), self.scale.objective * self.rest.n_users
        best = self._from(search, start, self.width, radius)
        if best is None or best[2] > ENOUGH * user:
            # The sample led astray: a larger one that knows nothing beforehand may not.
            fresh = search.sampled(start)
            other = (
                None if fresh is None else self._from(search, fresh[0].multipliers, fresh[0].width, fresh[1])
            )
            if other is not None and (best is None or other[2] < best[2]):
                best = other
        if best is None or best[2] > MOST * user:
            return None
        multipliers, activity, _ = best
        self.known.append(_Known(price, multipliers, self._sampled(price).multipliers))
        return float(self.whole.frozen[self.row]) + activity, np.insert(multipliers, self.row, price)

    def _from(
        self, search: DualSearch, start: np.ndarray, width: float, radius: Tables
    ) -> tuple[np.ndarray, float, float] | None:
        """Return what :meth:`_optimum` does, searched near a start; None where there is nothing."""
        found = search.near(start, width, radius)
        if found is None or found.near is None or self.clock.stopped_by is not None:
            return None
        return self._optimum(search.book, found.multipliers, found.near)

    # ---------------------------------------------------------------- samples

    def _book(self, price: float) -> PriceBook:
        alone = np.zeros(self.whole.n_rows)
        alone[self.row] = price
        return self.free.charging(self.whole.changes(alone))

    def _sampled(self, price: float) -> NewtonAnswer:
        """Minimise over the sample, from the nearest price at which that was done."""
        if price in self.sampled_at:
            return self.sampled_at[price]
        start = min(self.sampled_at, key=lambda other: _apart(price, other), default=None)
        first = self.first if start is None else self.sampled_at[start].multipliers
        newton = Newton(
            self.sample,
            self._book(price),
            self.scale,
            self.clock,
            settled={},
            share=self.share,
            reach=self.reach,
        )
        with self.clock.phase("sample"):
            found = newton.minimise(first, width=self.width, precision=SAMPLE_PRECISION)
        self.sampled_at[price] = replace(found, near=found.near.take(slice(0)))
        return found

    def _expected(self, price: float) -> np.ndarray:
        own = self._sampled(price).multipliers
        known = min(self.known, key=lambda one: _apart(price, one.price))
        moved = known.everybodys + (own - known.samples)
        # A price does not change its side for the sample's errors.
        side = np.where(known.everybodys != 0, np.sign(known.everybodys), np.sign(own))
        return self._book(price).clip(np.where(np.sign(moved) == side, moved, 0.0))

    # --------------------------------------------------------------- optimum

    def _optimum(
        self, book: PriceBook, multipliers: np.ndarray, settled: Settled
    ) -> tuple[np.ndarray, float, float]:
        """Return the minimiser ``(K − 1,)``, what the optimum takes of the row, and the gap that is left."""
        value, best = math.inf, None
        for _ in range(MOVES):
            scores = book.scores(multipliers)
            if not settled.holds(scores):
                settled = self.engine.settle(scores, {m: LAST * t for m, t in self.error.items()})
            with self.clock.phase("fractions"):
                found = fractions_near(
                    settled,
                    book,
                    self.whole,
                    np.insert(multipliers, self.row, 0.0),
                    self.row,
                    self.of_all,
                    self.clock,
                )
            if found.gap >= value:
                break
            value, best = found.gap, (multipliers, found.activity)
            if found.gap <= EXACT * self.scale.objective * self.rest.n_users:
                break
            multipliers = np.delete(found.multipliers, self.row)
        assert best is not None
        return *best, value


def _apart(price: float, other: float) -> float:
    """Return how far two prices are from each other, as a share of both."""
    return abs(price - other) / max(abs(price) + abs(other), NOTHING)
