"""CSV and Parquet files as arrow tables; what is wrong with a file is told with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from couponry.instances.csv_lines import PARSING, line_of_row, quote_left_open
from couponry.instances.errors import InputError
from couponry.instances.source import Source

__all__ = [
    "arrow_table",
    "check_once",
    "check_quotes",
    "check_separator",
    "choose_file",
    "damaged",
    "numbers",
    "open_parquet",
    "parquet_writer",
    "parsed_csv",
    "placed",
    "read_row_groups",
    "read_table",
    "require_columns",
    "row_name",
    "unreadable",
    "write_parquet",
]

_HEAD = 1 << 16  # bytes in which the names of columns stand
SUFFIXES = (".csv", ".parquet")
_ARROW_ROW = re.compile(r"Row #(\d+): ")


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
    if source.suffix == ".csv":
        table = _read_csv(source, text)
    else:
        with open_parquet(source) as file:
            try:
                table = file.read()
            except (pa.ArrowException, OSError) as error:
                raise damaged(source, error) from error
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
    try:
        pa.array(cells, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError) as error:
        kinds = cells.map(type)
        row = int((kinds != kinds.mode()[0]).to_numpy().argmax())
        raise InputError(
            "the column holds what cannot be stored together, or not at all",
            row=row,
            column=name,
            value=cells.iloc[row],
            mend="Give all cells one type: numbers, text, flags, dates or lists of these",
        ) from error


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


def require_columns(source: Source, found: Sequence[str], needed: Sequence[str]) -> None:
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
            file=str(source),
            column=missing[0],
            mend=f"{_mend_of_missing(missing[0], found)}; columns found: {', '.join(found) or 'none'}",
        )


def _mend_of_missing(name: str, found: Sequence[str]) -> str:
    alike = [one for one in found if one.strip().casefold().replace(" ", "_") == name]
    return f"Name {alike[0]!r} so" if alike else "Add it"


def row_name(source: Source | str | Path, row: int) -> int | str:
    """Return how a row is named in an error; of a CSV file also the line on which it begins."""
    if not str(source).lower().endswith((".csv", ".csv.gz")):
        return row
    line = line_of_row(source if isinstance(source, Source) else Source(source), row)
    return row if line is None else f"row {row} (line {line})"


def placed(error: InputError, source: Source | str | Path) -> InputError:
    """Return an error about a row of a table at its place in the file that the table was read from."""
    row = row_name(source, error.row) if isinstance(error.row, int) else error.row
    return error.moved(file=str(source), row=row)


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


def write_parquet(table: pa.Table, file: Path, **options: Any) -> None:
    """Write a Parquet file with checksums, so that damage is found when it is read.

    Parameters
    ----------
    table : pyarrow.Table
    file : Path
    **options
        Handed to :func:`pyarrow.parquet.write_table`.
    """
    pq.write_table(table, file, write_page_checksum=True, **options)


def parquet_writer(file: Path, schema: pa.Schema, **options: Any) -> pq.ParquetWriter:
    """Open a Parquet file for writing, with checksums too.

    Parameters
    ----------
    file : Path
    schema : pyarrow.Schema
    **options
        Handed to :class:`pyarrow.parquet.ParquetWriter`.
    """
    return pq.ParquetWriter(file, schema, write_page_checksum=True, **options)


def open_parquet(source: Source, **options: Any) -> pq.ParquetFile:
    """Open a Parquet file and read its footer.

    Parameters
    ----------
    source : Source
    **options
        Handed to :class:`pyarrow.parquet.ParquetFile`.

    Raises
    ------
    InputError
        If the file is empty or damaged.
    """
    try:
        if source.size() == 0:
            raise InputError("the file is empty", file=str(source), mend="Write it again")
        return pq.ParquetFile(source.open(), page_checksum_verification=True, **options)
    except (pa.ArrowException, OSError) as error:
        raise damaged(source, error) from error


def read_row_groups(source: Source) -> Iterator[pa.Table]:
    """Read a Parquet file piece by piece, so that no more than one is held.

    Raises
    ------
    InputError
        If the file is empty or damaged.
    """
    with open_parquet(source) as file:
        for group in range(file.num_row_groups):
            try:
                table = file.read_row_group(group)
            except (pa.ArrowException, OSError) as error:
                raise damaged(source, error) from error
            yield table


def damaged(source: Source, error: Exception) -> InputError:
    """Return what to raise where a Parquet file cannot be read."""
    return InputError(
        f"the Parquet file is damaged or was cut short: {error}",
        file=str(source),
        mend="Write or copy it again",
    )


def _read_csv(source: Source, text: Sequence[str]) -> pa.Table:
    if source.size() == 0:
        raise InputError(
            "the file is empty", file=str(source), mend="Give a line of column names and the rows"
        )
    check_separator(source)
    table = parsed_csv(source, source.open, text)
    if table.num_rows:
        check_quotes(source, table.num_rows - 1, table.column_names[-1], table.column(-1)[-1].as_py())
    return table


def check_separator(source: Source) -> None:
    """Refuse a CSV file whose columns are parted by something else than commas.

    Raises
    ------
    InputError
        Naming what parts them.
    """
    with source.open() as file:
        names = bytes(file.read(_HEAD)).partition(b"\n")[0]
    other = max((b";", b"\t", b"|"), key=names.count)
    if other in names and b"," not in names:
        raise InputError(
            "columns are parted by commas, and here by another sign",
            file=str(source),
            value=other.decode(),
            mend="Save it with commas between cells, and points in decimals",
        )


def check_quotes(source: Source, row: int, column: str, last_cell: object) -> None:
    """Refuse a CSV file whose last cell holds all the rest of it, since a quotation mark was never closed.

    Raises
    ------
    InputError
        Naming the row in which it is opened.
    """
    if quote_left_open(last_cell, source):
        raise InputError(
            "a quotation mark is opened in this row and never closed",
            file=str(source),
            row=row_name(source, row),
            column=column,
            mend="Close it; one that belongs to the cell is written twice",
        )


def parsed_csv(
    source: Source, opened: Callable[[], Any], text: Sequence[str], *, threads: bool = True
) -> pa.Table:
    """Read what a CSV file holds.

    Parameters
    ----------
    source : Source
        For errors.
    opened : callable
        Opens the content.
    text : sequence of str
        Columns that stay text, whatever they look like.
    threads : bool

    Raises
    ------
    InputError
        If it is not UTF-8 text, or a row has too many or too few cells.
    """
    options = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(text, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        true_values=["true", "True", "TRUE"],
        false_values=["false", "False", "FALSE"],
    )
    try:
        with opened() as file:
            reading = pyarrow.csv.ReadOptions(use_threads=threads)
            table = pyarrow.csv.read_csv(
                file, read_options=reading, parse_options=PARSING, convert_options=options
            )
    except (pa.ArrowException, OSError) as error:
        if threads:  # once more in order, so that the error tells the row
            return parsed_csv(source, opened, text, threads=False)
        raise unreadable(source, error) from error
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_binary(column.type):  # what pyarrow takes a column for that is no text
            raise _not_utf8(source, name, column)
    return table


def _not_utf8(source: Source, name: str, column: pa.ChunkedArray) -> InputError:
    row = next(i for i, cell in enumerate(column) if not _is_utf8(cell.as_py()))
    return InputError(
        "the text is not UTF-8",
        file=str(source),
        row=row_name(source, row),
        column=name,
        value=column[row].as_py().decode("latin-1"),
        mend="Save the file as UTF-8 CSV",
    )


def _is_utf8(cell: bytes | None) -> bool:
    try:
        (cell or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def unreadable(source: Source, error: Exception) -> InputError:
    """Return what to raise where a CSV file cannot be read."""
    problem = str(error).removeprefix("CSV parse error: ")
    found = _ARROW_ROW.match(problem)
    row = int(found[1]) - 2 if found else -1  # pyarrow counts from 1, and the names too
    return InputError(
        f"the CSV cannot be read: {problem[found.end() :] if found else problem}",
        file=str(source),
        row=row_name(source, row) if row >= 0 else None,
        mend="Correct it, and save it as UTF-8 CSV",
    )


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return value is None
    return not isinstance(value, bool)
