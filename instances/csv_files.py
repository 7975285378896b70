"""CSV files as arrow tables, and what is to be said of those that cannot be read."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv

from couponry.instances.csv_lines import row_name
from couponry.instances.errors import InputError
from couponry.instances.source import Source

__all__ = ["FALSE", "PARSING", "TRUE", "check_end", "check_head", "conversion", "read_csv", "unreadable"]

PARSING = pyarrow.csv.ParseOptions(newlines_in_values=True)
"""How CSV files are taken apart."""

TRUE, FALSE = ["true", "True", "TRUE"], ["false", "False", "FALSE"]

_HEAD, _TAIL = 1 << 16, 64  # bytes in which the names of columns stand, and the end of the last cell
_ARROW_ROW = re.compile(r"\bRow #(\d+): ")


def read_csv(source: Source, text: Sequence[str] = (), content: bytes | None = None) -> pa.Table:
    """Read a CSV file.

    Parameters
    ----------
    source : Source
    text : sequence of str
        Columns that stay text, whatever they look like. Empty cells are nulls everywhere.
    content : bytes, optional
        What is in the file, where it is compressed.

    Raises
    ------
    InputError
        If it is empty, is not UTF-8 text, is parted by something else than commas, has rows with too many or
        too few cells, or leaves a quotation mark open.
    """
    opened = source.open if content is None else lambda: pa.BufferReader(content)
    check_head(source, opened)
    table = _parsed(source, opened, text)
    if table.num_rows:
        last = table.column(-1)[-1].as_py()
        check_end(source, opened, table.num_rows - 1, table.column_names[-1], last)
    return table


def check_head(source: Source, opened: Callable[[], Any]) -> None:
    """Refuse a CSV file that is empty, is UTF-16, or whose columns are parted by something else than commas.

    Parameters
    ----------
    source : Source
        For errors.
    opened : callable
        Opens the content.

    Raises
    ------
    InputError
        In the latter case naming what parts them.
    """
    with opened() as file:
        head = bytes(file.read(_HEAD))
    if not head:
        raise InputError(
            "the file is empty", file=str(source), mend="Give a line of column names and the rows"
        )
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise InputError("the text is UTF-16", file=str(source), mend="Save the file as UTF-8 CSV")
    names = head.partition(b"\n")[0]
    other = max((b";", b"\t", b"|"), key=names.count)
    if other in names and b"," not in names:
        raise InputError(
            "columns are parted by commas, and here by another sign",
            file=str(source),
            value=other.decode(),
            mend="Save it with commas between cells, and points in decimals",
        )


def check_end(source: Source, opened: Callable[[], Any], row: int, column: str, last_cell: object) -> None:
    """Refuse a CSV file whose last cell holds all the rest of it, since a quotation mark was never closed.

    Parameters
    ----------
    source : Source
        For errors.
    opened : callable
        Opens the content.
    row : int
        Position of the last row.
    column : str
    last_cell : object

    Raises
    ------
    InputError
        Naming the row in which it is opened.
    """
    if not isinstance(last_cell, str) or "\n" not in last_cell:
        return
    with opened() as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - _TAIL))
        end = bytes(file.read())
    if not end.rstrip(b"\r\n").endswith(b'"'):
        raise InputError(
            "a quotation mark is opened in this row and never closed",
            file=str(source),
            row=row_name(source, row),
            column=column,
            mend="Close it; one that belongs to the cell is written twice",
        )


def conversion(types: Mapping[str, pa.DataType], columns: Sequence[str] = ()) -> pyarrow.csv.ConvertOptions:
    """Return how cells become values: of these types or of the first that fits; in some columns or all."""
    return pyarrow.csv.ConvertOptions(
        column_types=types,
        include_columns=list(columns),
        null_values=[""],
        strings_can_be_null=True,
        true_values=TRUE,
        false_values=FALSE,
    )


def _parsed(
    source: Source, opened: Callable[[], Any], text: Sequence[str], *, threads: bool = True
) -> pa.Table:
    try:
        with opened() as file:
            table = pyarrow.csv.read_csv(
                file,
                read_options=pyarrow.csv.ReadOptions(use_threads=threads),
                parse_options=PARSING,
                convert_options=conversion(dict.fromkeys(text, pa.string())),
            )
        names = table.column_names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if threads:  # once more in order, so that the error tells the row
            return _parsed(source, opened, text, threads=False)
        raise unreadable(source, error) from error
    for name, column in zip(names, table.columns, strict=True):
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
    if isinstance(error, UnicodeDecodeError):
        problem, found = "the names of its columns are not UTF-8", None
    else:
        problem = str(error).removeprefix("CSV parse error: ")
        found = _ARROW_ROW.search(problem)
    row = int(found[1]) - 2 if found else -1  # pyarrow counts from 1, and the names too
    return InputError(
        f"the CSV cannot be read: {problem.replace(found[0], '') if found else problem}",
        file=str(source),
        row=row_name(source, row) if row >= 0 else None,
        mend="Correct it, and save it as UTF-8 CSV",
    )
