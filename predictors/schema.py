"""Which feature columns a model learnt from, and of what kind each is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np
import pandas as pd

from couponry.instances.errors import InputError, did_you_mean

__all__ = ["KINDS", "Column", "Schema"]

Kind = Literal["number", "category", "flag", "date", "text", "events", "series"]
Stored = Literal["number", "string", "flag", "date", "list", "list of numbers", "empty"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_TEXT_WORDS = 3.0
_TEXT_DISTINCT = 0.2
_FITTING: dict[Kind, tuple[Stored, ...]] = {
    "number": ("number", "flag"),
    "category": ("string", "number", "flag"),
    "flag": ("flag", "number"),
    "date": ("date",),
    "text": ("string",),
    "events": ("list", "list of numbers"),
    "series": ("list of numbers",),
}


@dataclass(frozen=True)
class Column:
    """One feature column.

    Attributes
    ----------
    name : str
    kind : {"number", "category", "flag", "date", "text", "events", "series"}
        How it is encoded.
    stored : {"number", "string", "flag", "date", "list", "list of numbers", "empty"}
        What its cells held in the training rows.
    """

    name: str
    kind: Kind
    stored: Stored


@dataclass(frozen=True)
class Schema:
    """The feature columns of a training log."""

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, table: pd.DataFrame, kinds: Mapping[str, str] | None = None) -> Schema:
        """Read the columns' kinds off a table.

        Numbers, flags, dates and lists are taken as they are stored. A column of strings is text where its
        cells have several words and seldom repeat, else a category.

        Parameters
        ----------
        table : DataFrame
        kinds : mapping from column to kind, optional
            Kinds to use instead, such as ``{"zip": "category"}`` for a code written in digits.

        Raises
        ------
        InputError
            If ``kinds`` names an unknown column or kind, or one that the cells cannot be read as.
        """
        wished = dict(kinds or {})
        for name, kind in wished.items():
            if name not in table.columns:
                raise InputError("no such feature", column=name, mend=did_you_mean(name, table.columns))
            if kind not in KINDS:
                raise InputError(
                    "unknown kind of feature", column=name, value=kind, mend=did_you_mean(kind, KINDS)
                )
        return cls(tuple(_column(str(name), table[name], wished.get(str(name))) for name in table.columns))

    def check(self, table: pd.DataFrame) -> None:
        """Refuse a table whose feature columns differ; further columns are not looked at.

        Raises
        ------
        InputError
            Naming every column that is missing or holds something else, and how it differs.
        """
        missing = [c.name for c in self.columns if c.name not in table.columns]
        if missing:
            found = [str(c) for c in table.columns]
            raise InputError(
                f"the users lack {_listed(missing)} that the model learnt from",
                column=missing[0],
                mend=f"Add {'it' if len(missing) == 1 else 'them'}; "
                + (did_you_mean(missing[0], found) if found else "the table has no columns"),
            )
        differing = []
        for column in self.columns:
            stored = _stored(table[column.name])
            if stored != "empty" and not self._fits(column, stored):
                differing.append((column.name, f"{column.stored} in training, {stored} here"))
        if differing:
            raise InputError(
                "the users' columns differ from those that the model learnt from: "
                + "; ".join(f"{name} ({how})" for name, how in differing),
                column=differing[0][0],
                mend="Give each column as it was in the training log",
            )

    @staticmethod
    def _fits(column: Column, stored: Stored) -> bool:
        if column.kind == "category":  # "1" and 1 would be two categories
            return stored == column.stored or column.stored == "empty"
        # A table whose lists are all empty does not say what they would hold.
        return stored in _FITTING[column.kind] or (stored == "list" and column.kind == "series")

    def to_json(self) -> list[dict[str, str]]:
        """Return the columns as JSON can hold them."""
        return [{"name": c.name, "kind": c.kind, "stored": c.stored} for c in self.columns]

    @classmethod
    def from_json(cls, columns: list[dict[str, str]]) -> Schema:
        """Take back what :meth:`to_json` gave."""
        return cls(
            tuple(Column(c["name"], cast("Kind", c["kind"]), cast("Stored", c["stored"])) for c in columns)
        )


def _column(name: str, cells: pd.Series, wished: str | None) -> Column:
    stored = _stored(cells)
    if wished is None:
        return Column(name, _kind(cells, stored), stored)
    kind = cast("Kind", wished)
    if stored != "empty" and stored not in _FITTING[kind]:
        raise InputError(
            f"a column of {stored}s cannot be read as {kind}", column=name, mend="Name another kind"
        )
    return Column(name, kind, stored)


def _kind(cells: pd.Series, stored: Stored) -> Kind:
    if stored == "string":
        return "text" if not isinstance(cells.dtype, pd.CategoricalDtype) and _is_text(cells) else "category"
    plain: dict[Stored, Kind] = {
        "number": "number",
        "flag": "flag",
        "date": "date",
        "list": "events",
        "list of numbers": "series",
        "empty": "number",
    }
    return "category" if isinstance(cells.dtype, pd.CategoricalDtype) else plain[stored]


def _is_text(cells: pd.Series) -> bool:
    given = cells.dropna().astype(str)
    distinct = given.nunique() / max(1, len(given))
    # Chinese and Japanese words are not parted by spaces: a long cell counts as several words.
    words = [max(len(cell.split()), len(cell) / 8) for cell in given]
    return bool(distinct > _TEXT_DISTINCT and np.mean(words) >= _TEXT_WORDS)


def _stored(cells: pd.Series) -> Stored:
    values = cells.cat.categories.to_series() if isinstance(cells.dtype, pd.CategoricalDtype) else cells
    if pd.api.types.is_bool_dtype(values.dtype):
        return "flag"
    if pd.api.types.is_numeric_dtype(values.dtype):
        return "number" if values.notna().any() else "empty"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "date"
    return _stored_objects(values)


def _stored_objects(values: pd.Series) -> Stored:
    empty: Stored = "empty"
    for value in values:
        if isinstance(value, list | tuple | np.ndarray):
            if not len(value):
                empty = "list"
                continue
            numbers = isinstance(value[0], int | float | np.number) and not isinstance(value[0], bool)
            return "list of numbers" if numbers else "list"
        if value is None or value is pd.NA or value != value:
            continue
        if isinstance(value, bool | np.bool_):
            return "flag"
        if isinstance(value, int | float | np.number):
            return "number"
        return "date" if hasattr(value, "isoformat") else "string"
    return empty


def _listed(names: list[str]) -> str:
    quoted = ", ".join(repr(name) for name in names)
    return f"the column {quoted}" if len(names) == 1 else f"the columns {quoted}"
