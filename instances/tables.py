"""CSV and Parquet files as arrow tables; what is wrong with a table is told with its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from couponry.instances.csv_files import read_csv
from couponry.instances.csv_lines import row_name
from couponry.instances.errors import InputError
from couponry.instances.parquet_files import read_parquet
from couponry.instances.source import Source

__all__ = ["SUFFIXES", "arrow_table", "check_once", "choose_file", "numbers", "read_table", "require_columns"]

SUFFIXES = (".csv", ".parquet")
_OTHER_WORDS = {
    "user_id": ("user", "uid", "customer_id", "client_id", "customer", "client", "id"),
    "coupon_id": ("coupon", "offer_id", "arm", "id"),
    "arm": ("coupon_id", "coupon", "offer_id", "offer", "treatment", "treatment_group", "group", "variant"),
    "conversion": ("converted", "purchase", "purchased", "bought", "visit", "target", "outcome"),
}
"""What others call our columns: named in errors, never taken for them."""


def choose_file(directory: Source, stem: str) -> Source | None:
    """Return ``stem.csv`` or ``stem.parquet`` of a directory, whichever is there, or None.

    Raises
    ------
    InputError
        If both are there.
    """
    found = [file for suffix in SUFFIXES if (file := directory.child(stem + suffix)).is_file()]
    if len(found) > 1:
        raise InputError(
            f"both {stem}.csv and {stem}.parquet are here",
            file=str(directory),
            mend="Remove the one that is out of date",
        )
    return found[0] if found else None


def read_table(source: Source, *, text: Sequence[str] = ()) -> pa.Table:
    """Read a CSV or Parquet file.

    Parameters
    ----------
    source : Source
    text : sequence of str
        Columns of a CSV file that stay text, whatever they look like. Empty cells are nulls everywhere.

    Raises
    ------
    InputError
        If the file is not there, is empty or damaged, names a column twice, or is of another kind.
    """
    if not source.is_file():
        raise InputError("there is no such file", file=str(source), mend="Check the path")
    if source.suffix not in SUFFIXES:
        raise InputError(
            "a table is a .csv or a .parquet file", file=str(source), value=source.suffix, mend="Convert it"
        )
    table = read_csv(source, text) if source.suffix == ".csv" else read_parquet(source)
    check_once(source, table.column_names)
    return table


def arrow_table(frame: pd.DataFrame) -> pa.Table:
    """Return a data frame's columns as an arrow table.

    Raises
    ------
    InputError
        About the first column that holds things of several types, or what no file can hold.
    """
    try:
        return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    except (pa.ArrowException, TypeError, ValueError) as error:
        for name in frame.columns:
            _check_storable(str(name), frame[name])
        raise InputError(f"the table cannot be stored: {error}") from error


def _check_storable(name: str, cells: pd.Series) -> None:
    if _is_storable(cells):
        return
    row = _unstorable_row(cells)
    raise InputError(
        "the column holds what cannot be stored together, or not at all",
        row=row,
        column=name,
        value=cells.iloc[row],
        mend="Give all cells one type: numbers, text, flags, dates or lists of these",
    )


def _is_storable(cells: pd.Series) -> bool:
    try:
        pa.array(cells, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError):
        return False
    return True


def _unstorable_row(cells: pd.Series) -> int:
    """Return the first row of a rarer type or, where all are lists, that does not fit with those above it."""
    kinds = cells.map(type)
    given = cells.notna()
    odd = (given & (kinds != kinds[given].mode()[0])).to_numpy()
    if odd.any():
        return int(odd.argmax())
    fitting, too_many = 0, len(cells)
    while too_many - fitting > 1:
        middle = (fitting + too_many) // 2
        fitting, too_many = (middle, too_many) if _is_storable(cells.iloc[:middle]) else (fitting, middle)
    return fitting


def check_once(source: Source, names: Sequence[str]) -> None:
    """Refuse a table that names a column twice.

    Raises
    ------
    InputError
        About the first such name.
    """
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise InputError(
            "this column stands there twice",
            file=str(source),
            column=min(repeated),
            mend="Rename or drop one",
        )


def require_columns(source: Source | str | Path | None, found: Sequence[str], needed: Sequence[str]) -> None:
    """Refuse a table without the columns it needs.

    Raises
    ------
    InputError
        About the first that is missing; it names the others.
    """
    missing = [name for name in needed if name not in found]
    if missing:
        others = f" (also {', '.join(map(repr, missing[1:]))})" if missing[1:] else ""
        raise InputError(
            f"a column is missing{others}",
            file=None if source is None else str(source),
            column=missing[0],
            mend=f"{_mend_of_missing(missing[0], found)}; columns found: {', '.join(found) or 'none'}",
        )


def _mend_of_missing(name: str, found: Sequence[str]) -> str:
    plain = {one.strip().casefold().replace(" ", "_"): one for one in found}
    if name in plain:
        return f"Name {plain[name]!r} so"
    other = next((plain[word] for word in _OTHER_WORDS.get(name, ()) if word in plain), None)
    return "Add it" if other is None else f"Name {other!r} so if that is it, or add it"


def numbers(source: Source, table: pa.Table, name: str) -> pa.ChunkedArray:
    """Return a column as float64.

    Raises
    ------
    InputError
        About the first cell that is not a number.
    """
    column = table[name]
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.float64(), safe=False)
    if pa.types.is_null(kind):
        return column.cast(pa.float64())
    row = next((i for i, value in enumerate(column.to_pylist()) if not _is_number(value)), 0)
    raise InputError(
        "not a number",
        file=str(source),
        row=row_name(source, row),
        column=name,
        value=column[row].as_py(),
        mend="Correct the cell" if source.suffix == ".csv" else "Convert the column to numbers",
    )


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return value is None
    return not isinstance(value, bool)
