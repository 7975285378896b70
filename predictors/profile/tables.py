"""What is known of users beside the log: what they bought, and what they wrote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from couponry.instances.errors import InputError
from couponry.instances.log_times import times_of
from couponry.instances.source import Source
from couponry.instances.tables import choose_file, read_table, require_columns

__all__ = ["RawTables"]

_NAMES = ("purchases", "texts")
_NEEDED = {"purchases": ("user_id", "time", "amount"), "texts": ("user_id", "text")}
_WORDS = ("user_id", "order_id", "product", "coupon_kind")


@dataclass(frozen=True)
class RawTables:
    """Tables with a row an event; either may be absent.

    Attributes
    ----------
    purchases : DataFrame, optional
        ``user_id, time, amount``, and as known ``order_id`` (a row is an order where there is none),
        ``product``, ``coupon_kind``. A negative amount is a return.
    texts : DataFrame, optional
        ``user_id, text``, and as known ``time``.

    Raises
    ------
    InputError
        If both are absent, a column is, or a cell of it cannot be used.
    """

    purchases: pd.DataFrame | None = None
    texts: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        if self.purchases is None and self.texts is None:
            raise InputError("there is nothing to make a profile of", mend="Give purchases, texts, or both")
        for name in _NAMES:
            table = getattr(self, name)
            if table is not None:
                object.__setattr__(self, name, _checked(table, name))

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read ``purchases`` and ``texts`` (.csv or .parquet) of a directory.

        Raises
        ------
        InputError
            If neither is there, or one cannot be used.
        """
        folder = Source(path)
        found = {name: file for name in _NAMES if (file := choose_file(folder, name)) is not None}
        if not found:
            raise InputError(
                "here are no raw tables",
                file=path,
                mend="Put purchases.csv (user_id, time, amount) or texts.csv (user_id, text) there",
            )
        tables = {}
        for name, file in found.items():
            table = read_table(file, text=_WORDS)
            require_columns(file, table.column_names, _NEEDED[name])
            tables[name] = _checked(table.to_pandas(), name, str(file))
        return cls(**tables)

    def before(self, as_of: np.datetime64 | None) -> RawTables:
        """Return what was known at a time; a text without a time is taken to have been."""
        if as_of is None:
            return self
        earlier = {}
        for name in _NAMES:
            table = getattr(self, name)
            if table is not None and "time" in table:
                earlier[name] = table[table["time"].isna() | (table["time"] < as_of)].reset_index(drop=True)
        return replace(self, **earlier)

    def of(self, users: Iterable[str]) -> RawTables:
        """Return the rows of some users."""
        wanted = set(users)
        tables = {name: getattr(self, name) for name in _NAMES}
        own = {
            n: t[t["user_id"].isin(wanted)].reset_index(drop=True) for n, t in tables.items() if t is not None
        }
        return replace(self, **own)

    @property
    def users(self) -> list[str]:
        """Every user whom a table names, sorted."""
        tables = [table for name in _NAMES if (table := getattr(self, name)) is not None]
        return sorted(set().union(*(table["user_id"] for table in tables)))

    @property
    def end(self) -> np.datetime64 | None:
        """The latest time of all; None where no table has any."""
        tables = [table for name in _NAMES if (table := getattr(self, name)) is not None and "time" in table]
        times = [table["time"].max() for table in tables if table["time"].notna().any()]
        return np.datetime64(max(times), "us") if times else None


def _checked(table: pd.DataFrame, name: str, source: str | None = None) -> pd.DataFrame:
    for column in _NEEDED[name]:
        if column not in table:
            raise InputError(
                f"the {name} lack a column",
                column=column,
                mend=f"Columns found: {', '.join(map(str, table.columns))}",
            )
    table = table.reset_index(drop=True)
    _refuse(table["user_id"].isna(), table, "user_id", "a row has no user", source)
    changed: dict[str, Any] = {
        c: table[c].astype(object).map(str, na_action="ignore") for c in _WORDS if c in table
    }
    if "time" in table:
        changed["time"] = times_of(table["time"], "time", source)
    if name == "purchases":
        _refuse(pd.Series(changed["time"]).isna(), table, "time", "a purchase has no time", source)
        amount = pd.to_numeric(table["amount"], errors="coerce").astype(float)
        _refuse(~amount.abs().lt(np.inf), table, "amount", "an amount must be a finite number", source)
        changed["amount"] = amount
    return table.assign(**changed)


def _refuse(wrong: pd.Series, table: pd.DataFrame, column: str, problem: str, source: str | None) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        value = table[column].iloc[row]
        raise InputError(
            problem,
            file=source,
            row=row,
            column=column,
            value=None if pd.isna(value) else value,
            mend="Fill it or drop the row",
        )
