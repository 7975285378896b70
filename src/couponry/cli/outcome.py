"""A solution in the terminal: what was found, how good it is, and what every rule costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from couponry.cli.console import figure, money, print_table

if TYPE_CHECKING:
    from couponry.instances.instance import Instance
    from couponry.instances.streamed import StreamedInstance
    from couponry.solver.solution import Solution, StreamedSolution

__all__ = ["print_outcome", "print_rules"]


def print_outcome(instance: Instance | StreamedInstance, solution: Solution | StreamedSolution) -> None:
    """Print what was found and how good it is."""
    from couponry.solver.scenario import plan_cost
    from couponry.solver.solution import Solution

    campaign = instance.campaign
    cost = plan_cost(solution) if isinstance(solution, Solution) else solution.cost
    print_table(
        f"{campaign.name}: {solution.status.value}. {solution.stopped_by.words}",
        ("objective", "plan", "best possible", "gap", "cost", "given", "users", "seconds"),
        [
            (
                f"{campaign.sense} {campaign.objective}",
                figure(solution.value),
                figure(solution.bound),
                f"{solution.gap:.1e}",
                money(cost, campaign.currency),
                f"{solution.given:,}",
                f"{solution.stats.get('users', 0):,}",
                figure(solution.stats.get("seconds")),
            )
        ],
    )


def print_rules(solution: Solution | StreamedSolution) -> None:
    """Print every row with its activity, its limits and its price."""
    rows = [
        (
            row["name"],
            figure(row["activity"]),
            _limits(row["lower"], row["upper"]),
            figure(row["price"]) if row["price"] else "–",
            row["words"],
        )
        for row in solution.prices.to_dict("records")
    ]
    if rows:
        print_table("", ("rule", "activity", "allowed", "price", "in words"), rows)


def _limits(lower: float, upper: float) -> str:
    if math.isinf(lower):
        return f"≤ {figure(upper)}"
    return f"≥ {figure(lower)}" if math.isinf(upper) else f"{figure(lower)} to {figure(upper)}"
