"""Minimise the dual in few passes: a sample, a larger one, one pass that settles nearly all, the rest.

1. Prices of a small sample, and from there of a larger one (:mod:`couponry.solver.newton`).
2. One pass over everybody settles all users whose choice the prices' likely error cannot change
   (:mod:`couponry.solver.radius`) and gathers the others.
3. On those alone the dual is minimised, with what the settled take as a constant.

What comes out is proven by none of this: the bound is L at the prices, made by one more pass. Few users, and
rules that seem to clash, are left to the exact search (:mod:`couponry.solver.boxes`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from couponry.instances.program import Program
from couponry.solver.basis import Basis
from couponry.solver.boxes import SUSPICIOUS, BoxSearch, DualAnswer
from couponry.solver.clock import Clock
from couponry.solver.engine import Settled
from couponry.solver.local import LocalEngine
from couponry.solver.master import CoreAnswer
from couponry.solver.newton import Newton, NewtonAnswer
from couponry.solver.polish import polish
from couponry.solver.prices import PriceBook, Tables
from couponry.solver.radius import table_radius
from couponry.solver.scale import RowScale

__all__ = ["DualAnswer", "DualSearch"]

EXACT_USERS = 3_000
FIRST_SAMPLE, SECOND_SAMPLE = 4_000, 100_000
# A sample's minimum is a few tenths of a percent from the whole: no need to know it better than this.
FIRST_PRECISION, SAMPLE_PRECISION, CORE_PRECISION = 1e-5, 2e-7, 1e-9
DEVIATIONS = 2.5
# How often all users are settled, each time nearer; how far beyond the radius is near enough.
SETTLES = 4
BEYOND = 1.3
NEAREST = 4_000


class DualSearch:
    """Search for the minimiser of L.

    Parameters
    ----------
    program : Program
    book : PriceBook
    engine : LocalEngine
        Over the whole program.
    scale : RowScale
    reach : ndarray of float64, shape (K,)
        Largest size allowed for each multiplier.
    clock : Clock
    seed : int
        Of the samples.
    """

    def __init__(
        self,
        program: Program,
        book: PriceBook,
        engine: LocalEngine,
        scale: RowScale,
        reach: np.ndarray,
        clock: Clock,
        seed: int = 0,
    ) -> None:
        self.program, self.book, self.engine, self.scale = program, book, engine, scale
        self.reach, self.clock, self.seed = reach, clock, seed

    def run(self, start: np.ndarray | None = None) -> DualAnswer:
        """Minimise L over all users.

        Parameters
        ----------
        start : ndarray, shape (K,), optional
            Multipliers to start from, such as those of a former solve.
        """
        if self.program.n_users > EXACT_USERS and self.book.n_rows:
            answer = self._by_newton(start)
            if answer is not None:
                return answer
        return self.exactly(start)

    def exactly(self, start: np.ndarray | None = None) -> DualAnswer:
        """Minimise L over all users by linear programs."""
        search = BoxSearch(
            self.program, self.book, self.engine, self.scale, self.reach, self.clock, self.seed
        )
        with self.clock.phase("boxes"):
            return self._widened(search.run(start))

    # --------------------------------------------------------------- Newton

    def _by_newton(self, start: np.ndarray | None) -> DualAnswer | None:
        """Return the minimiser, or None where the rules seem to clash."""
        basis = Basis.of(self.program)
        sampled = self._sampled(basis, start)
        if sampled is None:
            return None
        found, radius = sampled
        for step in range(SETTLES):
            with self.clock.phase("settle"):
                settled = self.engine.settle(self.book.scores(found.multipliers), radius)
            self._tell("all users", step, found.value / found.share, len(settled.undecided))
            with self.clock.phase("core"):
                core = LocalEngine(settled.core)
                last = self._newton(core, basis, settled.tables, 1.0).minimise(
                    found.multipliers, width=found.width, precision=CORE_PRECISION
                )
            moved = self.book.changes(last.multipliers - found.multipliers)
            if self._runs_away(last):
                return None
            if _within(moved, radius) or self.clock.stopped_by is not None:
                break
            # Further than the settled were settled for: settle again from there, as far as this went astray.
            radius = {
                measure: 0.3 * radius.get(measure, 0.0) + 0.5 * np.abs(moved.get(measure, 0.0))
                for measure in {*radius, *moved}
            }
            found = last
        with self.clock.phase("polish"):
            exact = polish(
                core, self.book, self.scale, self.clock, settled.tables, last.multipliers, self.reach
            )
        if exact is not None and exact.value < last.value:
            last = replace(last, multipliers=exact.multipliers, value=exact.value)
        else:
            exact = None
        return self._answer(core, settled, last, exact)

    def _sampled(self, basis: Basis, start: np.ndarray | None) -> tuple[NewtonAnswer, Tables] | None:
        """Return the prices of the largest sample, and how far the tables may be from everybody's."""
        n = self.program.n_users
        order = np.random.default_rng(self.seed).permutation(n)
        multipliers = np.zeros(self.book.n_rows) if start is None else self.book.clip(start)
        width: float | None = None
        larger = min(SECOND_SAMPLE, n // 3)
        sizes = [larger] if larger < 2 * FIRST_SAMPLE or start is not None else [FIRST_SAMPLE, larger]
        for size in sizes:
            precision = SAMPLE_PRECISION if size == sizes[-1] else FIRST_PRECISION
            with self.clock.phase("sample"):
                engine = LocalEngine(self.program.take(np.sort(order[:size])))
                newton = self._newton(engine, basis, {}, size / n)
                found = newton.minimise(multipliers, width=width, precision=precision)
            self._tell(f"sample of {size / n:.1%}", 0, found.value / found.share, size)
            multipliers, width = found.multipliers, found.width
            if self._runs_away(found):
                return None
        with self.clock.phase("radius"):
            radius = table_radius(
                engine,
                self.book,
                basis,
                multipliers,
                found.hessian,
                self.scale.price,
                share=size / n,
                times=DEVIATIONS,
                seed=self.seed,
            )
        return found, radius

    def _newton(self, engine: LocalEngine, basis: Basis, settled: Tables, share: float) -> Newton:
        return Newton(
            engine,
            self.book,
            basis,
            self.scale,
            self.clock,
            settled=settled,
            share=share,
            reach=self.reach,
        )

    def _runs_away(self, found: NewtonAnswer) -> bool:
        """Whether prices are so high that there may be no plan at all."""
        return bool((np.abs(found.multipliers) > 50 * SUSPICIOUS * self.scale.price).any())

    def _answer(
        self, core: LocalEngine, settled: Settled, found: NewtonAnswer, exact: CoreAnswer | None
    ) -> DualAnswer:
        """Return the answer, its core made of the users nearest to changing their mind."""
        scores = self.book.scores(found.multipliers)
        margin = self._margins(core, scores, found.width)
        if exact is not None:
            margin[exact.users[exact.split]] = 0.0
            margin[exact.users] = np.minimum(margin[exact.users], np.maximum(exact.margin, 0.0))
        near = np.flatnonzero(np.isfinite(margin))
        people = core.program.take(near)
        chosen = LocalEngine(people).choices(scores)[0]
        split = np.zeros(core.n_users, bool)
        if exact is not None:
            at = np.searchsorted(near, exact.users)
            chosen[at] = exact.chosen
            split[exact.users] = exact.split
        answer = CoreAnswer(
            found.multipliers,
            found.value,
            np.zeros(self.book.n_rows),
            settled.undecided[near],
            chosen,
            split[near],
            margin[near],
        )
        return DualAnswer(
            found.multipliers, found.multipliers, answer, {}, True, np.zeros(self.book.n_rows), people=people
        )

    def _margins(self, core: LocalEngine, scores: Tables, width: float) -> np.ndarray:
        """Return what the nearest users lose at least by changing their mind; infinite for the others."""
        near = core.exchanges(scores, width)[1]
        while len(np.unique(near.user)) < min(NEAREST, core.n_users) and width < self.scale.objective:
            width *= 3
            near = core.exchanges(scores, width)[1]
        margin = np.full(core.n_users, np.inf)
        np.minimum.at(margin, near.user, near.loss)
        return margin

    # ---------------------------------------------------------------- boxes

    def _widened(self, answer: DualAnswer) -> DualAnswer:
        """Return the answer of boxes with the users nearest to changing their mind in its core, too."""
        scores = self.book.scores(answer.multipliers)
        margin = self.engine.margins(scores)
        core = answer.core
        margin[core.users[core.split]] = 0.0
        nearest = np.argsort(margin, kind="stable")[:NEAREST]
        users = np.union1d(core.users, nearest)
        chosen = LocalEngine(self.program, users).choices(scores)[0]
        if len(core.users):
            chosen[np.searchsorted(users, core.users)] = core.chosen
        split = np.isin(users, core.users[core.split])
        wide = replace(core, users=users, chosen=chosen, split=split, margin=margin[users])
        return replace(answer, core=wide)

    def _tell(self, where: str, step: int, value: float, undecided: int) -> None:
        bound = self.program.sense * value
        self.clock.tell("prices", step + 1, None, f"{where}, bound {bound:,.6g}, {undecided:,} undecided")


def _within(moved: Tables, radius: Tables) -> bool:
    """Return whether tables moved no further than the users were settled for."""
    return all((np.abs(table) <= BEYOND * radius.get(m, 0.0)).all() for m, table in moved.items())
