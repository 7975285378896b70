"""The best objective as a function of the budget, each point solved warm from the one before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.instance import Instance
from couponry.instances.progress import Cancel, Progress, Report
from couponry.instances.rules import Budget
from couponry.solver.result import relative_gap
from couponry.solver.solution import Solution
from couponry.solver.solve import solve

__all__ = ["Frontier", "frontier", "varied_budget"]

COLUMNS = ("budget", "status", "value", "bound", "gap", "spend", "given", "price")


@dataclass(frozen=True)
class Frontier:
    """Points of the frontier.

    Attributes
    ----------
    rule : int
        Position of the budget in ``instance.rules``.
    budget : float
        The instance's own amount.
    table : pandas.DataFrame
        One row a budget, ascending: ``budget, status, value, bound, gap, spend, given, price``. ``spend`` is
        what the plan takes of the budget; ``price`` is what one more unit of it is worth there. A budget
        under which no plan exists has NaNs.
    """

    rule: int
    budget: float
    table: pd.DataFrame


def frontier(
    instance: Instance,
    budgets: Sequence[float] | None = None,
    *,
    points: int = 11,
    rule: int | None = None,
    gap: float = 1e-4,
    seed: int = 0,
    progress: Report | None = None,
    cancel: Cancel | None = None,
) -> Frontier:
    """Solve for the best objective at each of several budgets.

    Parameters
    ----------
    instance : Instance
    budgets : sequence of float, optional
        Amounts; by default ``points`` of them between a quarter and twice the instance's own.
    points : int
        At least 2; used where ``budgets`` is not given.
    rule : int, optional
        Position in ``instance.rules`` of the budget that is varied; by default the first that speaks of all
        coupons and users, or else the first.
    gap : float
        As for :func:`couponry.solver.solve`.
    seed : int
    progress : callable, optional
    cancel : Cancel, optional
        Once it is set, the points found so far are handed back.

    Returns
    -------
    Frontier

    Raises
    ------
    InputError
        If there is no budget to vary, or an amount is negative or not finite.
    """
    position = varied_budget(instance, rule)
    varied = instance.rules[position]
    assert isinstance(varied, Budget)
    amounts = _amounts(varied.amount, budgets, points)
    records: list[dict[str, Any]] = []
    last: Solution | None = None
    for step, amount in enumerate(amounts):
        if cancel is not None and cancel.is_set():
            break
        if progress is not None:
            progress(Progress("frontier", step, len(amounts), f"budget {amount:,.6g}"))
        rules = list(instance.rules)
        rules[position] = varied.model_copy(update={"amount": amount})
        solution = solve(
            replace(instance, rules=tuple(rules)),
            gap=gap,
            start=last,
            seed=seed,
            cancel=cancel,
            explain_clashes=False,
        )
        record = _record(amount, solution, position)
        records.append(_no_worse(record, records[-1], instance) if records else record)
        if solution.infeasibility is None:
            last = solution
    if progress is not None:
        progress(Progress("frontier", len(records), len(amounts), "done"))
    return Frontier(position, varied.amount, pd.DataFrame.from_records(records, columns=list(COLUMNS)))


def _no_worse(record: dict[str, Any], before: dict[str, Any], instance: Instance) -> dict[str, Any]:
    """Keep the plan of the smaller budget where, within the gap, it is the better one: it fits here too."""
    sense = instance.program.sense
    if math.isnan(before["value"]) or sense * record["value"] >= sense * before["value"]:
        return record
    kept = {name: before[name] for name in ("value", "spend", "given")}
    return {**record, **kept, "gap": relative_gap(before["value"], record["bound"])}


def varied_budget(instance: Instance, rule: int | None = None) -> int:
    """Return which rule a frontier varies: the one given, or the first budget of all, or the first budget.

    Raises
    ------
    InputError
        If there is no budget, or the rule given is none.
    """
    budgets = [k for k, r in enumerate(instance.rules) if isinstance(r, Budget)]
    if not budgets:
        raise InputError("there is no budget to vary", mend="Add a [[budget]] to the instance's rules")
    if rule is None:
        whole = [k for k in budgets if instance.rules[k].coupons is None and instance.rules[k].users is None]  # type: ignore[union-attr]
        return (whole or budgets)[0]
    if rule not in budgets:
        raise InputError("this rule is not a budget", value=rule, mend=did_you_mean(rule, budgets))
    return rule


def _amounts(own: float, budgets: Sequence[float] | None, points: int) -> list[float]:
    if budgets is None:
        if points < 2:
            raise InputError("a frontier needs at least 2 points", value=points)
        return [float(amount) for amount in own * np.linspace(0.25, 2.0, points)]
    for amount in budgets:
        if not (math.isfinite(amount) and amount >= 0):
            raise InputError("a budget must be a finite number of at least 0", value=amount)
    if not len(budgets):
        raise InputError("no budgets were given", mend="Give at least one amount")
    return sorted(float(amount) for amount in budgets)


def _record(amount: float, solution: Solution, position: int) -> dict[str, Any]:
    row = solution.prices[solution.prices["position"] == position].iloc[0]
    found = solution.plan.num_rows > 0 or not math.isnan(solution.value)
    return {
        "budget": amount,
        "status": solution.status.value,
        "value": solution.value,
        "bound": solution.bound if math.isfinite(solution.bound) else math.nan,
        "gap": solution.gap if found else math.nan,
        "spend": row["activity"] if found else math.nan,
        "given": solution.plan.num_rows if found else math.nan,
        "price": row["price"] if found else math.nan,
    }
