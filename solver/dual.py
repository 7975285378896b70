"""Minimise the dual in few passes: a sample, a larger one, one pass that settles nearly all, the rest.

1. Prices of a small sample, and from there of a larger one (:mod:`couponry.solver.newton`). Rows too many for
   the small one get none there but where they are wide; prices of many rows make a step by everybody's slope.
2. One pass over everybody settles all users whose choice the prices' likely error cannot change
   (:mod:`couponry.solver.radius`) and gathers the others.
3. On those alone the dual is minimised, with what the settled take as a constant.

The bound is L at the prices: where these stayed in the box for which users were settled, that pass and the
rest prove it; else one more pass does. Few users, and rules that seem to clash, are left to the exact search
(:mod:`couponry.solver.boxes`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from couponry.instances.program import BlockProgram, Program
from couponry.solver.boxes import BoxSearch, DualAnswer
from couponry.solver.clock import Clock
from couponry.solver.engine import Exchanges
from couponry.solver.farkas import prove_by_prices
from couponry.solver.local import LocalEngine
from couponry.solver.master import CoreAnswer
from couponry.solver.newton import Newton, NewtonAnswer
from couponry.solver.polish import polish, polished_with
from couponry.solver.prices import PriceBook, Tables
from couponry.solver.radius import table_radius
from couponry.solver.scale import RowScale
from couponry.solver.scarce import Rare

__all__ = ["DualAnswer", "DualSearch"]

EXACT_USERS = 3_000
# Users of the first sample; with fewer a row than this it learns only the prices of rows that speak of many.
FIRST_SAMPLE, USERS_A_ROW, SECOND_SAMPLE = 4_000, 40, 100_000
# Of so many priced rows some are further off than the radius says: everybody's slope tells which.
MANY_PRICED = 40
LARGEST_SHARE = 100
# Of more rows than this, with fewer users a row, no sample tells prices well enough: all users are asked at
# each step. Of more users the linear program at the end wins next to nothing, in seconds.
MANY_ROWS, ALL_A_ROW, ALL_PRECISION = 120, 300, 1e-7
# A sample's minimum is a few tenths of a percent from the whole: no need to know it better than this. Of all
# users it is known until rows are off by some dozens: L is then off by a share that falls with their square.
FIRST_PRECISION, SAMPLE_PRECISION, CORE_PRECISION, CORE_USERS = 3e-5, 2e-6, 4e-9, 1_000_000
WARM_WIDTH = 0.03
DEVIATIONS = 2.5
# How often all users are settled, each time nearer.
SETTLES = 4
# Of so few users the core holds also some whom no price in question moves: a better plan may move them.
WIDENED = 20_000
# How far beyond the radius an entry may move: little unsettles next to nobody of many users, of few somebody
# who counts. Far ends the core's search.
BEYOND, FEW_USERS, FAR_BEYOND = 1.3, 50_000, 2.0
# Users nearest to changing their mind: those the exact search may move, and those that rounding may.
POLISHED, NEAREST, NEAREST_A_ROW = 6_000, 4_000, 16
# Prices so many times their natural size may prove that there is no plan. Beyond this share of what they may
# be they run away; after a sample that ran away the next starts again from where it is sane.
HIGH, EDGE, SANE = 100.0, 0.95, 30.0


class DualSearch:
    """Search for the minimiser of L.

    Parameters
    ----------
    program : BlockProgram
    book : PriceBook
    engine : LocalEngine
        Over the whole program.
    scale : RowScale
    reach : ndarray of float64, shape (K,)
        Largest size allowed for each multiplier.
    clock : Clock
    seed : int
        Of the samples.
    taken : Tables, optional
        What users take who are not in the program; only for :meth:`near`.
    with_pairs : bool
        Keep what the settled users take, pair by pair.
    """

    def __init__(
        self,
        program: BlockProgram,
        book: PriceBook,
        engine: LocalEngine,
        scale: RowScale,
        reach: np.ndarray,
        clock: Clock,
        seed: int = 0,
        taken: Tables | None = None,
        with_pairs: bool = False,
    ) -> None:
        self.program, self.book, self.engine, self.scale = program, book, engine, scale
        self.reach, self.clock, self.seed, self.taken = reach, clock, seed, taken or {}
        self.with_pairs = with_pairs
        self.proof: np.ndarray | None = None

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
            found = search.run(start)
            return found if found.proof is not None else self._widened(found)

    # --------------------------------------------------------------- Newton

    def _by_newton(self, start: np.ndarray | None) -> DualAnswer | None:
        """Return the minimiser, or None where the rules seem to clash."""
        many = MANY_ROWS < self.book.n_rows >= self.program.n_users / ALL_A_ROW
        if many and isinstance(self.program, Program):
            return self._of_all(self.program, start)
        sampled = self.sampled(start)
        if self.proof is not None:
            return self._no_plan(self.proof)
        if sampled is None:
            return None
        found, radius = sampled
        # Of fewer users the curvature is too coarse to trust a step that nothing checks.
        seen = found.share * self.program.n_users >= USERS_A_ROW * self.book.n_rows
        if seen and np.count_nonzero(found.multipliers) > MANY_PRICED:
            with self.clock.phase("slope"):
                found, radius = self._nearer(found, radius)
        answer = self.near(found.multipliers, found.width, radius)
        few = self.program.n_users <= WIDENED and answer is not None and answer.proof is None
        return self._widened(answer) if few and answer is not None else answer

    def _of_all(self, program: Program, start: np.ndarray | None) -> DualAnswer | None:
        """Return the minimiser of L where rows are so many that no sample tells their prices."""
        multipliers = np.zeros(self.book.n_rows) if start is None else self.book.clip(start)
        width = None if start is None else WARM_WIDTH * self.scale.objective
        with self.clock.phase("core"):
            if start is None:
                wide = self._newton(self.engine, {}, 1.0)
                held = np.bincount(program.classes.codes, minlength=program.n_classes)
                wide.leave_out(~self.book.wide(held))
                first = wide.minimise(multipliers, precision=FIRST_PRECISION)
                multipliers, width = first.multipliers, first.width
            found = self._newton(self.engine, {}, 1.0).minimise(
                multipliers, width=width, precision=ALL_PRECISION
            )
        self._tell("all users", 0, found.value, program.n_users)
        if self._runs_away(found):
            return None
        nothing = {m: np.zeros((program.n_classes, program.n_coupons)) for m in program.measures}
        with self.clock.phase("polish"):
            return self._polished(self.engine, np.arange(program.n_users), nothing, found, exact=True)

    def near(self, start: np.ndarray, width: float, radius: Tables) -> DualAnswer | None:
        """Return the minimiser near some multipliers, or None where it is not.

        Parameters
        ----------
        start : ndarray, shape (K,)
        width : float
            Window of near ties to begin with.
        radius : Tables
            How far the minimiser's tables may be from those of ``start``; twice as far costs time, no more.
        """
        for step in range(SETTLES):
            with self.clock.phase("settle"):
                settled = self.engine.settle(self.book.scores(start), radius, with_pairs=self.with_pairs)
                taken = {m: t + self.taken.get(m, 0.0) for m, t in settled.tables.items()}
            with self.clock.phase("core"):
                core = LocalEngine(settled.core)

                def astray(
                    multipliers: np.ndarray, start: np.ndarray = start, radius: Tables = radius
                ) -> bool:
                    return not _within(self.book.changes(multipliers - start), radius, FAR_BEYOND)

                last = self._newton(core, taken, 1.0).minimise(
                    start,
                    width=width,
                    precision=self._core_precision,
                    astray=astray,
                )
            self._tell("all users", step, last.value, len(settled.undecided))
            moved = self.book.changes(last.multipliers - start)
            proof = self._disproof(last.multipliers)
            if proof is not None:
                return self._no_plan(proof)
            if self._runs_away(last):
                # The sample's prices did not: the core lacks those users who would stop them.
                radius = {measure: 4 * table for measure, table in radius.items()}
                continue
            strict = self.program.n_users <= FEW_USERS
            ends = step == SETTLES - 1 or self.clock.stopped_by is not None
            if ends or _within(moved, radius, 1.0 if strict else BEYOND):
                with self.clock.phase("polish"):
                    exact = bool(np.count_nonzero(last.multipliers) <= MANY_ROWS)
                    answer = self._polished(core, settled.undecided, taken, last, exact=exact)
                moved = self.book.changes(answer.multipliers - start)
                if ends or not strict or _within(moved, radius, 1.0):
                    return replace(answer, near=settled)
                last = replace(last, multipliers=answer.multipliers)
            elif not len(settled.undecided):
                return None  # users alike: their sample shows no chance, and no curvature
            # Further than the settled were settled for: settle again from there, as far as this went astray.
            radius = _after(moved, radius)
            start, width = last.multipliers, last.width
        return None

    def _nearer(self, found: NewtonAnswer, radius: Tables) -> tuple[NewtonAnswer, Tables]:
        """Return a sample's prices after one step by everybody's slope, and the radius there."""
        multipliers = self._newton(self.engine, {}, 1.0).step(found)
        moved = self.book.changes(multipliers - found.multipliers)
        return replace(found, multipliers=multipliers), _after(moved, radius)

    def sampled(self, start: np.ndarray | None) -> tuple[NewtonAnswer, Tables] | None:
        """Return the prices of the largest sample, and how far the tables may be from everybody's.

        None where prices run away: there may be no plan, of which ``proof`` is the proof where it is known.
        """
        n = self.program.n_users
        multipliers = np.zeros(self.book.n_rows) if start is None else self.book.clip(start)
        # Prices of a former solve are near: a narrow window will do.
        width = None if start is None else WARM_WIDTH * self.scale.objective
        larger = min(SECOND_SAMPLE, n // 3)
        # More rows than a first sample can tell prices of: there the wide ones only.
        coarse = start is None and USERS_A_ROW * self.book.n_rows > FIRST_SAMPLE
        once = start is not None or (larger < 2 * FIRST_SAMPLE and not coarse)
        sizes = [larger] if once else [min(FIRST_SAMPLE, larger), larger]
        # Of very many users few must be left undecided, so prices must be known the better.
        if n // LARGEST_SHARE >= 2 * larger:
            sizes.append(n // LARGEST_SHARE)
        sampler = self.program.sampler(self.seed, sizes[-1])
        for turn, size in enumerate(sizes):
            precision = SAMPLE_PRECISION if size == sizes[-1] else FIRST_PRECISION
            with self.clock.phase("sample"):
                users = sampler.users(size)
                engine = LocalEngine(self.program.take(users))
                newton = self._newton(engine, {}, len(users) / n)
                if coarse and turn == 0:
                    held = np.bincount(engine.in_core.classes.codes, minlength=self.program.n_classes)
                    newton.leave_out(~self.book.wide(held))
                found = newton.minimise(
                    multipliers,
                    width=width,
                    precision=precision,
                )
            self._tell(f"sample of {size / n:.1%}", 0, found.value / found.share, size)
            multipliers, width = found.multipliers, found.width
            self.proof = self._disproof(multipliers)
            if self.proof is not None:
                return None
            if self._runs_away(found):
                if size == sizes[-1]:
                    return None
                # This sample lacks users whom a row needs: a larger one is asked, from prices that are sane.
                sane = SANE * self.scale.price
                multipliers, width = np.clip(multipliers, -sane, sane), None
        with self.clock.phase("radius"):
            radius = table_radius(
                engine,
                self.book,
                multipliers,
                found.hessian,
                self.scale.price,
                share=len(users) / n,
                times=DEVIATIONS,
                seed=self.seed,
            )
        return found, radius

    @property
    def _core_precision(self) -> float:
        """The share of L by which it is off where rows are off by what some dozens of users take."""
        return CORE_PRECISION * min(1.0, CORE_USERS / self.program.n_users) ** 2

    def _newton(self, engine: LocalEngine, settled: Tables, share: float) -> Newton:
        return Newton(
            engine,
            self.book,
            self.scale,
            self.clock,
            settled=settled,
            share=share,
            reach=self.reach,
        )

    def _runs_away(self, found: NewtonAnswer) -> bool:
        """Whether prices went as far as they may: there may be no plan at all."""
        return bool((np.abs(found.multipliers) >= EDGE * self.reach).any())

    def _disproof(self, multipliers: np.ndarray) -> np.ndarray | None:
        """Return the proof that there is no plan, where prices are so high that they may be one."""
        if self.taken:  # the engine is not everybody's
            return None
        if not (np.abs(multipliers) > HIGH * self.scale.price).any():
            return None
        with self.clock.phase("clash"):
            dear = not isinstance(self.program, Program)
            return prove_by_prices(self.engine, self.book, multipliers, seed=self.seed, ask_few=dear)

    def _no_plan(self, proof: np.ndarray) -> DualAnswer:
        """Return the answer where there is no plan."""
        nothing, nobody = np.zeros(self.book.n_rows), np.empty(0, np.int64)
        none = np.empty((0, self.program.places), bool)
        core = CoreAnswer(proof, np.nan, nothing, nobody, none, np.empty(0, bool), np.empty(0))
        return DualAnswer(proof, proof, core, {}, True, nothing, proof=proof)

    def _polished(
        self, core: LocalEngine, undecided: np.ndarray, taken: Tables, found: NewtonAnswer, *, exact: bool
    ) -> DualAnswer:
        """Return the minimiser, with those users as its core who are nearest to changing their mind.

        It is the exact one where asked for: a vertex, with exchanges for rows that few near ties move.
        """
        scores = self.book.scores(found.multipliers)
        wanted = max(NEAREST, NEAREST_A_ROW * self.book.n_rows)
        margin = self._margins(core, scores, found.width, max(POLISHED, wanted), found.near)
        rare = self._rare(core, found) if exact else None
        if rare is not None:
            margin[rare.users] = np.minimum(margin[rare.users], found.width)
        near = np.flatnonzero(np.isfinite(margin))
        people = LocalEngine(core.program.take(near))
        own = people.demand(scores).tables
        taken = {m: table + (found.tables[m] - own[m]) for m, table in taken.items()}
        better = None
        if rare is not None:
            start, width = found.multipliers, found.width
            few = replace(rare, users=np.searchsorted(near, rare.users))
            better = polish(people, self.book, self.scale, self.clock, taken, start, self.reach, width, few)
        if better is not None and better.value > found.value + 1e-12 * abs(found.value):
            better = None
        multipliers = found.multipliers if better is None else better.multipliers
        scores = self.book.scores(multipliers)
        margin = self._margins(people, scores, found.width, wanted)
        if rare is not None and len(rare.users):
            at = np.searchsorted(near, rare.users)
            margin[at] = np.minimum(margin[at], rare.engine.margins(scores))
        chosen = people.choices(scores)[0]
        split = np.zeros(people.n_users, bool)
        if better is not None:
            margin[better.users] = np.minimum(margin[better.users], better.margin)
            chosen[better.users] = better.chosen
            split[better.users] = better.split
        return self._answer(undecided[near], people.in_core, multipliers, chosen, split, margin)

    def _rare(self, core: LocalEngine, found: NewtonAnswer) -> Rare:
        """Return the users who move rows that the nearest of all do not move."""
        nearest = found.near.take(np.argsort(found.near.loss, kind="stable")[: polished_with(self.book)])
        return Rare.of(core, self.book, found.multipliers, found.activity, nearest)

    def _answer(
        self,
        users: np.ndarray,
        people: Program,
        multipliers: np.ndarray,
        chosen: np.ndarray,
        split: np.ndarray,
        margin: np.ndarray,
    ) -> DualAnswer:
        """Put the answer together; users of infinite margin are not needed in the core."""
        near = np.flatnonzero(np.isfinite(margin))
        nothing = np.zeros(self.book.n_rows)
        core = CoreAnswer(multipliers, np.nan, nothing, users[near], chosen[near], split[near], margin[near])
        return DualAnswer(multipliers, multipliers, core, {}, True, nothing, people=people.take(near))

    def _margins(
        self, core: LocalEngine, scores: Tables, width: float, wanted: int, near: Exchanges | None = None
    ) -> np.ndarray:
        """Return what some of the nearest users lose at least by changing their mind; infinite for others."""
        near = core.exchanges(scores, width)[1] if near is None else near
        found = len(np.unique(near.user))
        while found < min(wanted, core.n_users) and width < self.scale.objective:
            width *= min(4.0, 1.2 * wanted / max(found, 1))
            near = core.exchanges(scores, width)[1]
            found = len(np.unique(near.user))
        margin = np.full(core.n_users, np.inf)
        np.minimum.at(margin, near.user, near.loss)
        return margin

    # ---------------------------------------------------------------- boxes

    def _widened(self, answer: DualAnswer) -> DualAnswer:
        """Return an answer with the users nearest to changing their mind in its core, too."""
        scores = self.book.scores(answer.multipliers)
        margin = self.engine.margins(scores)
        core = answer.core
        margin[core.users[core.split]] = 0.0
        nearest = np.argsort(margin, kind="stable")[:NEAREST]
        users = np.union1d(core.users, nearest[np.isfinite(margin[nearest])])
        chosen = LocalEngine(self.program, users).choices(scores)[0]
        if len(core.users):
            chosen[np.searchsorted(users, core.users)] = core.chosen
        split = np.isin(users, core.users[core.split])
        wide = replace(core, users=users, chosen=chosen, split=split, margin=margin[users])
        return replace(answer, core=wide, people=None, near=None)

    def _tell(self, where: str, step: int, value: float, undecided: int) -> None:
        bound = self.program.sense * value
        self.clock.tell("prices", step + 1, None, f"{where}, bound {bound:,.6g}, {undecided:,} undecided")


def _after(moved: Tables, radius: Tables) -> Tables:
    """Return how far tables may yet move that have moved so far: as far as the curvature was wrong."""
    return {
        measure: 0.3 * radius.get(measure, 0.0) + 0.5 * np.abs(moved.get(measure, 0.0))
        for measure in {*radius, *moved}
    }


def _within(moved: Tables, radius: Tables, times: float) -> bool:
    """Return whether tables moved no further than so many times what the users were settled for."""
    return all((np.abs(table) <= times * radius.get(m, 0.0)).all() for m, table in moved.items())
