"""Text that stands for something else: numbers, dates, lists, missing values."""

from __future__ import annotations

import datetime as dt
import json
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.predictors.features.choices import Kind

__all__ = [
    "LOOKS",
    "MISSING",
    "NOUNS",
    "are_missing",
    "dates_in",
    "foreign_lists",
    "lists_in",
    "mostly_written_as",
    "numbers_in",
    "signed_amounts",
    "written_as",
]

Mask = npt.NDArray[np.bool_]

MISSING = frozenset(
    ("", "-", "--", "?", ".", "#n/a", "missing", "n.a.", "n/a", "na", "nan", "none", "null", "unknown")
)
"""Text that stands for a missing number, date or list, in any case and with spaces about it."""

_FLAGS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
_DAY = r"\d{4}-\d{2}-\d{2}"
_CLOCK = r"\d{2}:\d{2}(:\d{2}([.,]\d+)?)?"
_ISO = rf"\s*{_DAY}([T ]{_CLOCK}\s?(Z|[+-]\d{{2}}(:?\d{{2}})?)?)?\s*"
_SIGN = "$€£¥￥₹%"
_SIGNED = rf"\s*[-+]?[{_SIGN}]?\s?(\d{{1,3}}([,' ]\d{{3}})+|\d+)([.,]\d+)?\s?[{_SIGN}]?\s*"
_SOME = 200  # cells, after which a column that is none of these is let go


def are_missing(cells: pd.Series) -> Mask:
    """Tell which cells are empty or hold a word of :data:`MISSING`, bool ``(n,)``."""
    empty = np.asarray(cells.isna(), dtype=bool)
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return empty
    if isinstance(cells.dtype, pd.StringDtype):
        return np.asarray(empty | cells.str.strip().str.lower().isin(MISSING), dtype=bool)
    words = (isinstance(cell, str) and cell.strip().lower() in MISSING for cell in cells)
    return np.asarray(empty | np.fromiter(words, bool, len(cells)), dtype=bool)


def numbers_in(cells: pd.Series, kind: Kind = "number") -> npt.NDArray[np.float64]:
    """Return what cells say as float64 ``(n,)``, NaN where that is no plain number."""
    plain = cells.astype(object)
    if kind == "flag":
        plain = plain.map(lambda cell: _FLAGS.get(cell.strip().lower(), cell) if _is_text(cell) else cell)
    try:
        numbers = pd.to_numeric(plain, errors="coerce")
    except OverflowError:  # Python's whole numbers know no end
        numbers = pd.to_numeric(plain.map(_within_double), errors="coerce")
    return np.asarray(numbers.astype(np.float64), dtype=np.float64)


def dates_in(cells: pd.Series, form: str | None = None) -> pd.Series:
    """Return what cells say as timestamps in UTC, NaT where that is no date of ISO 8601, or of a format."""
    plain = cells.astype(object)
    if form is not None:
        plain = _as_written(cells, form)
    moments = pd.to_datetime(plain, utc=True, format=form or "ISO8601", errors="coerce")
    return pd.Series(moments.dt.tz_convert(None), index=cells.index)


def _as_written(cells: pd.Series, form: str) -> pd.Series:
    """Return cells as text in a format of dates, whether they are numbers, text or dates already."""
    whole = cells.astype("Int64") if pd.api.types.is_numeric_dtype(cells.dtype) else cells
    return whole.astype(object).map(
        lambda cell: cell.strftime(form) if isinstance(cell, dt.date) else str(cell).strip(),
        na_action="ignore",
    )


def lists_in(cells: pd.Series) -> pd.Series:
    """Return lists, and those that text holds as JSON; None where a cell is neither."""
    return pd.Series([_list(cell) for cell in cells], index=cells.index, dtype=object)


def foreign_lists(cells: pd.Series) -> Mask:
    """Tell which texts stand in brackets as lists do, and are not JSON: Python's own, or numpy's."""
    plain = cells.astype(str).str.strip()
    bracketed = np.array(plain.str.startswith("[") & plain.str.endswith("]"), dtype=bool)
    bracketed[bracketed] = ~_are_lists(cells[bracketed])
    return bracketed


def signed_amounts(cells: pd.Series) -> Mask:
    """Tell which texts are numbers with currency signs, percent signs or thousands separators."""
    return np.asarray(cells.astype(str).str.fullmatch(_SIGNED), dtype=bool)


def written_as(cells: pd.Series) -> Kind | None:
    """Return what a column of text is written for if all of it is: dates of ISO 8601, or JSON lists.

    Numbers are not among these: a code may be written in digits.
    """
    given = cells.dropna()
    given = given[given.astype(str) != ""]
    for kind in ("date", "events"):
        reads = LOOKS[kind]
        if len(given) and reads(given.iloc[:_SOME]).all() and reads(given).all():
            return "series" if kind == "events" and _of_numbers(lists_in(given)) else kind
    return None


def mostly_written_as(cells: pd.Series) -> tuple[Kind, Mask] | None:
    """Return what at least half of a column of text is written for, if that is so, and which cells are not.

    Amounts with signs of currency or between thousands count as written for numbers, though they cannot be
    read. Digits with zeros before them are codes.
    """
    missing = are_missing(cells)
    some = np.flatnonzero(~missing)[:_SOME]
    for kind, reads in LOOKS.items():
        if not len(some) or _share(cells.iloc[some], kind) < 0.5:
            continue
        if _share(cells[~missing], kind) >= 0.5:
            return kind, ~reads(cells) & cells.notna().to_numpy()
    return None


def _share(given: pd.Series, kind: Kind) -> float:
    """Return the share of texts that are written for a kind."""
    fits = LOOKS[kind](given)
    if kind == "number":
        fits = np.zeros(len(given), dtype=bool) if _are_codes(given) else fits | signed_amounts(given)
    return float(fits.mean())


def _are_codes(given: pd.Series) -> bool:
    return bool(given.astype(str).str.match(r"\s*[-+]?0\d").any())


def _are_numbers(cells: pd.Series) -> Mask:
    return np.asarray(~np.isnan(numbers_in(cells)), dtype=bool)


def _are_dates(cells: pd.Series) -> Mask:
    form = np.array(cells.astype(str).str.fullmatch(_ISO), dtype=bool)
    form[form] = dates_in(cells[form]).notna()
    return form


def _are_lists(cells: pd.Series) -> Mask:
    return np.asarray(lists_in(cells).notna(), dtype=bool)


LOOKS: dict[Kind, Callable[[pd.Series], Mask]] = {
    "number": _are_numbers,
    "date": _are_dates,
    "events": _are_lists,
}
"""For each kind that text may be written for, what tells which cells are."""


NOUNS: dict[Kind, str] = {"number": "numbers", "date": "dates", "events": "JSON lists"}
"""What these are called."""


def _of_numbers(lists: pd.Series) -> bool:
    first = next((element for one in lists for element in one if element is not None), None)
    return isinstance(first, int | float) and not isinstance(first, bool)


def _within_double(cell: Any) -> Any:
    """Return a whole number beyond doubles as infinite, other cells as they are."""
    if not isinstance(cell, int) or abs(cell) < sys.float_info.max:
        return cell
    return math.inf if cell > 0 else -math.inf


def _list(cell: Any) -> Any:
    if not _is_text(cell):
        return cell if isinstance(cell, list | tuple | np.ndarray) else None
    if not cell.lstrip().startswith("["):
        return None
    try:
        found = json.loads(cell)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _is_text(cell: Any) -> bool:
    return isinstance(cell, str)
