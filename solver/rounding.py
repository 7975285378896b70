"""From prices to an integer plan: fix all but a core of users, and solve the core exactly.

At the dual's minimiser an LP vertex splits at most as many users as there are binding rows. Everyone whom the
prices settle keeps that choice, undecided users keep what the linear program gave them, and the split ones
together with those nearest to changing their mind form the core: an integer program in HiGHS against what is
left of each row. Once a plan is known, a choice that loses more than bound − value can be in no better plan:
what is left then is often small enough to be searched to the end.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from couponry.instances.errors import BackendError
from couponry.instances.program import BlockProgram, Program
from couponry.instances.rows import COUNT
from couponry.solver.anneal import Annealing
from couponry.solver.boxes import DualAnswer
from couponry.solver.clock import Clock
from couponry.solver.engine import Assigned, Exchanges, Pairs
from couponry.solver.exact_sums import ExactTables
from couponry.solver.feasibility import excesses, over_money, pair_columns
from couponry.solver.frozen import frozen_sums, with_frozen
from couponry.solver.highs import Answer
from couponry.solver.integer import PairProgram, eligible_pairs
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook
from couponry.solver.scale import RowScale

__all__ = ["Rounded", "Rounder", "keep_rows_exactly", "plan_value"]

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
# Exchanges that are tried first: so many that together they lose these multiples of what may be lost.
EXCHANGED_LOSS = (0.3, 1.0, 3.0, 30.0)
EXCHANGE_STEPS = (100_000, 800_000)
# With more priced rows than this the first trials are longer in proportion.
FEW_PRICED = 60
FAR = 6.0
# Up to so many users a search follows where so many times what is allowed is missing.
FEW_USERS, ENOUGH = 50_000, 3.0
FEWEST_EXCHANGED, MOST_EXCHANGED, EXCHANGED_A_ROW = 60, 3000, 15
ROOM_FOR_ROUNDING = 1e-13
FEWEST_OF_A_CLASS = 3
MOST_OF_A_CLASS = 20


@dataclass(frozen=True)
class Rounded:
    """An integer plan that keeps every row exactly.

    Attributes
    ----------
    inside : Pairs
        What the users of the dual's core are given, as positions among them.
    value : float
        Of the whole plan, in the objective's own direction.
    core_users : int
        Users that the last integer program decided on.
    searched : float or None
        Where the search closed: a bound on ``sense · objective`` over all plans, up to HiGHS's tolerance.
    """

    inside: Pairs
    value: float
    core_users: int
    searched: float | None = None


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


def join(first: Pairs, second: Pairs) -> Pairs:
    """Return both, in the users' order; no user stands in both."""
    at = np.searchsorted(first.user, second.user)
    return Pairs(np.insert(first.user, at, second.user), np.insert(first.place, at, second.place))


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
        self.book, self.clock, self.assigned = book, clock, assigned
        self.bound, self.goal = bound, goal
        self.widen = 1.0
        self.allowed = gap * max(1.0, abs(bound))
        self.multipliers, self.natural, self.objective = dual.multipliers, scale.price, scale.objective
        self.stiff = book.grain > 0
        self.scores = book.scores(dual.multipliers)
        self.users, self.margin = dual.core.users, dual.core.margin
        self.program = program.take(self.users) if dual.people is None else dual.people
        self.whole = len(self.users) == program.n_users
        self.few_users = program.n_users <= FEW_USERS
        row, place = np.nonzero(dual.core.chosen)
        self.chosen = Pairs(row, place)
        self.frozen = frozen_sums(program) if len(program.frozen) else None

    def plan(self, rounded: Rounded) -> Pairs:
        """Return a rounded plan's pairs among all users."""
        inside = Pairs(self.users[rounded.inside.user], rounded.inside.place)
        return join(self.assigned.pairs, inside)

    def sums(self, rounded: Rounded) -> ExactTables:
        """Return exact sums of a rounded plan."""
        return self._with_frozen(self._outside(rounded.inside))

    def run(self) -> Rounded | None:
        """Return the best integer plan found, or None."""
        best = self._exchanged() if self.program.n_users > FIRST_CORE else None
        if best is not None:
            self._tell(0, best)
            # Of many users, or from nearby, a search after it wins next to nothing, in many seconds.
            enough = 1.0 if self.whole else ENOUGH if self.few_users else math.inf
            if self._missing(best) <= enough * self.allowed or self.clock.stopped_by is not None:
                return best
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

    def _exchanged(self) -> Rounded | None:
        """Return the best plan that exchanges of near ties make."""
        best: Rounded | None = None
        engine = LocalEngine(self.program)
        chosen = np.zeros((self.program.n_users, self.program.places), bool)
        chosen[self.chosen.user, self.chosen.place] = True
        most = max(MOST_EXCHANGED, EXCHANGED_A_ROW * self.book.n_rows)
        width = float(np.sort(self.margin)[min(len(self.margin), most) - 1])
        near = self._affordable(engine.exchanges_from(self.scores, chosen, width * (1 + 1e-9)), chosen)
        near = near.take(np.argsort(near.loss, kind="stable")[:most])
        reached = np.cumsum(near.loss)
        short = int(EXCHANGE_STEPS[0] * max(1.0, np.count_nonzero(self.multipliers) / FEW_PRICED))
        trials = itertools.product((short, EXCHANGE_STEPS[1]), EXCHANGED_LOSS)
        for seed, (steps, share) in enumerate(trials):
            # What is missing when the first plans are known says better what may be lost.
            loss = share * (self.allowed if best is None else min(self.allowed, self._missing(best)))
            count = int(np.searchsorted(reached, loss))
            few = near.take(slice(0, max(count, FEWEST_EXCHANGED)))
            best = self._better(best, self._annealed(few, steps, seed))
            near_enough = best is not None and self._missing(best) <= self.allowed
            # Other trials win a third or so: from far away that is not enough.
            far = (
                best is not None
                and seed > 0
                and not self.few_users
                and self._missing(best) > FAR * self.allowed
            )
            if near_enough or far or self.clock.stopped_by is not None:
                break
        return best

    def _affordable(self, near: Exchanges, chosen: np.ndarray) -> Exchanges:
        """Return the exchanges after which a user's coupons keep the cap on money."""
        money = self.program.choices.money
        if not math.isfinite(money):
            return near
        cost = self.program.columns["cost"].astype(np.float64)
        spent = np.where(chosen, cost, 0.0).sum(axis=1)[near.user]
        entering = np.where(near.place_in < 0, 0.0, cost[near.user, near.place_in])
        leaving = np.where(near.place_out < 0, 0.0, cost[near.user, near.place_out])
        return near.take(spent + entering - leaving <= money * (1 - 1e-12))

    def _annealed(self, near: Exchanges, steps: int, seed: int) -> Rounded | None:
        if not len(near.loss):
            return None
        outside = self._outside(self.chosen)
        lower, upper = self.book.inward
        # Activities are floats here: where they are no whole numbers the limits leave room for that.
        below, above = (
            np.where(np.isfinite(side) & ~self.stiff, ROOM_FOR_ROUNDING * np.abs(side), 0.0)
            for side in (lower, upper)
        )
        problem = Annealing(
            user=np.unique(near.user, return_inverse=True)[1],
            loss=near.loss,
            change=near.coefficients(self.program, self.book),
            activity=self.book.activity(outside.high),
            lower=lower + below,
            upper=upper - above,
            price=self.multipliers,
            natural=self.natural,
            stiff=self.stiff,
        )
        made, lost = problem.run(allowed=0.8 * self.allowed, objective=self.objective, steps=steps, seed=seed)
        if not math.isfinite(lost):
            return None
        return self._plan_of(near.take(made))

    def _plan_of(self, made: Exchanges) -> Rounded | None:
        """Return the plan after exchanges, or None where it breaks a row by what rounding hid."""
        chosen = np.zeros((self.program.n_users, self.program.places), bool)
        chosen[self.chosen.user, self.chosen.place] = True
        out, into = made.place_out >= 0, made.place_in >= 0
        chosen[made.user[out], made.place_out[out]] = False
        chosen[made.user[into], made.place_in[into]] = True
        pairs = Pairs(*np.nonzero(chosen))
        outside = self._with_frozen(self.assigned.sums)
        if excesses(self.program, pairs, outside).any() or len(over_money(self.program, pairs)):
            return None
        best = LocalEngine(self.program).choices(self.scores)[0]
        decided = int((chosen != best).any(axis=1).sum())
        return Rounded(pairs, self._value(outside, pairs), decided)

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
            if len(open_users) <= (LARGEST_CORE if self.whole else 2 * size):
                return open_users, missing, self.whole
        if best is None and self.program.n_users <= size:
            return np.arange(self.program.n_users), math.inf, self.whole
        split = int((self.margin == 0).sum())
        wanted = min(max(size, min(2 * split, 2 * size)), self.program.n_users)
        core = np.sort(np.argsort(self.margin, kind="stable")[:wanted])
        if self.whole or self.widen > 1:
            core = np.union1d(core, self._nearest_of_each_class(wanted))
        furthest = float(self.margin[core].max())
        return core, WIDTH * furthest * self.widen if furthest else math.inf, False

    def _nearest_of_each_class(self, wanted: int) -> np.ndarray:
        """Return a few users of every class: a rule about few users can be mended by them alone."""
        each = min(max(wanted // self.program.n_classes, FEWEST_OF_A_CLASS), MOST_OF_A_CLASS)
        codes = self.program.classes.codes
        order = np.lexsort((self.margin, codes))
        first = np.flatnonzero(np.diff(codes[order], prepend=-1))
        rank = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
        return np.asarray(order[rank < each])

    def _solve(
        self, core: np.ndarray, most: float, complete: bool, nodes: int, best: Rounded | None
    ) -> Rounded | None:
        """Solve one core against what the others leave of each row."""
        others = ~np.isin(self.chosen.user, core)
        fixed = Pairs(self.chosen.user[others], self.chosen.place[others])
        outside = self._outside(fixed)
        problem = PairProgram(
            self.program, self.book, self._options(core, most), self.book.activity(outside.high)
        )
        if problem.hopeless():
            return None
        outside = self._with_frozen(outside)
        fixed_value = self.program.sense * outside.total(self.program.objective)
        picked, answer = keep_rows_exactly(
            problem,
            outside,
            self.clock,
            start=None if best is None else best.inside,
            nodes=nodes,
            abs_gap=0.2 * self.allowed,
            target=self.goal - self.allowed - fixed_value,
        )
        if picked is None:
            return None
        value = self._value(outside, picked)
        searched = None
        if complete and answer.optimal:
            # HiGHS knows the optimum up to its tolerances only.
            reached = max(answer.bound + fixed_value, self.program.sense * value)
            searched = reached + 1e-9 * max(1.0, abs(reached))
        return Rounded(join(fixed, picked), value, len(core), searched)

    def _options(self, core: np.ndarray, most: float) -> Pairs:
        if not math.isfinite(most):
            return eligible_pairs(self.program, core)
        row, place = np.nonzero(LocalEngine(self.program, core).options(self.scores, most))
        return Pairs(core[row], place)

    def _outside(self, fixed: Pairs) -> ExactTables:
        """Return exact sums of what everybody outside the core, and the given pairs inside it, take."""
        sums = ExactTables.of(self.program)
        sums.add(self.assigned.sums)
        classes, coupon, columns = pair_columns(self.program, fixed)
        sums.add_pairs(classes, coupon, columns)
        return sums

    def _with_frozen(self, outside: ExactTables) -> ExactTables:
        """Return sums that judge a plan: rows' limits are without the frozen pairs, plans are with them."""
        if self.frozen is None:
            return outside
        sums = ExactTables.of(self.program)
        sums.add(outside)
        sums.add(self.frozen)
        return sums

    def _value(self, outside: ExactTables, picked: Pairs) -> float:
        """Return the whole plan's objective, its sum rounded once.

        Raises
        ------
        BackendError
            If it is better than what was proven possible: something is broken.
        """
        objective = self.program.objective
        numbers = pair_columns(self.program, picked)[2].get(objective, np.ones(len(picked.user)))
        everywhere = np.ones(outside.high[objective].shape, bool)
        value = math.fsum([*numbers.tolist(), *outside.numbers(objective, everywhere)])
        if self.program.sense * value > self.bound:
            raise BackendError(
                f"a plan's objective {value!r} is beyond the proven {self.program.sense * self.bound!r}"
            )
        return value
