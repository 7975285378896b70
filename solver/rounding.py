"""From prices to an integer plan: fix all but a core of users, and solve the core exactly.

At the dual's minimiser an LP vertex splits at most as many users as there are binding rows. Everyone whom the
prices settle keeps that choice, undecided users keep what the linear program gave them, and the split ones
together with those nearest to changing their mind form the core: an integer program in HiGHS against what is
left of each row. Once a plan is known, a choice that loses more than bound − value can be in no better plan:
what is left then is often small enough to be searched to the end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from couponry.instances.errors import BackendError
from couponry.instances.program import Program
from couponry.solver.clock import Clock
from couponry.solver.dual import DualAnswer
from couponry.solver.engine import Pairs
from couponry.solver.feasibility import excesses, over_money, pair_columns
from couponry.solver.highs import Answer
from couponry.solver.integer import PairProgram, eligible_pairs
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook

__all__ = ["Rounded", "Rounder", "keep_rows_exactly", "plan_value", "tabulate"]

FIRST_CORE = 300
LARGEST_CORE = 4000
ATTEMPTS = 3
# Limits count nodes, not seconds: the same seed gives the same plan on a busy machine.
FIRST_NODES = 60
# A search that gains less than this share of what is missing is not followed by a longer one.
WORTH_GOING_ON = 0.1
# How often a plan that only a tolerance allowed is ruled out by itself, and then by room at its rows.
FORBIDDEN = 8
ROOM = 3
# Options of core users count while they lose at most this many times what the core's last user loses.
WIDTH = 3.0
FEWEST_OF_A_CLASS = 3
MOST_OF_A_CLASS = 20


@dataclass(frozen=True)
class Rounded:
    """An integer plan that keeps every row exactly.

    Attributes
    ----------
    pairs : Pairs
    value : float
        In the objective's own direction.
    core_users : int
        Users that the last integer program decided on.
    searched : float or None
        Where the search closed: a bound on ``sense · objective`` over all plans, up to HiGHS's tolerance.
    """

    pairs: Pairs
    value: float
    core_users: int
    searched: float | None = None


def plan_value(program: Program, pairs: Pairs) -> float:
    """Return the objective of a plan in its own direction, its sum rounded once."""
    columns = pair_columns(program, pairs)[2]
    return math.fsum(columns[program.objective]) if program.objective in columns else float(len(pairs.user))


def keep_rows_exactly(
    problem: PairProgram, fixed: Pairs, clock: Clock, *, start: Pairs | None = None, **limits: float | None
) -> tuple[Pairs | None, Answer]:
    """Solve, and again where a tolerance let a row be broken: first without that choice, then with room.

    Parameters
    ----------
    problem : PairProgram
    fixed : Pairs
        The pairs already given, which the rows count too.
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
        whole = join(fixed, picked)
        excess = np.abs(excesses(problem.program, whole))
        if not excess.any() and not len(over_money(problem.program, whole)):
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


def join(first: Pairs, second: Pairs) -> Pairs:
    """Return both, in the users' order."""
    user, place = np.concatenate([first.user, second.user]), np.concatenate([first.place, second.place])
    order = np.lexsort((place, user))
    return Pairs(user[order], place[order])


class Rounder:
    """Turns a dual answer into a plan.

    Parameters
    ----------
    program : Program
    book : PriceBook
    engine : LocalEngine
    dual : DualAnswer
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
        program: Program,
        book: PriceBook,
        engine: LocalEngine,
        dual: DualAnswer,
        *,
        bound: float,
        goal: float,
        gap: float,
        clock: Clock,
    ) -> None:
        self.program, self.book, self.dual, self.clock = program, book, dual, clock
        self.bound, self.goal = bound, goal
        self.widen = 1.0
        self.allowed = gap * max(1.0, abs(bound))
        self.scores = book.scores(dual.multipliers)
        self.margin = engine.margins(self.scores)
        self.margin[dual.core.users[dual.core.split]] = 0.0
        row, place = np.nonzero(dual.core.chosen)
        chosen = Pairs(dual.core.users[row], place)
        self.everyone = engine.assign(book.scores(dual.settled_at), dual.core.users, chosen)

    def run(self) -> Rounded | None:
        """Return the best integer plan found, or None."""
        best: Rounded | None = None
        size = FIRST_CORE
        for attempt in range(ATTEMPTS):
            core, most, complete = self._core(size, best)
            found = self._solve(core, most, complete, FIRST_NODES * 3**attempt, best)
            before = best
            best = self._better(best, found)
            if best is not None:
                self._tell(attempt, best)
            closed = best is not None and (best.searched is not None or self._missing(best) <= self.allowed)
            stuck = before is not None and self._gain(before, best) < WORTH_GOING_ON
            if closed or stuck or self.clock.stopped_by is not None:
                break
            if found is None:
                self.widen = self.widen * 10 if attempt == 0 else math.inf
            size *= 3
            self.goal = self.bound
        return best

    def _gain(self, before: Rounded, best: Rounded | None) -> float:
        """Return which share of the missing was won."""
        after = before if best is None else best
        return 1 - self._missing(after) / max(self._missing(before), self.allowed)

    def _missing(self, plan: Rounded) -> float:
        return self.bound - self.program.sense * plan.value

    def _better(self, best: Rounded | None, found: Rounded | None) -> Rounded | None:
        if found is None or (best is not None and self._missing(found) > self._missing(best)):
            return best
        return found

    def _tell(self, attempt: int, best: Rounded) -> None:
        gap = self._missing(best) / max(1.0, abs(self.bound))
        self.clock.tell("plan", attempt + 1, ATTEMPTS, f"value {best.value:,.6g}, gap {gap:.2e}")

    def _core(self, size: int, best: Rounded | None) -> tuple[np.ndarray, float, bool]:
        """Return the users to decide on, the loss up to which their options count, and whether that is all.

        It is all if no better plan can take another choice anywhere else.
        """
        if best is not None:
            missing = self._missing(best)
            open_users = np.flatnonzero(self.margin <= missing)
            if len(open_users) <= LARGEST_CORE:
                return open_users, missing, True
        if best is None and self.program.n_users <= size:
            return np.arange(self.program.n_users), math.inf, True
        split = int((self.margin == 0).sum())
        wanted = min(max(size, min(2 * split, 2 * size)), self.program.n_users)
        nearest = np.argsort(self.margin, kind="stable")[:wanted]
        core = np.union1d(nearest, self.dual.core.users[self.dual.core.split])
        core = np.union1d(core, self._nearest_of_each_class(wanted))
        furthest = float(self.margin[core].max())
        return core, WIDTH * furthest * self.widen if furthest else math.inf, False

    def _nearest_of_each_class(self, wanted: int) -> np.ndarray:
        """Return a few users of every class: a rule about few users can be mended by them alone."""
        each = min(max(wanted // self.program.n_classes, FEWEST_OF_A_CLASS), MOST_OF_A_CLASS)
        classes = self.program.classes
        order = np.lexsort((self.margin, classes.codes))
        first = np.concatenate([[0], np.cumsum(classes.sizes)[:-1]])
        rank = np.arange(len(order)) - np.repeat(first, classes.sizes)
        return np.asarray(order[rank < each])

    def _solve(
        self, core: np.ndarray, most: float, complete: bool, nodes: int, best: Rounded | None
    ) -> Rounded | None:
        """Solve one core against what the others leave of each row."""
        outside = ~np.isin(self.everyone.user, core)
        fixed = Pairs(self.everyone.user[outside], self.everyone.place[outside])
        problem = PairProgram(self.program, self.book, self._options(core, most), self._used(fixed))
        if problem.hopeless():
            return None
        fixed_value = self.program.sense * plan_value(self.program, fixed)
        picked, answer = keep_rows_exactly(
            problem,
            fixed,
            self.clock,
            start=None if best is None else best.pairs,
            nodes=nodes,
            abs_gap=0.2 * self.allowed,
            target=self.goal - self.allowed - fixed_value,
        )
        if picked is None:
            return None
        pairs = join(fixed, picked)
        value = plan_value(self.program, pairs)
        if self.program.sense * value > self.bound:
            raise BackendError(
                f"a plan's objective {value!r} is beyond the proven {self.program.sense * self.bound!r}"
            )
        searched = None
        if complete and answer.optimal:
            # HiGHS knows the optimum up to its tolerances only.
            reached = max(answer.bound + fixed_value, self.program.sense * value)
            searched = reached + 1e-9 * max(1.0, abs(reached))
        return Rounded(pairs, value, len(core), searched)

    def _options(self, core: np.ndarray, most: float) -> Pairs:
        if not math.isfinite(most):
            return eligible_pairs(self.program, core)
        row, place = np.nonzero(LocalEngine(self.program, core).options(self.scores, most))
        return Pairs(core[row], place)

    def _used(self, fixed: Pairs) -> np.ndarray:
        """Return what the given pairs use of each row, ``(K,)``."""
        classes, coupon, columns = pair_columns(self.program, fixed)
        return self.book.activity(
            {m: tabulate(self.program, classes, coupon, columns.get(m)) for m in self.program.measures}
        )


def tabulate(
    program: Program, classes: np.ndarray, coupon: np.ndarray, weights: np.ndarray | None
) -> np.ndarray:
    """Return the pairs' weights (or their count) summed by class and coupon, ``(C, J)``."""
    cells = program.n_classes * program.n_coupons
    cell = classes.astype(np.int64) * program.n_coupons + coupon
    table = np.bincount(cell, weights=weights, minlength=cells).astype(np.float64)
    return table.reshape(program.n_classes, program.n_coupons)
