"""The sections that speak of more than the plan: other budgets, predictors, policies, the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from couponry.instances.errors import InputError
from couponry.instances.instance import Instance
from couponry.instances.rules import Budget
from couponry.report.charts import frontier_chart, policy_chart
from couponry.report.drawing import Chart
from couponry.report.formats import DASH, Formats
from couponry.report.price_words import objective_words
from couponry.solver.solution import Solution

__all__ = ["FrontierSection", "PolicySection", "Table", "TruthSection", "frontier", "policies", "truth"]

_PER = 1000
_DECIDERS = {
    "oracle": "The best plan, if every user's true response were known",
    "plan": "This plan",
    "random": "Coupons at random, for the same money",
}


@dataclass(frozen=True)
class Table:
    """A table of texts; the first column names the rows."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class FrontierSection:
    """What other budgets would bring."""

    words: str
    chart: Chart
    table: Table


@dataclass(frozen=True)
class PolicySection:
    """What policies would have been worth on held-out users."""

    chart: Chart
    caption: str
    table: Table


@dataclass(frozen=True)
class TruthSection:
    """What a plan is truly worth, in a world whose response is known: name, value, share of the best."""

    words: str
    rows: list[tuple[str, float, float | None]]


def frontier(
    instance: Instance, solution: Solution, table: pd.DataFrame, formats: Formats
) -> FrontierSection | None:
    """Return the frontier's section; None where fewer than two budgets have a plan.

    Raises
    ------
    InputError
        If a column is missing.
    """
    _check_columns(table, ("budget", "value", "bound"), "frontier")
    ordered = table.sort_values("budget").reset_index(drop=True)
    drawn = ordered[np.isfinite(ordered["value"])].reset_index(drop=True)
    if len(drawn) < 2:
        return None
    drawn["bound"] = drawn["bound"].where(np.isfinite(drawn["bound"]), drawn["value"])
    budget = next((rule.amount for rule in instance.rules if isinstance(rule, Budget)), None)
    here = None if budget is None or not np.isfinite(solution.value) else (budget, solution.value)
    measure = instance.campaign.objective
    return FrontierSection(
        _frontier_words(drawn, here, measure, formats),
        frontier_chart(drawn, here, objective_words(measure), formats),
        _frontier_table(ordered, measure, formats),
    )


def _frontier_words(
    table: pd.DataFrame, here: tuple[float, float] | None, measure: str, formats: Formats
) -> str:
    """Return the ends of the curve, and what the next larger budget would change."""
    first, last = table.iloc[0], table.iloc[-1]
    start, end = (formats.measure(measure, row["value"]) for row in (first, last))
    words = f"From {formats.money(first['budget'])} to {formats.money(last['budget'])}, "
    words += f"{objective_words(measure)} go from {start} to {end}."
    larger = table[table["budget"] > here[0] * (1 + 1e-9)] if here is not None else table.iloc[:0]
    if here is not None and len(larger):
        more = larger.iloc[0]
        words += (
            f" With {formats.money(more['budget'])} instead of {formats.money(here[0])} they would be "
            f"{formats.measure(measure, more['value'])} instead of {formats.measure(measure, here[1])}."
        )
    return words


def _frontier_table(table: pd.DataFrame, measure: str, formats: Formats) -> Table:
    columns: dict[str, tuple[str, Callable[[float], str]]] = {
        "budget": ("Budget", formats.money),
        "value": (objective_words(measure).capitalize(), lambda x: formats.measure(measure, x)),
        "bound": ("At best", lambda x: formats.measure(measure, x)),
        "gap": ("Gap", lambda x: formats.percent(x, 2)),
        "spend": ("Spent", formats.money),
        "price": ("Price of one more unit", formats.number),
    }
    shown = {name: column for name, column in columns.items() if name in table}
    rows = [[style(float(row[name])) for name, (_, style) in shown.items()] for _, row in table.iterrows()]
    return Table([head for head, _ in shown.values()], rows)


def policies(table: pd.DataFrame, formats: Formats) -> PolicySection:
    """Return the policies' section: values a thousand users, each with its standard error.

    Raises
    ------
    InputError
        If neither estimate is there.
    """
    _check_columns(table, ("policy",), "policies")
    estimates = [name for name in ("dr", "snips") if name in table and f"{name}_se" in table]
    if not estimates:
        raise InputError(
            "the table of policies has no estimate",
            column="snips",
            mend="Give snips and snips_se, or dr and dr_se",
        )
    names = {"dr": "doubly robust", "snips": "self-normalised inverse propensity"}
    heads = ["Policy", *(f"Conversions per {_PER:,}, {names[e]}" for e in estimates)]
    extra = [column for column in ("share", "cost") if column in table]
    heads += [{"share": "Users given a coupon", "cost": "Cost a user"}[column] for column in extra]
    rows = [
        [
            str(row["policy"]),
            *(_with_error(row[e], row[f"{e}_se"], formats) for e in estimates),
            *(_extra(column, float(row[column]), formats) for column in extra),
        ]
        for _, row in table.iterrows()
    ]
    main = estimates[0]
    chart = policy_chart(table, main, f"{main}_se", _PER, f"Conversions per {_PER:,} users")
    return PolicySection(chart, f"Estimated by {names[main]}; lines are 95 % intervals.", Table(heads, rows))


def _extra(column: str, value: float, formats: Formats) -> str:
    return formats.share(value) if column == "share" else formats.money(value)


def truth(values: Mapping[str, float], formats: Formats) -> TruthSection:
    """Return the section on what is true in a drawn world.

    Parameters
    ----------
    values : mapping from str to float
        True conversions won under ``"plan"``, ``"oracle"`` (the best plan for the true response) and
        ``"random"``; other names are shown as they are.
    formats : Formats
    """
    best = values.get("oracle")
    order = sorted(values, key=lambda name: -values[name])
    rows = [
        (
            _DECIDERS.get(name, name),
            float(values[name]),
            max(0.0, values[name] / best) if best and best > 0 else None,
        )
        for name in order
    ]
    words = "This world was drawn, so the true response of every user is known."
    if "plan" in values and best and best > 0:
        words += (
            f" The plan wins {formats.percent(values['plan'] / best)} of what perfect knowledge would win"
        )
        random = values.get("random")
        if random and random > 0:
            words += f", and {formats.number(values['plan'] / random, 3)} times what chance would"
        words += "."
    return TruthSection(words, rows)


def _with_error(value: float, error: float, formats: Formats) -> str:
    if not np.isfinite(value):
        return DASH
    decimals = max(0, 1 - int(np.floor(np.log10(_PER * error)))) if error > 0 else 2
    return f"{_PER * value:,.{decimals}f} ± {_PER * error:,.{decimals}f}".replace("-", "−")


def _check_columns(table: pd.DataFrame, names: Sequence[str], what: str) -> None:
    for name in names:
        if name not in table:
            raise InputError(
                f"the table of the {what} lacks a column",
                column=name,
                mend=f"Columns found: {', '.join(map(str, table.columns))}",
            )
