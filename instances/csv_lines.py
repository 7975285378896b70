"""Where rows stand in their file, in CSV by line: cells may hold line breaks, and empty lines are no rows."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

from couponry.instances.errors import InputError
from couponry.instances.source import Source

__all__ = ["line_of_row", "placed", "row_name"]


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


def line_of_row(source: Source, row: int) -> int | None:
    """Return the line of a CSV file, gzipped or not, on which a row begins; both are named by people.

    Parameters
    ----------
    source : Source
    row : int
        Its position below the line of names, from 0.

    Returns
    -------
    int or None
        From 1. Where the file is not at hand, that of a file without line breaks in cells; None where it has
        no such row or is no CSV file.
    """
    if not source.is_file():
        return row + 2
    try:
        with source.open() as file, _unzipped(source, file) as content:
            text = io.TextIOWrapper(content, encoding="utf-8-sig", errors="replace", newline="")
            return _line(text, row)
    except (csv.Error, OSError, EOFError):
        return None


def _line(text: io.TextIOWrapper, row: int) -> int | None:
    cells = csv.reader(text)
    begun, found = 1, -2
    for record in cells:
        found += bool(record)
        if found == row:
            return begun
        begun = cells.line_num + 1
    return None


def _unzipped(source: Source, file: Any) -> Any:
    return gzip.open(file) if source.suffix == ".gz" else file
