"""Solve for many budgets: the one in the middle, both ends, and then what lies between, half by half.

A budget in the middle of two that were solved has its prices between theirs, so that most users' choice is
known (:mod:`couponry.solver.stretch`). Halves know nothing of each other and are solved at one time; which
budget is solved from which others depends on the budgets alone, so that plans are the same on any machine.
Few budgets, or budgets of few users, are solved one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from couponry.instances.instance import Instance
from couponry.instances.program import Program
from couponry.instances.progress import Cancel, Progress, Report
from couponry.solver.budget_points import Point
from couponry.solver.budget_solves import BudgetSolves, rows_of
from couponry.solver.clock import Clock
from couponry.solver.priced import SCALE_SAMPLE
from couponry.solver.prices import PriceBook
from couponry.solver.scale import measure_scale
from couponry.solver.side_by_side import SideBySide
from couponry.solver.solution import Solution
from couponry.solver.stand_ins import rows_at_risk
from couponry.solver.stretch import Known, Stretch, Stretches

__all__ = ["solve_budgets"]

# With fewer of either each budget is solved by itself.
FEW_USERS, FEW_BUDGETS = 50_000, 4
# Spans that are worked on at one time: each holds the users whom its stretch leaves open.
THREADS = 2
# Measures that a row of the table tells of.
TOLD = ("cost", "revenue")


def solve_budgets(
    instance: Instance,
    position: int,
    amounts: Sequence[float],
    *,
    gap: float,
    seed: int,
    progress: Report | None = None,
    cancel: Cancel | None = None,
) -> list[Point]:
    """Solve under each of several amounts of one budget.

    Parameters
    ----------
    instance : Instance
    position : int
        Of the budget in ``instance.rules``.
    amounts : sequence of float
        Ascending.
    gap : float
        As for :func:`couponry.solver.solve`.
    seed : int
    progress : callable, optional
        Always called by the thread that called this.
    cancel : Cancel, optional

    Returns
    -------
    list of Point
        By budget. One an amount, or fewer where it was cancelled.
    """
    solves = BudgetSolves(instance, position, amounts, gap, seed, cancel)
    steps = _Steps(len(amounts), progress)
    if _one_by_one(instance.program, amounts):
        solves.in_turn(steps.begin)
    else:
        _Halves(solves, steps.begin).run()
    steps.end(len(solves.found))
    return [solves.found[at] for at in sorted(solves.found)]


def _one_by_one(program: Program, amounts: Sequence[float]) -> bool:
    """Whether each budget is better solved by itself."""
    # Of budgets at risk, prices prove a bound for their own budget alone.
    alone = len(amounts) < FEW_BUDGETS or len(program.frozen) or rows_at_risk(program)
    return bool(alone or program.n_users < FEW_USERS)


class _Steps:
    """Tells of each budget that is begun."""

    def __init__(self, total: int, progress: Report | None) -> None:
        self.total, self.progress, self.begun = total, progress, 0

    def begin(self, amount: float) -> None:
        self._tell(self.begun, f"budget {amount:,.6g}")
        self.begun += 1

    def end(self, done: int) -> None:
        self._tell(done, "done")

    def _tell(self, done: int, words: str) -> None:
        if self.progress is not None:
            self.progress(Progress("frontier", done, self.total, words))


@dataclass(frozen=True)
class _Span:
    """Budgets between two that are solved.

    Attributes
    ----------
    first, last : int
        The two.
    start : Solution or None
        From whose prices a budget inside is solved where it must be over everybody.
    stretch : callable or None
        From the number of budgets inside to the users whom prices between leave open, where these are known
        to be some of those of a larger stretch.
    """

    first: int
    last: int
    start: Solution | None
    stretch: Callable[[int], Stretch] | None = None

    @property
    def middle(self) -> int:
        """The budget inside that is solved first."""
        return (self.first + self.last) // 2


class _Halves:
    """Solves the budget in the middle, both ends, and then what lies between, half by half."""

    def __init__(self, solves: BudgetSolves, begin: Callable[[float], None]) -> None:
        self.solves, self.begin, self.amounts = solves, begin, solves.amounts
        self.known: dict[int, Known] = {}

    def run(self) -> None:
        """Solve all."""
        last = len(self.amounts) - 1
        middle = last // 2
        self._ends([middle], None)
        if not self.solves.cancelled:
            self._ends([0, last], middle)
        if self.solves.cancelled:
            return
        start = self.solves.solutions.get(middle)
        self.stretches = self._shared()
        self.spans: SideBySide[_Span, float] = SideBySide(self._inside, self.begin, THREADS)
        self.spans.run([_Span(middle, last, start), _Span(0, middle, start)])

    def _ends(self, places: Sequence[int], middle: int | None) -> None:
        """Solve budgets over everybody, at one time, from the one in the middle."""
        solves = self.solves
        start = None if middle is None else solves.solutions.get(middle)

        def solve(at: int) -> tuple[()]:
            if not solves.cancelled:
                ends.tell(self.amounts[at])
                sides = (None, None) if middle is None else (middle, None) if at > middle else (None, middle)
                if not solves.read_off(at, *sides):
                    self._of_everybody(at, start)
            return ()

        ends: SideBySide[int, float] = SideBySide(solve, self.begin, min(THREADS, len(places)))
        ends.run(places)

    def _shared(self) -> Stretches:
        """Return what all stretches know of the instance."""
        solves, response = self.solves, self.solves.instance.response
        program, position = solves.instance.program, solves.position
        # What a row of the frontier tells of a plan is summed with it.
        told = {name: response.measure(name) for name in TOLD if name in response.measures}
        program = replace(program, columns={**program.columns, **told})
        users = program.sampler(solves.seed, SCALE_SAMPLE).users(SCALE_SAMPLE)
        scale = measure_scale(program.take(users), PriceBook(program), np.arange(len(users)))
        clock = Clock(None, solves.cancel)
        return Stretches(
            program, scale, solves.gap, solves.seed, clock, lambda amount: rows_of(program, position, amount)
        )

    def _of_everybody(self, at: int, start: Solution | None) -> None:
        self.solves.of_everybody(at, start)
        if at in self.solves.solutions:
            multipliers = self.solves.solutions[at].certificate.multipliers
            self.known[at] = Known(self.amounts[at], multipliers)

    # ---------------------------------------------------------------- spans

    def _inside(self, span: _Span) -> list[_Span]:
        """Solve the budget in the middle of a span; return the spans on both sides of it."""
        span = self._read_off(span)
        if span.first + 1 >= span.last or self.solves.cancelled:
            return []
        middle = span.middle
        self.spans.tell(self.amounts[middle])
        stretch = self._stretch(span)
        if stretch is None or not self._on(stretch, middle):
            self._of_everybody(middle, span.start)
        start = self.solves.solutions.get(middle, span.start)
        below, above = _Span(span.first, middle, start), _Span(middle, span.last, start)
        known = self.known.get(middle)
        if stretch is not None and known is not None and stretch.holds(known):
            below = replace(below, stretch=lambda inside: stretch.below(known, inside))
            above = replace(above, stretch=lambda inside: stretch.above(known, inside))
        return [above, below]

    def _read_off(self, span: _Span) -> _Span:
        """Return what of a span its first and last budgets say nothing of."""
        first, last = span.first, span.last
        while first + 1 < last and self.solves.read_off(first + 1, first, last):
            self.spans.tell(self.amounts[first + 1])
            first += 1
        return replace(span, first=first)

    def _stretch(self, span: _Span) -> Stretch | None:
        if span.stretch is not None:
            return span.stretch(span.last - span.first - 1)
        first, last = self.known.get(span.first), self.known.get(span.last)
        if first is None or last is None:
            return None  # one of them has no plan
        return self.stretches.between(first, last, self.amounts[span.middle])

    def _on(self, stretch: Stretch, at: int) -> bool:
        """Solve a budget on a stretch; return whether that worked."""
        amount, solves = self.amounts[at], self.solves
        priced = stretch.solve(amount)
        if priced is not None:
            solves.found[at] = Point.of_priced(amount, priced, solves.instance, solves.position, solves.gap)
            self.known[at] = Known(amount, priced.multipliers)
        return priced is not None
