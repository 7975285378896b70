"""The tables that ``couponry value`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from couponry.cli.console import percent, print_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["print_differences", "print_methods"]

_WORDS = {"ips": "IPS", "snips": "SNIPS", "dr": "DR", "switch-dr": "switch-DR"}


def print_methods(table: pd.DataFrame, measure: str) -> None:
    """Print the value of every policy by each method."""
    names = list(dict.fromkeys(table["method"]))
    rows = []
    for policy, found in table.groupby("policy", sort=False):
        by = found.set_index("method").to_dict("index")
        values = [_with_error(by[name]["value"], by[name]["standard_error"]) for name in names]
        effective = f"{by[names[0]]['effective_sample_size']:,.0f}"
        rows.append((str(policy), percent(by[names[0]]["share"]), *values, effective))
    header = ("policy", "given", *(_WORDS[name] for name in names), "effective rows")
    print_table(f"{_titled(measure)} per 1,000 rows of the log, ± standard error", header, rows)


def print_differences(table: pd.DataFrame, measure: str) -> None:
    """Print the value of every policy by one method, and over what was done and over nothing."""
    rows = [
        (
            row["policy"],
            percent(row["share"]),
            _with_error(row["value"], row["standard_error"]),
            f"{_per_thousand(row['low'])} to {_per_thousand(row['high'])}",
            _with_error(row["over_logged"], row["over_logged_se"], "+"),
            _with_error(row["over_nothing"], row["over_nothing_se"], "+"),
            f"{row['effective_sample_size']:,.0f}",
        )
        for row in table.to_dict("records")
    ]
    word = _WORDS[table["method"].iloc[0]]
    header = ("policy", "given", word, "95 % interval", "over as logged", "over nothing", "effective rows")
    print_table(f"{_titled(measure)} per 1,000 rows of the log, by {word}, ± standard error", header, rows)


def _titled(measure: str) -> str:
    return "Conversions" if measure == "conversion" else measure.capitalize()


def _with_error(amount: float, error: float, sign: str = "") -> str:
    if amount != amount or (sign and amount == error == 0):  # a policy's difference to itself
        return "–"
    return f"{_per_thousand(amount, sign)} ± {_per_thousand(error)}"


def _per_thousand(amount: float, sign: str = "") -> str:
    return f"{1000 * amount:{sign},.{0 if abs(amount) >= 1 else 1}f}"
