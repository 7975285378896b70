"""Cells as a column's kind has them; what cannot be read is told with its row, its value and the mend."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError
from couponry.predictors.encoders.lists import Flat
from couponry.predictors.features.choices import Kind
from couponry.predictors.features.date_formats import written_date
from couponry.predictors.features.stored import stored_as
from couponry.predictors.features.written import (
    are_missing,
    dates_in,
    lists_in,
    numbers_in,
    signed_amounts,
)

__all__ = ["LARGEST", "legible", "read_cells"]

Mask = npt.NDArray[np.bool_]

LARGEST = 1e38
"""Size of the largest number that is learnt from: float32, which models reckon in, holds little more."""

_SOME = 200
_EMPTY = "or leave the cell empty"
_PLAIN = "Write it as a plain number such as 1234.5, without signs of currency or between thousands"


def read_cells(name: str, cells: pd.Series, kind: Kind, form: str | None = None) -> pd.Series:
    """Return a column's cells as its kind has them: numbers, timestamps, lists; others as they are.

    Of text, plain numbers, dates of ISO 8601 or of the format ``form``, and JSON lists are read; the words of
    :data:`~couponry.predictors.features.written.MISSING` are gaps there.

    Raises
    ------
    InputError
        About the first cell that cannot be read, or whose number is infinite or too large.
    """
    if kind in ("number", "money", "flag"):
        return _numbers(name, cells, kind)
    if kind == "date":
        return _dates(name, cells, form)
    if kind in ("events", "series"):
        return _lists(name, cells, kind)
    return cells.map(str, na_action="ignore") if stored_as(cells) == "mixed" else cells


def legible(cells: pd.Series, kind: Kind, form: str | None = None) -> bool:
    """Tell whether any cell of a column of text can be read as a kind, as far as its first ones show."""
    given = cells[~are_missing(cells)].iloc[:_SOME]
    if kind in ("number", "money", "flag"):
        read = ~np.isnan(numbers_in(given, kind)) | signed_amounts(given)
    else:
        read = (dates_in(given, form) if kind == "date" else lists_in(given)).notna().to_numpy()
    return bool(read.any() or not len(given))


def _numbers(name: str, cells: pd.Series, kind: Kind) -> pd.Series:
    read = cells
    if not pd.api.types.is_numeric_dtype(cells.dtype):
        missing = are_missing(cells)
        values = numbers_in(cells.mask(missing), kind)
        flags = kind == "flag" and bool(np.isin(values[~np.isnan(values)], (0, 1)).all())
        read = pd.Series(values, index=cells.index).astype("boolean" if flags else "float64")
        wrong = read.isna().to_numpy() & ~missing
        if wrong.any():
            signed = signed_amounts(cells[wrong].iloc[:1]).all()
            _refuse(name, cells, wrong, "not a number", f"{_PLAIN if signed else 'Correct it'}, {_EMPTY}")
    values = np.asarray(read.astype("Float64").to_numpy(np.float64, na_value=np.nan), dtype=np.float64)
    _refuse(name, cells, np.isinf(values), "a feature is infinite", f"Correct it, {_EMPTY}")
    _refuse(name, cells, np.abs(values) > LARGEST, *_too_large())
    if kind == "money":
        _refuse(name, cells, values < 0, "money is never negative", "Correct it, or call the column a number")
    return read


def _dates(name: str, cells: pd.Series, form: str | None) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return cells
    missing = are_missing(cells)
    read = dates_in(cells.mask(missing), form)
    like = "2024-05-31 or 2024-05-31T18:30:00" if form is None else f"{written_date(form)} ({form})"
    wrong = read.isna().to_numpy() & ~missing
    _refuse(name, cells, wrong, "not a date", f"Write it as {like}, {_EMPTY}")
    return read


def _lists(name: str, cells: pd.Series, kind: Kind) -> pd.Series:
    read = cells if cells.dtype == object else cells.astype(object)
    if not set(map(type, read.to_numpy(object))) <= {list, tuple, np.ndarray}:
        missing = are_missing(read)
        read = lists_in(read.mask(missing))
        form = '["view", "cart"]' if kind == "events" else "[1.5, 2.0]"
        wrong = read.isna().to_numpy() & ~missing
        _refuse(name, cells, wrong, "not a list", f"Write it as JSON has it, {form}, {_EMPTY}")
    if kind == "series":
        _check_elements(name, Flat.of(read))
    return read


def _check_elements(name: str, flat: Flat) -> None:
    numbers, elements = flat.numbers(), pd.Series(flat.values)
    mend = "Correct it, or write null for a gap"
    wrong = np.isnan(numbers) & elements.notna().to_numpy()
    _refuse(name, elements, wrong, "a list holds what is no number", mend, flat.row)
    _refuse(name, elements, np.isinf(numbers), "a list holds an infinite number", mend, flat.row)
    _refuse(name, elements, np.abs(numbers) > LARGEST, *_too_large(), flat.row)


def _too_large() -> tuple[str, str]:
    return f"a number is too large to learn from, above {LARGEST:g}", "Give the column in a larger unit"


def _refuse(
    name: str,
    cells: pd.Series,
    wrong: Mask,
    problem: str,
    mend: str,
    rows: npt.NDArray[np.int64] | None = None,
) -> None:
    """Refuse the first wrong cell, if there is one; ``rows`` says where each stands, if not in order."""
    if wrong.any():
        first = int(wrong.argmax())
        row = first if rows is None else int(rows[first])
        raise InputError(problem, row=row, column=name, value=cells.iloc[first], mend=mend)
