"""The inverse question: how little money is enough for a target.

The program is turned round: cost is minimised, what was maximised gets a floor, budgets of money over
everybody are dropped, and all other rules stay. Its bound is proven like any other: with less money no plan
reaches the target.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.errors import InputError
from couponry.instances.plan import read_plan
from couponry.instances.rules import Budget, Target
from couponry.solver.solution import Certificate, Solution
from couponry.solver.solve import solve
from couponry.solver.words import amount

if TYPE_CHECKING:
    from couponry.instances.instance import Instance

__all__ = ["LeastBudget", "least_budget", "result_of", "turned_round"]

_NOUNS = {"value": "conversions", "count": "coupons", "revenue": "of revenue", "cost": "of cost"}


@dataclass(frozen=True)
class LeastBudget:
    """The least money for a target.

    Attributes
    ----------
    target : float
    measure : str
        What the target is of.
    instance : Instance
        The program turned round, of which ``solution`` is the answer: what ``verify`` judges it by.
    solution : Solution
        Its plan reaches the target and keeps all rules but the budgets of money over everybody.
    """

    target: float
    measure: str
    instance: Instance
    solution: Solution

    @property
    def enough(self) -> float:
        """Money that is enough: the expected cost of the plan; NaN without one."""
        return self.solution.value

    @property
    def least(self) -> float:
        """Money below which no plan reaches the target, proven; −inf where nothing is proven."""
        return self.solution.bound

    @property
    def words(self) -> str:
        """Return the answer as a sentence, amounts rounded to the cent on the safe side."""
        goal = f"{amount(self.target)} {_NOUNS.get(self.measure, self.measure.replace('_', ' '))}"
        if math.isnan(self.enough):
            why = self.solution.infeasibility
            if why is None:
                return f"No plan for {goal} was found. {self.solution.stopped_by.words}"
            return f"No money is enough for {goal}. {why.words}"
        currency = self.instance.campaign.currency or "units of money"
        words = f"{_cents(self.enough, math.ceil)} {currency} are enough for {goal}"
        if not math.isfinite(self.least):
            return f"{words}; nothing is proven of less."
        least = _cents(self.least, math.floor)
        if least == _cents(self.enough, math.ceil):
            return f"{words}; no plan does it for less."
        return f"{words}; less than {least} cannot be."


def least_budget(
    instance: Instance,
    *,
    target: float | None = None,
    keep_result: Solution | pa.Table | str | Path | None = None,
    measure: str | None = None,
    start: Solution | None = None,
    **options: Any,
) -> LeastBudget:
    """Find the least money that reaches a target, all other rules as they are.

    Parameters
    ----------
    instance : Instance
    target : float, optional
        At least so much of the measure over all users.
    keep_result : Solution, table or path, optional
        Instead of a target: what an earlier plan says it wins, as last month's did.
    measure : str, optional
        What the target is of; by default what the campaign maximises, else ``"value"``.
    start : Solution, optional
        Of the instance as it stands: its prices, turned round, are started from.
    **options
        Of :func:`couponry.solver.solve`.

    Returns
    -------
    LeastBudget

    Raises
    ------
    InputError
        If not exactly one of ``target`` and ``keep_result`` is given, the target is not finite, the instance
        has no such measure, or the plan does not say what it wins.
    """
    if (target is None) == (keep_result is None):
        raise InputError("the least money is asked for one thing", mend="Give either target or keep_result")
    if measure is None:
        maximised = instance.campaign.sense == "maximise"
        measure = instance.campaign.objective if maximised else "value"
    if target is None:
        assert keep_result is not None
        target = result_of(keep_result, measure)
    turned = turned_round(instance, target, measure)
    held = None if start is None else _turned_start(instance, turned, start)
    return LeastBudget(target, measure, turned, solve(turned, start=held, **options))


def result_of(plan: Solution | pa.Table | str | Path, measure: str) -> float:
    """Return what a plan says it wins of a measure.

    Raises
    ------
    InputError
        If it does not say.
    """
    if isinstance(plan, str | Path):
        plan = read_plan(plan)
    table = plan.plan if isinstance(plan, Solution) else plan
    if measure == "count":
        return float(table.num_rows)
    if measure not in table.column_names:
        raise InputError(
            f"the earlier plan does not say its {measure}",
            column=measure,
            mend="Give the target as a number",
        )
    return math.fsum(pc.fill_null(table[measure].cast(pa.float64()), 0.0).to_numpy())


def turned_round(instance: Instance, target: float, measure: str) -> Instance:
    """Return the instance that asks for the least cost of a target, without budgets of money over everybody.

    Raises
    ------
    InputError
        If the target is not finite, or there is no such measure.
    """
    if not math.isfinite(target):
        raise InputError("a target must be a finite number", value=target, mend="Give what is to be reached")
    if measure != "count":
        instance.response.measure(measure)
    kept = [rule for rule in instance.rules if not _is_money(rule)]
    floor = Target(at_least=target, measure=measure)
    campaign = instance.campaign.model_copy(update={"objective": "cost", "sense": "minimise"})
    return replace(instance, rules=(*kept, floor), campaign=campaign)


def _is_money(rule: object) -> bool:
    return isinstance(rule, Budget) and rule.measure == "cost" and rule.coupons is None and rule.users is None


def _turned_start(instance: Instance, turned: Instance, start: Solution) -> Solution | None:
    """Return a solution's prices for the program turned round.

    At a budget's price λ, max v − λ·cost − Σ μ_k a_k is the same as min cost − v/λ + Σ (μ_k/λ) a_k: the
    target's floor pays 1/λ for each unit, and every other price is divided by λ.
    """
    rows = instance.program.rows
    known = dict(zip(start.certificate.names, start.certificate.multipliers, strict=True))
    money = math.fsum(
        known.get(row.name, 0.0) for row in rows if row.rule >= 0 and _is_money(instance.rules[row.rule])
    )
    if instance.campaign.sense == "minimise" or money <= 0:
        return None
    names = tuple(row.name for row in turned.program.rows)
    multipliers = np.array([known.get(name, 0.0) / money for name in names])
    multipliers[-1] = -1.0 / money
    return replace(start, certificate=Certificate(names, multipliers, -math.inf))


def _cents(amount: float, rounded: Any) -> str:
    """Return an amount in whole cents, rounded up or down; what is a hair from a cent is that cent."""
    cents = round(amount * 100, 6)
    text = f"{rounded(cents) / 100:,.2f}"
    return text.removesuffix(".00")
