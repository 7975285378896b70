"""What policies would have been worth on held-out users, and what is true in a drawn world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from couponry.instances.errors import InputError
from couponry.report.charts import policy_chart
from couponry.report.drawing import Chart
from couponry.report.formats import DASH, Formats
from couponry.report.tables import Table, check_columns

__all__ = ["PolicySection", "TruthSection", "policies", "truth"]

_PER = 1000
_DECIDERS = {
    "oracle": "The best plan, if every user's true response were known",
    "plan": "This plan",
    "random": "Coupons at random, for the same money",
}


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


def policies(table: pd.DataFrame, formats: Formats) -> PolicySection:
    """Return the policies' section: values a thousand users, each with its standard error.

    Raises
    ------
    InputError
        If neither estimate is there.
    """
    check_columns(table, ("policy",), "policies")
    estimates = [name for name in ("dr", "snips") if name in table and f"{name}_se" in table]
    if not estimates:
        raise InputError(
            "the table of policies has no estimate",
            column="snips",
            mend="Give snips and snips_se, or dr and dr_se",
        )
    names = {"dr": "doubly robust", "snips": "self-normalised inverse propensity"}
    values = {name: f"Conversions per {_PER:,}, {names[name]}" for name in estimates}
    if "gain" in table and "gain_se" in table:
        values["gain"] = f"More than without coupons, per {_PER:,}"
    extra = {"share": "Users given a coupon", "cost": "Cost a user"}
    extra = {name: head for name, head in extra.items() if name in table}
    rows = [
        [
            str(row["policy"]),
            *(_with_error(row[name], row[f"{name}_se"]) for name in values),
            *(_extra(name, float(row[name]), formats) for name in extra),
        ]
        for _, row in table.iterrows()
    ]
    main = estimates[0]
    chart = policy_chart(table, main, f"{main}_se", _PER, f"Conversions per {_PER:,} users")
    caption = f"Estimated by {names[main]}; lines are 95 % intervals."
    return PolicySection(chart, caption, Table(["Policy", *values.values(), *extra.values()], rows))


def _extra(column: str, value: float, formats: Formats) -> str:
    return formats.share(value) if column == "share" else formats.money(value)


def truth(values: Mapping[str, float], promised: float, formats: Formats) -> TruthSection:
    """Return the section on what is true in a drawn world.

    Parameters
    ----------
    values : mapping from str to float
        True conversions won under ``"plan"``, ``"oracle"`` (the best plan for the true response) and
        ``"random"``; other names are shown as they are.
    promised : float
        Conversions that the predictions expect of the plan.
    formats : Formats
    """
    plan, best, chance = (values.get(name, 0.0) for name in ("plan", "oracle", "random"))
    rows = [
        (_DECIDERS.get(name, name), float(value), max(0.0, value / best) if best > 0 else None)
        for name, value in sorted(values.items(), key=lambda item: -item[1])
    ]
    words = "This world was drawn, so the true response of every user is known."
    if "plan" in values:
        words += f" The plan truly wins {formats.number(plan)} conversions where {formats.number(promised)} "
        words += "were predicted."
        if best > 0:
            words += f" That is {formats.percent(plan / best)} of what perfect knowledge would win"
            words += (
                f", and {formats.number(plan / chance, 3)} times what chance would." if chance > 0 else "."
            )
    return TruthSection(words, rows)


def _with_error(value: float, error: float) -> str:
    if not np.isfinite(value):
        return DASH
    decimals = max(0, 1 - int(np.floor(np.log10(_PER * error)))) if error > 0 else 2
    return f"{_PER * value:,.{decimals}f} ± {_PER * error:,.{decimals}f}".replace("-", "−")
