"""Solve an instance: prices, a plan, and the proof of how good it is."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from couponry.instances.errors import BackendError, InputError, did_you_mean
from couponry.instances.instance import Instance
from couponry.instances.one_blas_thread import one_blas_thread
from couponry.instances.program import Program
from couponry.instances.progress import Cancel, Report
from couponry.solver.alike import find_alike
from couponry.solver.at_risk import AtRisk
from couponry.solver.backends import BACKENDS, METHODS, check_options
from couponry.solver.backends.answers import (
    added_alone_clash,
    linear_answer,
    really_infeasible,
    whole_program,
)
from couponry.solver.bound import dual_bound
from couponry.solver.clock import Clock
from couponry.solver.count_clash import explain_counts
from couponry.solver.counts import CountProgram
from couponry.solver.deviation_cells import Linear, Solved
from couponry.solver.dual import DualAnswer
from couponry.solver.engine import Assigned, Pairs
from couponry.solver.enumeration import no_plan_exists
from couponry.solver.exact_sums import ExactTables
from couponry.solver.feasibility import excesses
from couponry.solver.frozen import with_frozen
from couponry.solver.infeasible import explain_infeasible
from couponry.solver.integer import PairProgram
from couponry.solver.lead import lead
from couponry.solver.mends import Found
from couponry.solver.merged import FEW_COLUMNS, MergedProgram
from couponry.solver.possible import without_impossible
from couponry.solver.priced import PricedSearch
from couponry.solver.prices import PriceBook
from couponry.solver.result import NO_PAIRS, build_solution, plan_sums, relative_gap
from couponry.solver.rounding import keep_rows_exactly, plan_value
from couponry.solver.solution import Certificate, Infeasibility, Solution, Status, StoppedBy
from couponry.solver.taken import Taken

__all__ = ["ENGINES", "METHODS", "check_arguments", "solve"]

ENGINES = ("local",)
WHOLE_PAIRS = 3000
AUTO_NODES = 5000
# Gap of programs solved on the way: how much a rule must give way, the best plan of a given total.
OTHER_GAP = 1e-6


@one_blas_thread
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
    model: Any = None,
) -> Solution:
    """Find the plan that yields the most within all rules, and prove how near to the best it is.

    Parameters
    ----------
    instance : Instance
    method : {"auto", "priced", "highs", "cpsat", "pyomo", "pdlp", "cvxpy"}
        ``priced`` minimises the dual, settles all users but a core by prices, and solves the core in HiGHS;
        ``highs``, ``cpsat`` and ``pyomo`` solve the whole integer program in HiGHS, in OR-Tools CP-SAT, or
        as a Pyomo model; ``pdlp`` and ``cvxpy`` solve the linear relaxation in OR-Tools PDLP or through
        CVXPY, whose multipliers then prove the bound and lead the rounding. ``auto`` takes ``highs`` for
        small instances and ``priced`` for others. The last four need ``couponry[models]``.
    gap : float
        Relative gap at which to stop, ``|bound − value| / max(1, |bound|)``.
    time_limit : float, optional
        Seconds, after which the best plan so far is handed back.
    engine : {"local"}
    start : Solution, optional
        A former solution, whose prices are started from; not for ``pdlp`` and ``cvxpy``.
    seed : int
        Of the samples; the same seed gives the same plan.
    progress : callable, optional
        Called with a :class:`couponry.instances.Progress` at each step.
    cancel : Cancel, optional
        Once it is set, the best plan so far is handed back; not for ``cvxpy``.
    explain_clashes : bool
        Where no plan exists, look for the least change that mends each rule; it takes some solves more.
    model : pyomo.environ.ConcreteModel, optional
        For ``pyomo``: what :func:`couponry.to_pyomo` made of the instance, with constraints added.

    Returns
    -------
    Solution

    Raises
    ------
    InputError
        If an argument is out of range or one that the method cannot honour, or a rule names what the instance
        does not have.
    MissingExtraError
        If the method's library is not installed.
    BackendError
        If a solver library fails, or answers what cannot be true.
    """
    check_arguments(method, gap, time_limit, engine)
    check_options(method, {"model": model, "start": start, "cancel": cancel})
    clock = Clock(time_limit, cancel, progress)

    def linear(program: Program, last: Solved | None, *, plan: bool = True, explain: bool = False) -> Linear:
        one = _Solve(instance.with_program(program), method, gap, seed, clock, explain)
        solution = one.run(last, plan=plan)
        taken = None
        if one.pairs is not None:
            taken = Taken(plan_sums(program, with_frozen(program, one.pairs)), one.pairs)
        return Linear(solution, taken, one.multipliers, one.proven, exact=one.exact)

    if any(row.risk is not None for row in instance.program.rows):
        if model is not None:
            raise InputError(
                "a budget at risk is no linear rule, which a model could hold",
                parameter="model",
                mend="Drop overspend_probability, or leave the model out",
            )
        return AtRisk(instance, linear, gap, clock, explain_clashes).run(start)
    return _Solve(instance, method, gap, seed, clock, explain_clashes, model).run(start)


def check_arguments(method: str, gap: float, time_limit: float | None, engine: str) -> None:
    """Refuse arguments out of range."""
    if method not in METHODS:
        raise InputError(
            "unknown method", parameter="method", value=method, mend=did_you_mean(method, METHODS)
        )
    if engine not in ENGINES:
        raise InputError(
            "unknown engine", parameter="engine", value=engine, mend=did_you_mean(engine, ENGINES)
        )
    if not (math.isfinite(gap) and gap >= 0):
        raise InputError(
            "this must be a number of at least 0", parameter="gap", value=gap, mend="1e-6 is usual"
        )
    if time_limit is not None and not time_limit > 0:
        raise InputError(
            "this must be above 0 seconds",
            parameter="time_limit",
            value=time_limit,
            mend="Leave it out for no limit",
        )


class _Solve(PricedSearch):
    """One solve; values are in the direction ``sense · objective`` until the solution is built."""

    program: Program

    def __init__(
        self,
        instance: Instance,
        method: str,
        gap: float,
        seed: int,
        clock: Clock,
        explain: bool,
        model: Any = None,
    ) -> None:
        self.instance, self.explain, self.model = instance, explain, model
        with clock.phase("compile"):
            super().__init__(instance.program, gap, seed, clock)
            alike = find_alike(self.program) if method in ("auto", "highs") else None
            self.merged = MergedProgram.of(self.program, self.book, alike)
        pairs = self.program.n_users * self.engine.places
        self.pairs: Pairs | None = None
        self.nothing_more = self.program.sense * plan_value(self.program, NO_PAIRS)
        self.problem: PairProgram | None = None
        self.counts: CountProgram | None = None
        self.nodes = AUTO_NODES if method == "auto" else None
        by_size = "highs" if pairs <= WHOLE_PAIRS else "priced"
        self.method = by_size if method == "auto" else method
        self.backend = BACKENDS.get(self.method)
        self.exact = self.backend is not None and self.backend.kind == "integer"
        if self.backend is not None:
            self.backend.load()
        self.stats["method"] = self.method

    def run(self, start: Solved | None, *, plan: bool = True) -> Solution:
        """Solve; without ``plan`` only prove a bound, unless the whole program is small."""
        self.measure()
        if self.merged is not None:
            pairs, bound, ended = self._merged(self.merged)
            if pairs is not None or ended is StoppedBy.INFEASIBLE:
                return self._finish(bound, pairs, ended)
        possible = without_impossible(self.program, self.book, self.scale) if plan else None
        if possible is not None and self.method == "priced":
            found = self._of_possible(possible, start)
            if found is not None:
                return self._finish(*found)
        dual = self._dual(self.book, start)
        proof = self._proof(dual)
        if proof is not None:
            with self.clock.phase("infeasible"):
                return self._infeasible("prices", proof)
        with self.clock.phase("assign"):
            assigned = self._assign(dual)
            bound = self._prove(dual, assigned)
        dual = replace(dual, near=None)  # a tenth of the instance, which nobody needs any more
        if not (plan or self.exact):
            tight = self.book.tight(bound, dual.multipliers)
            return self._solution(tight, None, self.clock.stopped_by or StoppedBy.NO_PROGRESS)
        with self.clock.phase("plan"):
            pairs, bound, ended = (
                self._whole(bound, self.method) if self.exact else self._priced(dual, assigned, bound)
            )
        del dual, assigned  # the plan's table needs their room
        return self._finish(bound, pairs, ended)

    def _of_possible(self, program: Program, start: Solved | None) -> tuple[float, Pairs, StoppedBy] | None:
        """Solve without the pairs that no plan can hold; None where that has no plan."""
        other = _Solve(
            self.instance.with_program(program), "auto", self.gap, self.seed, self.clock, explain=False
        )
        solution = other.run(start)
        if other.pairs is None:
            return None
        self.stats |= {name: other.stats[name] for name in ("method", "core_users")}
        self.multipliers = other.multipliers
        self.proven = dual_bound(self.engine, self.book, other.multipliers)
        bound = self._searched(self.proven, self.program.sense * solution.bound)
        return bound, other.pairs, solution.stopped_by

    def _finish(self, bound: float, pairs: Pairs | None, ended: StoppedBy) -> Solution:
        if pairs is None and ended is StoppedBy.INFEASIBLE:
            with self.clock.phase("infeasible"):
                return self._no_plan(bound)
        return self._solution(bound, pairs, ended)

    # ----------------------------------------------------------------- dual

    def _dual(self, book: PriceBook, start: Solved | None) -> DualAnswer:
        if self.backend is not None and self.backend.kind == "linear":
            claim = linear_answer(self.method, self.program, book, self.engine, self.clock, self.gap)
            self.stats["backend_status"] = claim.status
            if claim.answer is not None:
                return claim.answer
            own = super()._dual(book, None)
            if claim.infeasible and own.proof is None and not own.broken.any() and own.inside:
                raise BackendError(
                    f"{self.method} says {claim.status!r}, but fractions of plans keep all rules"
                )
            return own
        return super()._dual(book, start)

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
            pairs, answer = merged.solve(self.clock, nodes=self.nodes, abs_gap=allowed)
        if pairs is None:
            return None, bound, StoppedBy.INFEASIBLE if answer.infeasible else StoppedBy.NO_PROGRESS
        self.stats |= {"method": "highs", "core_users": self.program.n_users}
        value = self.program.sense * plan_value(self.program, pairs)
        if relative_gap(value, bound) > self.gap:
            searched = answer.bound + 1e-9 * max(1.0, abs(answer.bound))
            tight = self.book.tight(bound, multipliers)
            whole = answer.optimal and len(merged.columns) <= FEW_COLUMNS
            bound = self._searched(tight, value if whole else max(value, searched))
        return pairs, bound, self._why(value, bound)

    def _priced(
        self, dual: DualAnswer, assigned: Assigned, bound: float
    ) -> tuple[Pairs | None, float, StoppedBy]:
        """Round; where rules are so narrow that few numbers of users meet them, these numbers come first."""
        counts = CountProgram.of(self.program, self.book)
        if counts is not None:
            if counts.impossible(self.clock):
                self.counts = counts
                return None, bound, StoppedBy.INFEASIBLE
            taken = self.engine.demand(self.book.scores(dual.multipliers)).tables
            led = lead(counts, taken, self._solve_other, self.clock)
            if led is not None and led.impossible:
                self.counts = counts
                return None, bound, StoppedBy.INFEASIBLE
            if led is not None and led.pairs is not None:
                value = self.program.sense * plan_value(self.program, led.pairs)
                if relative_gap(value, bound) > self.gap:
                    bound = self._searched(bound, led.bound)
                return led.pairs, bound, self._why(value, bound)
        return super()._priced(dual, assigned, bound)

    def _nothing_is_a_plan(self) -> bool:
        return not excesses(self.program, NO_PAIRS).any()

    def _last_resort(self, bound: float) -> tuple[Pairs | None, float, StoppedBy]:
        """Where no core gave a plan: nothing at all may be a plan, or a small instance may have none."""
        small = self.program.n_users * self.engine.places <= WHOLE_PAIRS
        if self._nothing_is_a_plan() or self.clock.stopped_by is not None or not small:
            return super()._last_resort(bound)
        pairs, answer_bound, ended = self._whole(bound, "highs")
        return pairs, min(bound, answer_bound), ended

    def _whole(self, bound: float, method: str) -> tuple[Pairs | None, float, StoppedBy]:
        """Solve the whole integer program by a back end."""
        model = (self.instance, self.model) if method == "pyomo" else None
        problem = whole_program(method, self.program, self.book, seed=self.seed, model=model)
        self.stats["core_users"] = self.program.n_users
        n_pairs = len(problem.pairs.user)
        # The empty plan needs no search, but what a planner added may rule it out.
        nothing = not problem.added and self._nothing_is_a_plan()
        if not n_pairs and nothing:
            return NO_PAIRS, self._searched(bound, self.nothing_more), StoppedBy.GAP
        if problem.added:
            self.stats["added"], self.problem = list(problem.added), problem
        self.clock.tell("integer program", 0, None, f"{n_pairs:,} pairs")
        small = n_pairs <= WHOLE_PAIRS
        picked, answer = keep_rows_exactly(
            problem,
            None,
            self.clock,
            nodes=self.nodes if method == "highs" else None,
            abs_gap=0.0 if small else 0.5 * self.gap * max(1.0, abs(bound)),
        )
        if picked is None:
            if nothing:
                return NO_PAIRS, bound, self._why(self.nothing_more, bound)
            if answer.infeasible:
                return None, bound, StoppedBy.INFEASIBLE
            return None, bound, self.clock.stopped_by or StoppedBy.NO_PROGRESS
        value = self.program.sense * plan_value(self.program, picked)
        # Solvers know the optimum up to their tolerances only.
        reached = answer.bound + self.book.constant
        searched = max(value, reached + 1e-9 * max(1.0, abs(reached)))
        if answer.optimal and small and method == "highs":
            searched = value
        bound = self._searched(bound, searched)
        return picked, bound, self._why(value, bound)

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

    def _no_plan(self, bound: float) -> Solution:
        """Say why there is no plan, once more than the back end's word says so.

        Raises
        ------
        BackendError
            If there is one.
        """
        none = no_plan_exists(self.program, self.book)
        if none:
            return self._infeasible("enumeration", None)
        if none is None and self.counts is not None:
            why = explain_counts(
                self.instance, self.counts, self.clock, self._solve_other, with_mends=self.explain
            )
            if why is not None:
                return self._without_plan(None, why)
        if none is None and self.method != "highs":
            # A back end's word counts where HiGHS gives its own.
            none = really_infeasible(self.program, self.book, self.clock)
            if none is None:
                return self._solution(bound, None, self.clock.stopped_by or StoppedBy.NO_PROGRESS)
        if none is not False:
            return self._infeasible("search", None)
        if self.problem is not None and added_alone_clash(self.problem, self.clock):
            names = ", ".join(f"'{name}'" for name in self.problem.added)
            words = f"The rules have a plan, but none that keeps what was added to the model too: {names}."
            return self._without_plan(None, Infeasibility((), "search", None, words))
        if self.clock.stopped_by is not None:
            return self._solution(bound, None, self.clock.stopped_by)
        raise BackendError(f"{self.method} says that no plan exists, but there is one")

    def _infeasible(self, proof: str, multipliers: np.ndarray | None) -> Solution:
        why = explain_infeasible(
            self.instance,
            self.book,
            self.clock,
            proof=proof,
            multipliers=multipliers,
            solve=self._solve_other if self.explain else None,
        )
        return self._without_plan(multipliers, why)

    def _without_plan(self, multipliers: np.ndarray | None, why: Infeasibility) -> Solution:
        held = np.zeros(self.book.n_rows) if multipliers is None else multipliers
        return self._build(
            held, -math.inf, Status.INFEASIBLE, StoppedBy.INFEASIBLE, None, None, math.nan, why
        )

    def _solve_other(self, program: Program) -> Found:
        """Solve another program of the same users, unheard."""
        clock = Clock(self.clock.left() if self.clock.time_limit else None, self.clock.cancel)
        other = _Solve(
            self.instance.with_program(program), "auto", OTHER_GAP, self.seed, clock, explain=False
        )
        solution = other.run(None)
        infeasible = solution.status is Status.INFEASIBLE
        return Found(
            other.pairs, solution.certificate.multipliers, infeasible, program.sense * solution.bound
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
