"""A data set's columns, checked as they are read; what is wrong is told with its place and its mend."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from couponry.instances.csv_files import read_csv
from couponry.instances.csv_lines import row_name
from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.source import Source
from couponry.instances.tables import read_table, require_columns

__all__ = ["Columns", "arm_costs", "read_columns"]


class Columns:
    """The columns of one file.

    Parameters
    ----------
    frame : pandas.DataFrame
    file : str
        The file they were read from.
    """

    def __init__(self, frame: pd.DataFrame, file: str) -> None:
        self.frame = frame
        self.file = file

    def __len__(self) -> int:
        return len(self.frame)

    def named(self, prefix: str) -> list[str]:
        """Return the columns whose names begin so, in the file's order."""
        return [str(name) for name in self.frame.columns if str(name).startswith(prefix)]

    def problem(self, what: str, row: int, column: str, mend: str) -> InputError:
        """Return an error about one cell, or about the column as a whole where the cell is missing."""
        cell = self.frame[column].iloc[row]
        return InputError(
            what,
            file=self.file,
            row=row_name(self.file, row),
            column=column,
            value=None if pd.isna(cell) else cell.item() if isinstance(cell, np.generic) else cell,
            mend=mend,
        )

    def numbers(self, column: str, low: float = -np.inf, high: float = np.inf) -> np.ndarray:
        """Return a column as float64, ``(n,)``.

        Raises
        ------
        InputError
            About the first cell that is not a finite number in ``[low, high]``.
        """
        numbers: np.ndarray = pd.to_numeric(self.frame[column], errors="coerce").to_numpy(np.float64)
        wrong = ~(np.isfinite(numbers) & (numbers >= low) & (numbers <= high))
        if wrong.any():
            wanted = "a number" if np.isinf([low, high]).all() else f"a number in [{low:g}, {high:g}]"
            raise self.problem(f"not {wanted}", int(wrong.argmax()), column, "Correct the row or drop it")
        return numbers

    def whole_numbers(self, column: str, low: int, high: float = np.inf) -> np.ndarray:
        """Return a column as int64, ``(n,)``.

        Raises
        ------
        InputError
            About the first cell that is not a whole number in ``[low, high]``.
        """
        numbers = self.numbers(column, low, high)
        wrong = numbers != np.floor(numbers)
        if wrong.any():
            raise self.problem(
                "not a whole number", int(wrong.argmax()), column, "Correct the row or drop it"
            )
        return numbers.astype(np.int64)

    def codes(self, column: str, known: Sequence[str]) -> np.ndarray:
        """Return each cell's position in ``known``, int64 ``(n,)``.

        Raises
        ------
        InputError
            About the first cell that is not among them.
        """
        positions = {word: position for position, word in enumerate(known)}
        codes = np.array([positions.get(cell, -1) for cell in self.frame[column]], dtype=np.int64)
        if (codes < 0).any():
            row = int((codes < 0).argmax())
            raise self.problem(
                "unknown value", row, column, did_you_mean(self.frame[column].iloc[row], known)
            )
        return codes

    def categories(self, column: str) -> pd.Series:
        """Return a column of words, as categories; empty cells stay empty."""
        return self.frame[column].astype(object).map(str, na_action="ignore").astype("category")


def read_columns(path: str | Path, needed: Iterable[str], *, text: Sequence[str] = ()) -> Columns:
    """Read a CSV file (gzipped or not) or a Parquet file that has the needed columns, and at least one row.

    Parameters
    ----------
    path : str or Path
    needed : iterable of str
    text : sequence of str
        Columns of a CSV file that stay text, whatever they look like.

    Raises
    ------
    InputError
        If it is not there, is empty or damaged, or lacks a column.
    """
    source = Source(path)
    table = (
        _read_gzipped(source, text)
        if source.name.lower().endswith(".csv.gz")
        else read_table(source, text=text)
    )
    require_columns(source, table.column_names, list(needed))
    if table.num_rows == 0:
        raise InputError(
            "the file has no rows", file=str(source), mend="Give at least one row below the names"
        )
    return Columns(table.to_pandas(), str(source))


def arm_costs(costs: Mapping[str, float] | None, coupons: Sequence[str]) -> np.ndarray:
    """Return the cost of each coupon in menu order, float64 ``(J,)``; zeros if none are given.

    Raises
    ------
    InputError
        If a coupon is not on the menu, has no cost, or one that is negative or not finite.
    """
    if costs is None:
        return np.zeros(len(coupons))
    for name in costs:
        if name not in coupons:
            raise InputError(
                "no such coupon", parameter="costs", value=name, mend=did_you_mean(name, coupons)
            )
    for name in coupons:
        if name not in costs:
            raise InputError(f"no cost is given for {name!r}", parameter="costs", mend=f"Add {name}=MONEY")
        if not 0 <= costs[name] < np.inf:
            raise InputError(
                f"the cost of {name!r} must be a number of at least 0",
                parameter="costs",
                value=costs[name],
                mend="Give money a unit",
            )
    return np.array([float(costs[name]) for name in coupons])


def _read_gzipped(source: Source, text: Sequence[str]) -> pa.Table:
    if not source.is_file():
        raise InputError("there is no such file", file=str(source), mend="Check the path")
    try:
        with source.open() as file:
            content = gzip.decompress(bytes(file.read()))
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"not a whole gzip file, it may have been cut short: {error}",
            file=str(source),
            mend="Copy it again",
        ) from error
    return read_csv(source, text, content)
