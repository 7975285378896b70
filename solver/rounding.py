"""From prices to an integer plan: fix all but a core of users, and solve the core exactly.

At the dual's minimiser an LP vertex splits at most as many users as there are binding rows. Everyone whom the
prices settle keeps that choice, undecided users keep what the linear program gave them, and the split ones
together with those nearest to changing their mind form the core: an integer program in HiGHS against what is
left of each row. Once a plan is known, a choice that loses more than bound − value can be in no better plan:
what is left then is often small enough to be searched to the end.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from couponry.instances.program import BlockProgram, Program
from couponry.instances.rows import COUNT
from couponry.solver.boxes import DualAnswer
from couponry.solver.clock import Clock
from couponry.solver.engine import Assigned, Pairs
from couponry.solver.exact_sums import ExactTables
from couponry.solver.exchange_search import ExchangeSearch
from couponry.solver.feasibility import excesses, over_money
from couponry.solver.frozen import with_frozen
from couponry.solver.highs import Answer
from couponry.solver.integer import PairProgram, eligible_pairs
from couponry.solver.local import LocalEngine
from couponry.solver.open_users import OpenUsers, Rounded
from couponry.solver.prices import PriceBook
from couponry.solver.scale import RowScale

__all__ = ["Rounder", "keep_rows_exactly", "plan_value"]

FIRST_CORE = 300
LARGEST_CORE = 4000
ATTEMPTS = 3
# Limits count nodes, not seconds: the same seed gives the same plan on a busy machine.
FIRST_NODES = 60
# Of so few users who alone can make a plan better a search may look at so many times the nodes.
SMALL_CORE, FEW_NODES = 300, 30
# A search that gains less than this share of what is missing is not followed by a longer one.
WORTH_GOING_ON = 0.1
# How often a plan that only a tolerance allowed is ruled out by itself, and then by room at its rows.
FORBIDDEN = 8
ROOM = 3
# Options of core users count while they lose at most this many times what the core's last user loses.
WIDTH = 3.0
# Up to so many users a search follows where so many times what is allowed is missing.
FEW_USERS, ENOUGH = 50_000, 3.0
# Longer searches of few users than the first win next to nothing where it left no more than this.
SEARCHED = 4.0
FEWEST_OF_A_CLASS = 3
MOST_OF_A_CLASS = 20


def plan_value(program: Program, pairs: Pairs) -> float:
    """Return the objective of a plan and the frozen pairs in its own direction, its sum rounded once."""
    whole = with_frozen(program, pairs)
    if program.objective == COUNT:
        return float(len(whole.user))
    return math.fsum(program.columns[program.objective][whole.user, whole.place].tolist())


def keep_rows_exactly(
    problem: PairProgram,
    outside: ExactTables | None,
    clock: Clock,
    *,
    start: Pairs | None = None,
    **limits: float | None,
) -> tuple[Pairs | None, Answer]:
    """Solve, and again where a tolerance let a row be broken: first without that choice, then with room.

    Parameters
    ----------
    problem : PairProgram
    outside : ExactTables or None
        Sums of the pairs given to other users, which the rows count too.
    clock : Clock
    start : Pairs, optional
        A choice to start from.
    **limits
        ``nodes, abs_gap, target`` of :meth:`PairProgram.solve`.

    Returns
    -------
    Pairs or None
        The problem's own pairs; None if none was found.
    Answer
        What HiGHS said last of the rows as they are; not optimal if only more room gave the pairs.
    """
    last: Answer | None = None
    for attempt in range(FORBIDDEN + ROOM):
        picked, answer = problem.solve(clock, start=start, **limits)  # type: ignore[arg-type]
        if not problem.margin.any():
            last = answer
        if picked is None:
            break
        excess = np.abs(excesses(problem.program, picked, outside))
        if not excess.any() and not len(over_money(problem.program, picked)):
            exact = last if not problem.margin.any() else replace(last, optimal=False)  # type: ignore[type-var]
            return picked, exact  # type: ignore[return-value]
        if clock.stopped_by is not None:
            break
        if attempt < FORBIDDEN:
            problem.forbid(picked)
        else:
            problem.make_room(excess)
    assert last is not None
    return None, last


class Rounder:
    """Turns a dual answer into a plan.

    All users outside the dual's core have what they like best at its prices. Inside, users are decided on in
    the order of how little they lose by changing their mind.

    Parameters
    ----------
    program : BlockProgram
    book : PriceBook
    assigned : Assigned
        What the users outside the dual's core take.
    dual : DualAnswer
    scale : RowScale
    bound : float
        Upper bound on ``sense · objective``.
    goal : float
        A looser one, to which the first search tries to come near enough.
    gap : float
        Relative gap at which to stop.
    clock : Clock
    """

    def __init__(
        self,
        program: BlockProgram,
        book: PriceBook,
        assigned: Assigned,
        dual: DualAnswer,
        scale: RowScale,
        *,
        bound: float,
        goal: float,
        gap: float,
        clock: Clock,
    ) -> None:
        self.open = OpenUsers(program, book, assigned, dual, scale, bound=bound, gap=gap)
        self.goal, self.clock, self.widen = goal, clock, 1.0
        self.book, self.program = book, self.open.program
        self.few_users = program.n_users <= FEW_USERS

    def plan(self, rounded: Rounded) -> Pairs:
        """Return a rounded plan's pairs among all users."""
        inside = Pairs(self.open.users[rounded.inside.user], rounded.inside.place)
        return self.open.assigned.pairs.joined(inside)

    def sums(self, rounded: Rounded) -> ExactTables:
        """Return exact sums of a rounded plan."""
        return self.open.with_frozen(self.open.outside(rounded.inside))

    def run(self) -> Rounded | None:
        """Return the best integer plan found, or None."""
        best: Rounded | None = None
        if not self.program.n_users:  # no rule binds: everybody has what they like best
            return ExchangeSearch(self.open, self.clock, patient=False).run()
        if self.program.n_users > FIRST_CORE:
            best = ExchangeSearch(self.open, self.clock, patient=self.few_users).run()
        if best is not None:
            self._tell(0, best)
            # Of many users, or from nearby, a search after it wins next to nothing, in many seconds.
            enough = 1.0 if self.open.whole else ENOUGH if self.few_users else math.inf
            if self.open.missing(best) <= enough * self.open.allowed or self.clock.stopped_by is not None:
                return best
            best = self.open.better(best, self._within_the_gap())
            nearly = best is not None and self.open.missing(best) <= ENOUGH * self.open.allowed
            if best is not None and nearly and not self._worth_proving(best):
                self._tell(0, best)
                return best
        size = FIRST_CORE
        for attempt in range(ATTEMPTS):
            core, most, complete = self._core(size, attempt, best)
            nodes = FIRST_NODES * 3**attempt * (FEW_NODES if complete and len(core) <= SMALL_CORE else 1)
            found = self._solve(core, most, complete, nodes, best)
            before = best
            best = self.open.better(best, found)
            if best is not None:
                self._tell(attempt, best)
            closed = best is not None and (best.searched is not None or self._near_enough(best))
            stuck = before is not None and self._gain(before, best) < WORTH_GOING_ON
            if closed or stuck or self.clock.stopped_by is not None:
                break
            if found is None:
                self.widen = self.widen * 10 if attempt == 0 else math.inf
            size *= 3
            self.goal = self.open.bound
        return best

    def _within_the_gap(self) -> Rounded | None:
        """Search among the choices of which each alone loses no more than a plan within the gap may.

        So few are left of some thousands of users that half a search finds more than whole ones of others.
        """
        core = np.flatnonzero(self.open.margin <= self.open.allowed)
        if len(core) > 2 * FIRST_CORE or self.clock.stopped_by is not None:
            return None
        return self._solve(core, self.open.allowed, False, FIRST_NODES, None, restart=False)

    def _near_enough(self, best: Rounded) -> bool:
        """Whether no longer search is made: what one left of a few users' gap, longer ones never closed."""
        enough = 1.0 if self.open.whole or not self.few_users else SEARCHED
        return self.open.missing(best) <= enough * self.open.allowed and not self._worth_proving(best)

    def _worth_proving(self, best: Rounded) -> bool:
        """Whether so few users can make a plan that misses the gap better that a search may prove it."""
        missing = self.open.missing(best)
        if missing <= self.open.allowed or not self.few_users or self.open.others_lose <= missing:
            return False
        return int((self.open.losses <= missing).sum()) <= SMALL_CORE

    def _gain(self, before: Rounded, best: Rounded | None) -> float:
        """Return which share of the missing was won."""
        after = before if best is None else best
        return 1 - self.open.missing(after) / max(self.open.missing(before), self.open.allowed)

    def _tell(self, attempt: int, best: Rounded) -> None:
        gap = self.open.missing(best) / max(1.0, abs(self.open.bound))
        self.clock.tell("plan", attempt + 1, ATTEMPTS, f"value {best.value:,.6g}, gap {gap:.2e}")

    def _core(self, size: int, attempt: int, best: Rounded | None) -> tuple[np.ndarray, float, bool]:
        """Return the users to decide on, the loss up to which their options count, and whether that is all.

        It is all if no better plan can take another choice anywhere else.
        """
        if best is not None:
            missing = self.open.missing(best)
            whole = self.open.whole or (self.few_users and self.open.others_lose > missing)
            margin = self.open.losses if whole else self.open.margin
            open_users = np.flatnonzero(margin <= missing)
            if len(open_users) <= (LARGEST_CORE if self.open.whole and attempt else 2 * size):
                return open_users, missing, whole
        if best is None and self.program.n_users <= size:
            return np.arange(self.program.n_users), math.inf, self.open.whole
        split = int((self.open.margin == 0).sum())
        wanted = min(max(size, min(2 * split, 2 * size)), self.program.n_users)
        core = np.sort(np.argsort(self.open.margin, kind="stable")[:wanted])
        if self.open.whole or self.widen > 1:
            core = np.union1d(core, self._nearest_of_each_class(wanted))
        furthest = float(self.open.margin[core].max())
        return core, WIDTH * furthest * self.widen if furthest else math.inf, False

    def _nearest_of_each_class(self, wanted: int) -> np.ndarray:
        """Return a few users of every class: a rule about few users can be mended by them alone."""
        each = min(max(wanted // self.program.n_classes, FEWEST_OF_A_CLASS), MOST_OF_A_CLASS)
        codes = self.program.classes.codes
        order = np.lexsort((self.open.margin, codes))
        first = np.flatnonzero(np.diff(codes[order], prepend=-1))
        rank = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
        return np.asarray(order[rank < each])

    def _solve(
        self,
        core: np.ndarray,
        most: float,
        complete: bool,
        nodes: int,
        best: Rounded | None,
        *,
        restart: bool = True,
    ) -> Rounded | None:
        """Solve one core against what the others leave of each row."""
        chosen = self.open.chosen
        others = ~np.isin(chosen.user, core)
        fixed = Pairs(chosen.user[others], chosen.place[others])
        outside = self.open.outside(fixed)
        problem = PairProgram(
            self.program, self.book, self._options(core, most), self.book.activity(outside.high)
        )
        if problem.hopeless():
            return None
        problem.restart = restart
        outside = self.open.with_frozen(outside)
        fixed_value = self.program.sense * outside.total(self.program.objective)
        picked, answer = keep_rows_exactly(
            problem,
            outside,
            self.clock,
            start=None if best is None else best.inside,
            nodes=nodes,
            abs_gap=0.2 * self.open.allowed,
            target=self.goal - self.open.allowed - fixed_value,
        )
        if picked is None:
            return None
        value = self.open.value(outside, picked)
        searched = None
        if complete and answer.optimal:
            # HiGHS knows the optimum up to its tolerances only.
            reached = max(answer.bound + fixed_value, self.program.sense * value)
            searched = reached + 1e-9 * max(1.0, abs(reached))
        return Rounded(fixed.joined(picked), value, len(core), searched)

    def _options(self, core: np.ndarray, most: float) -> Pairs:
        if not math.isfinite(most):
            return eligible_pairs(self.program, core)
        row, place = np.nonzero(LocalEngine(self.program, core).options(self.open.scores, most))
        return Pairs(core[row], place)
