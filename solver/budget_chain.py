"""Solve budget after budget, each from the one before; many budgets are walked in two halves at one time.

A walk over budgets is a chain: prices start from those before, and much of it is work for one thread. Where
the chains are cut depends on the budgets alone, so that plans are the same on any machine.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from queue import SimpleQueue

import numpy as np

from couponry.instances.instance import Instance
from couponry.instances.program import Program
from couponry.instances.progress import Cancel, Progress, Report
from couponry.instances.rows import Row
from couponry.instances.rules import Budget
from couponry.solver.bound import dual_bound
from couponry.solver.budget_points import Point
from couponry.solver.clock import Clock
from couponry.solver.local import LocalEngine
from couponry.solver.priced import SCALE_SAMPLE
from couponry.solver.prices import PriceBook
from couponry.solver.scale import measure_scale
from couponry.solver.solution import Solution
from couponry.solver.solve import solve
from couponry.solver.stand_ins import rows_at_risk
from couponry.solver.stretch import Budgets, Stretches

__all__ = ["solve_budgets"]

# With fewer of either each budget is solved by itself.
FEW_USERS, FEW_BUDGETS = 50_000, 4
# A chain begins with a solve of everybody, which is as much work as two or three of its other budgets.
CHAINS, SHORTEST_CHAIN = 2, 8
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
    parts = _parts(instance.program, amounts)
    if parts is None:
        chains = [_Chain(instance, position, amounts, None, gap, seed, cancel)]
    else:
        whole = _by_stretches(instance, position, gap, seed)
        chains = [_Chain(instance, position, part, whole, gap, seed, cancel) for part in parts]
    steps = _Steps(len(amounts), progress)
    if len(chains) == 1:
        chains[0].run(steps.begin)
    else:
        _side_by_side(chains, steps.begin)
    found = [point for chain in chains for point in chain.found]
    steps.end(len(found))
    return found


def _parts(program: Program, amounts: Sequence[float]) -> list[Sequence[float]] | None:
    """Return the budgets of each chain, or None where each budget is better solved by itself."""
    # Of budgets at risk, prices prove a bound for their own budget alone.
    alone = len(amounts) < FEW_BUDGETS or len(program.frozen) or rows_at_risk(program)
    if alone or program.n_users < FEW_USERS:
        return None
    count = CHAINS if len(amounts) >= CHAINS * SHORTEST_CHAIN else 1
    ends = [len(amounts) * part // count for part in range(count + 1)]
    return [amounts[first:last] for first, last in pairwise(ends)]


def _by_stretches(instance: Instance, position: int, gap: float, seed: int) -> Stretches:
    """Return what all chains know of the instance."""
    program = instance.program
    # What a row of the frontier tells of a plan is summed with it.
    told = {name: instance.response.measure(name) for name in TOLD if name in instance.response.measures}
    program = replace(program, columns={**program.columns, **told})
    users = program.sampler(seed, SCALE_SAMPLE).users(SCALE_SAMPLE)
    scale = measure_scale(program.take(users), PriceBook(program), np.arange(len(users)))
    return Stretches(program, scale, gap, seed, lambda amount: _rows(program, position, amount))


def _rows(program: Program, position: int, amount: float) -> tuple[Row, ...]:
    """Return the rows with another amount in one budget."""
    return tuple(replace(row, upper=amount) if row.rule == position else row for row in program.rows)


def _with_amount(instance: Instance, position: int, amount: float) -> Instance:
    """Return the instance with another amount in one budget; nothing is read or compiled again."""
    rules = list(instance.rules)
    varied = rules[position]
    assert isinstance(varied, Budget)
    rules[position] = varied.model_copy(update={"amount": amount})
    if rows_at_risk(instance.program):
        return replace(instance, rules=tuple(rules))
    program = instance.program
    return instance.with_program(replace(program, rows=_rows(program, position, amount)), tuple(rules))


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


class _Chain:
    """Ascending budgets, each solved from the one before.

    Attributes
    ----------
    found : list of Point
        So far.
    """

    def __init__(
        self,
        instance: Instance,
        position: int,
        amounts: Sequence[float],
        stretches: Stretches | None,
        gap: float,
        seed: int,
        cancel: Cancel | None,
    ) -> None:
        self.instance, self.position, self.amounts = instance, position, amounts
        self.gap, self.seed, self.cancel = gap, seed, cancel
        self.near = None if stretches is None else Budgets(stretches, amounts, Clock(None, cancel))
        self.linear = not rows_at_risk(instance.program)
        self.found: list[Point] = []
        self.last: Solution | None = None
        self.least = -math.inf  # under this much there is no plan

    def run(self, begin: Callable[[float], None], stop: Cancel | None = None) -> None:
        """Solve one after the other, until all are, or one of the flags is set."""
        flags = [flag for flag in (self.cancel, stop) if flag is not None]
        for step, amount in enumerate(self.amounts):
            if any(flag.is_set() for flag in flags):
                break
            begin(amount)
            self.found.append(self._point(step, amount))

    def _point(self, step: int, amount: float) -> Point:
        if self.found and self.linear and self.found[-1].is_enough(self.gap):
            return replace(self.found[-1], amount=amount, solved=False)
        if amount < self.least:
            return replace(self.found[-1], amount=amount)
        priced = None if self.near is None or self.last is None else self.near.solve(step)
        if priced is not None:
            return Point.of_priced(amount, priced, self.instance, self.position, self.gap)
        solution = solve(
            _with_amount(self.instance, self.position, amount),
            gap=self.gap,
            start=self.last,
            seed=self.seed,
            cancel=self.cancel,
            explain_clashes=False,
        )
        if solution.infeasibility is None:
            self.last = solution
            if self.near is not None:
                self.near.known(step, solution.certificate.multipliers)
        elif self.linear and solution.infeasibility.proof == "prices":
            self.least = self._least(amount, solution.certificate.multipliers)
        return Point.of_solution(amount, solution, self.position)

    def _least(self, amount: float, proof: np.ndarray) -> float:
        """Return under which amount the proof that there is no plan holds: it is linear in the amount."""
        program = _with_amount(self.instance, self.position, amount).program
        price = proof[next(k for k, row in enumerate(program.rows) if row.rule == self.position)]
        if price <= 0:
            return math.inf  # the budget has no part in it
        book = PriceBook(program, with_objective=False)
        more = -dual_bound(LocalEngine(program), book, proof) / price
        return float(amount + more * (1 - 1e-9) - 1e-12 * amount)


def _side_by_side(chains: Sequence[_Chain], begin: Callable[[float], None]) -> None:
    """Run chains at one time; what they tell is told by this thread.

    What one of them raises is raised here once the others have ended the budget they are at.
    """
    begun: SimpleQueue[float | None] = SimpleQueue()
    stop = threading.Event()

    def run(chain: _Chain) -> None:
        try:
            chain.run(begun.put, stop)
        except BaseException:
            stop.set()
            raise
        finally:
            begun.put(None)

    with ThreadPoolExecutor(len(chains), thread_name_prefix="budgets") as pool:
        running = [pool.submit(run, chain) for chain in chains]
        try:
            ended = 0
            while ended < len(chains):
                amount = begun.get()
                if amount is None:
                    ended += 1
                else:
                    begin(amount)
        finally:
            stop.set()
        for chain in running:
            chain.result()
