"""Where the rows of a CSV file stand in it: cells may hold line breaks, and empty lines are no rows."""

from __future__ import annotations

import csv
import gzip
import io
from typing import Any

import pyarrow.csv

from couponry.instances.source import Source

__all__ = ["PARSING", "line_of_row", "quote_left_open"]

PARSING = pyarrow.csv.ParseOptions(newlines_in_values=True)
"""How CSV files are taken apart."""

_TAIL = 64  # bytes


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


def quote_left_open(last_cell: Any, source: Source) -> bool:
    """Tell whether a CSV file ends within a cell in quotation marks, which holds all the rest of it.

    Parameters
    ----------
    last_cell : object
        Of the table that was read.
    source : Source
    """
    if not isinstance(last_cell, str) or "\n" not in last_cell:
        return False
    with source.open() as file:
        file.seek(max(0, source.size() - _TAIL))
        return not bytes(file.read()).rstrip(b"\r\n").endswith(b'"')
