"""Prices, the bound that they prove, and a plan: the steps that do not depend on where the users are held."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from couponry.instances.program import BlockProgram
from couponry.solver.bound import proven_bound
from couponry.solver.clock import Clock
from couponry.solver.deviation_cells import Solved
from couponry.solver.dual import DualAnswer, DualSearch
from couponry.solver.engine import Assigned, Pairs
from couponry.solver.exact_sums import ExactTables
from couponry.solver.farkas import prove_by_prices
from couponry.solver.local import LocalEngine
from couponry.solver.open_users import Rounded
from couponry.solver.prices import PriceBook
from couponry.solver.result import NO_PAIRS, relative_gap
from couponry.solver.rounding import Rounder
from couponry.solver.scale import measure_scale
from couponry.solver.solution import StoppedBy

__all__ = ["REACH", "SCALE_SAMPLE", "PricedSearch"]

REACH = 1e4
SCALE_SAMPLE = 600


class PricedSearch:
    """One search; values are in the direction ``sense · objective``.

    Parameters
    ----------
    program : BlockProgram
    gap : float
        Relative gap at which to stop.
    seed : int
        Of the samples.
    clock : Clock
    book : PriceBook, optional
        Of a larger program with the same rows, which the users are of.
    """

    holds_pairs = True  # whether a plan's pairs are held in memory

    def __init__(
        self, program: BlockProgram, gap: float, seed: int, clock: Clock, book: PriceBook | None = None
    ) -> None:
        self.program, self.gap, self.seed, self.clock = program, gap, seed, clock
        self.book = PriceBook(program) if book is None else book
        self.engine = LocalEngine(program)
        self.proven = math.inf
        self.multipliers = np.zeros(self.book.n_rows)
        self.sums: ExactTables | None = None
        self.stats: dict[str, Any] = {
            "method": "priced",
            "seed": seed,
            "bound_source": "prices",
            "core_users": 0,
        }

    def measure(self) -> None:
        """Find the natural sizes of rows and objective on a few users."""
        users = self.program.sampler(self.seed, min(self.program.n_users, SCALE_SAMPLE)).users(SCALE_SAMPLE)
        self.scale = measure_scale(self.program.take(users), self.book, np.arange(len(users)))

    def _proof(self, dual: DualAnswer) -> np.ndarray | None:
        """Return multipliers that prove that there is no plan, or None."""
        if dual.proof is None and (dual.broken.any() or self._contradictory()):
            return prove_by_prices(self.engine, self.book, dual.multipliers, seed=self.seed)
        return dual.proof

    # ----------------------------------------------------------------- dual

    def _dual(self, book: PriceBook, start: Solved | None) -> DualAnswer:
        return self._search(book).run(None if start is None else self._multipliers(start))

    def _search(self, book: PriceBook) -> DualSearch:
        reach = REACH * self.scale.price
        return DualSearch(
            self.program,
            book,
            self.engine,
            self.scale,
            reach,
            self.clock,
            self.seed,
            with_pairs=self.holds_pairs,
        )

    def _multipliers(self, start: Solved) -> np.ndarray:
        """Return a former solution's multipliers, matched by the rows' names."""
        known = dict(zip(start.certificate.names, start.certificate.multipliers, strict=True))
        return np.array([known.get(row.name, 0.0) for row in self.program.rows])

    def _contradictory(self) -> bool:
        return bool((self.book.lower > self.book.upper).any())

    def _assign(self, dual: DualAnswer) -> Assigned:
        """Return what all users outside the dual's core take, and the total that the bound is made of.

        Where the multipliers stayed in the box of the pass that settled most users, that pass serves.
        """
        scores, core, settled = self.book.scores(dual.multipliers), dual.core.users, dual.near
        if settled is None or not settled.holds(scores):
            return self.engine.assign(scores, core, with_pairs=self.holds_pairs)
        others = LocalEngine(settled.core)
        inside = np.searchsorted(settled.undecided, core)
        return settled.joined(others.assign(scores, inside, with_pairs=self.holds_pairs), scores)

    def _prove(self, dual: DualAnswer, assigned: Assigned) -> float:
        """Return the bound that the multipliers prove, and keep both for the certificate."""
        self.multipliers = dual.multipliers
        self.proven = proven_bound(self.book, dual.multipliers, assigned.total, assigned.error)
        return self.proven

    # ----------------------------------------------------------------- plan

    def _priced(
        self, dual: DualAnswer, assigned: Assigned, bound: float
    ) -> tuple[Pairs | None, float, StoppedBy]:
        tight = self.book.tight(bound, dual.multipliers)
        rounder, rounded = self._round(self.book, dual, assigned, tight, bound)
        if rounded is None and self.clock.stopped_by is None:
            # Rules about few users: prices of the rounded limits are nearer to any plan.
            book = self.book.tightened()
            dual = self._dual(book, None)
            if dual.proof is not None:
                return self._last_resort(bound)
            former = self.multipliers, self.proven
            assigned = self._assign(dual)
            other = self.book.tight(self._prove(dual, assigned), dual.multipliers)
            if other > tight:
                self.multipliers, self.proven = former
            # What nobody may lose is told by these prices' own bound.
            rounder, rounded = self._round(book, dual, assigned, other, other)
            tight = min(tight, other)
        if rounded is None:
            return self._last_resort(bound)
        self.stats["core_users"] = rounded.core_users
        value = self.program.sense * rounded.value
        if relative_gap(value, bound) > self.gap:
            # The linear program's bound is reported where it is enough: others can compare theirs with it.
            bound = tight if rounded.searched is None else self._searched(tight, rounded.searched)
        self.sums = rounder.sums(rounded)
        return rounder.plan(rounded), bound, self._why(value, bound)

    def _round(
        self, book: PriceBook, dual: DualAnswer, assigned: Assigned, bound: float, goal: float
    ) -> tuple[Rounder, Rounded | None]:
        rounder = Rounder(
            self.program,
            book,
            assigned,
            dual,
            self.scale,
            bound=bound,
            goal=goal,
            gap=self.gap,
            clock=self.clock,
        )
        return rounder, rounder.run()

    def _nothing_is_a_plan(self) -> bool:
        """Whether the rules are kept where nobody is given anything."""
        raise NotImplementedError

    def _last_resort(self, bound: float) -> tuple[Pairs | None, float, StoppedBy]:
        """Where no core gave a plan, nothing at all may be one."""
        if self._nothing_is_a_plan():
            return NO_PAIRS, bound, self._why(self.book.constant, bound)
        return None, bound, self.clock.stopped_by or StoppedBy.NO_PROGRESS

    def _searched(self, bound: float, searched: float) -> float:
        """Return the tighter of the bound by prices and that by branch and bound, and note which it is."""
        if searched < bound:
            self.stats["bound_source"] = "search"
        return min(bound, searched)

    def _why(self, value: float, bound: float) -> StoppedBy:
        if relative_gap(value, bound) <= self.gap:
            return StoppedBy.GAP
        return self.clock.stopped_by or StoppedBy.NO_PROGRESS
