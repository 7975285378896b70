"""Whether the chosen pairs bring what was predicted of them: solvers pick over-estimates."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from couponry.report.charts import TWO_SIDED_95, chosen_chart
from couponry.report.drawing import Chart
from couponry.report.formats import DASH, Formats
from couponry.report.tables import Table, check_columns

__all__ = ["ChosenSection", "chosen"]

_COLUMNS = ("by", "group", "pairs", "given", "without", "predicted", "realised", "standard_error")


@dataclass(frozen=True)
class ChosenSection:
    """Predicted against realised value of the plan's pairs."""

    words: str
    chart: Chart | None
    table: Table


def chosen(table: pd.DataFrame, formats: Formats) -> ChosenSection:
    """Return the section.

    Parameters
    ----------
    table : DataFrame
        Of :func:`couponry.predictors.evaluate.chosen_pairs`.
    formats : Formats

    Raises
    ------
    InputError
        If a column is missing.
    """
    check_columns(table, _COLUMNS, "chosen pairs")
    whole = table[table["by"] == "all"].iloc[0].to_dict()
    groups = table[table["by"] == "predicted value"].reset_index(drop=True)
    drawn = len(groups) > 1 and bool(groups["realised"].notna().all())
    rows = [_row(row, formats) for row in table.to_dict("records")]
    heads = ["Pairs", "Number", "Held-out rows given so", "Predicted, %", "Realised, %"]
    if "cost_predicted" in table:
        heads += [formats.in_currency(head) for head in ("Cost predicted", "Cost realised")]
    return ChosenSection(_words(whole, formats), chosen_chart(groups) if drawn else None, Table(heads, rows))


def _words(whole: Mapping[Hashable, Any], formats: Formats) -> str:
    said = (
        f"Of {formats.count(whole['pairs'])} held-out rows whose users get a coupon by this plan, "
        f"{formats.count(whole['given'])} had been given that very coupon by lot, and "
        f"{formats.count(whole['without'])} none. "
    )
    if not np.isfinite(whole["realised"]):
        return said + "That is too few to tell what the plan's pairs bring."
    off, error = whole["predicted"] - whole["realised"], whole["standard_error"]
    said += (
        f"The pairs were predicted to win {_hundred(whole['predicted'])} conversions in 100, and won "
        f"{_hundred(whole['realised'])} ± {_hundred(error)}. "
    )
    if abs(off) <= TWO_SIDED_95 * error:
        return said + "The two agree within chance."
    if off > 0:
        return said + (
            "The plan picked over-estimates: predict with shrink (--shrink) or calibrate, and keep a margin."
        )
    return said + "The plan wins more than was predicted."


def _row(row: Mapping[Hashable, Any], formats: Formats) -> list[str]:
    names = {"all": "all", "coupon": str(row["group"])}
    cells = [
        names.get(row["by"], f"fifth {row['group']}"),
        formats.count(row["pairs"]),
        formats.count(row["given"]),
        _hundred(row["predicted"]),
        _with_error(_hundred(row["realised"]), _hundred(row["standard_error"])),
    ]
    if "cost_predicted" in row:
        cells += [
            _amount(row["cost_predicted"]),
            _with_error(_amount(row["cost_realised"]), _amount(row["cost_standard_error"])),
        ]
    return cells


def _with_error(value: str, error: str) -> str:
    return DASH if value == DASH else f"{value} ± {error}"


def _amount(money: float) -> str:
    return DASH if not np.isfinite(money) else f"{money:,.2f}".replace("-", "−")


def _hundred(share: float) -> str:
    return DASH if not np.isfinite(share) else f"{100 * share:.2f}".replace("-", "−")
