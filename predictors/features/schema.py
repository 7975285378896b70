"""Which feature columns a model learnt from, and of what kind each is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from warnings import warn

import pandas as pd

from couponry.instances.errors import DataWarning, InputError, did_you_mean
from couponry.instances.wording import setting
from couponry.predictors.features.cells import legible, read_cells
from couponry.predictors.features.choices import (
    KINDS,
    Choice,
    Clip,
    Kind,
    Missing,
    Unseen,
    check_choice,
    choices_of,
)
from couponry.predictors.features.stored import FITTING, Stored, gaps, likely_kind, odd_row, stored_as

__all__ = ["KINDS", "Column", "Schema", "named"]

_TIMES = ("date", "number")
_CONVERSIONS = {
    "timedelta": "Give it as a number, such as its days: cells.dt.total_seconds() / 86400",
    "complex": "Give its two parts as two columns",
    "set": "Give it as a list",
}


@dataclass(frozen=True)
class Column:
    """One feature column.

    Attributes
    ----------
    name : str
    kind : {"number", "money", "category", "flag", "date", "text", "events", "series"}
        How it is encoded.
    stored : {"number", "string", "flag", "date", "list", "list of numbers", "empty", "mixed"}
        What its cells held in the training rows; ``"mixed"``: several of these.
    missing, unseen, clip, time, format
        What was chosen for it; see :class:`~couponry.predictors.features.choices.Choice`.
    """

    name: str
    kind: Kind
    stored: Stored
    missing: Missing = "indicator"
    unseen: Unseen = "other"
    clip: Clip | None = None
    time: str | None = None
    format: str | None = None


@dataclass(frozen=True)
class Schema:
    """The feature columns of a training log."""

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, table: pd.DataFrame, columns: Mapping[str, Any] | None = None) -> Schema:
        """Read the columns' kinds off a table, and take what the caller chose.

        Numbers, flags, dates and lists are taken as they are stored. A column of strings is dates or lists
        where all its cells are written so (ISO 8601, JSON), text where they have several words and seldom
        repeat, else a category.

        Parameters
        ----------
        table : DataFrame
        columns : mapping from column to kind or choices, optional
            Where a column is not what it seems, such as ``{"zip": "category"}`` for a code written in digits,
            or where something is chosen for it, such as ``{"spend": {"kind": "money", "missing": "mean"}}``;
            see :class:`~couponry.predictors.features.choices.Choice`.

        Raises
        ------
        InputError
            If ``columns`` names an unknown column or choice, or one that does not fit the cells; if two
            columns share a name, or one holds what no feature can be.
        """
        table = named(table)
        repeated = table.columns[table.columns.duplicated()]
        if len(repeated):
            raise InputError("two features share a name", column=str(repeated[0]), mend="Rename one of them")
        chosen = choices_of(columns)
        for name in chosen:
            if name not in table.columns:
                raise InputError("no such feature", column=name, mend=did_you_mean(name, table.columns))
        found = [_column(name, table[name], chosen.get(name, Choice())) for name in table.columns]
        return cls(tuple(_timed(column, found) for column in found))

    def check(self, table: pd.DataFrame, what: str = "users") -> None:
        """Refuse a table whose feature columns differ; further columns are not looked at.

        Parameters
        ----------
        table : DataFrame
        what : str
            What the table's rows are, for the message.

        Raises
        ------
        InputError
            Naming every column that is missing or holds something else, and how it differs.
        """
        table = named(table)
        missing = [c.name for c in self.columns if c.name not in table.columns]
        if missing:
            found = list(table.columns)
            raise InputError(
                f"the {what} lack {_listed(missing)} that the model learnt from",
                column=missing[0],
                mend=f"Add {'it' if len(missing) == 1 else 'them'}; "
                + (did_you_mean(missing[0], found) if found else "the table has no columns"),
            )
        differing = []
        for column in self.columns:
            stored = stored_as(table[column.name])
            if stored == "something else":
                raise _unusable(column.name, table[column.name])
            if column.missing == "drop_rows" and gaps(table[column.name]).any():
                warn(
                    f"column {column.name!r} has gaps, and training did without such rows: "
                    f"{'the commonest category' if column.kind == 'category' else 'the median'} stands in",
                    DataWarning,
                    stacklevel=2,
                )
            if stored != "empty" and not self._fits(column, table[column.name], stored):
                differing.append((column.name, f"{column.stored} in training, {stored} here"))
        if differing:
            raise InputError(
                f"the {what}' columns differ from those that the model learnt from: "
                + "; ".join(f"{name} ({how})" for name, how in differing),
                column=differing[0][0],
                **_first(table[differing[0][0]]),
                mend="Give each column as it was in the training log",
            )

    def read(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table whose feature columns hold what their kinds say; others are left as they are.

        Raises
        ------
        InputError
            About the first cell that cannot be read; see
            :func:`~couponry.predictors.features.cells.read_cells`.
        """
        table = named(table)
        changed = {}
        for column in self.columns:
            cells = table[column.name]
            read = read_cells(column.name, cells, column.kind, column.format)
            if read is not cells:
                changed[column.name] = read
        return table.assign(**changed) if changed else table

    @staticmethod
    def _fits(column: Column, cells: pd.Series, stored: Stored) -> bool:
        if column.kind == "category":  # "1" and 1 would be two categories
            return stored in ("mixed", column.stored) or column.stored == "empty"
        if stored in ("string", "mixed") and column.kind != "text":
            return legible(cells, column.kind, column.format)
        if stored == "number" and column.format is not None:  # 20240531
            return True
        # A table whose lists are all empty does not say what they would hold.
        return stored in FITTING[column.kind] or (stored == "list" and column.kind == "series")

    def to_json(self) -> list[dict[str, Any]]:
        """Return the columns, with all that was chosen for them, as JSON can hold them."""
        return [asdict(c) | {"clip": None if c.clip is None else list(c.clip)} for c in self.columns]

    @classmethod
    def from_json(cls, columns: list[dict[str, Any]]) -> Schema:
        """Take back what :meth:`to_json` gave."""
        return cls(tuple(Column(**c | {"clip": c.get("clip") and tuple(c["clip"])}) for c in columns))


def named(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns are named by strings: a schema and a CSV file know no other names.

    Raises
    ------
    InputError
        If it is no DataFrame, such as a table of pyarrow.
    """
    if not isinstance(table, pd.DataFrame):
        other = "its to_pandas()" if hasattr(table, "to_pandas") else "a pandas.DataFrame"
        raise InputError("features come in a DataFrame", value=type(table).__name__, mend=f"Give {other}")
    if all(isinstance(name, str) for name in table.columns):
        return table
    return table.set_axis([str(name) for name in table.columns], axis=1)


def _column(name: str, cells: pd.Series, choice: Choice) -> Column:
    stored = stored_as(cells)
    if stored == "something else":
        raise _unusable(name, cells)
    if stored == "mixed" and choice.kind is None:
        row = odd_row(cells)
        raise InputError(
            "the column holds values of several types",
            row=row,
            column=name,
            value=cells.iloc[row],
            mend="Give all of one type, or say what they are: "
            f"{setting('columns', {name: 'number'})}, or date, or category",
        )
    kind = likely_kind(cells, stored) if choice.kind is None else _wished(name, choice, stored)
    check_choice(name, kind, choice)
    return Column(name, kind, stored, choice.missing, choice.unseen, choice.clip, choice.time, choice.format)


def _wished(name: str, choice: Choice, stored: Stored) -> Kind:
    kind = choice.kind
    if kind not in KINDS:
        raise InputError("no feature can be of this kind", column=name, value=kind, mend="Name another kind")
    fitting = (*FITTING[kind], "number") if choice.format is not None else FITTING[kind]
    if stored != "empty" and stored not in fitting:
        raise InputError(
            f"a column of {stored}s cannot be read as {kind}", column=name, mend="Name another kind"
        )
    return kind


def _timed(column: Column, columns: list[Column]) -> Column:
    """Find the time by which a column's gaps are interpolated."""
    if column.missing != "interpolate" or (column.kind == "series" and column.time is None):
        return column
    fitting = ("series",) if column.kind == "series" else _TIMES
    others = [c.name for c in columns if c.kind in fitting and c.name != column.name]
    dates = [c.name for c in columns if c.kind == "date"]
    time = dates[0] if column.time is None and len(dates) == 1 else column.time
    if time is None or time not in others:
        raise InputError(
            "no column says at what time this one was so" if time is None else "no such time",
            column=column.name,
            value=time,
            mend=f"Name it by time = COLUMN; {did_you_mean(time or '', others)}",
        )
    return replace(column, time=time)


def _listed(names: list[str]) -> str:
    quoted = ", ".join(repr(name) for name in names)
    return f"the column {quoted}" if len(names) == 1 else f"the columns {quoted}"


def _first(cells: pd.Series) -> dict[str, Any]:
    """Return row and value of the first cell that is not empty."""
    row = int((~gaps(cells)).argmax())
    return {"row": row, "value": cells.iloc[row]}


def _unusable(name: str, cells: pd.Series) -> InputError:
    row = odd_row(cells)
    value = cells.iloc[row]
    word = type(value).__name__.lower()
    mend = next((mend for kind, mend in _CONVERSIONS.items() if kind in word), "Give it as numbers or text")
    return InputError(
        f"no feature can be of type {type(value).__name__}",
        row=row,
        column=name,
        value=value,
        mend=f"{mend}, or leave the column out",
    )
