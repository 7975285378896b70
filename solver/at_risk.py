"""Solve with budgets at risk: the search over deviations, and the solution that comes of it."""

from __future__ import annotations

import math

from couponry.instances.instance import Instance
from couponry.instances.program import Program
from couponry.solver.clashes_at_risk import clashes_at_risk
from couponry.solver.clock import Clock
from couponry.solver.deviation_cells import LinearSolve
from couponry.solver.deviation_search import DeviationSearch
from couponry.solver.prices import PriceBook
from couponry.solver.result import build_solution, relative_gap
from couponry.solver.solution import Infeasibility, Solution, Status, StoppedBy
from couponry.solver.stand_ins import tangent_program

__all__ = ["AtRisk"]


class AtRisk:
    """One solve of an instance with budgets at risk.

    Parameters
    ----------
    instance : Instance
    linear : LinearSolve
    gap : float
        Relative gap at which to stop.
    clock : Clock
    explain : bool
        Where no plan exists, look for the least change that mends each rule.
    """

    def __init__(
        self, instance: Instance, linear: LinearSolve[Program], gap: float, clock: Clock, explain: bool
    ) -> None:
        self.instance, self.gap, self.clock, self.explain = instance, gap, clock, explain
        self.book = PriceBook(instance.program)
        self.found = DeviationSearch(instance.program, self.book, linear, gap, clock)

    def run(self, start: Solution | None) -> Solution:
        """Solve."""
        return self._infeasible() if self.found.search(start) else self._solution()

    def _solution(self) -> Solution:
        program, best = self.instance.program, self.found.best
        value = math.nan if best is None else best.sums.total(program.objective)
        close = relative_gap(value, program.sense * self.found.bound) <= self.gap
        stopped = StoppedBy.GAP if close else self.clock.stopped_by or StoppedBy.NO_PROGRESS
        status = Status.OPTIMAL if close else Status.FEASIBLE
        return self._build(self.found.bound, Status.NO_SOLUTION if best is None else status, stopped, value)

    def _build(
        self,
        bound: float,
        status: Status,
        stopped: StoppedBy,
        value: float,
        infeasibility: Infeasibility | None = None,
    ) -> Solution:
        found, program = self.found, self.instance.program
        stats = {name: found.main.solution.stats[name] for name in ("method", "seed", "core_users")}
        return build_solution(
            self.instance,
            self.book,
            status=status,
            stopped_by=stopped,
            pairs=None if found.best is None else found.best.pairs,
            value=value,
            bound=program.sense * bound,
            certificate=found.certificate(),
            clock=self.clock,
            stats={
                **stats,
                "bound_source": "search" if infeasibility is None and found.by_search else "prices",
                "passes": found.passes,
                "cells": len(found.nodes),
            },
            sums=None if found.best is None else found.best.sums,
            infeasibility=infeasibility,
        )

    def _infeasible(self) -> Solution:
        found, nodes, program = self.found, self.found.nodes, self.instance.program
        by_prices = all(node.farkas is not None for node in nodes)
        # Where the budgets clash even at their expected cost, rows alone prove it, and no deviations.
        multipliers = nodes[0].farkas if len(nodes) == 1 else None
        tangents = tangent_program(program, found.at)
        clashes = found.solve(tangents, explain=self.explain).solution.infeasibility
        told = clashes_at_risk(program, tangents, clashes)
        why = Infeasibility(told.clashes, "prices" if by_prices else "search", multipliers, told.words)
        return self._build(-math.inf, Status.INFEASIBLE, StoppedBy.INFEASIBLE, math.nan, why)
