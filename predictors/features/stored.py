"""What the cells of a column hold, and what kind of feature that looks like."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.predictors.features.choices import Kind

__all__ = ["FITTING", "Stored", "gaps", "likely_kind", "stored_as"]

Stored = Literal["number", "string", "flag", "date", "list", "list of numbers", "empty"]

_TEXT_WORDS = 3.0
_TEXT_DISTINCT = 0.2
FITTING: dict[Kind, tuple[Stored, ...]] = {
    "number": ("number", "flag"),
    "money": ("number",),
    "category": ("string", "number", "flag"),
    "flag": ("flag", "number"),
    "date": ("date", "string"),
    "text": ("string",),
    "events": ("list", "list of numbers"),
    "series": ("list of numbers",),
}
"""What a column of a kind may be stored as."""


def gaps(cells: pd.Series) -> npt.NDArray[np.bool_]:
    """Tell which cells are empty, bool ``(n,)``; an empty string is, an empty list is not."""
    empty = np.asarray(cells.isna(), dtype=bool)
    plain = pd.api.types.is_numeric_dtype(cells.dtype) or pd.api.types.is_datetime64_any_dtype(cells.dtype)
    return empty if plain else empty | np.array([isinstance(c, str) and not c for c in cells], dtype=bool)


def likely_kind(cells: pd.Series, stored: Stored) -> Kind:
    """Return the kind that a column is taken for when nobody says."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return "category"
    if stored == "string":
        return "text" if _is_text(cells) else "category"
    plain: dict[Stored, Kind] = {
        "number": "number",
        "flag": "flag",
        "date": "date",
        "list": "events",
        "list of numbers": "series",
        "empty": "number",
    }
    return plain[stored]


def _is_text(cells: pd.Series) -> bool:
    given = cells.dropna().astype(str)
    distinct = given.nunique() / max(1, len(given))
    # Chinese and Japanese words are not parted by spaces: a long cell counts as several words.
    words = [max(len(cell.split()), len(cell) / 8) for cell in given]
    return bool(distinct > _TEXT_DISTINCT and np.mean(words) >= _TEXT_WORDS)


def stored_as(cells: pd.Series) -> Stored:
    """Return what the cells hold."""
    values = cells.cat.categories.to_series() if isinstance(cells.dtype, pd.CategoricalDtype) else cells
    if pd.api.types.is_bool_dtype(values.dtype):
        return "flag"
    if pd.api.types.is_numeric_dtype(values.dtype):
        return "number" if values.notna().any() else "empty"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "date"
    return _stored_objects(values)


def _stored_objects(values: pd.Series) -> Stored:
    empty: Stored = "empty"
    for value in values:
        if isinstance(value, list | tuple | np.ndarray):
            if not len(value):
                empty = "list"
                continue
            numbers = isinstance(value[0], int | float | np.number) and not isinstance(value[0], bool)
            return "list of numbers" if numbers else "list"
        if value is None or value is pd.NA or value != value:
            continue
        if isinstance(value, bool | np.bool_):
            return "flag"
        if isinstance(value, int | float | np.number):
            return "number"
        return "date" if hasattr(value, "isoformat") else "string"
    return empty
