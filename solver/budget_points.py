"""What is known of one budget of a frontier: the plan found under it, its bound and its price."""

from __future__ import annotations

import math
from dataclasses import dataclass

from couponry.instances.instance import Instance
from couponry.instances.rows import COUNT
from couponry.solver.result import plain_sum, relative_gap
from couponry.solver.solution import Solution, Status
from couponry.solver.stretch import Priced

__all__ = ["Point"]


@dataclass(frozen=True)
class Point:
    """A budget and what was found; that of a smaller budget where more money is worth nothing.

    ``value, bound, price`` are in the objective's own direction, ``line`` is the bound that the prices prove
    for every budget: where, how much, and its slope.
    """

    amount: float
    status: Status
    value: float
    bound: float
    price: float
    spend: float
    given: int
    totals: dict[str, float]
    line: tuple[float, float, float] | None
    solved: bool = True

    @classmethod
    def of_solution(cls, amount: float, solution: Solution, position: int) -> Point:
        """Return the point of a solution."""
        row = solution.prices[solution.prices["position"] == position].iloc[0]
        proven = solution.certificate.bound
        known = solution.infeasibility is None and math.isfinite(proven)
        return cls(
            amount,
            solution.status,
            solution.value,
            solution.bound,
            row["price"],
            row["activity"],
            solution.plan.num_rows,
            solution.stats["totals"],
            (float(row["upper"]), proven, float(row["price"])) if known else None,
        )

    @classmethod
    def of_priced(cls, amount: float, priced: Priced, instance: Instance, position: int, gap: float) -> Point:
        """Return the point of a budget that was solved on a stretch."""
        sense, sums = instance.program.sense, priced.sums
        rows = instance.program.rows
        k = next(k for k, row in enumerate(rows) if row.rule == position)
        price = float(sense * priced.multipliers[k] * rows[k].unit)
        spend = plain_sum(rows[k], sums)
        assert spend is not None  # a budget is a plain sum
        value, bound = sums.total(instance.program.objective), sense * priced.bound
        status = Status.OPTIMAL if relative_gap(value, bound) <= gap else Status.FEASIBLE
        return cls(
            amount,
            status,
            value,
            bound,
            price,
            rows[k].told(spend),
            int(sums.high[COUNT].sum()),
            {name: sums.total(name) for name in sums.high},
            (amount, sense * priced.proven, price),
        )

    def is_enough(self, gap: float) -> bool:
        """Whether the plan is proven to be within the gap of the best at any larger budget."""
        return bool(
            self.price == 0 and self.line is not None and relative_gap(self.value, self.line[1]) <= gap
        )
