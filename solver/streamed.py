"""Solve an instance larger than memory: a few passes over its shards, the last of which writes the plan.

The steps are those of every solve (:mod:`couponry.solver.priced`). Prices come from a sample, one pass
settles nearly everybody, another proves the bound and sums up what users outside the core take, and once the
core is decided the last pass writes who gets what, in the users' order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from couponry.instances.atomic import check_free, write_directory
from couponry.instances.errors import InfeasibleError, InputError, NoSolutionError
from couponry.instances.frozen_parts import FrozenParts
from couponry.instances.progress import Cancel, Report
from couponry.instances.streamed import StreamedInstance, open_instance
from couponry.instances.streamed_program import StreamedProgram
from couponry.solver.clock import Clock
from couponry.solver.dual import EXACT_USERS, DualAnswer
from couponry.solver.engine import Assigned, Pairs
from couponry.solver.exact_sums import ExactTables
from couponry.solver.feasibility import excesses_of_sums
from couponry.solver.infeasible import explain_infeasible
from couponry.solver.local import CHUNK
from couponry.solver.open_users import Rounded
from couponry.solver.plan_writer import write_choices
from couponry.solver.priced import PricedSearch
from couponry.solver.prices import PriceBook, Tables
from couponry.solver.result import NO_PAIRS, peak_memory_mb, price_table, relative_gap
from couponry.solver.rounding import Rounder
from couponry.solver.small_products import small_products
from couponry.solver.solution import Certificate, Solution, Status, StoppedBy, StreamedSolution
from couponry.solver.solution_files import PLAN, write_records, write_solution
from couponry.solver.solve import check_arguments, solve

__all__ = ["solve_streamed"]

NOBODY = np.empty(0, np.int64)


class _Stopped(Exception):
    """A pass was cut short because the solve was cancelled."""


@small_products
def solve_streamed(
    instance: str | Path | StreamedInstance,
    out: str | Path,
    *,
    gap: float = 1e-6,
    time_limit: float | None = None,
    start: Solution | StreamedSolution | None = None,
    seed: int = 0,
    force: bool = False,
    progress: Report | None = None,
    cancel: Cancel | None = None,
) -> StreamedSolution:
    """Solve an instance whose users do not fit in memory, and write the plan as it is made.

    Users are read block by block, two or three times in all; what is held at one time does not grow with
    their number, but for the core. The plan does not depend on how users are sharded.

    Parameters
    ----------
    instance : str, Path or StreamedInstance
        A directory with ``users/part-*.parquet``, or what :func:`couponry.open_instance` gave.
    out : str or Path
        Directory to write ``plan.parquet``, ``certificate.json`` and ``summary.json`` to: aside first,
        renamed when all of it stands.
    gap : float
        Relative gap at which to stop, ``|bound − value| / max(1, |bound|)``.
    time_limit : float, optional
        Seconds, after which no better plan is looked for; the pass that writes a plan is made all the same.
    start : Solution or StreamedSolution, optional
        A former solution, whose prices are started from.
    seed : int
        Of the samples; the same seed gives the same plan.
    force : bool
        Overwrite what stands at ``out``.
    progress : callable, optional
        Called with a :class:`couponry.instances.Progress` at each step and all through a pass.
    cancel : Cancel, optional
        Once it is set the pass at work ends, and nothing is written.

    Returns
    -------
    StreamedSolution
        As a :class:`Solution`, but with the plan left on disk.

    Raises
    ------
    InputError
        If an argument is out of range, or the instance cannot be used.
    ExistsError
        If ``out`` holds something and ``force`` is not given.
    InfeasibleError, NoSolutionError
        If there is no plan to write; what stood at ``out`` before stays.
    """
    check_arguments("priced", gap, time_limit, "local")
    check_free(out, force=force)
    clock = Clock(time_limit, cancel, progress)
    given = instance if isinstance(instance, StreamedInstance) else open_instance(instance)
    if given.n_users <= EXACT_USERS:
        # Less than a part: held whole, and solved as other small instances are.
        whole = given.whole()
        solution = solve(whole, gap=gap, time_limit=time_limit, seed=seed, progress=progress, cancel=cancel)
        write_solution(solution, out, campaign=whole.campaign, force=force)
        return StreamedSolution.of(solution, Path(out) / PLAN)
    if any(row.risk is not None for row in given.program.rows):
        raise InputError(
            "a budget at risk cannot be kept block by block",
            file=given.file,
            column="overspend_probability",
            mend="Leave it out, or solve whole",
        )
    try:
        search = _StreamedSearch(given, gap, seed, clock)
        return search.run(start, Path(out), force=force)
    except _Stopped:
        raise NoSolutionError(
            "It was cancelled while users were being read; nothing was written, what stood there before stays"
        ) from None


class _StreamedSearch(PricedSearch):
    """One solve over shards."""

    program: StreamedProgram
    holds_pairs = False  # who takes what is found again for the plan

    def __init__(self, instance: StreamedInstance, gap: float, seed: int, clock: Clock) -> None:
        self.instance, self.stage = instance, "users counted"
        with clock.phase("census"):
            program = instance.program
        self.program, self.clock = program, clock  # which a pass asks for
        program.reading.users, program.reading.watch = 0, self._watch
        with clock.phase("frozen"):
            book = PriceBook(program)
        super().__init__(program, gap, seed, clock, book)
        self.core, self.scores = NOBODY, Tables()

    def _watch(self, users: int) -> None:
        """Report how far a pass is, and end it where the solve was cancelled."""
        self.clock.tell(self.stage, users, self.program.n_users)
        if self.clock.stopped_by is StoppedBy.CANCELLED:
            raise _Stopped

    def run(self, start: Solution | StreamedSolution | None, out: Path, *, force: bool) -> StreamedSolution:
        """Solve, and write the plan."""
        self.stage = "users sampled and settled"
        self.measure()
        dual = self._dual(self.book, start)
        proof = self._proof(dual)
        if proof is not None:
            raise InfeasibleError(self._why_infeasible(proof))
        self.stage = "users summed up"
        with self.clock.phase("assign"):
            assigned = self._assign(dual)
            bound = self._prove(dual, assigned)
        with self.clock.phase("plan"):
            pairs, bound, ended = self._priced(dual, assigned, bound)
        if pairs is None:
            raise NoSolutionError(f"There is no plan to write. {ended.words}")
        with write_directory(out, kind="plan", force=force) as folder:
            self.stage = "plan written"
            with self.clock.phase("write"):
                given, cost = self._write(folder / PLAN, pairs)
            solution = self._solution(bound, ended, given, cost, out / PLAN)
            write_records(solution, folder, self.instance.campaign)
        return solution

    # ---------------------------------------------------------------- steps

    def _round(
        self, book: PriceBook, dual: DualAnswer, assigned: Assigned, bound: float, goal: float
    ) -> tuple[Rounder, Rounded | None]:
        """Decide on the core, and remember at which prices the others choose."""
        rounder, rounded = super()._round(book, dual, assigned, bound, goal)
        self.core, self.scores = rounder.open.users, rounder.open.scores
        return rounder, rounded

    def _nothing_is_a_plan(self) -> bool:
        return not excesses_of_sums(self.program, self._frozen_sums).any()

    @property
    def _frozen_sums(self) -> ExactTables:
        """What a plan sums up to in which nobody gets more than is frozen."""
        return ExactTables.of(self.program) if self.book.frozen_sums is None else self.book.frozen_sums

    def _why_infeasible(self, proof: np.ndarray) -> str:
        why = explain_infeasible(
            self.instance,  # type: ignore[arg-type]
            self.book,
            self.clock,
            proof="prices",
            multipliers=proof,
            solve=None,
        )
        return why.words

    # ----------------------------------------------------------------- plan

    def _write(self, file: Path, pairs: Pairs) -> tuple[int, float]:
        frozen = self.program.frozen if isinstance(self.program.frozen, FrozenParts) else None
        program = self.program.with_measures("value", "cost")
        if pairs is NO_PAIRS:
            self.sums = self._frozen_sums
            nothing = np.full((CHUNK, 1), -1)
            blocks = program.blocks(CHUNK) if frozen is not None else ()
            taken = ((block, nothing[: len(block)]) for block in blocks)
            return write_choices(file, self.instance, taken, frozen=frozen)
        self.engine.program = program
        return write_choices(
            file, self.instance, self.engine.taken(self.scores), self.core, pairs, frozen=frozen
        )

    def _solution(
        self, bound: float, ended: StoppedBy, given: int, cost: float, plan: Path
    ) -> StreamedSolution:
        sums = self.sums
        assert sums is not None
        value = sums.total(self.program.objective)
        sense = self.program.sense
        names = tuple(row.name for row in self.program.rows)
        return StreamedSolution(
            status=Status.OPTIMAL if ended is StoppedBy.GAP else Status.FEASIBLE,
            stopped_by=ended,
            value=value,
            bound=float(sense * bound),
            gap=relative_gap(value, float(sense * bound)),
            path=plan,
            given=given,
            cost=sums.total("cost") if "cost" in sums.high else cost,
            prices=price_table(self.instance, self.book, NO_PAIRS, sums, self.multipliers),
            certificate=Certificate(names, self.multipliers, sense * self.proven),
            stats=self.stats
            | {
                "users": self.program.n_users,
                "coupons": self.program.n_coupons,
                "rows": self.book.n_rows,
                "passes": self.engine.passes,
                "users_read": self.program.reading.users,
                "seconds": self.clock.seconds,
                "seconds_by_phase": dict(self.clock.seconds_by_phase),
                "peak_memory_mb": peak_memory_mb(),
            },
        )
