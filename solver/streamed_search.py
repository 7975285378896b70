"""One ordinary solve over users read block by block: prices, the bound, and a plan as prices and a core."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from couponry.instances.streamed import StreamedInstance
from couponry.instances.streamed_program import StreamedProgram
from couponry.solver.clock import Clock
from couponry.solver.deviation_cells import Linear, Solved
from couponry.solver.dual import DualAnswer
from couponry.solver.engine import Assigned, Pairs
from couponry.solver.exact_sums import ExactTables
from couponry.solver.feasibility import excesses_of_sums
from couponry.solver.infeasible import explain_infeasible
from couponry.solver.open_users import Rounded
from couponry.solver.priced import PricedSearch
from couponry.solver.prices import PriceBook, Tables
from couponry.solver.result import NO_PAIRS
from couponry.solver.rounding import Rounder
from couponry.solver.solution import Certificate, Infeasibility, Status, StoppedBy
from couponry.solver.taken import NOBODY, Taken

__all__ = ["StreamedAnswer", "StreamedSearch"]

SETTLING, SUMMING = "users sampled and settled", "users summed up"


@dataclass(frozen=True)
class StreamedAnswer:
    """What a search answers; ``stopped_by`` and the rest are those of a solution."""

    status: Status
    stopped_by: StoppedBy
    bound: float
    certificate: Certificate
    infeasibility: Infeasibility | None
    stats: dict[str, Any]


class StreamedSearch(PricedSearch):
    """One solve over shards, which writes nothing.

    Parameters
    ----------
    instance : StreamedInstance
    program : StreamedProgram
        Its own, or one of its users under other rows, none of them at risk.
    book : PriceBook
    gap : float
        Relative gap at which to stop.
    seed : int
    clock : Clock
    say : callable
        Told what the coming passes are for.
    """

    program: StreamedProgram
    holds_pairs = False  # who takes what is found again for the plan

    def __init__(
        self,
        instance: StreamedInstance,
        program: StreamedProgram,
        book: PriceBook,
        gap: float,
        seed: int,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(program, gap, seed, clock, book)
        self.instance, self.say = instance, say
        self.core, self.scores = NOBODY, Tables()

    def answer(self, start: Solved | None, *, plan: bool = True) -> Linear:
        """Solve; without ``plan`` only prove a bound."""
        self.say(SETTLING)
        self.measure()
        dual = self._dual(self.book, start)
        proof = self._proof(dual)
        if proof is not None:
            return self._answered(-math.inf, StoppedBy.INFEASIBLE, None, proof)
        self.say(SUMMING)
        with self.clock.phase("assign"):
            bound = self._prove(dual, assigned := self._assign(dual))
        if not plan:
            tight = self.book.tight(bound, dual.multipliers)
            return self._answered(tight, self.clock.stopped_by or StoppedBy.NO_PROGRESS, None)
        with self.clock.phase("plan"):
            pairs, bound, ended = self._priced(dual, assigned, bound)
        return self._answered(bound, ended, None if pairs is None else self._taken(pairs))

    def sampled(self) -> Tables | None:
        """Return about what all users take at the minimiser, by those of the largest sample.

        None where prices of the sample run away.
        """
        self.measure()
        found = self._search(self.book).sampled(None)
        if found is None:
            return None
        tables = {measure: table / found[0].share for measure, table in found[0].tables.items()}
        held = self.nothing_given.high
        return {measure: table + held[measure] for measure, table in tables.items()}

    @property
    def nothing_given(self) -> ExactTables:
        """What a plan sums up to in which nobody gets more than is frozen."""
        return ExactTables.of(self.program) if self.book.frozen_sums is None else self.book.frozen_sums

    # ---------------------------------------------------------------- steps

    def _round(
        self, book: PriceBook, dual: DualAnswer, assigned: Assigned, bound: float, goal: float
    ) -> tuple[Rounder, Rounded | None]:
        """Decide on the core, and remember at which prices the others choose."""
        rounder, rounded = super()._round(book, dual, assigned, bound, goal)
        self.core, self.scores = rounder.open.users, rounder.open.scores
        return rounder, rounded

    def _taken(self, pairs: Pairs) -> Taken:
        if pairs is NO_PAIRS:
            return Taken(self.nothing_given, pairs)
        assert self.sums is not None
        return Taken(self.sums, pairs, self.core, self.scores)

    def _nothing_is_a_plan(self) -> bool:
        return not excesses_of_sums(self.program, self.nothing_given).any()

    def _answered(
        self, bound: float, ended: StoppedBy, taken: Taken | None, proof: np.ndarray | None = None
    ) -> Linear:
        sense, names = self.program.sense, tuple(row.name for row in self.program.rows)
        status = Status.NO_SOLUTION if proof is None else Status.INFEASIBLE
        if taken is not None:
            status = Status.OPTIMAL if ended is StoppedBy.GAP else Status.FEASIBLE
        multipliers = self.multipliers if proof is None else proof
        solution = StreamedAnswer(
            status,
            ended,
            float(sense * bound),
            Certificate(names, multipliers, sense * self.proven),
            None if proof is None else self._why_infeasible(proof),
            self.stats | {"passes": self.engine.passes},
        )
        return Linear(solution, taken, self.multipliers, self.proven, exact=False)

    def _why_infeasible(self, proof: np.ndarray) -> Infeasibility:
        return explain_infeasible(
            self.instance,  # type: ignore[arg-type]
            self.book,
            self.clock,
            proof="prices",
            multipliers=proof,
            solve=None,
        )
