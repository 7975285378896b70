"""What the cells of a column hold, and what kind of feature that looks like."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.predictors.features.choices import Kind
from couponry.predictors.features.written import written_as

__all__ = ["FITTING", "Stored", "gaps", "likely_kind", "odd_row", "stored_as"]

Stored = Literal[
    "number", "string", "flag", "date", "list", "list of numbers", "empty", "mixed", "something else"
]

_TEXT_WORDS = 3.0
_TEXT_DISTINCT = 0.2
FITTING: dict[Kind, tuple[Stored, ...]] = {
    "number": ("number", "flag", "string", "mixed"),
    "money": ("number", "string", "mixed"),
    "category": ("string", "number", "flag", "mixed"),
    "flag": ("flag", "number", "string", "mixed"),
    "date": ("date", "string", "mixed"),
    "text": ("string", "mixed"),
    "events": ("list", "list of numbers", "string", "mixed"),
    "series": ("list of numbers", "string", "mixed"),
}
"""What a column of a kind may be stored as; whether text says what it is to say, its cells show."""

_CLASSES: tuple[tuple[Stored, tuple[type, ...]], ...] = (
    ("flag", (bool, np.bool_)),
    ("something else", (np.timedelta64, dt.timedelta)),  # numpy's is a whole number by its class
    ("number", (int, float, np.integer, np.floating, Decimal)),
    ("string", (str, bytes)),
    ("date", (dt.date, np.datetime64)),
    ("list", (list, tuple, np.ndarray)),
)
_NEVER_GAPS = {bool, int, str, list, tuple, np.ndarray}


def gaps(cells: pd.Series) -> npt.NDArray[np.bool_]:
    """Tell which cells are empty, bool ``(n,)``; an empty string is, an empty list is not."""
    empty = np.asarray(cells.isna(), dtype=bool)
    if pd.api.types.is_numeric_dtype(cells.dtype) or pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return empty
    plain = isinstance(cells.dtype, pd.StringDtype)
    blank = cells.isin([""]) if plain else [isinstance(c, str) and not c for c in cells]
    return np.asarray(empty | blank, dtype=bool)


def likely_kind(cells: pd.Series, stored: Stored) -> Kind:
    """Return the kind that a column is taken for when nobody says."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return "category"
    if stored == "string":
        return written_as(cells) or ("text" if _is_text(cells) else "category")
    plain: dict[Stored, Kind] = {
        "number": "number",
        "flag": "flag",
        "date": "date",
        "list": "events",
        "list of numbers": "series",
        "empty": "number",
        "mixed": "category",
    }
    return plain[stored]


def _is_text(cells: pd.Series) -> bool:
    given = cells.dropna().astype(str)
    if given.nunique() <= _TEXT_DISTINCT * len(given):
        return False
    # Chinese and Japanese words are not parted by spaces: a long cell counts as several words.
    words = [max(len(cell.split()), len(cell) / 8) for cell in given]
    return bool(np.mean(words) >= _TEXT_WORDS)


def stored_as(cells: pd.Series) -> Stored:
    """Return what the cells hold."""
    values = cells.cat.categories.to_series() if isinstance(cells.dtype, pd.CategoricalDtype) else cells
    if pd.api.types.is_bool_dtype(values.dtype):
        return "flag"
    if pd.api.types.is_complex_dtype(values.dtype):
        return "something else"
    if pd.api.types.is_numeric_dtype(values.dtype):
        return "number" if values.notna().any() else "empty"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "date"
    if isinstance(values.dtype, pd.StringDtype):
        return "string" if values.notna().any() else "empty"
    kinds = set(map(type, values.to_numpy(object)))
    if not kinds <= _NEVER_GAPS:
        kinds = set(map(type, values[values.notna()].to_numpy(object)))
    found = {_stored(kind) for kind in kinds}
    if found == {"list"}:
        return _stored_lists(values)
    if "something else" in found:  # what labels a category, such as an interval, has a word for itself
        return "string" if isinstance(cells.dtype, pd.CategoricalDtype) else "something else"
    if not found:
        return "empty"
    return found.pop() if len(found) == 1 else "number" if found == {"flag", "number"} else "mixed"


def odd_row(cells: pd.Series) -> int:
    """Return the first row that holds what is rarest in a column, of kinds that may not stand together."""
    given = np.flatnonzero(cells.notna())
    kinds = cells.iloc[given].map(lambda cell: _stored(type(cell)))
    if (kinds == "something else").any():
        return int(given[(kinds == "something else").to_numpy().argmax()])
    return int(given[(kinds == kinds.value_counts().index[-1]).to_numpy().argmax()])


def _stored(kind: type) -> Stored:
    return next((stored for stored, classes in _CLASSES if issubclass(kind, classes)), "something else")


def _stored_lists(values: pd.Series) -> Stored:
    lists = (one for one in values if isinstance(one, list | tuple | np.ndarray))
    first = next((element for one in lists for element in one if element is not None), None)
    return "list of numbers" if first is not None and _stored(type(first)) == "number" else "list"
