"""Solve an instance: prices, a plan, and the proof of how good it is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.instance import Instance
from couponry.instances.program import Program
from couponry.instances.progress import Cancel, Report
from couponry.solver.alike import find_alike
from couponry.solver.at_risk import AtRisk, Linear
from couponry.solver.bound import dual_bound, proven_bound
from couponry.solver.clock import Clock
from couponry.solver.counts import counts_clash
from couponry.solver.dual import DualAnswer, DualSearch
from couponry.solver.engine import Assigned, Pairs
from couponry.solver.enumeration import no_plan_exists
from couponry.solver.exact_sums import ExactTables
from couponry.solver.farkas import prove_by_prices
from couponry.solver.feasibility import excesses
from couponry.solver.frozen import with_frozen
from couponry.solver.infeasible import explain_infeasible
from couponry.solver.integer import PairProgram, eligible_pairs
from couponry.solver.local import LocalEngine
from couponry.solver.merged import FEW_COLUMNS, MergedProgram
from couponry.solver.prices import PriceBook
from couponry.solver.result import NO_PAIRS, build_solution, plan_sums, relative_gap
from couponry.solver.rounding import Rounded, Rounder, keep_rows_exactly, plan_value
from couponry.solver.scale import measure_scale
from couponry.solver.solution import Certificate, Infeasibility, Solution, Status, StoppedBy

__all__ = ["ENGINES", "METHODS", "solve"]

METHODS = ("auto", "exact", "priced")
ENGINES = ("local",)
REACH = 1e4
EXACT_PAIRS = 3000
AUTO_NODES = 5000
SCALE_SAMPLE = 600


def solve(
    instance: Instance,
    *,
    method: str = "auto",
    gap: float = 1e-6,
    time_limit: float | None = None,
    engine: str = "local",
    start: Solution | None = None,
    seed: int = 0,
    progress: Report | None = None,
    cancel: Cancel | None = None,
    explain_clashes: bool = True,
) -> Solution:
    """Find the plan that yields the most within all rules, and prove how near to the best it is.

    Parameters
    ----------
    instance : Instance
    method : {"auto", "exact", "priced"}
        ``exact`` solves the whole integer program in HiGHS; ``priced`` minimises the dual, settles all users
        but a core by prices, and solves the core in HiGHS; ``auto`` chooses by size.
    gap : float
        Relative gap at which to stop, ``|bound − value| / max(1, |bound|)``.
    time_limit : float, optional
        Seconds, after which the best plan so far is handed back.
    engine : {"local"}
    start : Solution, optional
        A former solution, whose prices are started from.
    seed : int
        Of the samples; the same seed gives the same plan.
    progress : callable, optional
        Called with a :class:`couponry.instances.Progress` at each step.
    cancel : Cancel, optional
        Once it is set, the best plan so far is handed back.

    explain_clashes : bool
        Where no plan exists, look for the least change that mends each rule; it takes some solves more.

    Returns
    -------
    Solution

    Raises
    ------
    InputError
        If an argument is out of range, or a rule names what the instance does not have.
    BackendError
        If HiGHS fails, or answers what cannot be true.
    """
    _check(method, gap, time_limit, engine)
    clock = Clock(time_limit, cancel, progress)

    def linear(
        program: Program, last: Solution | None, *, plan: bool = True, explain: bool = False
    ) -> Linear:
        one = _Solve(instance.with_program(program), method, gap, seed, clock, explain)
        solution = one.run(last, plan=plan)
        return Linear(solution, one.pairs, one.multipliers, one.proven, exact=one.exact)

    if any(row.risk is not None for row in instance.program.rows):
        return AtRisk(instance, linear, gap, clock, explain_clashes).run(start)
    return _Solve(instance, method, gap, seed, clock, explain_clashes).run(start)


def _check(method: str, gap: float, time_limit: float | None, engine: str) -> None:
    if method not in METHODS:
        raise InputError("unknown method", value=method, mend=did_you_mean(method, METHODS))
    if engine not in ENGINES:
        raise InputError("unknown engine", value=engine, mend=did_you_mean(engine, ENGINES))
    if not (math.isfinite(gap) and gap >= 0):
        raise InputError("gap must be a number of at least 0", value=gap, mend="1e-6 is usual")
    if time_limit is not None and not time_limit > 0:
        raise InputError(
            "time_limit must be above 0 seconds", value=time_limit, mend="Leave it out for no limit"
        )


class _Solve:
    """One solve; values are in the direction ``sense · objective`` until the solution is built."""

    def __init__(
        self, instance: Instance, method: str, gap: float, seed: int, clock: Clock, explain: bool
    ) -> None:
        self.instance, self.gap, self.seed, self.clock = instance, gap, seed, clock
        with clock.phase("compile"):
            self.program = instance.program
            self.book = PriceBook(self.program)
            self.engine = LocalEngine(self.program)
            alike = None if method == "priced" else find_alike(self.program)
            self.merged = MergedProgram.of(self.program, self.book, alike)
        pairs = self.program.n_users * self.engine.places
        self.proven, self.explain = math.inf, explain
        self.pairs: Pairs | None = None
        self.nothing_more = self.program.sense * plan_value(self.program, NO_PAIRS)
        self.multipliers = np.zeros(self.book.n_rows)
        self.sums: ExactTables | None = None
        self.exact = method == "exact" or (method == "auto" and pairs <= EXACT_PAIRS)
        self.exact_nodes = AUTO_NODES if method == "auto" else None
        self.stats: dict[str, Any] = {
            "method": "exact" if self.exact else "priced",
            "seed": seed,
            "bound_source": "prices",
            "core_users": 0,
        }

    def run(self, start: Solution | None, *, plan: bool = True) -> Solution:
        """Solve; without ``plan`` only prove a bound, unless the whole program is small."""
        n = self.program.n_users
        sample = np.random.default_rng(self.seed).choice(n, min(n, SCALE_SAMPLE), replace=False)
        self.scale = measure_scale(self.program, self.book, np.sort(sample))
        if self.merged is not None:
            pairs, bound, ended = self._merged(self.merged)
            if pairs is not None or ended is StoppedBy.INFEASIBLE:
                return self._finish(bound, pairs, ended)
        dual = self._dual(self.book, start)
        proof = dual.proof
        if proof is None and (dual.broken.any() or self._contradictory()):
            proof = prove_by_prices(self.engine, self.book, dual.multipliers)
        if proof is not None:
            with self.clock.phase("infeasible"):
                return self._infeasible("prices", proof)
        with self.clock.phase("assign"):
            assigned = self._assign(dual)
            bound = self._prove(dual, assigned)
        if not (plan or self.exact):
            tight = bound - self.book.rounding_gain(dual.multipliers)
            return self._solution(tight, None, self.clock.stopped_by or StoppedBy.NO_PROGRESS)
        with self.clock.phase("plan"):
            pairs, bound, ended = self._exact(bound) if self.exact else self._priced(dual, assigned, bound)
        return self._finish(bound, pairs, ended)

    def _finish(self, bound: float, pairs: Pairs | None, ended: StoppedBy) -> Solution:
        if pairs is None and ended is StoppedBy.INFEASIBLE:
            with self.clock.phase("infeasible"):
                tried = no_plan_exists(self.program, self.book)
                if tried is not False:
                    return self._infeasible("enumeration" if tried else "search", None)
        return self._solution(bound, pairs, ended)

    # ----------------------------------------------------------------- dual

    def _dual(self, book: PriceBook, start: Solution | None) -> DualAnswer:
        reach = REACH * self.scale.price
        search = DualSearch(self.program, book, self.engine, self.scale, reach, self.clock, self.seed)
        return search.run(None if start is None else self._multipliers(start))

    def _multipliers(self, start: Solution) -> np.ndarray:
        """Return a former solution's multipliers, matched by the rows' names."""
        known = dict(zip(start.certificate.names, start.certificate.multipliers, strict=True))
        return np.array([known.get(row.name, 0.0) for row in self.program.rows])

    def _contradictory(self) -> bool:
        return bool((self.book.lower > self.book.upper).any())

    def _assign(self, dual: DualAnswer) -> Assigned:
        """Return what all users outside the dual's core take; the same pass adds up the bound."""
        return self.engine.assign(self.book.scores(dual.multipliers), dual.core.users)

    def _prove(self, dual: DualAnswer, assigned: Assigned) -> float:
        """Return the bound that the multipliers prove, and keep both for the certificate."""
        self.multipliers = dual.multipliers
        self.proven = proven_bound(self.book, dual.multipliers, assigned.total, assigned.error)
        return self.proven

    # ----------------------------------------------------------------- plan

    def _merged(self, merged: MergedProgram) -> tuple[Pairs | None, float, StoppedBy]:
        """Decide how many of each kind of users get what; no plan and no reason where that fails."""
        with self.clock.phase("dual"):
            multipliers = merged.multipliers(self.clock)
        if multipliers is None:
            return None, math.inf, StoppedBy.NO_PROGRESS
        with self.clock.phase("bound"):
            self.multipliers = multipliers
            bound = self.proven = dual_bound(self.engine, self.book, multipliers)
        with self.clock.phase("plan"):
            self.clock.tell("integer program", 0, None, f"{len(merged.columns):,} kinds of choices")
            allowed = 0.5 * self.gap * max(1.0, abs(bound))
            pairs, answer = merged.solve(self.clock, nodes=self.exact_nodes, abs_gap=allowed)
        if pairs is None:
            return None, bound, StoppedBy.INFEASIBLE if answer.infeasible else StoppedBy.NO_PROGRESS
        self.stats |= {"method": "exact", "core_users": self.program.n_users}
        value = self.program.sense * plan_value(self.program, pairs)
        if relative_gap(value, bound) > self.gap:
            searched = answer.bound + 1e-9 * max(1.0, abs(answer.bound))
            tight = bound - self.book.rounding_gain(multipliers)
            whole = answer.optimal and len(merged.columns) <= FEW_COLUMNS
            bound = self._searched(tight, value if whole else max(value, searched))
        return pairs, bound, self._why(value, bound)

    def _priced(
        self, dual: DualAnswer, assigned: Assigned, bound: float
    ) -> tuple[Pairs | None, float, StoppedBy]:
        if counts_clash(self.program, self.book, self.clock):
            return None, bound, StoppedBy.INFEASIBLE
        tight = bound - self.book.rounding_gain(dual.multipliers)
        rounder, rounded = self._round(self.book, dual, assigned, tight, bound)
        if rounded is None and self.clock.stopped_by is None:
            # Rules about few users: prices of the rounded limits are nearer to any plan.
            book = self.book.tightened()
            dual = self._dual(book, None)
            former = self.multipliers, self.proven
            assigned = self._assign(dual)
            other = self._prove(dual, assigned) - self.book.rounding_gain(dual.multipliers)
            if other > tight:
                self.multipliers, self.proven = former
            tight = min(tight, other)
            rounder, rounded = self._round(book, dual, assigned, tight, tight)
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

    def _last_resort(self, bound: float) -> tuple[Pairs | None, float, StoppedBy]:
        """Where no core gave a plan: nothing at all may be a plan, or a small instance may have none."""
        if not excesses(self.program, NO_PAIRS).any():
            return NO_PAIRS, bound, self._why(self.nothing_more, bound)
        stopped = self.clock.stopped_by
        if stopped is None and self.program.n_users * self.engine.places <= EXACT_PAIRS:
            pairs, answer_bound, ended = self._exact(bound)
            return pairs, min(bound, answer_bound), ended
        return None, bound, stopped or StoppedBy.NO_PROGRESS

    def _exact(self, bound: float) -> tuple[Pairs | None, float, StoppedBy]:
        everyone = eligible_pairs(self.program, np.arange(self.program.n_users))
        self.stats["core_users"] = self.program.n_users
        if not len(everyone.user) and not excesses(self.program, NO_PAIRS).any():
            return NO_PAIRS, self._searched(bound, self.nothing_more), StoppedBy.GAP
        problem = PairProgram(self.program, self.book, everyone, np.zeros(self.book.n_rows))
        self.clock.tell("integer program", 0, None, f"{len(everyone.user):,} pairs")
        small = len(everyone.user) <= EXACT_PAIRS
        picked, answer = keep_rows_exactly(
            problem,
            None,
            self.clock,
            nodes=self.exact_nodes,
            abs_gap=0.0 if small else 0.5 * self.gap * max(1.0, abs(bound)),
        )
        if picked is None:
            if not excesses(self.program, NO_PAIRS).any():
                return NO_PAIRS, bound, self._why(self.nothing_more, bound)
            if answer.infeasible:
                return None, bound, StoppedBy.INFEASIBLE
            return None, bound, self.clock.stopped_by or StoppedBy.NO_PROGRESS
        value = self.program.sense * plan_value(self.program, picked)
        # HiGHS knows the optimum up to its tolerances only.
        reached = answer.bound + self.book.constant
        searched = max(value, reached + 1e-9 * max(1.0, abs(reached)))
        if answer.optimal and small:
            searched = value
        bound = self._searched(bound, searched)
        return picked, bound, self._why(value, bound)

    def _searched(self, bound: float, searched: float) -> float:
        """Return the tighter of the bound by prices and that by branch and bound, and note which it is."""
        if searched < bound:
            self.stats["bound_source"] = "search"
        return min(bound, searched)

    def _why(self, value: float, bound: float) -> StoppedBy:
        if relative_gap(value, bound) <= self.gap:
            return StoppedBy.GAP
        return self.clock.stopped_by or StoppedBy.NO_PROGRESS

    # ------------------------------------------------------------- solution

    def _solution(self, bound: float, pairs: Pairs | None, ended: StoppedBy) -> Solution:
        self.pairs = pairs
        sums = self.sums
        if sums is None and pairs is not None:
            sums = plan_sums(self.program, with_frozen(self.program, pairs))
        value = math.nan if sums is None else sums.total(self.program.objective)
        status = Status.OPTIMAL if ended is StoppedBy.GAP else Status.FEASIBLE
        found = Status.NO_SOLUTION if pairs is None else status
        return self._build(self.multipliers, bound, found, ended, pairs, sums, value)

    def _infeasible(self, proof: str, multipliers: np.ndarray | None) -> Solution:
        why = explain_infeasible(
            self.instance,
            self.book,
            self.engine,
            self.scale,
            self.clock,
            proof=proof,
            multipliers=multipliers,
            with_mends=self.explain,
        )
        held = np.zeros(self.book.n_rows) if multipliers is None else multipliers
        return self._build(
            held, -math.inf, Status.INFEASIBLE, StoppedBy.INFEASIBLE, None, None, math.nan, why
        )

    def _build(
        self,
        multipliers: np.ndarray,
        bound: float,
        status: Status,
        ended: StoppedBy,
        pairs: Pairs | None,
        sums: ExactTables | None,
        value: float,
        infeasibility: Infeasibility | None = None,
    ) -> Solution:
        bound = float(self.program.sense * bound)
        names = tuple(row.name for row in self.program.rows)
        self.stats["passes"] = self.engine.passes
        return build_solution(
            self.instance,
            self.book,
            status=status,
            stopped_by=ended,
            pairs=pairs,
            sums=sums,
            value=value,
            bound=bound,
            certificate=Certificate(names, multipliers, self.program.sense * self.proven),
            clock=self.clock,
            stats=self.stats,
            infeasibility=infeasibility,
        )
