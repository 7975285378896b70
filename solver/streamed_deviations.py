"""The search over deviations where users are read block by block: a sample tells where to touch first."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

from couponry.instances.program import Program
from couponry.instances.streamed_program import StreamedProgram
from couponry.solver.clock import Clock
from couponry.solver.deviation_cells import LinearSolve, Solved
from couponry.solver.deviation_search import MOST_TANGENTS, SAMPLE, DeviationSearch
from couponry.solver.prices import PriceBook, Tables
from couponry.solver.stand_ins import tangent_program

__all__ = ["StreamedDeviations"]

SETTLED = 1e-3  # nearer than this a sample does not know


class StreamedDeviations(DeviationSearch[StreamedProgram]):
    """One search over a stream with budgets at risk.

    Parameters
    ----------
    sampled : callable
        About what all users take under linear stand-ins, by a sample; None where it cannot tell.
    seed : int
        Of the samples.
    program, book, linear, gap, clock
        As of :class:`DeviationSearch`.
    """

    def __init__(
        self,
        program: StreamedProgram,
        book: PriceBook,
        linear: LinearSolve[StreamedProgram],
        gap: float,
        clock: Clock,
        *,
        sampled: Callable[[StreamedProgram], Tables | None],
        seed: int,
    ) -> None:
        super().__init__(program, book, linear, gap, clock)
        self.sampled, self.seed = sampled, seed

    @cached_property
    def _few(self) -> Program:
        return self.program.take(self.program.sampler(self.seed, SAMPLE).users(SAMPLE))

    def _first_deviations(self, start: Solved | None) -> dict[int, float]:
        """Return where to touch first: where tangents end on a sample. It saves a pass or two."""
        at = super()._first_deviations(start)
        if start is not None and start.certificate.deviations:
            return at
        for _ in range(MOST_TANGENTS):
            tables = self.sampled(tangent_program(self.program, at))
            if tables is None or self.clock.stopped_by is not None:
                break
            now = {k: max(self._least(k), self._of_tables(k, tables)) for k in self.risky}
            near = all(abs(now[k] - at[k]) <= SETTLED * at[k] for k in self.risky)
            at = now
            if near:
                break
        return at

    def _of_tables(self, k: int, tables: Tables) -> float:
        term = self._risk(k).variance
        return math.sqrt(max(0.0, float(term.users @ tables[term.measure] @ term.coupons)))
