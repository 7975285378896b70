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
