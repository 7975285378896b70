"""Budgets of a frontier, each solved over everybody or read off a smaller one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from couponry.instances.instance import Instance
from couponry.instances.program import Program
from couponry.instances.progress import Cancel
from couponry.instances.rows import Row
from couponry.instances.rules import Budget
from couponry.solver.bound import dual_bound
from couponry.solver.budget_points import Point
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook
from couponry.solver.solution import Solution
from couponry.solver.solve import solve
from couponry.solver.stand_ins import rows_at_risk

__all__ = ["BudgetSolves", "rows_of", "with_amount"]


def rows_of(program: Program, position: int, amount: float) -> tuple[Row, ...]:
    """Return a program's rows with another amount in the budget at a position among the rules."""
    return tuple(replace(row, upper=amount) if row.rule == position else row for row in program.rows)


def with_amount(instance: Instance, position: int, amount: float) -> Instance:
    """Return the instance with another amount in one budget; nothing is read or compiled again."""
    rules = list(instance.rules)
    varied = rules[position]
    assert isinstance(varied, Budget)
    rules[position] = varied.model_copy(update={"amount": amount})
    if rows_at_risk(instance.program):
        return replace(instance, rules=tuple(rules))
    program = instance.program
    return instance.with_program(replace(program, rows=rows_of(program, position, amount)), tuple(rules))


class BudgetSolves:
    """Solves budgets, and holds what is known of each.

    Parameters
    ----------
    instance : Instance
    position : int
        Of the budget in ``instance.rules``.
    amounts : sequence of float
        Ascending.
    gap : float
    seed : int
    cancel : Cancel or None

    Attributes
    ----------
    found : dict of int to Point
        By place among the amounts.
    solutions : dict of int to Solution
        Of the budgets that were solved over everybody and have a plan.
    least : dict of int to float
        Of the budgets that have no plan: up to how much the proof holds.
    """

    def __init__(
        self,
        instance: Instance,
        position: int,
        amounts: Sequence[float],
        gap: float,
        seed: int,
        cancel: Cancel | None,
    ) -> None:
        self.instance, self.position, self.amounts = instance, position, amounts
        self.gap, self.seed, self.cancel = gap, seed, cancel
        self.linear = not rows_at_risk(instance.program)
        self.found: dict[int, Point] = {}
        self.solutions: dict[int, Solution] = {}
        self.least: dict[int, float] = {}

    @property
    def cancelled(self) -> bool:
        """Whether no further budget is to be begun."""
        return self.cancel is not None and self.cancel.is_set()

    def in_turn(self, begin: Callable[[float], None]) -> None:
        """Solve one after the other, ascending, each from the one before."""
        before: Solution | None = None
        for at, amount in enumerate(self.amounts):
            if self.cancelled:
                break
            begin(amount)
            if not at or not self.read_off(at, at - 1):
                self.of_everybody(at, before)
            before = self.solutions.get(at, before)

    def read_off(self, at: int, smaller: int | None = None, larger: int | None = None) -> bool:
        """Take what budgets that were solved say of this one, where they say all.

        A smaller one may be enough, or its proof that there is no plan may hold here, too; where a larger one
        has no plan, this has none.
        """
        amount = self.amounts[at]
        if smaller is not None and self.linear and self.found[smaller].is_enough(self.gap):
            self.found[at] = replace(self.found[smaller], amount=amount, solved=False)
            return True
        for other in (smaller, larger):
            if other is not None and amount <= self.least.get(other, -math.inf):
                self.found[at] = replace(self.found[other], amount=amount)
                self.least[at] = self.least[other]
                return True
        return False

    def of_everybody(self, at: int, start: Solution | None) -> None:
        """Solve a budget over everybody, from the prices of another."""
        amount = self.amounts[at]
        solution = solve(
            with_amount(self.instance, self.position, amount),
            gap=self.gap,
            start=start,
            seed=self.seed,
            cancel=self.cancel,
            explain_clashes=False,
        )
        if solution.infeasibility is None:
            # Others start from its prices: nobody needs the plan, which is as long as the users are many.
            self.solutions[at] = replace(solution, plan=solution.plan.schema.empty_table())
        else:
            known = self.linear and solution.infeasibility.proof == "prices"
            self.least[at] = self._least(amount, solution.certificate.multipliers) if known else amount
        self.found[at] = Point.of_solution(amount, solution, self.position)

    def _least(self, amount: float, proof: np.ndarray) -> float:
        """Return up to which amount the proof that there is no plan holds: it is linear in the amount."""
        program = with_amount(self.instance, self.position, amount).program
        price = proof[next(k for k, row in enumerate(program.rows) if row.rule == self.position)]
        if price <= 0:
            return math.inf  # the budget has no part in it
        book = PriceBook(program, with_objective=False)
        more = -dual_bound(LocalEngine(program), book, proof) / price
        return float(amount + more * (1 - 1e-9) - 1e-12 * amount)
