"""What other budgets would bring: the frontier as a sentence, a curve and a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from couponry.instances.instance import Instance
from couponry.instances.rules import Budget
from couponry.report.charts import frontier_chart
from couponry.report.drawing import Chart
from couponry.report.formats import Formats
from couponry.report.tables import Table, check_columns
from couponry.solver.solution import Solution
from couponry.solver.words import objective_words

if TYPE_CHECKING:
    from couponry.solver.frontier import Frontier

__all__ = ["FrontierSection", "frontier_section"]

Style = Callable[[float], str]


@dataclass(frozen=True)
class FrontierSection:
    """What other budgets would bring."""

    words: str
    chart: Chart
    table: Table


def frontier_section(
    instance: Instance, solution: Solution, found: Frontier | pd.DataFrame, formats: Formats
) -> FrontierSection | None:
    """Return the frontier's section; None where fewer than two budgets have a plan.

    Raises
    ------
    InputError
        If a column is missing.
    """
    table = found if isinstance(found, pd.DataFrame) else found.table
    check_columns(table, ("budget", "value", "bound"), "frontier")
    ordered = table.sort_values("budget").reset_index(drop=True)
    drawn = ordered[np.isfinite(ordered["value"])].reset_index(drop=True)
    if len(drawn) < 2:
        return None
    drawn["bound"] = drawn["bound"].where(np.isfinite(drawn["bound"]), drawn["value"])
    budget = _varied(instance, None if isinstance(found, pd.DataFrame) else found.rule)
    here = None if budget is None or not np.isfinite(solution.value) else (budget.amount, solution.value)
    objective, spent = instance.campaign.objective, "cost" if budget is None else budget.measure
    what = objective_words(objective)
    styles: tuple[Style, Style] = (
        lambda amount: formats.measure(spent, amount),
        lambda value: formats.measure(objective, value),
    )
    name = (budget and budget.name) or "Budget"
    name = name[:1].upper() + name[1:]
    name = formats.in_currency(name) if spent == "cost" else f"{name}, {spent}"
    return FrontierSection(
        _words(drawn, here, what, styles),
        frontier_chart(_with_present(drawn, here, solution.bound), here, what, name, styles),
        _table(ordered, what, styles, formats),
    )


def _varied(instance: Instance, position: int | None) -> Budget | None:
    """Return the budget that is varied: by default the first that speaks of all, or else the first."""
    budgets = [rule for rule in instance.rules if isinstance(rule, Budget)]
    if position is not None:
        rule = instance.rules[position]
        return rule if isinstance(rule, Budget) else None
    whole = [rule for rule in budgets if rule.coupons is None and rule.users is None]
    return next(iter(whole or budgets), None)


def _with_present(table: pd.DataFrame, here: tuple[float, float] | None, bound: float) -> pd.DataFrame:
    """Return the curve with the present plan among its points, which it is."""
    if here is None or np.isclose(table["budget"], here[0], rtol=1e-9).any():
        return table
    present = {"budget": here[0], "value": here[1], "bound": bound if np.isfinite(bound) else here[1]}
    return pd.concat([table, pd.DataFrame([present])]).sort_values("budget", ignore_index=True)


def _words(
    table: pd.DataFrame, here: tuple[float, float] | None, what: str, styles: tuple[Style, Style]
) -> str:
    """Return the ends of the curve, and what the next larger budget would change."""
    amount, reached = styles
    first, last = table.iloc[0], table.iloc[-1]
    words = f"From {amount(first['budget'])} to {amount(last['budget'])}, {what} "
    words += f"go from {reached(first['value'])} to {reached(last['value'])}."
    if here is None:
        return words
    larger = table[table["budget"] > here[0] * (1 + 1e-9)]
    if len(larger):
        more = larger.iloc[0]
        words += f" With {amount(more['budget'])} instead of {amount(here[0])} they would be "
        words += f"{reached(more['value'])} instead of {reached(here[1])}."
    return words


def _table(table: pd.DataFrame, what: str, styles: tuple[Style, Style], formats: Formats) -> Table:
    amount, reached = styles
    columns: dict[str, tuple[str, Style]] = {
        "budget": ("Budget", amount),
        "value": (what[:1].upper() + what[1:], reached),
        "bound": ("At best", reached),
        "gap": ("Gap", lambda gap: formats.percent(gap, 2)),
        "spend": ("Spent", amount),
        "price": ("Price of one more unit", formats.number),
    }
    shown = {name: column for name, column in columns.items() if name in table}
    rows = [[style(float(row[name])) for name, (_, style) in shown.items()] for _, row in table.iterrows()]
    return Table([head for head, _ in shown.values()], rows)
