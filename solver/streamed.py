"""Solve an instance larger than memory: a few passes over its shards, the last of which writes the plan.

The steps are those of every solve (:mod:`couponry.solver.priced`). Prices come from a sample, one pass
settles nearly everybody, another proves the bound and sums up what users outside the core take, and once the
core is decided the last pass writes who gets what, in the users' order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from couponry.instances.atomic import check_free, write_directory
from couponry.instances.blocks import Block
from couponry.instances.errors import InfeasibleError, NoSolutionError
from couponry.instances.frozen_parts import FrozenParts
from couponry.instances.one_blas_thread import one_blas_thread
from couponry.instances.progress import Cancel, Report
from couponry.instances.streamed import StreamedInstance, open_instance
from couponry.instances.streamed_program import StreamedProgram
from couponry.solver.clock import Clock
from couponry.solver.deviation_cells import Linear, Solved
from couponry.solver.dual import EXACT_USERS
from couponry.solver.local import CHUNK, LocalEngine
from couponry.solver.plan_writer import write_choices
from couponry.solver.prices import PriceBook
from couponry.solver.result import peak_memory_mb, price_table, relative_gap
from couponry.solver.solution import Solution, Status, StoppedBy, StreamedSolution
from couponry.solver.solution_files import PLAN, write_records, write_solution
from couponry.solver.solve import check_arguments, solve
from couponry.solver.stand_ins import rows_at_risk
from couponry.solver.streamed_deviations import StreamedDeviations
from couponry.solver.streamed_search import StreamedAnswer, StreamedSearch
from couponry.solver.taken import Taken

__all__ = ["solve_streamed"]


class _Stopped(Exception):
    """A pass was cut short because the solve was cancelled."""


@one_blas_thread
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
    try:
        return _Stream(given, gap, seed, clock).solve(start, Path(out), force=force)
    except _Stopped:
        raise NoSolutionError(
            "It was cancelled while users were being read; nothing was written, what stood there before stays"
        ) from None


class _Stream:
    """Users on disk, and what is told while they are read."""

    def __init__(self, instance: StreamedInstance, gap: float, seed: int, clock: Clock) -> None:
        self.instance, self.gap, self.seed, self.clock = instance, gap, seed, clock
        self.stage = "users counted"
        with clock.phase("census"):
            self.program = instance.program
        self.program.reading.users, self.program.reading.watch = 0, self._watch
        with clock.phase("frozen"):
            self.book = PriceBook(self.program)

    def _say(self, stage: str) -> None:
        self.stage = stage

    def _watch(self, users: int) -> None:
        """Report how far a pass is, and end it where the solve was cancelled."""
        self.clock.tell(self.stage, users, self.program.n_users)
        if self.clock.stopped_by is StoppedBy.CANCELLED:
            raise _Stopped

    def solve(self, start: Solution | StreamedSolution | None, out: Path, *, force: bool) -> StreamedSolution:
        """Solve, and write the plan."""
        if rows_at_risk(self.program):
            answer = self._at_risk(start)
        else:
            answer = self._search(self.program, self.book).answer(start)
        solution, taken = answer.solution, answer.taken
        if solution.infeasibility is not None:
            raise InfeasibleError(solution.infeasibility.words)
        assert isinstance(solution, StreamedAnswer)
        if taken is None:
            raise NoSolutionError(f"There is no plan to write. {solution.stopped_by.words}")
        with write_directory(out, kind="plan", force=force) as folder:
            self._say("plan written")
            with self.clock.phase("write"):
                given, cost = self._write(folder / PLAN, taken)
            written = self._solution(solution, taken, given, cost, out / PLAN)
            write_records(written, folder, self.instance.campaign)
        return written

    def _search(self, program: StreamedProgram, book: PriceBook) -> StreamedSearch:
        return StreamedSearch(self.instance, program, book, self.gap, self.seed, self.clock, self._say)

    # -------------------------------------------------------------- at risk

    def _at_risk(self, start: Solution | StreamedSolution | None) -> Linear:
        """Search over deviations; each solve is one over the shards."""
        search = StreamedDeviations(
            self.program,
            self.book,
            self._under,
            self.gap,
            self.clock,
            sampled=lambda program: self._standing_in(program).sampled(),
            seed=self.seed,
        )
        if search.search(start):
            for node in search.nodes:
                if node.answer.solution.infeasibility is not None:
                    return node.answer
        stopped, program = self.clock.stopped_by or StoppedBy.NO_PROGRESS, self.program
        bound, status = program.sense * search.bound, Status.NO_SOLUTION
        if search.best is not None:
            value = search.best.sums.total(program.objective)
            close = relative_gap(value, bound) <= self.gap
            stopped, status = (StoppedBy.GAP, Status.OPTIMAL) if close else (stopped, Status.FEASIBLE)
        stats = search.main.solution.stats | {
            "bound_source": "search" if search.by_search else "prices",
            "passes": search.passes,
            "cells": len(search.nodes),
        }
        answer = StreamedAnswer(status, stopped, bound, search.certificate(), None, stats)
        return replace(search.main, solution=answer, taken=search.best)

    def _under(
        self,
        program: StreamedProgram,
        last: Solved | None,
        *,
        plan: bool = True,
        explain: bool = False,
    ) -> Linear:
        """Solve under linear stand-ins."""
        return self._standing_in(program).answer(last, plan=plan)

    def _standing_in(self, program: StreamedProgram) -> StreamedSearch:
        return self._search(program, PriceBook(program, frozen=self.book.frozen_sums))

    # ----------------------------------------------------------------- plan

    def _write(self, file: Path, taken: Taken) -> tuple[int, float]:
        frozen = self.program.frozen if isinstance(self.program.frozen, FrozenParts) else None
        program = self.program.with_measures("value", "cost")
        choices: Iterator[tuple[Block, np.ndarray]] = iter(())
        if taken.scores is not None:
            choices = LocalEngine(program).taken(taken.scores)
        elif frozen is not None:
            choices = ((block, np.full((len(block), 1), -1)) for block in program.blocks(CHUNK))
        return write_choices(file, self.instance, choices, taken.core, taken.pairs, frozen=frozen)

    def _solution(
        self, answer: StreamedAnswer, taken: Taken, given: int, cost: float, plan: Path
    ) -> StreamedSolution:
        sums, multipliers = taken.sums, answer.certificate.multipliers
        value = sums.total(self.program.objective)
        return StreamedSolution(
            status=answer.status,
            stopped_by=answer.stopped_by,
            value=value,
            bound=answer.bound,
            gap=relative_gap(value, answer.bound),
            path=plan,
            given=given,
            cost=sums.total("cost") if "cost" in sums.high else cost,
            prices=price_table(self.instance, self.book, sums, multipliers),
            certificate=answer.certificate,
            stats=answer.stats
            | {
                "users": self.program.n_users,
                "coupons": self.program.n_coupons,
                "rows": self.book.n_rows,
                "passes": answer.stats["passes"] + (taken.scores is not None),
                "users_read": self.program.reading.users,
                "seconds": self.clock.seconds,
                "seconds_by_phase": dict(self.clock.seconds_by_phase),
                "peak_memory_mb": peak_memory_mb(),
            },
        )
