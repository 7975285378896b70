"""Search with budgets at risk: tangents give plans, chords over a partition of the deviations give the bound.

Every budget at risk is replaced by a linear row (:mod:`couponry.solver.stand_ins`), so each step is an
ordinary solve, warm from the one before.

- *Plans.* The best plan under tangents at deviations t spends with a deviation of its own; the tangent is
  moved there and the solve repeated until it would gain nothing. The gain is quadratic in the distance, so
  two or three solves do.
- *Bound.* Deviations are cut into cells around the plan's, each bounded with chords. The worst cell is cut
  again until all are within the gap of the plan, or cutting no longer helps (spatial branch and bound, Falk
  and Soland 1969, 10.1287/mnsc.15.9.550).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Generic, TypeVar

import numpy as np

from couponry.instances.program import BlockProgram, Program
from couponry.instances.rows import Risk
from couponry.solver.clock import Clock
from couponry.solver.deviation_cells import Bounded, Linear, LinearSolve, Node, Solved
from couponry.solver.feasibility import excesses_of_sums
from couponry.solver.prices import PriceBook
from couponry.solver.row_sums import deviation_of_sums
from couponry.solver.solution import Certificate, Status
from couponry.solver.stand_ins import Box, chord_program, rows_at_risk, tangent_program
from couponry.solver.taken import Taken
from couponry.solver.words import amount

__all__ = ["DeviationSearch"]

MOST_TANGENTS = 6
MOST_CELLS = 40
# Which share of the allowed gap a better tangent, or a finer chord, has to be worth.
WORTH = 0.2
# Relative half-width of the cell around the plan's deviation.
WIDEST, NARROWEST = 0.3, 1e-5
SAMPLE = 20_000
# Share by which sums of rounded numbers may differ.
EVEN = 1e-15
# So many cuts on end that each gain no more than this share of the allowed gap end the cutting.
VAIN, GAINED = 3, 0.01

AnyProgram = TypeVar("AnyProgram", bound=BlockProgram)


class DeviationSearch(Generic[AnyProgram]):
    """One search over a program with rows at risk.

    Parameters
    ----------
    program : BlockProgram
    book : PriceBook
        Of it.
    linear : LinearSolve
    gap : float
        Relative gap at which to stop.
    clock : Clock

    Attributes
    ----------
    best : Taken or None
        The best plan found.
    value : float
        Its ``sense · objective``.
    tangent : Linear or None
        The solve that gave it, under tangents at the deviations ``at``.
    nodes : list of Node
        Cells of deviations, each with its bound.
    passes : int
        Over the data, of all solves.
    """

    def __init__(
        self,
        program: AnyProgram,
        book: PriceBook,
        linear: LinearSolve[AnyProgram],
        gap: float,
        clock: Clock,
    ) -> None:
        self.program, self.book, self.linear = program, book, linear
        self.gap, self.clock = gap, clock
        self.risky = rows_at_risk(self.program)
        self.best: Taken | None = None
        self.value = -math.inf
        self.tangent: Linear | None = None
        self.last: Solved | None = None
        self.at: dict[int, float] = {}
        self.nodes: list[Node] = []
        self.passes = 0

    def search(self, start: Solved | None) -> bool:
        """Search; return whether it is proven that there is no plan."""
        self.last = start
        self.at = self._first_deviations(start)
        self._improve()
        if self.best is None:
            self.nodes = [self._node(self._everything())]
            if not self._open() and self.nodes[0].farkas is not None:
                return True
        else:
            self.nodes = self._first_cells()
        self._refine()
        return self.best is None and all(node.bound == -math.inf for node in self.nodes)

    @property
    def bound(self) -> float:
        """What is proven of ``sense · objective``."""
        return max(node.bound for node in self.nodes)

    @property
    def by_search(self) -> bool:
        """Whether branch and bound made the bound tighter than multipliers do."""
        return any(node.proven > self.bound for node in self.nodes)

    @property
    def main(self) -> Linear:
        """The solve whose multipliers price the rows."""
        return self.tangent if self.tangent is not None else self.nodes[0].answer

    def certificate(self) -> Certificate:
        """Return the proof of the bound."""
        rows = self.program.rows
        multipliers = np.zeros(len(rows)) if self.tangent is None else self.tangent.multipliers
        return Certificate(
            names=tuple(row.name for row in rows),
            multipliers=multipliers,
            bound=self.program.sense * max(node.proven for node in self.nodes),
            deviations={rows[k].name: s for k, s in self.at.items()},
            cells=tuple(node.cell(self.program) for node in self.nodes),
        )

    # ---------------------------------------------------------------- plans

    def _first_deviations(self, start: Solved | None) -> dict[int, float]:
        """Return where to touch first: where a former solution did, or as if the budget were spent evenly."""
        known = {} if start is None else start.certificate.deviations
        return {k: known.get(self.program.rows[k].name) or self._even_deviation(k) for k in self.risky}

    def _even_deviation(self, k: int) -> float:
        """Return the deviation of a spend whose variance is to its cost as over all pairs, at the limit."""
        row, risk, few = self.program.rows[k], self._risk(k), self._few
        user, place = np.nonzero(~np.isnan(few.columns["value"]))
        coupon = place if few.coupon is None else few.coupon[user, place]
        weight = risk.variance.users[few.classes.codes[user]] * risk.variance.coupons[coupon]
        cost = float((weight * few.columns["cost"][user, place]).sum(dtype=np.float64))
        variance = float((weight * few.columns[risk.variance.measure][user, place]).sum())
        if cost <= 0 or variance <= 0:
            return self._least(k)
        # s = √(r S) and S + z s = amount, with r variance to cost.
        half = risk.quantile * variance / cost / 2
        return max(self._least(k), math.sqrt(half * half + variance / cost * row.upper) - half)

    @cached_property
    def _few(self) -> Program:
        """Some users, by whom to judge all."""
        return self.program.take(np.unique(np.linspace(0, self.program.n_users - 1, SAMPLE).astype(np.int64)))

    def _least(self, k: int) -> float:
        """Return a deviation above 0 that is nothing beside the limit."""
        return max(1e-6 * self.program.rows[k].upper, 1e-9)

    def _improve(self) -> None:
        """Move the tangents to the deviations of the best plan under them, until that would gain nothing."""
        at = self.at
        for step in range(MOST_TANGENTS):
            self.clock.tell("at risk", step, MOST_TANGENTS, self._told(at))
            answer = self.solve(tangent_program(self.program, at))
            if answer.taken is None:
                break
            better = self._offer(answer.taken)
            if better or self.tangent is None:
                self.tangent, self.at = answer, at
            now = self._deviations(answer.taken)
            if self._gain(answer, at, now) <= WORTH * self._allowed() or self.clock.stopped_by is not None:
                break
            at = {k: max(self._least(k), s) for k, s in now.items()}

    def _told(self, at: Mapping[int, float]) -> str:
        return ", ".join(
            f"{self.program.rows[k].name}: standard deviation {amount(s)}" for k, s in at.items()
        )

    def solve(self, program: AnyProgram, *, plan: bool = True, explain: bool = False) -> Linear:
        """Solve a linear stand-in, from the last one's prices."""
        answer = self.linear(program, self.last, plan=plan, explain=explain)
        self.passes += int(answer.solution.stats["passes"])
        if answer.solution.infeasibility is None:
            self.last = answer.solution
        return answer

    def _offer(self, plan: Taken) -> bool:
        """Take a plan that keeps the rules and is better than the best so far."""
        value = self.program.sense * plan.sums.total(self.program.objective)
        if value <= self.value or excesses_of_sums(self.program, plan.sums).any():
            return False
        self.best, self.value = plan, value
        return True

    def _deviations(self, plan: Taken) -> dict[int, float]:
        """Return the standard deviation of each row at risk."""
        return {k: deviation_of_sums(self._risk(k), plan.sums) for k in self.risky}

    def _gain(self, answer: Linear, at: Mapping[int, float], now: Mapping[int, float]) -> float:
        """Return about how much a tangent at the plan's own deviations lets in: λ z (s − t)² / 2 t."""
        return math.fsum(
            abs(answer.multipliers[k]) * self._risk(k).quantile * (now[k] - at[k]) ** 2 / (2 * at[k])
            for k in self.risky
        )

    def _risk(self, k: int) -> Risk:
        risk = self.program.rows[k].risk
        assert risk is not None
        return risk

    def _allowed(self) -> float:
        return self.gap * max(1.0, abs(self.value) if math.isfinite(self.value) else 1.0)

    # ---------------------------------------------------------------- bound

    def _everything(self) -> dict[int, tuple[float, float]]:
        return dict.fromkeys(self.risky, (0.0, math.inf))

    def _first_cells(self) -> list[Node]:
        """Cut where chance costs most, around the plan's deviation; nowhere if it costs nothing."""
        everything = self._everything()
        slack = {k: self._slack(k, everything[k]) for k in self.risky}
        k = max(slack, key=lambda k: slack[k])
        if slack[k] <= WORTH * self._allowed() or self.clock.stopped_by is not None:
            return [self._node(everything)]
        return [self._proven_by_tangent(box) or self._node(box) for box in self._cut(everything, k, None)]

    def _proven_by_tangent(self, box: Box) -> Node | None:
        """Bound a cell around the tangents by their own multipliers; None where these do not fit its chords.

        A chord whose ends lie evenly about t has the tangent's slope: prices of pairs are the same, and what
        users are worth at them is known. Only the limit differs, by z (b − a)²/(8 t).
        """
        held = self.tangent
        if held is None or not math.isfinite(held.proven):
            return None
        cell = chord_program(self.program, box)
        names = tuple(row.name for row in cell.rows)
        multipliers = np.concatenate([held.multipliers, np.zeros(len(names) - len(held.multipliers))])
        proven, tangents = held.proven, tangent_program(self.program, self.at)
        for k in self.risky:
            price, t, (low, high) = float(held.multipliers[k]), self.at[k], box[k]
            if price and abs(low + high - 2 * t) > EVEN * t:
                return None
            if price:
                chance = abs(price) * self._risk(k).quantile * t
                proven += price * (cell.rows[k].upper - tangents.rows[k].upper) + EVEN * chance
        proven += EVEN * abs(proven)
        bound = PriceBook(cell, frozen=self.book.frozen_sums).tight(proven, multipliers)
        certificate = Certificate(names, multipliers, self.program.sense * proven)
        solution = Bounded(self.program.sense * bound, certificate, dict(held.solution.stats))
        return Node(box, bound, Linear(solution, None, multipliers, proven, exact=False), None)

    def _node(self, box: Box) -> Node:
        """Bound the plans of a cell; look for one where there is none yet."""
        answer = self.solve(chord_program(self.program, box), plan=self.best is None)
        solution = answer.solution
        deviations = None
        if answer.taken is not None:
            self._offer(answer.taken)
            deviations = self._deviations(answer.taken)
        closed = solution.status is Status.INFEASIBLE
        return Node(box, -math.inf if closed else self.program.sense * solution.bound, answer, deviations)

    def _open(self) -> list[Node]:
        """Return the cells that may hold a plan better than the gap allows, the worst first."""
        # No chord is below the tangent: finer cells than this would change nothing.
        floor = -math.inf
        if self.tangent is not None:
            floor = self.program.sense * self.tangent.solution.bound + WORTH * self._allowed()
        target = max(self.value + 0.9 * self._allowed(), floor)
        return sorted((node for node in self.nodes if node.bound > target), key=lambda node: -node.bound)

    def _refine(self) -> None:
        """Cut the worst cell until none is open, or the gap is met and cutting gains nothing more."""
        vain = 0
        while (nodes := self._open()) and len(self.nodes) < MOST_CELLS and self.clock.stopped_by is None:
            if vain == VAIN and self.bound - self.value <= self._allowed():
                break
            worst, before = nodes[0], self.bound
            self.clock.tell("at risk", len(self.nodes), MOST_CELLS, f"{len(nodes)} cells open")
            slack = {k: self._slack(k, worst.box[k], worst) for k in self.risky}
            k = max(slack, key=lambda k: slack[k])
            boxes = self._cut(worst.box, k, worst.deviations)
            if len(boxes) == 1:
                break
            self.nodes.remove(worst)
            self.nodes += [self._node(box) for box in boxes]
            vain = vain + 1 if before - self.bound <= GAINED * self._allowed() else 0

    def _slack(self, k: int, sides: tuple[float, float], node: Node | None = None) -> float:
        """Return about how much a chord may be below the square root, in units of the objective."""
        low, high = sides
        priced = self.tangent if self.tangent is not None else node.answer if node is not None else None
        price = abs(float(priced.multipliers[k])) if priced is not None else 1.0
        if math.isinf(high):
            return price * self._risk(k).quantile * max(self.at[k] - low, 0.1 * self.at[k])
        return price * self._risk(k).quantile * (high - low) ** 2 / (4 * (high + low))

    def _cut(self, box: Box, k: int, deviations: Mapping[int, float] | None) -> list[Box]:
        """Cut a cell at the deviation of its relaxation's plan, around the best plan's, or further away."""
        low, high = box[k]
        inside = [point for point in self._points(k, low, high, deviations) if low < point < high]
        return [{**box, k: sides} for sides in pairwise([low, *inside, high])]

    def _points(self, k: int, low: float, high: float, deviations: Mapping[int, float] | None) -> list[float]:
        at = self.at[k]
        if deviations is not None and low < deviations[k] < high:
            # The chord is exact there: this plan is out of both parts, or within the budget.
            return [deviations[k]]
        if low < at < high:
            width = self._width(k)
            below, above = at * (1 - width), at * (1 + width)
            if low < below or above < high:
                return [below, above]
            return [at - (at - low) / 3, at + (high - at) / 3]
        if math.isinf(high):
            return [low + 2 * (low - at) + NARROWEST * at]
        if low == 0 and high - 2 * (at - high) > 0:
            return [high - 2 * (at - high) - NARROWEST * at]
        return [(low + high) / 2]

    def _width(self, k: int) -> float:
        """Return the relative half-width d of a cell whose chord is within the gap: λ z t d² / 2."""
        assert self.tangent is not None
        chance = abs(float(self.tangent.multipliers[k])) * self._risk(k).quantile * self.at[k]
        return min(WIDEST, max(NARROWEST, math.sqrt(self._allowed() / chance))) if chance else WIDEST
